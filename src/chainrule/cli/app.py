"""The commands, their arguments and their help; the work is done in the modules around."""

import math
from pathlib import Path
from typing import Annotated

import typer

from chainrule import __version__
from chainrule.errors import (
    InvalidInput,
    InvalidParameter,
    NotTrainable,
    UnwritablePath,
    unknown_name,
)

__all__ = ["app"]

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Feed-forward neural networks for your table.",
    epilog="Start with: chainrule example breast_cancer, then "
    "chainrule train breast_cancer.csv --target target",
)

Table = Annotated[
    str, typer.Argument(metavar="TABLE", help="A CSV, TSV or Parquet file with a header.")
]
Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A file written by chainrule train --model.")
]


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Feed-forward neural networks for your table."""
    if version:
        typer.echo(f"chainrule {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def example(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Which table; without it, list them.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Default: NAME.csv.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a file that holds something else.")
    ] = False,
) -> None:
    """Write a table to try things on, as CSV with the target in the column 'target'."""
    from chainrule.cli.examples import EXAMPLES, make_example
    from chainrule.cli.output import writing
    from chainrule.cli.report import say, show_examples
    from chainrule.cli.tables import to_csv
    from chainrule.storage import check_writable, write_file

    if name is None:
        if output is not None:
            raise InvalidParameter(
                f"-o needs the NAME of an example before it: one of {', '.join(EXAMPLES)}."
            )
        show_examples([(key, each.size, each.what) for key, each in EXAMPLES.items()])
        say("Write one with: chainrule example NAME")
        return
    table = make_example(name)
    path = output or f"{name}.csv"
    content = to_csv(table).encode()
    check_writable(path)
    if Path(path).is_file() and not force and Path(path).read_bytes() not in (content, b""):
        raise UnwritablePath(
            f"'{path}' exists and holds something else; give another name with -o, or --force."
        )
    with writing(path):
        write_file(path, content)
    say(
        f"Wrote {path}: {table.height} rows, {table.width - 1} input columns, and 'target'.\n"
        f"Next: chainrule train {path} --target target"
    )


@app.command()
def train(
    table: Table,
    target: Annotated[
        str, typer.Option("--target", metavar="COLUMN", help="The column to predict.")
    ],
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="FILE", help="Save the model here; else it is not saved."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            metavar="TASK",
            help="classification, regression or counts (numbers of events, 0 and up). "
            "By default: classification for text, true/false and up to 20 different whole "
            "numbers, else regression.",
        ),
    ] = None,
    hidden: Annotated[
        str, typer.Option(metavar="SIZES", help="The hidden layers, or 'none'.")
    ] = "64,64",
    activation: Annotated[
        str, typer.Option(metavar="NAME", help="Of the hidden layers: tanh, relu, logistic, ...")
    ] = "tanh",
    epochs: Annotated[str, typer.Option(metavar="N", help="At most so many.")] = "200",
    learning_rate: Annotated[str, typer.Option(metavar="RATE", help="Of Adam.")] = "0.001",
    batch_size: Annotated[str, typer.Option(metavar="N", help="Rows a step.")] = "32",
    alpha: Annotated[
        str, typer.Option(metavar="NUMBER", help="Strength of the L2 penalty.")
    ] = "0.3",
    test_fraction: Annotated[
        str, typer.Option(metavar="FRACTION", help="The part of the rows to hold out.")
    ] = "0.2",
    seed: Annotated[
        str, typer.Option(metavar="N", help="Of the split and the network: same seed, same result.")
    ] = "0",
    drop: Annotated[
        str, typer.Option(metavar="COLUMNS", help="Columns not to use, separated by commas.")
    ] = "",
    categorical: Annotated[
        str,
        typer.Option(
            metavar="COLUMNS", help="Columns of numbers that are names, separated by commas."
        ),
    ] = "",
    checkpoint: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Keep here how far the training is, each minute."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint, if there is one.")
    ] = False,
    max_seconds: Annotated[
        str | None, typer.Option(metavar="S", help="Train so long at most, this time.")
    ] = None,
) -> None:
    """Train a network on a table and compare it with plain models on held-out rows.

    Cells that are empty, NA, NaN, null, None or ? are missing. Numbers are imputed with the
    median and standardized, text is one-hot encoded, dates count as days.
    """
    sizes = _read_sizes(hidden)
    n_epochs = _whole("--epochs", epochs, 1)
    n_batch = _whole("--batch-size", batch_size, 1)
    the_seed = _whole("--seed", seed, 0, 2**32 - 1)
    penalty = _number("--alpha", alpha, 0)
    rate = _number("--learning-rate", learning_rate, 0, open_ends=True)
    fraction = _number("--test-fraction", test_fraction, 0, 1, open_ends=True)
    dropped, texts = _read_names(drop), _read_names(categorical)
    if target in (*dropped, *texts):
        raise InvalidInput(f"The target '{target}' is also in --drop or --categorical.")

    seconds = None
    if max_seconds is not None:
        seconds = _number("--max-seconds", max_seconds, 0, open_ends=True)
    if resume and checkpoint is None:
        raise InvalidParameter("--resume goes on from a checkpoint: add --checkpoint FILE.")

    _check_activation(activation)

    from chainrule.cli.models import Keeping, Settings
    from chainrule.cli.train import Choices
    from chainrule.cli.train import train as run

    run(
        Choices(table, target, model, task, fraction, dropped, texts),
        Settings(sizes, activation, penalty, rate, n_batch, n_epochs, the_seed),
        Keeping(checkpoint, resume, seconds),
    )


@app.command()
def predict(
    model: Model,
    table: Table,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Default: stdout. Earlier predictions are overwritten, other files are not.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a file that holds something else.")
    ] = False,
) -> None:
    """Predict the target for each row of a table, as CSV.

    The columns are 'prediction' and, for classes, 'probability_<class>' for each class. The table
    may have the target or not, and other columns.
    """
    from chainrule.cli.apply import predict as run

    run(model, table, output, force)


@app.command()
def evaluate(model: Model, table: Table) -> None:
    """Measure a model on a table that has the target."""
    from chainrule.cli.apply import evaluate as run

    run(model, table)


@app.command()
def explain(
    model: Model,
    table: Table,
    row: Annotated[
        str,
        typer.Option(
            "--row", metavar="ROWS", help="Which row, from 1; or a few, for instance 3,17-19."
        ),
    ] = "1",
    node: Annotated[
        str,
        typer.Option(
            "--node",
            metavar="NODES",
            help="The nodes to work out one by one, separated by commas: 2.1 is node 1 of layer 2. "
            "Layer 1 is the input.",
        ),
    ] = "",
    layer: Annotated[
        str,
        typer.Option(
            "--layer", metavar="LAYERS", help="The layers to work out, from 2; by default all."
        ),
    ] = "",
    view: Annotated[
        str,
        typer.Option(
            "--view", metavar="VIEW", help="scalar (node by node), matrix (layer by layer) or both."
        ),
    ] = "both",
    columns: Annotated[
        bool,
        typer.Option(
            "--columns", help="Examples in columns, as in the lecture notes, not in rows."
        ),
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Default: stdout. Earlier workings are overwritten, other files are not.",
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="html, latex, markdown or text. By default as FILE ends: .html, .tex, .md, .txt.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a file that holds something else.")
    ] = False,
) -> None:
    """Show the working: every equation of the pass of a row, with the network's own numbers."""
    from chainrule.cli.explain import Choices
    from chainrule.cli.explain import explain as run

    run(
        Choices(
            model,
            table,
            row,
            _read_names(node),
            _read_names(layer),
            view,
            "columns" if columns else "rows",
        ),
        output,
        form,
        force,
    )


@app.command()
def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A file written by chainrule train --model, or by cr.save."
        ),
    ],
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="FILE", help="Its suffix says the kind."),
    ],
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="KIND", help="onnx, c or js (.onnx, .c, and .js or .mjs)."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a file that holds something else.")
    ] = False,
) -> None:
    """Write a model for another runtime: ONNX, C or JavaScript.

    ONNX holds the whole model, from the table's columns to the labels. A program in C or
    JavaScript goes from the columns to the probabilities, has test vectors in it, and needs
    nothing else.
    """
    from chainrule.cli.export import export as run

    run(model, output, to, force)


def _read_sizes(text: str) -> tuple[int, ...]:
    if text.strip().lower() == "none":
        return ()
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise InvalidParameter(
            f"--hidden takes whole numbers from 1 up, separated by commas, for instance 64,64, "
            f"or 'none'; given: '{text}'."
        )
    return sizes


def _read_names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


# Typer would read them too, but its sentences are its own.
def _whole(option: str, text: str, low: int, high: float = math.inf) -> int:
    try:
        value = int(text)
    except ValueError:
        raise InvalidParameter(f"{option} must be a whole number. Got '{text}' instead.") from None
    _check(option, value, low, high)
    return value


def _number(
    option: str, text: str, low: float, high: float = math.inf, open_ends: bool = False
) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InvalidParameter(f"{option} must be a number. Got '{text}' instead.") from None
    _check(option, value, low, high, open_ends)
    return value


def _check(
    option: str, value: float, low: float, high: float = math.inf, open_ends: bool = False
) -> None:
    inside = low < value < high if open_ends else low <= value <= high
    if not (inside and math.isfinite(value)):
        ends = f"above {low}" if open_ends else f"from {low}"
        limit = "" if high == math.inf else f" {'below' if open_ends else 'to'} {high}"
        raise InvalidParameter(f"{option} takes a number {ends}{limit}; given: {value}.")


def _check_activation(name: str) -> None:
    from chainrule.maths.activations import ACTIVATIONS

    trainable = [each for each, g in ACTIVATIONS.items() if g.differentiable]
    if name in ACTIVATIONS and name not in trainable:
        raise NotTrainable(
            f"--activation {name} lets no gradient through, so nothing could be learned; "
            "use logistic, its smooth relative, or tanh."
        )
    if name not in trainable:
        raise unknown_name("activation", name, trainable)
