"""Validation data on another scale than what is trained on: told once, before the training.

A score on them says nothing, and early stopping keeps the weights of one of the first epochs. What
is looked for does not happen by chance where both sides come from one source:

- most validation values lie beyond the range of the training values by more than its width;
- the reverse, by ten widths, and the validation values are roughly of the size of 1;
- the training values were standardized, and the validation values are nowhere near that.
"""

import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor

from chainrule.architecture.inputs import is_sparse
from chainrule.calls import level_of_the_user
from chainrule.errors import UnscaledValidation
from chainrule.estimators.table import Table
from chainrule.training.diagnosis import sample

__all__ = ["warn_of_other_scales"]

_ROWS: Final = 1024
_ENOUGH: Final = 10  # training values, for their range to say something
_ENOUGH_VALIDATION: Final = 5
_WIDTHS: Final = 1.0  # of the training range that most validation values are away from it
_WIDTHS_REVERSED: Final = 10.0  # more, since the last rows of a series have a narrow range
_STANDARDIZED: Final = 1e-3  # how near mean and deviation are to 0 and 1, in float32 too
_OFF: Final = 1.5  # deviations; of no values more than 1 / 1.5**2 are as far from their mean
_NOT_NARROW: Final = 0.5  # deviation: narrower ones may be some days of a series
_TINY: Final = 0.1  # root mean square, where that of the training values is 1
_SHARE: Final = 0.25  # of the standardized columns, since a group may differ in a few


def warn_of_other_scales(estimator: Any, table: Table, held_out: Table) -> None:
    """Warn, once, if validation data are not scaled as what is trained on.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    table, held_out : Table
        What is trained on, and what is judged by.
    """
    with np.errstate(all="ignore"):
        said = [_about_inputs(table.X, held_out.X, vars(estimator).get("feature_names_in_"))]
        if is_regressor(estimator):
            said.append(_about_targets(np.asarray(table.Y), np.asarray(held_out.Y)))
    if any(said):
        message = " ".join(filter(None, said))
        warnings.warn(message, UnscaledValidation, stacklevel=level_of_the_user())


def _about_inputs(X: Any, X_val: Any, names: Any) -> str:
    mine, theirs = sample(X, _ROWS), sample(X_val, _ROWS)
    if is_sparse(X) or is_sparse(X_val):  # of all columns at once: in most, most values are 0
        mine, theirs = _stored(mine), _stored(theirs)
        off, named = _elsewhere(mine, theirs), "its values go"
    else:
        off = _elsewhere(mine, theirs)
        standardized = _is_standardized(X)
        unlike = standardized & _unlike_standardized(mine, theirs)
        if unlike.sum() >= _SHARE * standardized.sum():
            off |= unlike
        first = int(off.argmax())
        named = f"column {first if names is None else repr(str(names[first]))} goes"
    if not off.any():
        return ""
    return (
        f"X_val is not scaled as X is: {named} {_ranges(theirs, 'X', mine, off)}. Transform X_val "
        f"by what was fitted on X, as in scaler.transform(X_val)."
    )


def _about_targets(Y: NDArray[Any], Y_val: NDArray[Any]) -> str:
    mine, theirs = sample(Y, _ROWS), sample(Y_val, _ROWS)
    off = _elsewhere(mine, theirs) | (_is_standardized(Y) & _unlike_standardized(mine, theirs))
    if not off.any():
        return ""
    named = "it goes" if Y.shape[1] == 1 else f"column {off.argmax()} goes"
    return (
        f"y_val is not scaled as y is: {named} {_ranges(theirs, 'y', mine, off)}. Transform y_val "
        f"as y was: a TransformedTargetRegressor transforms y alone, so that y_val has to be "
        f"given as its transformer makes it."
    )


def _ranges(theirs: Any, of: str, mine: Any, off: NDArray[np.bool_]) -> str:
    """Say where the first column that is off lies on both sides, and how many more are."""
    first, more = int(off.argmax()), np.count_nonzero(off) - 1
    here, there = (
        f"from {column.min():.3g} to {column.max():.3g}"
        for column in (theirs[:, first], mine[:, first])
    )
    rest = "" if not more else f", and {more} more column{'s differ' if more > 1 else ' differs'}"
    return f"{here}, in {of} {there}{rest}"


def _elsewhere(mine: Any, theirs: Any) -> NDArray[np.bool_]:
    """Whether the values of each column lie far apart."""
    if len(mine) < _ENOUGH or len(theirs) < _ENOUGH_VALIDATION:
        return np.zeros(mine.shape[1], bool)
    center, spread = abs(theirs.mean(axis=0)), theirs.std(axis=0)
    about_one = (center < 1) & (spread > 0.1) & (spread < 2)
    reversed_ = len(theirs) >= _ENOUGH and about_one & _beyond(mine, theirs, _WIDTHS_REVERSED)
    return _beyond(theirs, mine, _WIDTHS) | reversed_


def _beyond(values: Any, others: Any, widths: float) -> NDArray[np.bool_]:
    """Whether most values of a column are this many widths of the others' range away from it."""
    low, high = others.min(axis=0), others.max(axis=0)
    away = widths * (high - low)
    outside = (values < low - away) | (values > high + away)
    return (away > 0) & (outside.mean(axis=0) > 0.5)


def _is_standardized(X: Any) -> NDArray[np.bool_]:
    """Whether each column has mean 0 and variance 1, as `StandardScaler` makes it."""
    part = sample(X, _ROWS)
    if len(part) < _ENOUGH or not (abs(part.mean(axis=0)) < _NOT_NARROW).any():
        return np.zeros(X.shape[1], bool)  # not worth a look at all rows
    mean = X.mean(axis=0, dtype=np.float64)
    squares = np.einsum("ij,ij->j", X, X, dtype=np.float64) / len(X)
    return (abs(mean) < _STANDARDIZED) & (abs(squares - 1) < _STANDARDIZED)


def _unlike_standardized(mine: Any, theirs: Any) -> NDArray[np.bool_]:
    """Whether a column is too far from the 0, or too close to it, for the standardized one."""
    if len(theirs) < _ENOUGH:
        return np.zeros(theirs.shape[1], bool)
    far = ((abs(theirs) > _OFF).mean(axis=0) > 0.5) & (theirs.std(axis=0) > _NOT_NARROW)
    tiny = np.sqrt((theirs * theirs).mean(axis=0)) < _TINY
    return far | (tiny & _beyond(mine, theirs, _WIDTHS))


def _stored(rows: Any) -> NDArray[Any]:
    """Return the values that are not 0, as one column."""
    values = rows.data if is_sparse(rows) else rows[rows != 0]
    return np.asarray(values)[:, np.newaxis]
