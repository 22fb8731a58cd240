"""The sections of the page: tables, and charts with a sentence on how to read them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from chainrule.cli.console.reply import count
from chainrule.cli.description import architecture_of
from chainrule.cli.digits import number as shown
from chainrule.cli.digits import short
from chainrule.cli.metrics import Scores, score
from chainrule.cli.page import charts
from chainrule.cli.page.html import escape, grid, section, table
from chainrule.cli.page.importance import Importances
from chainrule.cli.saved import Measured
from chainrule.cli.tables.inputs import AS_TEXT
from chainrule.cli.tables.labels import spell

__all__ = [
    "calibration",
    "confusion",
    "curves",
    "data",
    "importance",
    "metrics",
    "network",
    "residuals",
    "summary",
]

MOST_CLASSES, MOST_COLUMNS, MOST_BARS = 20, 60, 20


def summary(measured: Measured, path: str) -> str:
    """Return the first lines: what was measured, and the one number that says how well."""
    saved, rows = measured.saved, len(measured.target.values)
    name = {"classification": "accuracy", "regression": "R²", "counts": "D²"}[saved.task]
    value, interval = measured.scores.metrics[name], measured.intervals.get(name)
    plain = _ignorant(measured).metrics[name]
    as_part = name == "accuracy"

    def said(number: float) -> str:
        return f"{100 * number:.1f} %" if as_part else shown(number)

    between = "" if interval is None else f" ({said(interval.low)} to {said(interval.high)})"
    without = "always giving the most frequent class" if as_part else "always giving the mean"
    beside = "" if np.isnan(plain) else f", beside {said(plain)} for {without}"
    return (
        f'<p class="headline">{escape(name[0].upper() + name[1:])} <strong>{said(value)}</strong>'
        f"{escape(between)} on {count(rows, 'row')} of {escape(path)}{escape(beside)}.</p>\n"
        '<p class="note">It says how the model will do on new rows only if it was not trained on '
        "these.</p>"
    )


def metrics(measured: Measured, how: str) -> str:
    """Return the metrics with their intervals, beside those without any model."""
    plain = _ignorant(measured)
    rows = []
    for name, value in measured.scores.metrics.items():
        each = measured.intervals.get(name)
        between = "-" if each is None else f"{shown(each.low)} to {shown(each.high)}"
        method = "-" if each is None else each.method
        rows.append((escape(name), shown(value), between, method, shown(plain.metrics[name])))
    same = "the mean" if measured.saved.classes is None else "the class frequencies"
    return section(
        "Metrics",
        table(("", "value", "95 % interval", "by", "without"), rows, (1, 2, 4), "metrics")
        + f'\n<p class="note">{escape(how)} "Without" is what always predicting {same} of this '
        "table would have.</p>",
    )


def confusion(measured: Measured) -> str:
    """Return which classes are taken for which."""
    labels = [spell(label) for label in measured.saved.classes]
    true, predicted = measured.positions, measured.predicted.argmax(axis=1)
    k = len(labels)
    found = np.zeros((k, k), int)
    np.add.at(found, (true, predicted), 1)
    if k > MOST_CLASSES:
        return _most_confused(found, labels)
    rows = []
    for i, label in enumerate(labels):
        total = found[i].sum()
        cells = [escape(label)]
        for j in range(k):
            part = found[i, j] / total if total else 0.0
            cells.append(_Shaded(found[i, j], part, i == j).html)
        rows.append((*cells, "-" if not total else f"{100 * found[i, i] / total:.0f} %"))
    header = ("true / predicted", *labels, "right")
    return section(
        "Confusion matrix",
        table(header, rows, kind="confusion"),
        "Rows are the true classes, columns what was predicted; the darker, the larger the part of "
        "the row.",
    )


class _Shaded:
    """A number of rows on a color that says which part of its row of the matrix it is."""

    def __init__(self, rows: int, part: float, right: bool) -> None:
        color = "0, 73, 140" if right else "200, 80, 10"
        strength = 0.08 + 0.82 * part if rows else 0.0
        ink = "#fff" if strength > 0.5 else "#1a1a1a"
        self.html = (
            f'<span style="display:block;margin:-.35rem -.6rem;padding:.35rem .6rem;'
            f"background:rgba({color}, {strength:.2f});color:{ink};print-color-adjust:exact;"
            f'-webkit-print-color-adjust:exact">{rows}</span>'
        )


def _most_confused(found: np.ndarray, labels: Sequence[str]) -> str:
    wrong = found.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CLASSES]
    pairs = [divmod(int(at), len(labels)) for at in order]
    rows = [
        (escape(labels[i]), escape(labels[j]), str(wrong[i, j])) for i, j in pairs if wrong[i, j]
    ]
    return section(
        "Confusions",
        table(("true", "predicted", "rows"), rows, (2,)),
        f"There are {len(labels)} classes, too many for a matrix; these were confused most often.",
    )


def residuals(measured: Measured) -> str:
    """Return how far off the predictions are."""
    y, predicted = measured.target.values, measured.predicted
    return section(
        "Residuals",
        grid(charts.observed_by_predicted(y, predicted), charts.residual_histogram(y, predicted)),
    )


def calibration(measured: Measured) -> str:
    """Return whether the model is as sure as it should be."""
    if measured.saved.classes is None:
        if len(measured.target.values) < 2 * charts.BINS:
            return ""
        chart = charts.binned_means(measured.target.values, measured.predicted)
        return section(
            "Calibration", grid(chart), "Where a value is predicted, is it so on average?"
        )
    labels, true = measured.saved.classes, measured.positions
    if len(labels) == 2:
        said, happened, what = measured.predicted[:, 1], true == 1, f"'{spell(labels[1])}'"
    else:
        said = measured.predicted.max(axis=1)
        happened = measured.predicted.argmax(axis=1) == true
        what = "the predicted class"
    chart = charts.reliability(said, happened, what)
    return section("Calibration", grid(chart), "Of what the model says with 80 %, are 80 % so?")


def importance(found: Importances) -> str:
    """Return what shuffling each column costs."""
    most = max((mean for _, mean, _ in found.columns), default=0.0)
    rows = []
    for name, mean, deviation in found.columns[:MOST_BARS]:
        part = max(0.0, mean / most) if most > 0 else 0.0
        bar = f'<span class="bar" style="width:{100 * part:.1f}%"></span>'
        rows.append((escape(name), _alike(mean, deviation), bar))
    left = len(found.columns) - MOST_BARS
    more = f" The {left} columns with less are not shown." if left > 0 else ""
    return section(
        "Permutation importance",
        table(("column", found.measure, ""), rows, (1,), "bars"),
        "How much worse the model does when the values of one column are shuffled among the rows: "
        f"mean and deviation of 5 shuffles of {count(found.rows, 'row')}. Columns that say the "
        f"same stand in for each other, so each alone may look unimportant.{more}",
    )


def curves(network: Any) -> str:
    """Return the curves of the training."""
    if not getattr(network, "loss_curve_", None):
        body = '<p class="note">L-BFGS keeps no curve.</p>'
    else:
        body = grid(charts.cost_curves(network))
    return section("Training", body)


def data(measured: Measured, path: str) -> str:
    """Return what is in the table."""
    kinds = {column.name: column.kind for column in measured.saved.columns}
    values = measured.target.values
    if measured.saved.classes is not None:  # labels, even if they are numbers
        values = [spell(label) for label in values.tolist()]
    target = pl.Series(measured.target.name, values)
    rows = [_column(target, "target")]
    for column in measured.inputs.get_columns()[:MOST_COLUMNS]:
        rows.append(_column(column, kinds[column.name]))
    left = measured.inputs.width - MOST_COLUMNS
    more = f" {left} more columns are not shown." if left > 0 else ""
    height = count(len(measured.target.values), "row")
    return section(
        "The data",
        table(("column", "kind", "values", "", "missing"), rows, (4,), "data"),
        f"{height} of {path} with a target, and {count(measured.inputs.width, 'input column')}."
        f"{more}",
    )


def network(measured: Measured, network: Any, training: Mapping[str, Any]) -> str:
    """Return the network: its picture, its layers, how it was trained."""
    net = network.network_
    steps: Any = measured.saved.pipeline[:-1]
    names = [str(name).partition("__")[2] or str(name) for name in steps.get_feature_names_out()]
    labels = [] if measured.saved.classes is None else [spell(c) for c in measured.saved.classes]
    outputs = labels[1:] if len(labels) == 2 else labels or [measured.saved.target]
    short = [name if len(name) <= 18 else f"{name[:17]}…" for name in (*names, *outputs)]
    picture = charts.network_picture(net, tuple(short[: len(names)]), tuple(short[len(names) :]))
    layers = [
        (
            str(each["layer"]),
            str(each["nodes"]),
            escape(each["activation"] or "(input)"),
            f"{each['parameters']:,}" if each["parameters"] else "",
        )
        for each in architecture_of(net)
    ]
    settings = ", ".join(f"{k}={v}" for k, v in training["parameters"].items())
    facts = {
        "loss": str(net.architecture.loss.name),
        "parameters": f"{net.n_parameters:,}",
        "solver": str(training["solver"]),
        "epochs": str(training["epochs"]),
        "cost at the end": f"{training['cost']:.4g}",
        "engine": str(training["engine"]),
        "settings": settings or "defaults",
    }
    listed = "".join(f"<dt>{k}</dt><dd>{escape(v)}</dd>" for k, v in facts.items())
    return section(
        "The network",
        f"{picture}\n{table(('layer', 'nodes', 'activation', 'parameters'), layers, (0, 1, 3))}\n"
        f"<dl>{listed}</dl>",
    )


def _ignorant(measured: Measured) -> Scores:
    """Return the metrics of who knows nothing but the table's own frequencies, or mean."""
    y, saved = measured.target.values, measured.saved
    if saved.classes is None:
        return score(saved.task, y, np.full(len(y), y.mean()))
    part = np.bincount(measured.positions, minlength=len(saved.classes)) / len(y)
    part = np.maximum(part, 1e-15)
    return score(saved.task, y, np.tile(part / part.sum(), (len(y), 1)), saved.classes)


def _column(series: pl.Series, kind: str) -> tuple[str, str, str, str, str]:
    missing = series.null_count() / len(series)
    present = series.drop_nulls()
    numeric = series.dtype.is_numeric() and kind not in AS_TEXT
    if not len(present):
        values, chart = "-", ""
    elif numeric:
        values, chart = _numbers(present, kind)
    else:
        values, chart = _texts(present.cast(pl.String))
    return (
        escape(series.name),
        escape(kind),
        values,
        chart,
        f"{100 * missing:.1f} %" if missing else "0",
    )


def _numbers(present: pl.Series, kind: str) -> tuple[str, str]:
    values = present.cast(pl.Float64).to_numpy()
    if kind == "date":
        low, high = (str(np.datetime64(int(v * 86_400), "s"))[:10] for v in _ends(values))
        said = f"{low} to {high}"
    else:
        low, high = (short(v) for v in _ends(values))
        mean, deviation = float(values.mean()), float(values.std())
        mean = 0.0 if abs(mean) < 1e-9 * deviation else mean  # what rounding leaves of centering
        said = f"{short(mean)} ± {short(deviation)}, {low} to {high}"
    return said, charts.sparkline(np.histogram(values, bins=16)[0])


def _ends(values: np.ndarray) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _texts(present: pl.Series) -> tuple[str, str]:
    name = present.name
    counts = present.value_counts().sort(["count", name], descending=[True, False])
    shown = ", ".join(
        f"{escape(text[:30])} {100 * n / len(present):.0f} %"
        for text, n in counts.head(3).iter_rows()
    )
    more = counts.height - 3
    said = f"{shown}, {count(more, 'more value')}" if more > 0 else shown
    return said, charts.sparkline(counts["count"].head(16).to_numpy())


def _alike(mean: float, deviation: float) -> str:
    """Return a mean and its deviation, with as many decimals each."""
    least = max(abs(mean), abs(deviation))
    decimals = 4 if least == 0 or least >= 0.001 else 6
    return f"{mean:.{decimals}f} ± {deviation:.{decimals}f}"
