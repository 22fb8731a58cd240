"""The commands, their arguments and their help; the work is done in the modules around."""

from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule import __version__
from chainrule.cli.config import collect
from chainrule.cli.flags import (
    Json,
    Model,
    Table,
    examples,
    rules_from,
    with_options,
    with_rules,
)
from chainrule.cli.options import OPTIONS
from chainrule.cli.values import whole
from chainrule.errors import InvalidInput, InvalidParameter, UnwritablePath

__all__ = ["app"]

app = typer.Typer(
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Feed-forward neural networks for your table.",
    epilog=examples(
        "chainrule example breast_cancer",
        "chainrule train breast_cancer.csv --target target --model cancer.model",
        "chainrule predict cancer.model breast_cancer.csv -o predictions.csv",
        "chainrule report cancer.model breast_cancer.csv -o report.html",
    ),
)

Force = Annotated[bool, typer.Option("--force", help="Overwrite a file that holds something else.")]


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
        context.get_help()  # rich prints it


@app.command(
    epilog=examples("chainrule example", "chainrule example iris -o flowers.csv"),
)
def example(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Which table; without it, list them.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Default: NAME.csv.")
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a table to try things on, as CSV with the target in the column 'target'."""
    from chainrule.cli.commands.example import EXAMPLES, make_example
    from chainrule.cli.console.output import writing
    from chainrule.cli.console.reply import Reply
    from chainrule.cli.tables.reading import to_csv
    from chainrule.storage import check_writable, write_file

    reply = Reply(as_json)
    if name is None:
        if output is not None:
            raise InvalidParameter(
                f"-o needs the NAME of an example before it: one of {', '.join(EXAMPLES)}."
            )
        rows = [(key, each.size, each.what) for key, each in EXAMPLES.items()]
        keys = ("name", "size", "what")
        reply.table(
            ("name", "size", "what it is"),
            rows,
            examples=[dict(zip(keys, row, strict=True)) for row in rows],
        )
        reply.say("Write one with: chainrule example NAME")
        reply.end()
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
    reply.say(
        f"Wrote {path}: {table.height} rows, {table.width - 1} input columns, and 'target'.\n"
        f"Next: chainrule train {path} --target target",
        output=path,
        rows=table.height,
        input_columns=table.width - 1,
        target="target",
    )
    reply.end()


@app.command(
    epilog=examples(
        "chainrule train flowers.csv --target species --model flowers.model",
        "chainrule train houses.csv --target price --select mutual-info:20 --alphas 10",
        "chainrule train big.parquet --target y --checkpoint big.ckpt --resume --max-seconds 600",
        'chainrule train t.csv --config run.toml --epochs 50   (run.toml: target = "y", '
        "hidden = [32, 16], dropout = 0.1)",
    )
)
@with_options
def train(table: str, config: str | None, as_json: bool, flags: dict[str, Any]) -> None:
    """Train a network on a table and compare it with plain models on held-out rows.

    Cells that are empty, NA, NaN, null, None or ? are missing. Numbers are imputed with the
    median and standardized, text is one-hot encoded, dates count as days. Numbers and dates may
    be spelled in other ways, such as 1.000,92 or $5 or 31.12.2024: a note says how they were read.
    """
    given = collect(flags, config)
    target, dropped, texts = given["target"], given["drop"], given["categorical"]
    if target is None:
        raise InvalidParameter("Missing option '--target', the column to predict.")
    if target in dropped:
        raise InvalidInput(f"The target '{target}' is also in --drop.")
    if target in (given["features"] or ()):
        raise InvalidInput(f"The target '{target}' is also in --features.")
    if given["resume"] and given["checkpoint"] is None:
        raise InvalidParameter("--resume goes on from a checkpoint: add --checkpoint FILE.")

    from chainrule.cli.commands.train import Choices
    from chainrule.cli.commands.train import train as run
    from chainrule.cli.models import Keeping, Settings

    size = given["batch_size"] or (32 if given["solver"] not in ("rprop", "lbfgs") else "auto")
    own = ("hidden", "activation", "alpha", "learning_rate", "batch_size", "epochs", "seed")
    kept = ("checkpoint", "resume", "max_seconds")
    more = {
        str(option.parameter): given[key]
        for key, option in OPTIONS.items()
        if option.parameter and key not in (*own, *kept) and given[key] is not None
    }
    run(
        Choices(
            table,
            target,
            given["model"],
            given["task"],
            given["test_fraction"],
            dropped,
            texts,
            given["features"],
            given["validation"],
            given["select"],
            given["alphas"],
            as_json,
            rules_from(given),
        ),
        Settings(
            given["hidden"],
            given["activation"],
            given["alpha"],
            given["learning_rate"],
            size,
            given["epochs"],
            given["seed"],
            more,
        ),
        Keeping(given["checkpoint"], bool(given["resume"]), given["max_seconds"]),
    )


@app.command(
    epilog=examples(
        "chainrule predict cancer.model patients.csv",
        "chainrule predict cancer.model patients.parquet -o predictions.csv",
        "cat patients.csv | chainrule predict cancer.model - --no-proba > predictions.csv",
    )
)
@with_rules
def predict(
    rules: Any,
    model: Model,
    table: Table,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Default, and -: stdout. Earlier predictions are overwritten, other files are "
            "not.",
        ),
    ] = None,
    proba: Annotated[
        bool,
        typer.Option(
            "--proba/--no-proba", help="Whether to add the probability of each class (default)."
        ),
    ] = True,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Predict the target for each row of a table, as CSV.

    The columns are 'prediction' and, for classes, 'probability_<class>' for each class. The table
    may have the target or not, and other columns; it may be larger than memory. Nothing is written
    before all of it was predicted.
    """
    from chainrule.cli.commands.predict import predict as run

    run(model, table, None if output == "-" else output, force, proba, as_json, rules)


@app.command(epilog=examples("chainrule evaluate cancer.model patients.csv"))
@with_rules
def evaluate(rules: Any, model: Model, table: Table, as_json: Json = False) -> None:
    """Measure a model on a table that has the target, with 95 % confidence intervals."""
    from chainrule.cli.commands.evaluate import evaluate as run

    run(model, table, as_json, rules)


@app.command(epilog=examples("chainrule inspect cancer.model"))
def inspect(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A file from chainrule train, or from cr.save.")
    ],
    as_json: Json = False,
) -> None:
    """Say what is in a model file: architecture, parameters, training, digest."""
    from chainrule.cli.commands.inspect import inspect as run

    run(model, as_json)


@app.command(epilog=examples("chainrule check cancer.model patients.csv --rows 50"))
@with_rules
def check(
    rules: Any,
    model: Model,
    table: Table,
    rows: Annotated[
        str, typer.Option(metavar="N", help="Check on so many rows, up to 256. Default: 64.")
    ] = "64",
    as_json: Json = False,
) -> None:
    """Check a model's gradient against finite differences, and its two engines against each other.

    The exit code is 3 if they differ by more than rounding.
    """
    from chainrule.cli.commands.check import check as run

    run(model, table, whole(1, 256)("--rows", rows), as_json, rules)


@app.command(epilog=examples("chainrule report cancer.model patients.csv -o report.html"))
@with_rules
def report(
    rules: Any,
    model: Model,
    table: Table,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Earlier reports are overwritten, other files are not. Default: report.html.",
        ),
    ] = "report.html",
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write one web page on a model and how it does on a table that has the target.

    Best a table that was not trained on. The page needs no network and no other file: a summary of
    the data, curves of the training, metrics with 95 % confidence intervals, confusion matrix or
    residuals, calibration, permutation importance, and a picture of the network.
    """
    from chainrule.cli.commands.report import report as run

    run(model, table, output, force, as_json, rules)


@app.command(
    epilog=examples(
        "chainrule explain cancer.model patients.csv --row 3",
        "chainrule explain cancer.model patients.csv --node 2.1 -o working.html",
    )
)
@with_rules
def explain(
    rules: Any,
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
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Show the working: every equation of the pass of a row, with the network's own numbers."""
    from chainrule.cli.commands.explain import Choices
    from chainrule.cli.commands.explain import explain as run

    run(
        Choices(
            model,
            table,
            row,
            _read_names(node),
            _read_names(layer),
            view,
            "columns" if columns else "rows",
            rules,
        ),
        output,
        form,
        force,
        as_json,
    )


@app.command(
    epilog=examples(
        "chainrule export cancer.model -o cancer.onnx", "chainrule export cancer.model -o cancer.c"
    )
)
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
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a model for another runtime: ONNX, C or JavaScript.

    ONNX holds the whole model, from the table's columns to the labels. A program in C or
    JavaScript goes from the columns to the probabilities, has test vectors in it, and needs
    nothing else.
    """
    from chainrule.cli.commands.export import export as run

    run(model, output, to, force, as_json)


def _read_names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
