"""The charts, drawn by matplotlib as SVG that stands in the page itself."""

import io
import re
from collections.abc import Callable
from html import escape
from typing import Any

import numpy as np

from chainrule.cli.digits import short
from chainrule.cli.intervals import Z, wilson
from chainrule.displays import LossCurveDisplay, NetworkDisplay
from chainrule.displays.style import INK, POSITIVE, SOFT, tidy

__all__ = [
    "binned_means",
    "cost_curves",
    "network_picture",
    "observed_by_predicted",
    "reliability",
    "residual_histogram",
    "sparkline",
]

# As wide as a phone, so that what is legible there need not be scaled down.
SIZE = (4.2, 3.1)
MOST_POINTS = 1000
BINS = 10


def figure(
    name: str, says: str, draw: Callable[[Any], None], size: Any = SIZE, kind: str = ""
) -> str:
    """Return a chart with its caption.

    Parameters
    ----------
    name : str
        Short, and its own: it begins the names of the SVG's parts.
    says : str
        The caption.
    draw : callable
        Draws into axes.
    size : (float, float)
        In inches.
    kind : str
        A class.

    Returns
    -------
    str
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    settings: Any = {"svg.hashsalt": name, "font.size": 9, "axes.linewidth": 0.7}
    with rc_context(settings):
        drawn = Figure(figsize=size, layout="constrained")
        draw(drawn.add_subplot())
        buffer = io.StringIO()
        drawn.savefig(
            buffer,
            format="svg",
            bbox_inches="tight" if kind == "large" else None,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return (
        f'<figure class="{kind}">{_inline(buffer.getvalue(), name, says, kind)}'
        f"<figcaption>{escape(says)}</figcaption></figure>"
    )


def _inline(text: str, name: str, says: str, kind: str) -> str:
    """Return SVG without what only a file of its own needs, its names its own in the page."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    found = re.search(r'viewBox="0 0 ([\d.]+)', text)
    width = float(found[1]) if found else 300.0
    # Small text stays legible on a phone, and large on a screen small enough.
    least, most = (1.3, 1.9) if kind == "large" else (0.85, 1.45)
    ends = f"min-width:{least * width:.0f}px;max-width:{most * width:.0f}px"
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = text.replace('href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    about = f'<svg role="img" aria-label="{escape(says)}" style="{ends}"'
    return text.replace("<svg", about, 1)


def cost_curves(network: Any) -> str:
    """Return the curves of a training.

    Parameters
    ----------
    network : MLPClassifier or MLPRegressor
        Trained epoch by epoch.

    Returns
    -------
    str
    """
    watched = bool(getattr(network, "validation_scores_", None))
    more = ", and on the rows that early stopping watched" if watched else ""
    return figure(
        "curves",
        f"The cost J of each epoch, penalties included{more}.",
        lambda ax: _keep_apart(LossCurveDisplay.from_estimator(network, ax=ax)),
    )


def _keep_apart(display: Any) -> None:
    for ax in (display.ax_, display.score_ax_):
        if ax is not None:
            ax.tick_params(labelsize=8)


def network_picture(net: Any, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> str:
    """Return the picture of a network, with its weights as the lines' width and color.

    Parameters
    ----------
    net : Network
        The network.
    inputs, outputs : tuple of str
        What stands beside its ends.

    Returns
    -------
    str
    """
    display = NetworkDisplay(
        net, style="numbers", input_names=inputs, output_names=outputs, max_nodes=5, max_layers=6
    )
    return figure(
        "network",
        "The network: a line is a weight, as wide as it is large, dashed where it is negative. Of "
        "wide layers the first and last nodes are shown.",
        lambda ax: _drop(display.plot(ax=ax)),
        (7.0, 4.6),
        "large",
    )


def _drop(_: Any) -> None:
    """Drop what a display returns."""


def observed_by_predicted(y: np.ndarray, predicted: np.ndarray) -> str:
    """Return what is true over what was predicted.

    Parameters
    ----------
    y, predicted : ndarray
        Of each row.

    Returns
    -------
    str
    """
    rows = np.arange(len(y))
    some = ""
    if len(y) > MOST_POINTS:
        rows = np.random.default_rng(0).choice(len(y), MOST_POINTS, replace=False)
        some = f" {MOST_POINTS} of {len(y)} rows, drawn at random."

    def draw(ax: Any) -> None:
        ends = [min(y.min(), predicted.min()), max(y.max(), predicted.max())]
        ax.plot(ends, ends, color=INK, lw=0.8, ls=":")
        ax.plot(predicted[rows], y[rows], "o", ms=3, mfc=POSITIVE, mec="none", alpha=0.45, zorder=3)
        ax.set_xlabel("predicted")
        ax.set_ylabel("true")
        tidy(ax)

    return figure(
        "observed", f"True over predicted values; on the dotted line all is right.{some}", draw
    )


def residual_histogram(y: np.ndarray, predicted: np.ndarray) -> str:
    """Return how the residuals are distributed.

    Parameters
    ----------
    y, predicted : ndarray
        Of each row.

    Returns
    -------
    str
    """

    def draw(ax: Any) -> None:
        ax.hist(y - predicted, bins=min(40, max(5, int(np.sqrt(len(y))))), color=POSITIVE)
        ax.axvline(0, color=INK, lw=0.8, ls=":")
        ax.set_xlabel("residual: true minus predicted")
        ax.set_ylabel("rows")
        tidy(ax)

    mean, spread = float(np.mean(y - predicted)), float(np.std(y - predicted))
    return figure("residuals", f"Residuals: mean {short(mean)}, deviation {short(spread)}.", draw)


def reliability(probability: np.ndarray, happened: np.ndarray, of_what: str) -> str:
    """Return how often what was said with some probability was so, with Wilson's intervals.

    Parameters
    ----------
    probability : ndarray
        What the model said.
    happened : ndarray of bool
        Whether it was so.
    of_what : str
        What was said.

    Returns
    -------
    str
    """
    edges = np.linspace(0, 1, BINS + 1)
    which = np.clip(np.digitize(probability, edges[1:-1]), 0, BINS - 1)

    def draw(ax: Any) -> None:
        ax.plot([0, 1], [0, 1], color=INK, lw=0.8, ls=":")
        for at in np.unique(which):
            here = which == at
            n, k = int(here.sum()), int(happened[here].sum())
            low, high = wilson(k, n)
            x = probability[here].mean()
            ax.plot([x, x], [low, high], color=SOFT, lw=1)
            ax.plot(x, k / n, "o", ms=5, color=POSITIVE, zorder=3)
            above = k / n < 0.85
            ax.annotate(
                str(n),
                (x, high if above else low),
                (0, 2 if above else -2),
                textcoords="offset points",
                ha="center",
                va="bottom" if above else "top",
                fontsize=7,
                color=SOFT,
            )
        ax.set_xlim(-0.04, 1.04)
        ax.set_ylim(-0.06, 1.1)
        ax.set_xlabel(f"said: probability of {of_what}")
        ax.set_ylabel("how often it was so")
        tidy(ax)

    return figure(
        "calibration",
        "Points on the dotted line are honest probabilities. Lines: 95 % intervals (Wilson); "
        "numbers: rows.",
        draw,
    )


def binned_means(y: np.ndarray, predicted: np.ndarray) -> str:
    """Return the mean of what is true in each tenth of the rows by what was predicted.

    Parameters
    ----------
    y, predicted : ndarray
        Of each row.

    Returns
    -------
    str
    """
    order = np.argsort(predicted, kind="stable")
    groups = [group for group in np.array_split(order, BINS) if len(group) > 1]

    def draw(ax: Any) -> None:
        x = np.array([predicted[group].mean() for group in groups])
        mean = np.array([y[group].mean() for group in groups])
        error = np.array([Z * y[group].std(ddof=1) / np.sqrt(len(group)) for group in groups])
        ends = [min(x.min(), mean.min()), max(x.max(), mean.max())]
        ax.plot(ends, ends, color=INK, lw=0.8, ls=":")
        ax.errorbar(x, mean, error, fmt="o", ms=5, color=POSITIVE, ecolor=SOFT, elinewidth=1)
        ax.set_xlabel("mean predicted")
        ax.set_ylabel("mean true")
        tidy(ax)

    return figure(
        "calibration",
        "A tenth of the rows each, by what was predicted. Lines: 95 % intervals of the mean "
        "(normal).",
        draw,
    )


def sparkline(counts: np.ndarray) -> str:
    """Return a tiny histogram.

    Parameters
    ----------
    counts : ndarray
        Rows in each bin.

    Returns
    -------
    str
    """
    width, height = 80, 20
    each = width / len(counts)
    most = max(int(counts.max()), 1)
    bars = "".join(
        f'<rect x="{i * each:.1f}" y="{height - h:.1f}" width="{each - 0.8:.1f}" height="{h:.1f}"/>'
        for i, h in enumerate(height * counts / most)
        if h
    )
    return (
        f'<svg class="spark" viewBox="0 0 {width} {height}" preserveAspectRatio="none" '
        f'aria-hidden="true">{bars}</svg>'
    )
