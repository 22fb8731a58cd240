"""The order of the lessons, and the style of their figures."""

from typing import Any

import matplotlib as mpl

LESSONS = [
    "what_a_delta_means.py",
    "a_bias_shifts_the_sigmoid.py",
    "steps_and_lines.py",
    "why_the_log.py",
    "why_zeros_do_not_learn.py",
    "no_hidden_layer.py",
    "penalties_are_priors.py",
    "overfitting_and_its_remedies.py",
    "errata_in_numbers.py",
    "figures_of_the_sources.py",
]


def place_of(script: str) -> int:
    """Return the place of a lesson; one that is not in the list is an error."""
    return LESSONS.index(script)


def style_figures(gallery_conf: dict[str, Any], script: str) -> None:
    """Give the figures of every lesson the same style."""
    mpl.rcdefaults()
    mpl.use("agg")
    mpl.rcParams.update(
        {
            "figure.figsize": (7, 3.6),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": mpl.cycler(
                color=["#00498c", "#c8500a", "#1a1a1a", "#5f8f2f", "#8f6fb0"],
                linestyle=["-", "--", ":", "-.", (0, (5, 1, 1, 1))],
            ),
            "font.size": 11,
            "axes.titlesize": 11,
            "legend.frameon": False,
            "mathtext.fontset": "stix",
            "image.cmap": "cividis",
        }
    )
