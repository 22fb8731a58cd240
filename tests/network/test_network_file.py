"""A network's file gives back the same network, bit for bit, or says in a sentence why not."""

import os
import pickle
from itertools import product

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InvalidFile, InvalidInput, InvalidParameter, MissingFile
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.losses import LOSSES, Loss
from chainrule.storage import read_tensors

rng = np.random.default_rng(0)
HIDDEN = [[], [5], [7, 1, 4]]


def through_file(net: cr.Network, folder) -> cr.Network:
    net.save(folder / "net")
    return cr.Network.load(folder / "net")


def check_same(back: cr.Network, net: cr.Network) -> None:
    assert back.theta.tobytes() == net.theta.tobytes()
    assert back.architecture == net.architecture
    assert repr(back) == repr(net)
    assert (back.seed, back.feature_names) == (net.seed, net.feature_names)
    X = rng.normal(size=(9, net.sizes[0]))
    assert back(X).tobytes() == net(X).tobytes()
    assert back(X[0]).tobytes() == net(X[0]).tobytes()


@pytest.mark.parametrize(
    ("hidden", "activation", "dtype"), [*product(HIDDEN, ACTIVATIONS, ["float32", "float64"])]
)
def test_every_activation_comes_back(tmp_path, hidden, activation, dtype):
    net = cr.Network([3, *hidden, 2], activation, "squared_error", dtype=dtype, seed=5)
    check_same(through_file(net, tmp_path), net)


@pytest.mark.parametrize(
    ("loss", "outputs", "dtype"), [*product(LOSSES, [1, 3], ["float32", "float64"])]
)
def test_every_loss_comes_back(tmp_path, loss, outputs, dtype):
    if LOSSES[loss].targets == "classes" and outputs == 1:
        with pytest.raises(InvalidParameter):
            cr.Network([3, outputs], loss=loss)
        return
    net = cr.Network([3, 4, outputs], ["gelu"], loss, dtype=dtype)
    net.theta = rng.normal(size=net.n_parameters) * 10.0 ** rng.integers(-40, 30, net.n_parameters)
    check_same(through_file(net, tmp_path), net)


def test_all_activations_at_once_and_extreme_numbers(tmp_path):
    names = list(ACTIVATIONS)
    net = cr.Network([2, *range(1, len(names) + 1), 2], names, dtype="float64", seed=2**64 - 1)
    finfo = np.finfo(np.float64)
    net.theta[:6] = [-0.0, finfo.tiny, finfo.smallest_subnormal, finfo.max, -finfo.max, 1 / 3]
    net.save(tmp_path / "net")
    back = cr.Network.load(tmp_path / "net")
    assert back.theta.tobytes() == net.theta.tobytes()
    assert back.seed == 2**64 - 1


def test_views_are_views_and_nothing_is_shared(tmp_path):
    net = cr.Network([3, 4, 2])
    one, other = through_file(net, tmp_path), cr.Network.load(tmp_path / "net")
    one.weights[0][...] = 7
    one.biases[1] = [1.0, 2.0]
    assert (one.theta[4:16] == 7).all()
    assert one.theta[16:18].tolist() == [1.0, 2.0]
    assert all(np.shares_memory(W, one.theta) for W in [*one.weights, *one.biases, *one.thetas])
    np.testing.assert_array_equal(other.theta, net.theta)
    assert one.theta.flags.owndata
    assert one.theta.flags.writeable


def test_what_the_file_says(tmp_path):
    """The names in docs/format.md."""
    net = cr.Network([3, 5, 2], ["relu"], seed=3)
    net.feature_names = ["length", "width", "color=ü"]
    net.save(tmp_path / "net")
    tensors, header = read_tensors(tmp_path / "net")
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        "weights.0": (3, 5),
        "biases.0": (5,),
        "weights.1": (5, 2),
        "biases.1": (2,),
    }
    del header["tensors_sha256"], header["header_sha256"]
    assert header == {
        "format": "chainrule",
        "format_version": 1,
        "chainrule": cr.__version__,
        "kind": "network",
        "architecture": {
            "sizes": [3, 5, 2],
            "activations": ["relu"],
            "loss": "log_loss",
            "dtype": "float32",
        },
        "seed": 3,
        "feature_names": ["length", "width", "color=ü"],
        "training_data": None,
    }


def test_the_same_network_is_the_same_file(tmp_path):
    for name in ("one", "other"):
        cr.Network([3, 4, 2], seed=1).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_names_of_features(tmp_path):
    net = cr.Network([2, 3])
    assert net.feature_names is None
    for wrong in ("ab", ["a"], ["a", "a"], ["a", 1], 5, [["a"], ["b"]], {"a": 1, "b": 2}.values()):
        with pytest.raises(InvalidParameter, match="2 different strings"):
            net.feature_names = wrong
    for right in (["a", "b"], ("a", "b"), np.array(["a", "b"])):
        net.feature_names = right
        assert net.feature_names == ("a", "b")
    assert net.copy().feature_names == net.copy("float64").feature_names == ("a", "b")
    assert through_file(net, tmp_path).feature_names == ("a", "b")
    net.feature_names = None
    assert through_file(net, tmp_path).feature_names is None


def test_the_seed_is_that_of_the_starting_weights(tmp_path):
    net = cr.Network([2, 3], seed=7)
    assert net.copy().seed == 7
    assert cr.Network.from_theta(net.architecture, net.theta).seed is None
    assert through_file(cr.Network.from_theta(net.architecture, net.theta), tmp_path).seed is None


SQUARE = cr.Activation("square", g=lambda z: z * z, g_prime=lambda z: 2 * z)
FAKE = cr.Activation("tanh", g=np.tanh, g_prime=lambda a: 1 - a * a, takes="a")
OWN_LOSS = Loss(
    "own", "identity", lambda z: z, lambda z, y: ((z - y) ** 2).sum(axis=1), lambda z, h, y: h - y
)


@pytest.mark.parametrize(
    ("activation", "loss", "named"),
    [
        (SQUARE, "log_loss", "activation 'square'"),
        (FAKE, "log_loss", "activation 'tanh'"),  # ours by name only
        ("tanh", OWN_LOSS, "loss 'own'"),
    ],
)
def test_a_part_of_the_users_own_is_named_and_nothing_is_written(tmp_path, activation, loss, named):
    net = cr.Network([2, 3, 2], activation, loss)
    for save in (net.save, lambda path: cr.save(net, path), cr.Learner(net).save):
        with pytest.raises(InvalidInput, match=named) as caught:
            save(tmp_path / "net")
        assert "holds no code" in str(caught.value)
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_not_saved(tmp_path, value):
    (tmp_path / "net").write_bytes(b"the last good one")
    net = cr.Network([2, 3, 2])
    net.weights[1][0, 0] = value
    with pytest.raises(InvalidInput, match="NaN or infinity"):
        net.save(tmp_path / "net")
    assert (tmp_path / "net").read_bytes() == b"the last good one"


def test_a_network_is_read_from_a_learners_file_too(tmp_path):
    learner = cr.Learner(cr.Network([2, 3, 2]), cr.Adam(0.1))
    learner.fit(rng.normal(size=(20, 2)), np.arange(20) % 2, epochs=3)
    learner.save(tmp_path / "learner")
    check_same(cr.Network.load(tmp_path / "learner"), learner.net)


def test_other_kinds_are_named(tmp_path):
    cr.Network([2, 2]).save(tmp_path / "net")
    with pytest.raises(InvalidFile, match=r"holds a Network; open it with cr\.load or cr\.Network"):
        cr.Learner.load(tmp_path / "net")
    with pytest.raises(MissingFile, match="no file"):
        cr.Network.load(tmp_path / "none")
    cr.save(cr.MLPClassifier(), tmp_path / "estimator")
    (tmp_path / "pickle").write_bytes(pickle.dumps(cr.Network([2, 2])))
    for load in (cr.Network.load, cr.Learner.load):
        with pytest.raises(InvalidFile, match=r"cr\.load"):
            load(tmp_path / "estimator")
        with pytest.raises(InvalidFile, match=r"not a safetensors file"):
            load(tmp_path / "pickle")
