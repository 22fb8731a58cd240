"""A network as plain arrays and names, for other languages and runtimes."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from chainrule.architecture import is_built_in
from chainrule.errors import InvalidInput
from chainrule.estimators import (
    MLPClassifier,
    MLPClassifierCV,
    MLPRegressor,
    MLPRegressorCV,
)
from chainrule.maths.arrays import Float
from chainrule.maths.losses import GroupedLogLoss
from chainrule.network import Network
from chainrule.training import Learner

__all__ = [
    "NORMAL_TAIL",
    "NORMAL_TAIL_END",
    "NORMAL_TAIL_MIDDLE",
    "Plain",
    "network_in",
    "plain_network",
    "single",
]

# Phi(-a) = exp(-a^2/2) Q(y) / (a + k) with y = (a - k)/(a + k), for 0 <= a <= END: the core's
# coefficients of Q for float64 (cpp/core/math/erf.hpp, fitted by cpp/tools/fit_polynomials.py), for
# languages and runtimes that have no erf. The constant comes first.
NORMAL_TAIL = (
    0.7737696342764068, -0.6851834205743381, 0.5355964890624947, -0.3670490652936198,
    0.21787243285795865, -0.10970308995871818, 0.04509758081490952, -0.013923510565679633,
    0.0024429826743550026, 0.0002696040008759317, -0.0003245226508544916, 7.141485101782048e-05,
    1.6319979496508754e-05, -1.2118899342865744e-05, 4.4635260122296563e-07,
    1.4838655753073218e-06, -2.677754466215647e-07, -1.7759529282242058e-07,
    5.02511361272453e-08, 2.2939745102375592e-08, -5.6528331813239815e-09,
    -2.57999856110204e-09,
)  # fmt: skip
NORMAL_TAIL_MIDDLE, NORMAL_TAIL_END = 5.5, 39.0


@final
@dataclass(frozen=True)
class Plain:
    """The computation of a network: h = hypothesis(... g(X W + b) ...).

    Attributes
    ----------
    weights, biases : tuples of arrays
        Of shapes (s_in, s_out) and (s_out,), in `dtype`.
    activations : tuple of str
        The names of the hidden layers' g.
    hypothesis : {"identity", "logistic", "softmax", "exp", "step"}
        Of the output layer.
    groups : tuple of int
        The sizes of the softmax groups side by side; otherwise one group of all outputs.
    dtype : numpy.dtype
        float32 or float64.
    """

    weights: tuple[Float, ...]
    biases: tuple[Float, ...]
    activations: tuple[str, ...]
    hypothesis: str
    groups: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The nodes of every layer."""
        return (self.weights[0].shape[0], *(len(b) for b in self.biases))


def plain_network(net: Network, dtype: Any = None) -> Plain:
    """Return a network as plain arrays and names, in another dtype if one is given.

    Raises
    ------
    InvalidInput
        If an activation or the loss is the user's own, or a weight is NaN or infinite.
    """
    a = net.architecture
    for part in (*a.activations, a.loss):
        if not is_built_in(part):
            raise InvalidInput(
                f"This network cannot be exported: its {type(part).__name__.lower()} "
                f"'{part.name}' is your own function, which exists in Python only. Use a "
                f"built-in one."
            )
    kind = np.dtype(a.dtype if dtype is None else dtype)
    with np.errstate(over="ignore"):  # it is refused below
        theta = net.theta.astype(kind)
    if not np.isfinite(theta).all():
        raise InvalidInput(
            f"This network cannot be exported: its weights hold NaN or infinity in {kind}. Train "
            f"it again, with a smaller learning rate."
        )
    made_of = a.loss.made_of
    groups = tuple(made_of.groups) if isinstance(made_of, GroupedLogLoss) else (a.sizes[-1],)
    return Plain(
        tuple(W.astype(kind) for W in net.weights),
        tuple(b.astype(kind) for b in net.biases),
        tuple(g.name for g in a.activations),
        a.loss.hypothesis_name,
        groups,
        kind,
    )


def single(model: Any) -> Any:
    """Return the fitted estimator itself, or the best one of a cross-validated estimator.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If it was not fitted.
    InvalidInput
        If the best was not fitted again (``refit=False``).
    """
    check_is_fitted(model)
    if not isinstance(model, MLPClassifierCV | MLPRegressorCV):
        return model
    if "best_estimator_" not in vars(model):
        raise InvalidInput(
            f"This {type(model).__name__} was fitted with refit=False, so it has no network. Set "
            f"refit=True."
        )
    return model.best_estimator_


def network_in(model: object) -> Network:
    """Return the network inside one of our networks, learners or estimators.

    Raises
    ------
    InvalidInput
        If it is something else.
    sklearn.exceptions.NotFittedError
        If an estimator was not fitted.
    """
    if isinstance(model, Network):
        return model
    if isinstance(model, Learner):
        return model.net
    if isinstance(model, MLPClassifier | MLPRegressor | MLPClassifierCV | MLPRegressorCV):
        return single(model).network_
    what = "a Pipeline" if isinstance(model, Pipeline) else f"an object of {type(model).__name__}"
    raise InvalidInput(
        f"A Network, a Learner, or a fitted MLPClassifier or MLPRegressor is needed. Got {what}."
    )
