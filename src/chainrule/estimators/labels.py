"""Class labels to a network's targets and back."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from chainrule.errors import InvalidInput

__all__ = ["Labels"]


@final
class Labels:
    """Knows the classes, what kind of problem they make, and how the network sees them.

    Attributes
    ----------
    classes : array
        The class labels, sorted; for multi-label the column numbers.
    kind : {"binary", "multiclass", "multilabel"}
        Two classes make one logistic output; more make one output each; labels of which several
        may hold make one logistic output each.
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
        if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "biuU":
            # Whole numbers and words are classes, which need not be looked at twice more.
            self.classes: NDArray[Any] = np.unique(y)
            self.kind = "binary" if len(self.classes) <= 2 else "multiclass"
        else:
            check_classification_targets(y)
            self.classes = unique_labels(y)
            self.kind = type_of_target(y, input_name="y")
            if self.kind.startswith("multilabel"):
                self.kind = "multilabel"
                self.binarizer = LabelBinarizer().fit(y)
                self.classes = self.binarizer.classes_
        if self.kind != "multilabel" and len(self.classes) < 2:
            where = "classes" if listed else "y"
            raise InvalidInput(
                f"A classifier needs at least two classes, but {where} contains one class only: "
                f"{self.classes.tolist()[0]!r}. Give examples of another class too."
            )

    @property
    def n_outputs(self) -> int:
        """The number of outputs the network needs."""
        return 1 if self.kind == "binary" else len(self.classes)

    def encode(self, y: Any, *, one_vs_all: bool = False) -> NDArray[Any]:
        """Return the network's targets.

        Class indices (n,) for a softmax; zeros and ones (n, K) for logistic outputs, which more
        than two classes have only one-vs-all.
        """
        if self.binarizer is not None:
            return self.binarizer.transform(y)  # dense, also for sparse indicators
        number = np.searchsorted(self.classes, y)
        if self.kind == "binary":
            return number[:, np.newaxis]
        return np.eye(len(self.classes), dtype=int)[number] if one_vs_all else number

    def decode(self, H: NDArray[Any]) -> Any:
        """Return the labels that hypotheses stand for: the likeliest, or those above 1/2."""
        if self.kind == "multiclass":
            return self.classes[H.argmax(axis=1)]
        if self.kind == "binary":
            return self.classes[(H[:, 0] > 0.5).astype(np.intp)]
        indicators = (H > 0.5).astype(int)
        sparse_asked = self.binarizer is not None and self.binarizer.sparse_input_
        return sparse.csr_matrix(indicators) if sparse_asked else indicators
