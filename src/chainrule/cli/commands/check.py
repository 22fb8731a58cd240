"""``chainrule check``: a model's gradient, three ways."""

from typing import Any

import numpy as np

from chainrule.cli.console.exits import CHECK_FAILED, end_with, note
from chainrule.cli.console.reply import Reply, count
from chainrule.cli.models import network_of
from chainrule.cli.saved import inputs_of, open_model, read_known
from chainrule.cli.tables.reading import USUAL
from chainrule.cli.tables.spellings import Rules
from chainrule.working import check_gradients, compare

__all__ = ["check"]

TOLERANCE = 1e-6  # of finite differences, relative to the largest derivative
SAME = 1e-9  # of the engines, which compute the same in float64


def check(
    model_path: str, table_path: str, rows: int, as_json: bool = False, rules: Rules = USUAL
) -> None:
    """Check a model's gradient against finite differences, and its two engines.

    Parameters
    ----------
    model_path : str
        A file from ``chainrule train --model``.
    table_path : str
        A table with the model's input columns and its target.
    rows : int
        How many of its rows, from the first on.
    as_json : bool
        Whether it is for scripts.
    rules : Rules
        What the user says of the table's cells.

    Raises
    ------
    ChainruleError
        If something in them cannot be used.
    """
    saved = open_model(model_path, rules)
    table, target = read_known(saved, table_path)
    inputs = inputs_of(saved, table, table_path, target.rows)[:rows]
    y = target.values[:rows]
    X = saved.pipeline[:-1].transform(inputs)
    network: Any = network_of(saved.pipeline)
    last: Any = saved.pipeline[-1]
    if hasattr(last, "transformer_"):
        y = last.transformer_.transform(y[:, None]).ravel()
    if getattr(network, "class_weight", None) == "balanced":
        network.set_params(class_weight=None)  # it is of the training set, which is not here
        note("class_weight 'balanced' is of the training set; here each row counts alike.")
    found = check_gradients(network, X, y)
    comparison = compare(network, X, y)
    largest = comparison.max_gradient or 1.0
    engines = comparison.native_error / largest
    passed = found.passed and not engines > SAME
    reply = Reply(as_json)
    reply.facts(
        {
            "checked": f"{model_path} on {count(len(y), 'row')} of {table_path}, in float64, with "
            "the penalties it was trained with"
        },
        model=model_path,
        table=table_path,
        rows=len(y),
    )
    reply.table(
        ("layer", " W off by", " b off by", " compared", " left out", " engines: W", " b"),
        [
            (
                str(differences.layer + 2),
                _power(differences.weights_error),
                _power(differences.biases_error),
                str(differences.n_checked),
                str(differences.n_left_out),
                _power(each.weights.native_error / largest),
                _power(each.biases.native_error / largest),
            )
            for differences, each in zip(found.per_layer, comparison.per_layer, strict=True)
        ],
        layers=[
            {
                "layer": differences.layer + 2,
                "weights_error": differences.weights_error,
                "biases_error": differences.biases_error,
                "compared": differences.n_checked,
                "left_out": differences.n_left_out,
                "engines_weights_error": each.weights.native_error / largest,
                "engines_biases_error": each.biases.native_error / largest,
            }
            for differences, each in zip(found.per_layer, comparison.per_layer, strict=True)
        ],
    )
    reply.say(
        "Back-propagation beside finite differences, and the engines beside each other, all in "
        "units of the largest derivative."
    )
    reply.say(
        f"gradient  {_verdict(found.passed)}: largest difference {found.max_relative_error:.1e} "
        f"(up to {TOLERANCE:.0e} passes)",
        gradient={
            "passed": found.passed,
            "max_relative_error": found.max_relative_error,
            "tolerance": TOLERANCE,
            "max_gradient": found.max_gradient,
        },
    )
    said = f"{_verdict(not engines > SAME)}: largest difference {engines:.1e} (up to {SAME:.0e})"
    reply.say(
        f"engines   {'not compared. ' + comparison.why_no_native if np.isnan(engines) else said}",
        engines={
            "passed": None if np.isnan(engines) else bool(engines <= SAME),
            "max_relative_error": engines,
            "tolerance": SAME,
        },
        passed=passed,
    )
    reply.end()
    if not passed:
        end_with(CHECK_FAILED)


def _verdict(passed: bool) -> str:
    return "passed" if passed else "FAILED"


def _power(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.1e}"
