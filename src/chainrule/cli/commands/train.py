"""``chainrule train``: from a table to a network, measured on rows that it has not seen."""

import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import get_scorer_names
from sklearn.model_selection import train_test_split

from chainrule.cli.choosing import read_selection
from chainrule.cli.console.exits import kept_in, note, say_notes
from chainrule.cli.console.output import as_json, writing
from chainrule.cli.console.reply import Reply, count
from chainrule.cli.digits import short
from chainrule.cli.guesses import following
from chainrule.cli.metrics import is_worse, measure, verdict
from chainrule.cli.models import (
    HUGE,
    Keeping,
    Settings,
    Trained,
    diverged,
    fit_network,
    fit_plain,
    network_of,
)
from chainrule.cli.options import LOSSES
from chainrule.cli.tables.inputs import (
    Column,
    choose_inputs,
    make_preparation,
    rare_texts,
    use_inputs,
)
from chainrule.cli.tables.kinds import decide
from chainrule.cli.tables.labels import spell
from chainrule.cli.tables.reading import USUAL, read_cells, require_column
from chainrule.cli.tables.spellings import PLAIN, Rules, Spelling
from chainrule.cli.tables.target import Target, known_target, read_target
from chainrule.cli.values import number
from chainrule.errors import (
    InvalidInput,
    InvalidParameter,
    UnknownName,
    UnwritablePath,
    unknown_name,
)
from chainrule.files import write_model
from chainrule.files.content import ZIP_MAGIC
from chainrule.maths.losses import CrossEntropy, Huber, LogLoss
from chainrule.storage import check_writable

__all__ = ["Choices", "train"]


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
    features: Sequence[str] | None = None
    validation: str | None = None
    select: str | None = None
    alphas: Any = None
    as_json: bool = False
    rules: Rules = USUAL


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
    selection = None if choices.select is None else read_selection(choices.select)
    data = _read(choices, settings.seed)
    target, inputs = data.target, data.inputs
    learn, hold, y = data.learn, data.hold, target.values
    with following(target.guess):
        settings = _fit_to_task(settings, target)
    _require_epochs(settings, choices)
    reply = Reply(choices.as_json)

    def accept() -> None:
        say_notes()
        reply.facts(_describe_table(choices, data), **_table_as_data(choices, data))

    started = time.perf_counter()
    with kept_in(keeping.checkpoint):
        trained = fit_network(
            make_preparation(data.columns),
            settings,
            target.task,
            inputs[learn],
            y[learn],
            accept,
            keeping,
            validation=data.validation,
            selection=selection,
            alphas=choices.alphas,
            guesses=(target.guess,),
        )
    model = trained.model
    seconds = time.perf_counter() - started
    _tell_network(reply, trained, settings, seconds)
    plain = fit_plain(model[:-1], target.task, inputs[learn], y[learn])
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
    reply.say("")
    reply.scores(f"On the {len(hold)} held-out rows", scores)
    reply.say("")
    said = _quantile_verdict(network_of(model)) or verdict(*scores.values())
    reply.say(said, verdict=said, model=choices.model)
    if choices.model is None:
        reply.say("The model was not saved; to keep it, add --model FILE.")
    else:
        about = _about(choices, data, settings, trained)
        with writing(choices.model):
            write_model(model, choices.model, about)
        reply.say(f"Saved the model to {choices.model}.")
    reply.end()


@dataclass(frozen=True)
class _Data:
    """The rows that have a target: which are learned from, and which are held out."""

    target: Target
    columns: list[Column]
    inputs: pl.DataFrame
    learn: np.ndarray
    hold: np.ndarray
    validation: tuple[pl.DataFrame, np.ndarray] | None
    left_out: list[str]
    spelling: Spelling  # of the target


def _about(choices: Choices, data: _Data, settings: Settings, trained: Trained) -> dict[str, Any]:
    """Return what the model file says of the training, so that later tables are read alike."""
    target = data.target
    about = {
        "target": target.name,
        **({"target_is_text": False} if target.labels is None else target.labels.as_data()),
        "task": target.task,
        "columns": [column.as_data() for column in data.columns],
        "left_out": data.left_out,
        "settings": json.loads(as_json(asdict(settings))),
        "rows": len(data.learn),
    }
    if data.spelling != PLAIN:
        about["target_spelling"] = asdict(data.spelling)
    if choices.rules != USUAL:
        about["rules"] = choices.rules.as_data()
    if trained.chosen is not None:
        about["selected"] = trained.chosen
    if trained.penalties is not None:
        about["alphas"] = asdict(trained.penalties)
    return about


def _read(choices: Choices, seed: int) -> _Data:
    cells = read_cells(choices.path, choices.rules, choices.target)
    table = cells.table
    require_column(table, choices.target, choices.path)
    not_used = _not_used(table, choices)
    decision = decide(
        table.drop(name for name in not_used if name in table.columns),
        choices.rules,
        cells.separator,
        (*choices.as_text, *cells.declared),
        choices.target,
        # What is text in a file that knows numbers may be so for a reason.
        is_typed=cells.separator is None,
    )
    target = read_target(
        decision.table[choices.target],
        cells.spelled,
        choices.task,
        choices.path,
        as_names=choices.target in choices.as_text,
        odd=decision.odd.get(choices.target),
        missing=choices.rules.missing,
    )
    table = _without_rows(table.with_columns(decision.table), target)
    columns, notes = choose_inputs(
        table, decision, choices.target, not_used, choices.as_text, choices.path
    )
    for each in (*decision.notes, *notes):
        note(each)
    inputs = use_inputs(table, columns, choices.path, target.rows)
    with following(*target.guesses):
        learn, hold = _split(target, choices.test_fraction, seed)
    validation, spelling = None, decision.spellings.get(target.name, PLAIN)
    if choices.validation is not None:
        with following(*target.guesses):
            validation = _read_validation(
                choices.validation, target, columns, choices.rules, spelling
            )
    for name in rare_texts(columns, inputs[learn]):
        note(
            f"every value of column '{name}' is rare, so they are all taken as one and say "
            f"nothing; leave it out with --drop '{name}', or group its values."
        )
    left_out = [name for name in table.columns if name not in {target.name, *inputs.columns}]
    return _Data(target, columns, inputs, learn, hold, validation, left_out, spelling)


def _not_used(table: pl.DataFrame, choices: Choices) -> list[str]:
    """Return the columns to leave out: those dropped, and those that are not among --features."""
    if choices.features is None:
        return list(choices.drop)
    for name in choices.features:
        require_column(table, name, choices.path)
    used = {choices.target, *choices.features}
    return [*choices.drop, *(name for name in table.columns if name not in used)]


def _fit_to_task(settings: Settings, target: Target) -> Settings:
    """Read what only some tasks have: the loss, its quantile, the weights of classes."""
    more = dict(settings.more)
    task, loss = target.task, more.get("loss")
    if loss is not None:
        name, _, detail = loss.partition(":")
        if name not in LOSSES[task]:
            raise unknown_name(f"loss for --task {task}", name, LOSSES[task])
        if detail:
            more["loss"] = _detailed_loss(name, detail)
    if "quantile" in more and loss != "quantile":
        raise InvalidParameter("--quantile is for --loss quantile; add that, or leave it out.")
    weights = more.get("class_weight")
    if weights is not None and task != "classification":
        raise InvalidParameter(f"--class-weight is for classes, not for --task {task}.")
    if isinstance(weights, dict) and target.labels is not None:
        more["class_weight"] = {}
        for name, weight in weights.items():
            at = target.labels.position(name)
            if at is None:
                names = [spell(label) for label in target.labels.classes]
                raise unknown_name("class in --class-weight", name, names)
            label = target.labels.classes[at].item()
            if label in more["class_weight"]:
                raise InvalidParameter(f"--class-weight names the class '{spell(label)}' twice.")
            # A file keeps no false among the keys; 0 is the same label.
            more["class_weight"][int(label) if isinstance(label, bool) else label] = weight
    return replace(settings, more=more)


def _require_epochs(settings: Settings, choices: Choices) -> None:
    """Refuse what needs epochs where the solver has none, and a measure that there is none of."""
    if settings.more.get("solver") == "lbfgs":
        watched = settings.more.get("early_stopping")
        flag = "--validation" if choices.validation else "--early-stopping" if watched else ""
        if flag:
            raise InvalidParameter(
                f"{flag} is for solvers that train epoch by epoch, which --solver lbfgs does not; "
                "use adam or sgd, or leave it out."
            )
    scoring = settings.more.get("scoring")
    known = ["loss", *get_scorer_names()]
    if scoring is not None and scoring not in known:
        near = get_close_matches(scoring, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else "it takes 'loss' or a scikit-learn scorer."
        raise UnknownName(f"Unknown --scoring '{scoring}': {hint}")


def _detailed_loss(name: str, detail: str) -> Huber | LogLoss | CrossEntropy:
    makers = {"huber": Huber, "log_loss": LogLoss, "cross_entropy": CrossEntropy}
    if name not in makers:
        raise InvalidParameter(f"--loss {name} takes no number after a colon; given: '{detail}'.")
    low_is_open, high = name == "huber", math.inf if name == "huber" else 1
    value = number(0, high, open_low=low_is_open, open_high=True)(f"--loss {name}", detail)
    return makers[name](value)


def _read_validation(
    path: str, target: Target, columns: Sequence[Column], rules: Rules, spelling: Spelling
) -> tuple[pl.DataFrame, np.ndarray]:
    """Read the table that early stopping watches, as one to evaluate on."""
    cells = read_cells(path, rules, target.name)
    require_column(cells.table, target.name, path)
    found = known_target(cells, target.name, target.task, target.labels, path, spelling)
    return use_inputs(cells.table[found.rows], columns, path, found.rows), found.values


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
        gaps = "" if target.gaps is None else f" {target.gaps}"
        note(f"{rows} no value in the target '{target.name}' and {were} left out.{gaps}")
    return table[target.rows]


def _split(target: Target, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose the rows to learn from and the rows to hold out; classes alike in both."""
    rows = len(target.values)
    is_classes = target.classes is not None
    held = int(np.ceil(fraction * rows))
    least = 2 if target.classes is None else len(target.classes)
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


def _describe_table(choices: Choices, data: _Data) -> dict[str, str]:
    target, columns = data.target, data.columns
    kinds = [column.kind for column in columns]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    rows = count(len(target.values), "row")
    facts = {
        "table": f"{choices.path}: {rows}, {count(len(columns), 'input column')} ({counted})",
        "task": f"{_describe_task(target)} (because {target.guess.why}; --task changes it)"
        if target.guess is not None
        else _describe_task(target),
        "held out": f"{len(data.hold)} of {data.inputs.height} rows, to measure on",
    }
    if data.validation is not None:
        facts["watched"] = f"{count(len(data.validation[1]), 'row')} of {choices.validation}"
    return facts


def _describe_task(target: Target) -> str:
    y = target.values
    if target.task != "classification":
        return f"{target.task} of '{target.name}', from {short(y.min(), 6)} to {short(y.max(), 6)}"
    names, counts = np.unique(y, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    shown = ", ".join(f"{spell(names[i])} {counts[i] / len(y):.0%}" for i in order[:5])
    more = ", ..." if len(names) > 5 else ""
    return f"classification of '{target.name}' into {len(names)} classes: {shown}{more}"


def _tell_network(reply: Reply, trained: Trained, settings: Settings, seconds: float) -> None:
    network: Any = network_of(trained.model)
    sizes = [network.coefs_[0].shape[0], *(w.shape[1] for w in network.coefs_)]
    parameters = sum(
        w.size + b.size for w, b in zip(network.coefs_, network.intercepts_, strict=True)
    )
    activation = settings.activation
    named = activation if isinstance(activation, str) else ", ".join(activation)
    facts = {}
    if trained.chosen is not None:
        names = trained.chosen
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        facts["selected"] = f"{count(len(names), 'input')}: {', '.join(names[:10])}{more}"
    if trained.penalties is not None:
        tried = len(trained.penalties.alphas)
        facts["alpha"] = (
            f"{network.alpha:g}, the best of {tried} in {trained.penalties.folds} folds"
        )
    facts["network"] = (
        f"{'-'.join(map(str, sizes))}, {named}, {parameters:,} parameters; "
        f"{count(network.n_iter_, 'epoch')} in {seconds:.1f} s"
    )
    reply.facts(
        facts,
        selected=trained.chosen,
        alphas=None if trained.penalties is None else asdict(trained.penalties),
        network={
            "layers": sizes,
            "activation": activation,
            "parameters": parameters,
            "alpha": network.alpha,
            "engine": network.engine_,
            "epochs": network.n_iter_,
            "cost": network.loss_,
            "converged": trained.converged,
            "seconds": seconds,
        },
    )


def _quantile_verdict(network: Any) -> str | None:
    """Return what is said of a network that is not to predict the middle of its target."""
    if getattr(network, "quantile", 0.5) == 0.5 or network.loss != "quantile":
        return None
    return (
        f"The network predicts the {network.quantile:g} quantile and the other models the mean, "
        "so these metrics do not tell which of them is better."
    )


def _table_as_data(choices: Choices, data: _Data) -> dict[str, Any]:
    return {
        "table": choices.path,
        "target": data.target.name,
        "task": data.target.task,
        "columns": [column.as_data() for column in data.columns],
        "rows": {
            "training": len(data.learn),
            "held_out": len(data.hold),
            "validation": None if data.validation is None else len(data.validation[1]),
        },
    }
