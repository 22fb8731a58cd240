"""Class labels to a network's targets and back."""

import warnings
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from chainrule.calls import level_of_the_user
from chainrule.errors import DoubtfulTarget, InvalidInput

__all__ = ["Labels", "lists_columns"]

_FEW: Final = 20  # rows, of which nothing can be told


_NAMED = 5  # of the unknown classes, in an error


def _plain(label: Any) -> str:
    """Return a label without what one spelling of it may have and another not."""
    text = str(label).strip().casefold()
    try:
        return str(float(text))
    except ValueError:
        return {"false": "0.0", "true": "1.0"}.get(text, text)


def lists_columns(classes: Any) -> bool:
    """Whether these are lists of classes, one for each column, not classes."""
    return isinstance(classes, list | tuple) and all(np.ndim(each) == 1 for each in classes)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - this is the check


def _are_classes(y: NDArray[Any]) -> bool:
    """Whether these are words or whole numbers, be it as floats."""
    return y.dtype.kind in "biuU" or (y.dtype.kind == "f" and bool((y == np.floor(y)).all()))


def _require_classes(y: Any) -> None:
    """Raise if targets are no classes."""
    try:
        check_classification_targets(y)
    except ValueError as error:
        kind = type_of_target(y)
        values = np.ravel(y).tolist()
        if kind.startswith("continuous"):
            broken = next((v for v in values if v != int(v)), values[0])
            raise InvalidInput(
                f"Unknown label type: {kind}. y holds numbers such as {broken:g}, and a classifier "
                f"learns classes. For numbers use MLPRegressor; or make classes of them, as in "
                f"np.digitize(y, [0, 1])."
            ) from None
        types = sorted({type(value).__name__ for value in values})
        raise InvalidInput(
            f"{str(error).partition('.')[0]}. y holds labels of type {' and '.join(types)}: give "
            f"labels of one type, text or whole numbers, and no row without one."
        ) from None


def _warn_of_many(classes: NDArray[Any], n: int) -> None:
    """Warn if nearly each example has a class of its own, as scikit-learn does."""
    if n > _FEW and len(classes) > n / 2:
        numbers = classes.dtype.kind != "U"
        warnings.warn(
            f"y has {len(classes)} different {'numbers' if numbers else 'labels'} in {n} rows, and "
            f"each is taken as a class. "
            f"{'For numbers use MLPRegressor.' if numbers else 'Is it the column of the classes?'}",
            DoubtfulTarget,
            stacklevel=level_of_the_user(),
        )


def _warn_of_one_hot(y: Any) -> None:
    """Warn if several labels may hold, and each example has exactly one."""
    counts = np.asarray(y.sum(axis=1)).ravel() if hasattr(y, "sum") else np.sum(y, axis=1)
    if len(counts) > _FEW and (counts == 1).all():
        warnings.warn(
            "Each row of y has a single 1, as one-hot classes have, and y is taken as labels of "
            "which several may hold. For one class per row give y.argmax(axis=1).",
            DoubtfulTarget,
            stacklevel=level_of_the_user(),
        )


@final
class Labels:
    """Knows the classes, what kind of problem they make, and how the network sees them.

    Attributes
    ----------
    classes : array, or list of arrays
        The class labels, sorted; for multi-label the column numbers; for several columns of
        classes a list of the labels of each.
    kind : {"binary", "multiclass", "multilabel", "multioutput"}
        Two classes make one logistic output; more make one output each; labels of which several
        may hold make one logistic output each; several columns make a group of outputs each.
    """

    def __init__(self, y: Any, *, listed: bool = False) -> None:
        """Learn the classes from `y`.

        Parameters
        ----------
        y : array-like
            Labels (n,) or indicators (n, K).
        listed : bool, default=False
            `y` lists the classes themselves, not examples.

        Raises
        ------
        InvalidInput
            If there is one class only.
        """
        self.binarizer = None
        if listed and lists_columns(y):
            self._take_columns(y, "classes")
            return
        if isinstance(y, np.ndarray) and y.ndim == 1 and _are_classes(y):
            # Whole numbers and words are classes, which need not be looked at twice more.
            self.classes: Any = np.unique(y)
            self.kind = "binary" if len(self.classes) <= 2 else "multiclass"
            if not listed:
                _warn_of_many(self.classes, len(y))
        else:
            _require_classes(y)
            self.kind = type_of_target(y, input_name="y")
            if self.kind == "multiclass-multioutput":
                self._take_columns(np.asarray(y).T, "y")
                return
            self.classes = unique_labels(y)
            if self.kind.startswith("multilabel"):
                self.kind = "multilabel"
                self.binarizer = LabelBinarizer().fit(y)
                self.classes = self.binarizer.classes_
                _warn_of_one_hot(y)
        if self.kind != "multilabel" and len(self.classes) < 2:
            where = "classes" if listed else "y"
            raise InvalidInput(
                f"A classifier needs at least two classes, but {where} contains one class only: "
                f"{self.classes.tolist()[0]!r}. Give examples of another class too."
            )

    def _take_columns(self, columns: Any, what: str) -> None:
        """Learn the classes of each column, or from a list of them for each."""
        self.kind = "multioutput"
        self.classes = [np.unique(column) for column in columns]
        for i, classes in enumerate(self.classes):
            if len(classes) < 2:
                raise InvalidInput(
                    f"A classifier needs at least two classes, but column {i} of {what} contains "
                    f"one class only: {classes.tolist()}. Leave it out, or give examples of "
                    f"another class too."
                )

    @property
    def groups(self) -> list[int]:
        """The number of classes in each column of several."""
        return [len(classes) for classes in self.classes]

    @property
    def n_outputs(self) -> int:
        """The number of outputs the network needs."""
        if self.kind == "multioutput":
            return sum(self.groups)
        return 1 if self.kind == "binary" else len(self.classes)

    def are(self, classes: Any) -> bool:
        """Whether these are the same classes, in the same form."""
        if self.kind != "multioutput":
            return np.array_equal(self.classes, classes)
        return (
            isinstance(classes, list)
            and len(classes) == len(self.classes)  # pyright: ignore[reportUnknownArgumentType] - of a file
            and all(map(np.array_equal, self.classes, classes))  # pyright: ignore[reportUnknownArgumentType]
        )

    def require_known(self, y: Any) -> None:
        """Raise if y holds other classes, or has another form or number of columns.

        Raises
        ------
        InvalidInput
            With the classes that are known, and those that are given.
        """
        if self.kind != "multioutput":
            _require_classes(y)
            self._require_one_column(y)
            self._require_form(y)
            given: Any = unique_labels(y)
            known = not len(np.setdiff1d(given, self.classes))
        else:
            columns = self._columns(y)
            given = [np.unique(column) for column in columns]
            pairs = zip(given, self.classes, strict=True)
            known = not any(len(np.setdiff1d(mine, theirs)) for mine, theirs in pairs)
        if not known:
            raise InvalidInput(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. "
                f"'y' has {given}.{self._remedy(given)}"
            )

    def _remedy(self, given: Any) -> str:
        """Return what to do about classes that are not known."""
        if self.kind == "multioutput":
            return " Leave those rows out, or train on examples of these classes too."
        unknown = np.setdiff1d(given, self.classes).tolist()
        named = f"{unknown[:_NAMED]}"[1:-1] + (", ..." if len(unknown) > _NAMED else "")
        plain = {_plain(label) for label in self.classes.tolist()}
        if all(_plain(label) in plain for label in unknown):
            kinds = {type(label).__name__ for label in self.classes.tolist()}
            mine = type(unknown[0]).__name__
            how = "spelled otherwise"
            if mine not in kinds:
                how = f"of type {mine} where the known ones are of type {', '.join(sorted(kinds))}"
            return f" Those not known ({named}) are {how}: give all labels in one form."
        return (
            f" Not known: {named}. Leave those rows out, or train on examples of these classes too."
        )

    def require_same(self, y: Any) -> None:
        """Raise if y does not hold exactly these classes.

        Raises
        ------
        InvalidInput
            With the classes that are known, and those that are given.
        """
        several = self.kind == "multioutput"
        if not several:
            self._require_one_column(y)
        labels = [np.unique(column) for column in self._columns(y)] if several else unique_labels(y)
        if not self.are(labels):
            raise InvalidInput(
                f"warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes}, `y` has {labels}"
            )

    def columns_of(self, H: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the outputs of each column's group."""
        return np.split(H, np.cumsum(self.groups)[:-1], axis=1)

    def _require_one_column(self, y: Any) -> None:
        if type_of_target(y) == "multiclass-multioutput":
            raise InvalidInput(
                f"`y` has {np.shape(y)[1]} columns of classes, and the first fit had one, or "
                f"several labels. Give such a y again, or set warm_start=False."
            )

    def _require_form(self, y: Any) -> None:
        """Raise if y has one class a row where there were indicators of several, or the reverse."""
        shape = np.shape(y)
        if self.binarizer is not None:
            if len(shape) != 2 or shape[1] != len(self.classes):
                raise InvalidInput(
                    f"`y` needs {len(self.classes)} columns of 0 and 1, one for each label, as in "
                    f"the first fit. Got shape {shape} instead."
                )
        elif len(shape) == 2 and shape[1] != 1:
            raise InvalidInput(
                f"`y` needs one class for each row, shape (n,), as in the first fit. Got shape "
                f"{shape} instead: of one-hot rows take ``classes[y.argmax(axis=1)]``."
            )

    def _columns(self, y: Any) -> NDArray[Any]:
        array = np.asarray(y)
        if array.ndim != 2 or array.shape[1] != len(self.classes):
            raise InvalidInput(
                f"`y` needs {len(self.classes)} columns of classes, as in the first fit. Got "
                f"shape {array.shape} instead."
            )
        return array.T

    def encode(self, y: Any, *, one_vs_all: bool = False) -> NDArray[Any]:
        """Return the network's targets.

        Class indices (n,) for a softmax; zeros and ones (n, K) for logistic outputs, which more
        than two classes have only one-vs-all. Several columns have indices (n, m), or one column
        after the other.
        """
        if self.kind == "multioutput":
            pairs = zip(self.classes, self._columns(y), strict=True)
            numbers = [np.searchsorted(classes, column) for classes, column in pairs]
            if not one_vs_all:
                return np.stack(numbers, axis=1)
            return np.hstack(
                [np.eye(k, dtype=int)[i] for k, i in zip(self.groups, numbers, strict=True)]
            )
        if self.binarizer is not None:
            return self.binarizer.transform(y)  # dense, also for sparse indicators
        number = np.searchsorted(self.classes, y)
        if self.kind == "binary":
            return number[:, np.newaxis]
        return np.eye(len(self.classes), dtype=int)[number] if one_vs_all else number

    def decode(self, H: NDArray[Any]) -> Any:
        """Return the labels that hypotheses stand for: the likeliest, or those above 1/2."""
        if self.kind == "multioutput":
            parts = zip(self.classes, self.columns_of(H), strict=True)
            return np.stack([classes[part.argmax(axis=1)] for classes, part in parts], axis=1)
        if self.kind == "multiclass":
            return self.classes[H.argmax(axis=1)]
        if self.kind == "binary":
            return self.classes[(H[:, 0] > 0.5).astype(np.intp)]
        indicators = (H > 0.5).astype(int)
        sparse_asked = self.binarizer is not None and self.binarizer.sparse_input_
        return sparse.csr_matrix(indicators) if sparse_asked else indicators
