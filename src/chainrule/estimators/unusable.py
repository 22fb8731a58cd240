"""What is said of data that an estimator cannot use: where it is, what is there, what to do.

scikit-learn's own words come first, where they are known, so that they are found again. Nothing of
this is looked at unless its checks have failed, apart from what they let pass.
"""

import math
from collections.abc import Iterator
from os import PathLike
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor

from chainrule.architecture.inputs import is_sparse
from chainrule.errors import InvalidInput

__all__ = ["not_numbers", "unusable_data"]

_NAMED: Final = 3  # columns
_IN_NUMBERS: Final = str.maketrans("", "", " ,$€£%'")


def unusable_data(estimator: Any, X: Any, y: Any, error: Exception) -> InvalidInput | None:
    """Return a better error for data that scikit-learn's checks refuse, or None.

    Parameters
    ----------
    estimator
        Whose they are.
    X, y
        The user's.
    error : Exception
        scikit-learn's.
    """
    if "feature names" in str(error) or "features as input" in str(error):
        return None  # scikit-learn says which
    for look in (_look_for_names, _look_at_shapes, _look_at_target, _look_at_columns):
        sentence = look(estimator, X, y)
        if sentence is not None:
            return InvalidInput(sentence)
    if "inhomogeneous" in str(error):
        return InvalidInput("X needs rows of equal length, one value per feature.")
    return None


def not_numbers(estimator: Any, y: Any) -> InvalidInput:
    """Return the error for a regressor's targets that are text or dates."""
    values = np.asarray(y).ravel()
    kind = type(estimator).__name__
    if values.dtype.kind in "mM":
        return InvalidInput(
            f"y holds dates, and {kind} predicts numbers. Give numbers, such as the days since a "
            f"date: (y - y.min()) / np.timedelta64(1, 'D')."
        )
    text = next(each for each in values.tolist() if isinstance(each, str | bytes))
    given = f"could not convert string to float: {text!r}. "
    if _is_number(text):
        return InvalidInput(
            f"{given}y holds numbers as text, and {kind} predicts numbers. Give them as numbers, "
            f"as in y.astype(float)."
        )
    if _is_number(text.translate(_IN_NUMBERS) if isinstance(text, str) else text):
        return InvalidInput(
            f"{given}y holds numbers as text, and {kind} predicts numbers. Take signs and "
            f"separators out, for instance with pandas' str.replace, then use astype(float)."
        )
    return InvalidInput(
        f"{given}y holds text, and {kind} predicts numbers. For classes use "
        f"{kind.replace('Regressor', 'Classifier')}."
    )


def _look_for_names(estimator: Any, X: Any, y: Any) -> str | None:
    """Find the name of a file, or of a column, in place of what it holds."""
    if isinstance(X, str | PathLike):
        return (
            f"X is the text {str(X)!r}. Read the file first, for instance with pandas.read_csv, "
            f"and give its columns."
        )
    if isinstance(y, str):
        return (
            f"y is the text {y!r}. Give the column itself, and leave it out of X: "
            f"fit(df.drop(columns={y!r}), df[{y!r}])."
        )
    return None


def _look_at_shapes(estimator: Any, X: Any, y: Any) -> str | None:
    """Find data without rows, rows of different lengths, or another number of rows."""
    n_rows, shape = _size(X), _shape(X)
    if n_rows == 0:
        return (
            None
            if shape is not None and len(shape) == 2
            else (
                "X has no rows. Expected 2D array, got 1D array instead. Reshape your data to "
                "(n_samples, n_features), with one row per example."
            )
        )
    if shape is None:
        lengths = [_size(row) for row in X] if isinstance(X, list | tuple) else []
        for i, length in enumerate(lengths):
            if length != lengths[0]:
                return (
                    f"Row {i} of X has {length} values and row 0 has {lengths[0]}. Give rows of "
                    f"equal length, one value per feature."
                )
        return None
    y_shape = None if y is None else _shape(y)
    if len(shape) == 1:
        swapped = y_shape is not None and len(y_shape) == 2 and y_shape[1] > 1
        return (
            f"Expected 2D array, got 1D array instead: X has the shape {shape}. Reshape your data "
            f"with X.reshape(-1, 1) if it is one feature, or X.reshape(1, -1) if it is one example"
            f"{', unless X and y are swapped: fit(X, y)' if swapped else ''}."
        )
    if len(shape) == 2 and y_shape and y_shape[0] != shape[0]:
        turned = shape[1] == y_shape[0]
        advice = "X has its examples in columns: give X.T" if turned else "Give one y per row of X"
        return (
            f"Found input variables with inconsistent numbers of samples: {[shape[0], y_shape[0]]}."
            f" X has {shape[0]} rows and y has {y_shape[0]}. {advice}."
        )
    return None


def _look_at_target(estimator: Any, X: Any, y: Any) -> str | None:
    """Find text given to a regressor, and gaps."""
    shape = None if y is None else _shape(y)
    if not shape or is_sparse(y):
        return None
    values = np.asarray(y, dtype=object)
    gaps = _gaps(values)
    texts = any(isinstance(each, str) for each in values.ravel().tolist())
    if is_regressor(estimator) and texts:
        return str(not_numbers(estimator, values))
    if gaps.any():
        rows = gaps.reshape(shape[0], -1).any(axis=1)
        return (
            f"Input y contains NaN: {np.count_nonzero(rows)} of {shape[0]} rows have no target. "
            f"Leave them out, as in keep = pd.notna(y); fit(X[keep], y[keep])."
        )
    if is_regressor(estimator) and np.asarray(y).dtype.kind in "mM":
        return str(not_numbers(estimator, y))
    return None


def _look_at_columns(estimator: Any, X: Any, y: Any) -> str | None:
    """Find text, dates, gaps and infinity in X."""
    missing, infinite, n_missing = list[str](), list[str](), 0
    for name, values in _columns(X):
        if values.dtype.kind in "mM":
            return (
                f"Column {name} of X holds dates, and a network takes numbers. Give numbers, such "
                f"as the year, the month or the days since a date."
            )
        text = _text_in(values)
        if text is not None:
            return _of_text(name, text)
        gaps = _gaps(values)
        if gaps.any():
            missing.append(name)
            n_missing += int(np.count_nonzero(gaps))
        elif _infinite(values):
            infinite.append(name)
    if missing:
        return (
            f"Input X contains NaN: {_listed(missing)} {_count(n_missing, 'missing value')} in "
            f"{_size(X)} rows. Put SimpleImputer before the network, as in "
            f"make_pipeline(SimpleImputer(), StandardScaler(), {type(estimator).__name__}())."
        )
    if infinite:
        return (
            f"Input X contains infinity or a value too large for its dtype: {_listed(infinite)} "
            f"{'it' if len(infinite) == 1 else 'them'}. Look for divisions by 0 and overflows "
            f"where X was made, or use np.clip."
        )
    return None


def _of_text(name: str, text: str) -> str:
    given = f"could not convert string to float: {text!r}. Column {name} of X holds"
    if _is_number(text.translate(_IN_NUMBERS)):
        return (
            f"{given} numbers as text. Give them as numbers, for instance with pandas.to_numeric, "
            f"without signs and separators."
        )
    return (
        f"{given} text, and a network takes numbers. Encode it before the network, as in "
        f"make_pipeline(make_column_transformer((OneHotEncoder(handle_unknown='ignore'), "
        f"[{name}]), remainder=StandardScaler()), ...)."
    )


def _columns(X: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the columns of X, with their names as code."""
    if is_sparse(X):
        by_column = X.tocsc()
        for j in range(X.shape[1]):
            yield str(j), by_column[:, [j]].data
        return
    if hasattr(X, "columns") and hasattr(X, "__getitem__"):
        for j, name in enumerate(X.columns):
            column = X.iloc[:, j] if hasattr(X, "iloc") else X[name]
            yield repr(name), np.asarray(column)
        return
    if (shape := _shape(X)) is not None and len(shape) == 2:
        rows = np.asarray(X) if hasattr(X, "dtype") else np.asarray(X, dtype=object)
        yield from ((str(j), column) for j, column in enumerate(rows.T))


def _text_in(values: NDArray[Any]) -> str | None:
    """Return the first text that does not spell a plain number."""
    if values.dtype.kind not in "OUS":
        return None
    for each in values.tolist():
        if isinstance(each, str) and not _is_number(each):
            return each
    return None


def _gaps(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where NaN, None or pandas' NA are: what is not itself, or cannot be compared."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind != "O":
        return np.zeros(values.shape, bool)
    found = [_is_gap(each) for each in values.ravel().tolist()]
    return np.array(found, bool).reshape(values.shape)


def _is_gap(value: Any) -> bool:
    if value is None:
        return True
    try:
        return bool(value != value)  # noqa: PLR0124 - NaN is not itself
    except (TypeError, ValueError):  # pandas' NA has no truth value
        return True


def _infinite(values: NDArray[Any]) -> bool:
    if values.dtype.kind == "O":
        return any(isinstance(each, float) and math.isinf(each) for each in values.tolist())
    return values.dtype.kind == "f" and bool(np.isinf(values).any())


def _is_number(text: str | bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _shape(values: Any) -> tuple[int, ...] | None:
    """Return the shape, or None where rows have different lengths."""
    try:
        return np.shape(values)
    except ValueError:
        return None


def _size(values: Any) -> int:
    if is_sparse(values):
        return values.shape[0]
    return len(values) if hasattr(values, "__len__") else 1


def _listed(names: list[str]) -> str:
    """Say which columns have it."""
    if len(names) == 1:
        return f"column {names[0]} has"
    more = len(names) - _NAMED
    if more > 0:
        return f"columns {', '.join(names[:_NAMED])} and {more} more have"
    return f"columns {', '.join(names[:-1])} and {names[-1]} have"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"
