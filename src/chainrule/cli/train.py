"""``chainrule train``: from a table to a network, measured on rows that it has not seen."""

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

from chainrule.cli.exits import kept_in, note, say_notes
from chainrule.cli.inputs import Column, choose_inputs, make_preparation, rare_texts, use_inputs
from chainrule.cli.metrics import is_worse, measure, verdict
from chainrule.cli.models import (
    HUGE,
    Keeping,
    Settings,
    diverged,
    fit_network,
    fit_plain,
    network_of,
)
from chainrule.cli.output import writing
from chainrule.cli.report import count, say, show_facts, show_scores
from chainrule.cli.tables import read_table, require_column
from chainrule.cli.target import Target, read_target, spell
from chainrule.errors import InvalidInput, UnwritablePath
from chainrule.files import write_model
from chainrule.files.content import ZIP_MAGIC
from chainrule.storage import check_writable

__all__ = ["Choices", "train"]


# No weight between standardized inputs and a hidden layer is as large unless the training diverged.


@dataclass(frozen=True)
class Choices:
    """What the user chose on the command line, besides the network's settings."""

    path: str
    target: str
    model: str | None
    task: str | None
    test_fraction: float
    drop: Sequence[str]
    as_text: Sequence[str]


def train(choices: Choices, settings: Settings, keeping: Keeping) -> None:
    """Read a table, train a network on a part of it, and report how good it is on the rest.

    Parameters
    ----------
    choices : Choices
        The table, the target and the like.
    settings : Settings
        Of the network.
    keeping : Keeping
        How far the training may go, and where it is kept.

    Raises
    ------
    ChainruleError
        If something in them cannot be used; nothing is written then.
    """
    if choices.model is not None:
        _check_destination(choices.model)
    if keeping.checkpoint is not None:
        _check_checkpoint(keeping.checkpoint, choices)
    table = read_table(choices.path, choices.as_text)
    require_column(table, choices.target, choices.path)
    target = read_target(table[choices.target], choices.task, choices.path)
    table = _without_rows(table, target)
    columns, notes = choose_inputs(
        table, choices.target, choices.drop, choices.as_text, choices.path, target.rows
    )
    for each in notes:
        note(each)
    inputs = use_inputs(table, columns, choices.path, target.rows)
    learn, hold = _split(target, choices.test_fraction, settings.seed)
    y = target.values
    for name in rare_texts(columns, inputs[learn]):
        note(
            f"every value of column '{name}' is rare, so they are all taken as one and say "
            f"nothing; leave it out with --drop '{name}', or group its values."
        )

    def accept() -> None:
        say_notes()
        show_facts(_describe_table(choices.path, inputs, columns, target, hold))

    started = time.perf_counter()
    with kept_in(keeping.checkpoint):
        trained = fit_network(
            make_preparation(columns),
            settings,
            target.task,
            inputs[learn],
            y[learn],
            accept,
            keeping,
        )
    model = trained.model
    seconds = time.perf_counter() - started
    show_facts({"network": _describe_network(model, settings, seconds)})
    plain = fit_plain(model.steps[0][1], target.task, inputs[learn], y[learn])
    if np.abs(network_of(model).network_.theta).max() > HUGE and is_worse(
        measure(model, target.task, inputs[learn], y[learn]),
        measure(plain["baseline"], target.task, inputs[learn], y[learn]),
    ):
        raise diverged(settings)
    epochs = network_of(model).n_iter_
    if not trained.converged:
        more = f"--epochs {2 * epochs} may help"
        if trained.out_of_time:
            more = "--max-seconds was over"
            more += "; --resume goes on" if keeping.checkpoint is not None else ""
        note(f"stopped at {count(epochs, 'epoch')} before it converged; {more}.")
    models = {"network": model, "linear model": plain["linear"], "baseline": plain["baseline"]}
    scores = {
        name: measure(each, target.task, inputs[hold], y[hold]) for name, each in models.items()
    }
    say("")
    show_scores(f"On the {len(hold)} held-out rows", scores)
    say("")
    say(verdict(*scores.values()))
    if choices.model is None:
        say("The model was not saved; to keep it, add --model FILE.")
        return
    about = {
        "target": target.name,
        "target_is_text": target.is_text,
        "task": target.task,
        "columns": [asdict(column) for column in columns],
        "left_out": [name for name in table.columns if name not in {target.name, *inputs.columns}],
        "settings": asdict(settings),
        "rows": len(learn),
    }
    with writing(choices.model):
        write_model(model, choices.model, about)
    say(f"Saved the model to {choices.model}.")


def _check_destination(path: str) -> None:
    """Refuse a destination that cannot be written, or that holds something else than a model."""
    check_writable(path)
    if os.path.isfile(path):
        with Path(path).open("rb") as file:
            start = file.read(len(ZIP_MAGIC))
        if start not in (b"", ZIP_MAGIC):
            raise UnwritablePath(
                f"'{path}' exists and is no model file, so it is not overwritten; "
                "give another name, or remove it first."
            )


def _check_checkpoint(path: str, choices: Choices) -> None:
    """Refuse a checkpoint that cannot be written, or that would be written over another file."""
    check_writable(path)
    for other, what in ((choices.model, "--model"), (choices.path, "the table")):
        if other is not None and os.path.realpath(other) == os.path.realpath(path):
            raise UnwritablePath(
                f"--checkpoint and {what} are the same file, '{path}'; give it a name of its own."
            )


def _without_rows(table: pl.DataFrame, target: Target) -> pl.DataFrame:
    missing = table.height - len(target.rows)
    if missing:
        rows = "1 row has" if missing == 1 else f"{missing} rows have"
        were = "was" if missing == 1 else "were"
        note(f"{rows} no value in the target '{target.name}' and {were} left out.")
    return table[target.rows]


def _split(target: Target, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose the rows to learn from and the rows to hold out; classes alike in both."""
    rows = len(target.values)
    is_classes = target.task == "classification"
    held = int(np.ceil(fraction * rows))
    least = len(target.classes) if is_classes else 2
    if min(held, rows - held) < least:
        raise InvalidInput(
            f"Holding out {held} of {rows} rows leaves too few on one side: each needs at least "
            f"{least}{' (the number of classes)' if is_classes else ''}; "
            "give more rows or another --test-fraction."
        )
    stratify = target.values if is_classes else None
    learn, hold = train_test_split(
        np.arange(rows), test_size=held, random_state=seed, stratify=stratify
    )
    return np.sort(learn), np.sort(hold)


def _describe_table(
    path: str, inputs: pl.DataFrame, columns: Sequence[Column], target: Target, hold: np.ndarray
) -> dict[str, str]:
    kinds = [column.kind for column in columns]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    rows = len(target.values)
    return {
        "table": f"{path}: {count(rows, 'row')}, {count(len(columns), 'input column')} ({counted})",
        "task": f"{_describe_task(target)} (because {target.why}; --task changes it)"
        if target.guessed
        else _describe_task(target),
        "held out": f"{len(hold)} of {inputs.height} rows, to measure on",
    }


def _describe_task(target: Target) -> str:
    y = target.values
    if target.task != "classification":
        return f"{target.task} of '{target.name}', from {y.min():g} to {y.max():g}"
    names, counts = np.unique(y, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    shown = ", ".join(f"{spell(names[i])} {counts[i] / len(y):.0%}" for i in order[:5])
    more = ", ..." if len(names) > 5 else ""
    return f"classification of '{target.name}' into {len(names)} classes: {shown}{more}"


def _describe_network(model: Pipeline, settings: Settings, seconds: float) -> str:
    network = network_of(model)
    sizes = [network.coefs_[0].shape[0], *(w.shape[1] for w in network.coefs_)]
    parameters = sum(
        w.size + b.size for w, b in zip(network.coefs_, network.intercepts_, strict=True)
    )
    return (
        f"{'-'.join(map(str, sizes))}, {settings.activation}, {parameters:,} parameters; "
        f"{count(network.n_iter_, 'epoch')} in {seconds:.1f} s"
    )
