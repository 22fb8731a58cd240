"""The bits of trained networks, recorded once: what is rebuilt inside must not change them.

``python tests/engines/test_recorded_bits.py`` records the cases that are not recorded yet; a digest
is never written twice. Everything before the core is the same on every machine: the data are
multiples of 1/8, and the starting weights uniform.
"""

import hashlib
import json
import pathlib
import warnings

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr

RECORDED = pathlib.Path(__file__).with_name("recorded_bits.json")
N, WIDTH = 67, 7


def numbers(*shape, seed=0):
    """Multiples of 1/8 in [-4, 4)."""
    drawn = np.random.RandomState(seed).randint(-32, 32, size=shape)
    return drawn / 8


X = numbers(N, WIDTH)
WEIGHT = (1 + np.arange(N) % 5) / 4
Y = {
    "squared_error": numbers(N, 3, seed=1),
    "cross_entropy": (numbers(N, 3, seed=2) > 0).astype(float),
    "log_loss": np.arange(N) * 7 % 3,
    "poisson": np.arange(3 * N).reshape(N, 3) * 5 % 4,
    "absolute_error": numbers(N, 3, seed=3),
    "huber": numbers(N, 3, seed=4),
}
RULES = {
    "sgd": cr.SGD(0.01),
    "momentum": cr.SGD(0.01, momentum=0.9),
    "nesterov": cr.SGD(cr.Cosine(0.01, steps=40), momentum=0.9, nesterov=True),
    "adam": cr.Adam(0.003),
    "adamw": cr.AdamW(cr.OneCycle(0.003, steps=40)),
    "nadam": cr.Nadam(0.003),
    "adagrad": cr.Adagrad(0.01),
    "rmsprop": cr.RMSprop(0.003),
    "rprop": cr.Rprop(),
}
GATES = ["tanh", "relu", "gelu", "mish", "elu", "silu", "softplus", "logistic", "selu"]


def of_learner(dtype, loss, rule, g, **settings):
    """What a learner has made of its network, and the costs on the way."""
    net = cr.Network(
        [WIDTH, 19, 8, 3], [g, "tanh"], loss, init="glorot_uniform", dtype=dtype, seed=5
    )
    whole = {"batch_size": None} if rule == "rprop" else {"batch_size": 16}
    settings = {"l2": 0.1, "l1": 0.01, "dropout": [0.2, 0.1], "seed": 3, **whole, **settings}
    given = sparse.csr_array(X) if settings.pop("sparse", False) else X
    learner = cr.Learner(net, RULES[rule], engine="native", **settings)
    history = learner.fit(given, Y[loss], epochs=8, sample_weight=WEIGHT)
    learner.step(X[:5], Y[loss][:5])
    return [net.theta, np.array([record["cost"] for record in history]), net(X)]


def of_estimator(kind, **parameters):
    """What an estimator has learned."""
    classes = kind.endswith("classifier")
    made = {"classifier": cr.MLPClassifier, "regressor": cr.MLPRegressor}[kind]
    model = made(
        hidden_layer_sizes=(9, 5), max_iter=12, random_state=0, engine="native", **parameters
    )
    target = Y["log_loss"] if classes else Y["squared_error"][:, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, target)
    return [model.network_.theta, np.array(model.loss_curve_)]


def of_penalties(kind):
    """What the cross-validated estimators have learned, on all rows."""
    made = {"classifier": cr.MLPClassifierCV, "regressor": cr.MLPRegressorCV}[kind]
    model = made(alphas=[1e-3, 1e-1], hidden_layer_sizes=(6,), cv=3, max_iter=8, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, Y["log_loss"] if kind == "classifier" else Y["squared_error"][:, 0])
    return [model.network_.theta]


def cases():
    """Each case by its name: losses, rules, activations, and the ways to give rows and settings."""
    for dtype in ("float32", "float64"):
        for i, loss in enumerate(Y):
            for j, rule in enumerate(RULES):
                if (i + j) % 3 and loss != "log_loss":
                    continue
                g = GATES[(i + j) % len(GATES)]
                yield (
                    f"{dtype}-{loss}-{rule}-{g}",
                    lambda d=dtype, o=loss, r=rule, a=g: of_learner(d, o, r, a),
                )
        for name, more in {
            "clipped": {"max_grad_norm": 0.5},
            "clipped sparse": {"max_grad_norm": 0.5, "sparse": True},
            "dropped inputs": {"dropout_input": 0.3},
            "sparse": {"sparse": True, "dropout_input": 0.2},
            "in order": {"shuffle": False},
            "one batch": {"batch_size": None},
            "online": {"batch_size": 1},
            "two threads": {"n_jobs": 2},
            "plain": {"l2": 0, "l1": 0, "dropout": 0},
        }.items():
            yield (
                f"{dtype}-{name}",
                lambda d=dtype, m=more: of_learner(d, "log_loss", "adam", "relu", **m),
            )
    for kind in ("classifier", "regressor"):
        for name, more in {
            "defaults": {},
            "sgd": {"solver": "sgd", "learning_rate": "adaptive", "batch_size": 8},
            "early": {"early_stopping": True, "n_iter_no_change": 3},
            "settings": {"solver": "adamw", "learning_rate": "cosine", "dropout": 0.2, "l1": 0.01},
        }.items():
            yield f"{kind}-{name}", lambda k=kind, m=more: of_estimator(k, **m)
        yield f"{kind}-cv", lambda k=kind: of_penalties(k)


CASES = dict(cases())


def digest(arrays):
    """One digest for the bytes of all of them."""
    made = hashlib.sha256()
    for array in arrays:
        made.update(np.ascontiguousarray(array).tobytes())
    return made.hexdigest()[:32]


@pytest.mark.parametrize("level", ["v3", "v4", "neon"])
def test_recorded_bits(level, use_core):
    use_core(level)
    recorded = json.loads(RECORDED.read_text())
    assert recorded.keys() == CASES.keys()
    now = {name: digest(case()) for name, case in CASES.items()}
    assert {name for name in now if now[name] != recorded[name]} == set()


if __name__ == "__main__":
    there = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    made = {name: there.get(name) or digest(case()) for name, case in CASES.items()}
    RECORDED.write_text(json.dumps(made, indent=1) + "\n")
