"""The inputs of a network: X, Y and sample weights, checked and cast once.

Every error is one sentence: what is wrong, what was given, what to do.
"""

from collections.abc import Callable
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from chainrule.architecture.architecture import Architecture
from chainrule.architecture.rows import Rows
from chainrule.errors import InvalidInput
from chainrule.maths.arrays import Float
from chainrule.maths.losses import GroupedLogLoss

__all__ = [
    "as_numbers",
    "check_X",
    "check_Y",
    "check_batch",
    "check_sample_weight",
    "is_sparse",
    "numbers_are_finite",
    "require_unmasked",
]

AnyArray: TypeAlias = NDArray[Any]
AreFinite: TypeAlias = Callable[[AnyArray], bool]


def numbers_are_finite(values: AnyArray) -> bool:
    """Whether all values are finite."""
    # The sum is finite if all values are, and costs no memory; it may also overflow by itself.
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()) or np.isfinite(values).all())


def check_X(architecture: Architecture, X: Any, are_finite: AreFinite = numbers_are_finite) -> Any:
    """Return X as an array (n, N) or CSR matrix of the network's dtype.

    A 1-D X is one example. Dense input is not copied if it has the dtype already. An engine may
    have a faster way to see whether all numbers are finite.

    Raises
    ------
    InvalidInput
        If X does not hold numbers, holds NaN or infinity, has no rows, or not the network's
        columns.
    """
    checked: Any
    if isinstance(X, Rows):  # made from an X that was checked
        return X
    if is_sparse(X):
        if X.ndim != 2 or X.dtype.kind not in "biuf":
            raise InvalidInput(
                f"A sparse X must have two dimensions and hold real numbers. Got {X.ndim} "
                f"dimension{'s' if X.ndim != 1 else ''} of type {X.dtype}."
            )
        _require_whole(X)
        with np.errstate(over="ignore"):
            # SciPy makes rows of the types it knows only.
            known = X.dtype.isnative and X.dtype != np.float16
            rows = X if known else X.astype(architecture.dtype)
            checked = rows.tocsr().astype(architecture.dtype, copy=False)
        _require_finite(checked.data, "X", are_finite)
    else:
        checked = as_numbers(X, "X", architecture.dtype)
        if checked.shape[:1] == (0,):
            raise InvalidInput(
                f"X has no rows: got shape {checked.shape}. Give at least one example."
            )
        checked = checked[None] if checked.ndim == 1 else checked
        if checked.ndim != 2:
            raise InvalidInput(
                f"X must have rows of examples and columns of features, two dimensions. "
                f"Got shape {checked.shape} instead."
            )
        _require_finite(checked, "X", are_finite)
    n_features = architecture.sizes[0]
    if checked.shape[1] != n_features:
        raise InvalidInput(
            f"X has {checked.shape[1]} features, but the network has {n_features} inputs. "
            f"Give X with {n_features} columns, one example a row."
        )
    if checked.shape[0] == 0:
        raise InvalidInput(f"X has no rows: got shape {checked.shape}. Give at least one example.")
    return checked


def check_Y(architecture: Architecture, Y: Any) -> Float:
    """Return Y as an array (n, K) of the network's dtype; classes become one-hot rows.

    The targets of a loss with several outputs each (quantiles) are repeated for each of them.

    Raises
    ------
    InvalidInput
        If Y does not have one row of targets per example, or holds values that the loss cannot
        take.
    """
    loss, K = architecture.loss, architecture.sizes[-1]
    if loss.targets == "classes":
        return _one_hot(architecture, Y)
    if loss.targets == "groups":
        return _one_hot_groups(architecture, Y)
    targets = as_numbers(Y, "Y", architecture.dtype)
    columns = _target_columns(architecture)
    if targets.ndim == 1 and columns == 1:
        targets = targets[:, None]
    if targets.ndim != 2 or targets.shape[1] != columns:
        also = " or (n,)" if columns == 1 else ""
        per_target = K // columns
        each = f", {per_target} for each target" if per_target > 1 else ""
        raise InvalidInput(
            f"Y must have the shape (n, {columns}){also} for a network with {K} "
            f"output{'s' if K > 1 else ''}{each}. Got shape {targets.shape} instead."
        )
    _require_finite(targets, "Y")
    if columns < K:
        targets = np.repeat(targets, K // columns, axis=1)
    if loss.targets == "binary" and not _only_0_and_1(targets):
        wrong = targets[~np.isin(targets, (0, 1))].flat[0]
        raise InvalidInput(
            f"loss '{loss.name}' takes targets 0 and 1. Got {wrong:g}: encode the classes as 0 "
            f"and 1."
        )
    if loss.targets == "nonnegative" and targets.min(initial=0) < 0:
        raise InvalidInput(
            f"loss '{loss.name}' takes targets >= 0, such as counts. Got {targets.min():g}: use "
            f"loss='squared_error' for targets of any sign."
        )
    return targets


def check_sample_weight(architecture: Architecture, sample_weight: Any, n: int) -> Float | None:
    """Return sample weights as an array (n,), or None.

    Raises
    ------
    InvalidInput
        If there is not one finite weight >= 0 per example, or all are 0.
    """
    if sample_weight is None:
        return None
    weight = as_numbers(sample_weight, "sample_weight", architecture.dtype)
    if weight.shape != (n,):
        raise InvalidInput(
            f"sample_weight needs one weight per example, shape ({n},). Got shape {weight.shape} "
            f"instead."
        )
    _require_finite(weight, "sample_weight")
    if weight.min() < 0:
        raise InvalidInput(
            f"sample_weight must be >= 0. Got {weight.min():g}: leave an example out with 0."
        )
    if not weight.any():
        raise InvalidInput("sample_weight is 0 for every example: give at least one a weight > 0.")
    if weight.sum() < np.finfo(architecture.dtype).tiny:
        raise InvalidInput(
            f"sample_weight adds up to {weight.sum():g}, too little to divide by. Scale it up: "
            f"only the proportions count."
        )
    return weight


def check_batch(
    architecture: Architecture,
    X: Any,
    Y: Any,
    sample_weight: Any = None,
    are_finite: AreFinite = numbers_are_finite,
) -> tuple[Any, Float, Float | None]:
    """Return X, Y and the sample weights of a batch, after checking each and their sizes.

    Raises
    ------
    InvalidInput
        If any is unusable, or their numbers of examples differ.
    """
    rows = check_X(architecture, X, are_finite)
    given, weight = Y, sample_weight
    if not is_sparse(X) and not isinstance(X, Rows) and np.ndim(X) == 1:
        given, weight = _of_one_example(architecture, Y, sample_weight)
    targets = check_Y(architecture, given)
    n = rows.shape[0]
    if n != len(targets):
        raise InvalidInput(
            f"X has {n} examples and Y has {len(targets)}. Give one target per example."
        )
    return rows, targets, check_sample_weight(architecture, weight, n)


def _of_one_example(architecture: Architecture, Y: Any, weight: Any) -> tuple[Any, Any]:
    """Give the target and weight of a single example the shapes of a batch of one."""
    try:
        n_dimensions, size = np.ndim(Y), np.size(Y)
    except ValueError:  # rows of different lengths: refused later with an error
        return Y, weight
    rows = (_target_columns(architecture), architecture.sizes[-1])
    targets = architecture.loss.targets
    fits = size in rows if targets == "groups" else size == rows[0]
    a_row = n_dimensions == 1 and fits and not (size == 1 and targets == "classes")
    scalar_weight = weight is not None and np.ndim(weight) == 0
    return [Y] if n_dimensions == 0 or a_row else Y, [weight] if scalar_weight else weight


def is_sparse(X: Any) -> bool:
    """Whether X is one of SciPy's sparse matrices or arrays."""
    return sparse.issparse(X)  # without its type guard, which hides X's methods


def _require_whole(X: Any) -> None:
    """Raise if the indices of a sparse matrix lead out of it, where SciPy and the core would read.

    Raises
    ------
    InvalidInput
        If they do.
    """
    if X.format not in ("csr", "csc", "bsr"):
        return  # SciPy checks the others when it makes rows of them
    n_major, n_minor = X.shape if X.format != "csc" else X.shape[::-1]
    if X.format == "bsr":
        n_major, n_minor = n_major // X.blocksize[0], n_minor // X.blocksize[1]
    starts, indices = X.indptr, X.indices
    fits = len(starts) == n_major + 1 and starts[0] == 0 and (starts[1:] >= starts[:-1]).all()
    fits = fits and starts[-1] <= min(len(indices), len(X.data))
    used = indices[: starts[-1]] if fits else indices
    if not fits or (used.size and not 0 <= used.min() <= used.max() < n_minor):
        raise InvalidInput(
            f"The indices of the sparse X do not fit its shape {X.shape}: make it again, for "
            f"instance by scipy.sparse.csr_array((values, (rows, columns)), shape)."
        )


def _one_hot(architecture: Architecture, Y: Any) -> Float:
    K = architecture.sizes[-1]
    given = as_numbers(
        Y, "Y", np.dtype(np.float64), f"encode the classes as class indices 0 ... {K - 1}"
    )
    if given.ndim == 1:
        wrong = _no_classes(given, K)
        if wrong.any():
            raise InvalidInput(
                f"The class indices must be whole numbers 0 ... {K - 1} for {K} outputs. Got "
                f"{given[wrong].flat[0]:g} instead."
            )
        rows = np.zeros((len(given), K), architecture.dtype)
        rows[np.arange(len(given)), given.astype(np.intp)] = 1
        return rows
    if given.ndim != 2 or given.shape[1] != K:
        raise InvalidInput(
            f"Y must hold class indices of shape (n,) or one-hot rows of shape (n, {K}). Got "
            f"shape {given.shape} instead."
        )
    if not (_only_0_and_1(given) and (given.sum(axis=1) == 1).all()):
        raise InvalidInput(
            "One-hot rows of Y must hold a single 1 and else 0. Got a row that does not: for "
            "several labels per example use loss='cross_entropy'."
        )
    return given.astype(architecture.dtype)


def _no_classes(given: AnyArray, K: int) -> NDArray[np.bool_]:
    """Return a mask of the values that are not whole numbers 0 ... K - 1."""
    with np.errstate(invalid="ignore"):
        return (given.astype(np.intp) != given) | (given < 0) | (given >= K)


def _only_0_and_1(values: AnyArray) -> bool:
    return bool(((values == 0) | (values == 1)).all())


def _target_columns(architecture: Architecture) -> int:
    """Return the number of columns of the user's Y: one per target, or per group of classes."""
    made_of, K = architecture.loss.made_of, architecture.sizes[-1]
    if isinstance(made_of, GroupedLogLoss):
        return len(made_of.groups)
    return K if made_of is None else K // made_of.outputs_per_target


def _one_hot_groups(architecture: Architecture, Y: Any) -> Float:
    """Return the one-hot rows of several groups of classes side by side."""
    made_of, K = architecture.loss.made_of, architecture.sizes[-1]
    if not isinstance(made_of, GroupedLogLoss):
        raise InvalidInput(
            f"loss '{architecture.loss.name}' has groups of classes: use cr.GroupedLogLoss."
        )
    groups = made_of.groups
    given = as_numbers(Y, "Y", np.dtype(np.float64), "encode the classes of each group as 0, 1 ...")
    if given.ndim != 2 or given.shape[1] not in (len(groups), K):
        raise InvalidInput(
            f"Y must hold one class index per group, shape (n, {len(groups)}), or the groups' "
            f"one-hot rows side by side, shape (n, {K}). Got shape {given.shape} instead."
        )
    if given.shape[1] == K:
        sums = [given[:, group].sum(axis=1) for group in made_of.columns]
        if not (_only_0_and_1(given) and (np.array(sums) == 1).all()):
            raise InvalidInput(
                "One-hot rows of Y must hold a single 1 in each group and else 0. Got a row that "
                "does not."
            )
        return given.astype(architecture.dtype)
    rows = np.zeros((len(given), K), architecture.dtype)
    for i, (column, group) in enumerate(zip(given.T, made_of.columns, strict=True)):
        wrong = _no_classes(column, groups[i])
        if wrong.any():
            raise InvalidInput(
                f"The class indices of group {i} must be whole numbers 0 ... {groups[i] - 1}. Got "
                f"{column[wrong].flat[0]:g} instead."
            )
        rows[np.arange(len(given)), group.start + column.astype(np.intp)] = 1
    return rows


def as_numbers(
    values: Any,
    name: str,
    dtype: np.dtype[np.floating[Any]],
    advice: str = "encode text as numbers first",
) -> AnyArray:
    """Return values as an array of a float dtype, if they are real numbers.

    Raises
    ------
    InvalidInput
        If they are text, dates or complex, or rows of different lengths.
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):  # rows of different lengths
        array = None
    if array is None:
        advice = "give each row as many values as the others"
    if array is None or not _holds_numbers(array):
        raise InvalidInput(
            f"{name} must hold real numbers in rows of equal length. Got {_short(values)}: "
            f"{advice}."
        )
    require_unmasked(values, name)
    try:
        with np.errstate(over="ignore"):  # too large for float32: infinity, which is refused next
            return array.astype(dtype, copy=False)
    except (OverflowError, TypeError, ValueError):  # numbers of other types than NumPy's
        raise InvalidInput(
            f"{name} holds numbers that cannot be cast to {dtype}. Got {_short(values)}: "
            f"convert or scale them first."
        ) from None


def require_unmasked(values: Any, name: str) -> None:
    """Raise if values are masked, since NumPy would hand on what is under the mask.

    Raises
    ------
    InvalidInput
        If some are.
    """
    is_masked: bool = np.ma.isMaskedArray(values)
    n_masked = int(np.sum(values.mask)) if is_masked else 0
    if n_masked:
        raise InvalidInput(
            f"{name} has {n_masked} masked value{'s' if n_masked > 1 else ''}, which would be used "
            f"as if not masked: fill them in, or drop their rows."
        )


def _holds_numbers(array: AnyArray) -> bool:
    if array.dtype.kind == "O":
        return all(isinstance(value, Real) for value in array.flat)
    return array.dtype.kind in "biuf"


def _short(values: Any) -> str:
    text = " ".join(repr(values).split())
    return text if len(text) <= 60 else text[:57] + "..."


def _require_finite(
    values: AnyArray, name: str, are_finite: AreFinite = numbers_are_finite
) -> None:
    if are_finite(values):
        return
    n_nan = int(np.isnan(values).sum())
    kind, count = ("NaN", n_nan) if n_nan else ("infinity", int(np.isinf(values).sum()))
    raise InvalidInput(
        f"{name} contains {kind} ({count} of {values.size} values). Impute, clip or drop them "
        f"first."
    )
