"""scikit-learn's bundled tables, as files that look like a user's own."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn import datasets

from chainrule.errors import unknown_name

__all__ = ["EXAMPLES", "Example", "make_example"]


@dataclass(frozen=True)
class Example:
    """A bundled table: its size and what is to be predicted from what."""

    size: str
    what: str


EXAMPLES: Mapping[str, Example] = {
    "breast_cancer": Example("569 x 30", "benign or malignant, from measures of cell nuclei"),
    "diabetes": Example("442 x 10", "progression of a disease after a year (regression)"),
    "digits": Example("1797 x 64", "which digit, from the pixels of 8x8 images"),
    "iris": Example("150 x 4", "which of three species, from measures of flowers"),
    "wine": Example("178 x 13", "which of three growers, from a chemical analysis"),
}


def make_example(name: str) -> pl.DataFrame:
    """Make one of the bundled tables.

    Parameters
    ----------
    name : str
        One of `EXAMPLES`.

    Returns
    -------
    polars.DataFrame
        The inputs, and the target in the last column, ``target``; classes by their names.

    Raises
    ------
    UnknownName
        If there is none of that name.
    """
    if name not in EXAMPLES:
        raise unknown_name("example", name, EXAMPLES)
    bunch = getattr(datasets, f"load_{name}")()
    target = bunch.target
    if "target_names" in bunch:
        target = np.asarray(bunch.target_names)[target]
    columns = dict(zip(bunch.feature_names, bunch.data.T, strict=True))
    return pl.DataFrame(columns | {"target": target})
