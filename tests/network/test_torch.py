"""From and to PyTorch: with PyTorch where it is, else with modules that have its attributes."""

import importlib.util
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule import errors
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.losses import LOSSES

CLOSE = {"float32": 1e-5, "float64": 1e-12}
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed"
)


class Parameter:
    """What is read of a torch.nn.Parameter."""

    def __init__(self, values):
        self.values = np.asarray(values)
        self.dtype = f"torch.{self.values.dtype}"

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return self.values

    def float(self):
        return Parameter(self.values.astype(np.float32))


def module(kind, *parts, **attributes):
    """Return an object that has the name, the place and the attributes of PyTorch's."""
    made = type(kind, (), {"__module__": "torch.nn.modules", "__iter__": lambda _: iter(parts)})()
    vars(made).update(attributes)
    return made


def linear(n_in, n_out, bias=True, dtype="float32"):
    rng = np.random.default_rng(n_in)
    b = Parameter(rng.normal(size=n_out).astype(dtype)) if bias else None
    return module("Linear", weight=Parameter(rng.normal(size=(n_out, n_in)).astype(dtype)), bias=b)


MODULES = {
    "logistic": module("Sigmoid"),
    "tanh": module("Tanh"),
    "relu": module("ReLU"),
    "leaky_relu": module("LeakyReLU", negative_slope=0.01),
    "elu": module("ELU", alpha=1.0),
    "selu": module("SELU"),
    "softplus": module("Softplus", beta=1.0, threshold=20.0),
    "silu": module("SiLU"),
    "gelu": module("GELU", approximate="none"),
    "mish": module("Mish"),
}


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", MODULES)
def test_layers_and_activations(name, dtype):
    first, last = linear(3, 4, dtype=dtype), linear(4, 2, bias=False, dtype=dtype)
    whole = module(
        "Sequential", first, module("Dropout"), module("Sequential", MODULES[name]), last
    )
    net = cr.from_torch(whole)
    X = np.random.default_rng(0).normal(size=(9, 3)).astype(dtype)
    a = ACTIVATIONS[name](X @ first.weight.values.T + first.bias.values)
    np.testing.assert_allclose(net(X), a @ last.weight.values.T, rtol=1e-5, atol=1e-5)
    assert net.theta.dtype == dtype
    assert net.architecture.loss.name == "squared_error"


@pytest.mark.parametrize(
    ("end", "loss", "found"),
    [
        ((), None, "squared_error"),
        ((), "log_loss", "log_loss"),
        ((), "huber", "huber"),
        ((module("Sigmoid"),), None, "cross_entropy"),
        ((module("Softmax", dim=-1),), None, "log_loss"),
        ((module("Softmax", dim=1), module("Identity")), "log_loss", "log_loss"),
    ],
)
def test_the_loss_follows_from_the_end(end, loss, found):
    net = cr.from_torch(module("Sequential", linear(3, 2), *end), loss=loss)
    assert net.architecture.loss.name == found


def test_other_dtypes_become_float32():
    half = module("Sequential", linear(3, 2, dtype="float16"))
    assert cr.from_torch(half).theta.dtype == np.float32


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((), "without a Linear layer"),
        ((module("ReLU"),), "supported activations"),
        ((linear(3, 2), module("BatchNorm1d")), "supported activations"),
        ((linear(3, 2), module("LeakyReLU", negative_slope=0.2), linear(2, 1)), "other settings"),
        ((linear(3, 2), module("GELU", approximate="tanh"), linear(2, 1)), "other settings"),
        ((linear(3, 2), module("Softmax", dim=1), linear(2, 1)), "Softmax belongs"),
        ((linear(3, 2), module("Tanh")), "needs a hypothesis"),
        ((linear(3, 2), module("Tanh"), module("Tanh"), linear(2, 1)), "supported activations"),
        ((linear(3, 2), linear(3, 2)), "takes 3 inputs"),
    ],
)
def test_what_is_no_chain_of_ours(parts, said):
    with pytest.raises(errors.InvalidInput, match=said):
        cr.from_torch(module("Sequential", *parts))


def test_what_is_no_module():
    for given in (3, "net", cr.Network([2, 2])):
        with pytest.raises(errors.InvalidInput, match=r"torch\.nn\.Sequential is needed"):
            cr.from_torch(given)


def test_without_pytorch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        errors.MissingExtra, match=r"to_torch needs PyTorch.*: pip install torch\.$"
    ):
        cr.Network([2, 2]).to_torch()


@needs_torch
@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("g", ACTIVATIONS)
def test_pytorch_computes_what_we_do(g, dtype):
    import torch

    X = np.random.default_rng(0).normal(size=(100, 5)).astype(dtype)
    for loss in (*LOSSES, cr.GroupedLogLoss([2, 4])):
        net = cr.Network([5, 7, 4, 6], [g, "tanh"], loss, dtype=dtype, seed=3)
        made = net.to_torch()
        ours = net(X)
        h = made(torch.from_numpy(X)).detach().numpy()
        assert (np.abs(h - ours) / np.maximum(1, np.abs(ours))).max() <= CLOSE[dtype]
        if g != "step" and net.architecture.loss.hypothesis_name in ("identity", "logistic"):
            np.testing.assert_array_equal(cr.from_torch(made).theta, net.theta)


@needs_torch
def test_an_own_activation_has_no_form_in_pytorch():
    square = cr.Activation("square", lambda z: z * z, lambda z: 2 * z)
    with pytest.raises(errors.InvalidInput, match="function of your own"):
        cr.Network([2, 3, 2], square).to_torch()
