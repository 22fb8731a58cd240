"""`cr.from_sklearn`: scikit-learn's fitted MLP becomes ours, with the same predictions."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn import neural_network
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import InvalidInput
from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.labels import Labels
from chainrule.estimators.regressor import MLPRegressor
from chainrule.network.layers import network_of_layers

__all__ = ["from_sklearn"]

_KEPT = (
    *("n_features_in_", "feature_names_in_", "n_layers_", "n_outputs_", "out_activation_"),
    *("n_iter_", "t_", "loss_", "loss_curve_", "best_loss_"),
    *("validation_scores_", "best_validation_score_"),
)


def from_sklearn(
    mlp: neural_network.MLPClassifier | neural_network.MLPRegressor,
) -> MLPClassifier | MLPRegressor:
    """Return our estimator with the parameters and the network of scikit-learn's fitted one.

    It predicts the same, and has what ours have: `network_`, `explain`, `to_onnx`, `to_c`, files
    that execute nothing.

    Parameters
    ----------
    mlp : sklearn.neural_network.MLPClassifier or MLPRegressor
        Fitted. It is not changed.

    Returns
    -------
    MLPClassifier or MLPRegressor
        Fitted. `partial_fit`, and `fit` with ``warm_start=True``, continue from its weights, with a
        new optimizer.

    Raises
    ------
    InvalidInput
        If it is something else.
    sklearn.exceptions.NotFittedError
        If it was not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> import chainrule as cr
    >>> X, y = load_iris(return_X_y=True)
    >>> theirs = MLPClassifier(8, solver="lbfgs", max_iter=1000, random_state=0).fit(X, y)
    >>> ours = cr.from_sklearn(theirs)
    >>> bool((ours.predict(X) == theirs.predict(X)).all())
    True
    """
    ours: Any
    if isinstance(mlp, neural_network.MLPClassifier):
        ours = MLPClassifier(**mlp.get_params(deep=False))
    elif isinstance(mlp, neural_network.MLPRegressor):
        ours = MLPRegressor(**mlp.get_params(deep=False))
    elif isinstance(mlp, MLPClassifier | MLPRegressor):
        raise InvalidInput(
            f"This {type(mlp).__name__} is chainrule's already: from_sklearn takes scikit-learn's."
        )
    else:
        raise InvalidInput(
            f"An MLPClassifier or MLPRegressor of scikit-learn's is needed. Got an object of "
            f"{type(mlp).__name__}: of a Pipeline, give the last step."
        )
    check_is_fitted(mlp)
    theirs: dict[str, Any] = vars(mlp)
    hidden = [mlp.activation] * (len(mlp.coefs_) - 1)
    loss = theirs["loss"] if isinstance(ours, MLPRegressor) else None
    ours.network_ = network_of_layers(
        mlp.coefs_, mlp.intercepts_, hidden, mlp.out_activation_, loss
    )
    for name in _KEPT:
        if name in theirs:
            value = theirs[name]
            setattr(ours, name, list(value) if isinstance(value, list) else value)
    if isinstance(ours, MLPClassifier):
        ours._labels = _labels(mlp)
        ours.classes_ = ours._labels.classes
    return ours


def _labels(mlp: Any) -> Labels:
    binarizer = mlp._label_binarizer
    if not binarizer.y_type_.startswith("multilabel"):
        return Labels(mlp.classes_, listed=True)
    each = np.eye(len(mlp.classes_), dtype=int)
    return Labels(sparse.csr_matrix(each) if binarizer.sparse_input_ else each)
