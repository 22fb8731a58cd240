"""Losses with parameters in a network: the targets they take, what is refused, copies, files."""

import copy
import json
import pickle
import struct

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InvalidFile, InvalidInput, InvalidParameter
from chainrule.files.allowed import ALLOWED
from chainrule.maths.losses import Parametric, get_loss

rng = np.random.default_rng(0)
X = rng.normal(size=(6, 2))
MADE = {
    cr.Huber(0.3): 2,
    cr.Quantile(0.3): 2,
    cr.Quantile([0.1, 0.5, 0.9]): 6,
    cr.CrossEntropy(0.1): 2,
    cr.LogLoss(0.1): 3,
    cr.GroupedLogLoss([3, 2], 0.1): 5,
}
TARGETS = {
    "real": rng.normal(size=(6, 2)),
    "binary": rng.integers(2, size=(6, 2)),
    "classes": np.arange(6) % 3,
    "groups": np.stack([np.arange(6) % 3, np.arange(6) % 2], axis=1),
}
EACH = pytest.mark.parametrize(("loss", "K"), MADE.items(), ids=repr)


def trained(loss, K, epochs=3):
    net = cr.Network([2, 4, K], loss=loss, seed=1)
    learner = cr.Learner(net, cr.Adam(0.01), batch_size=4)
    learner.fit(X, TARGETS[net.architecture.loss.targets], epochs=epochs)
    assert learner.engine == "native"
    return learner


@EACH
def test_copies_and_files_keep_the_parameters(loss, K, tmp_path):
    learner = trained(loss, K)
    net = learner.net
    assert repr(loss) in repr(net)
    net.save(tmp_path / "network")
    learner.save(tmp_path / "learner")
    for other in (
        net.copy(),
        copy.deepcopy(net),
        pickle.loads(pickle.dumps(net)),
        cr.load(tmp_path / "network"),
        cr.load(tmp_path / "learner").net,
    ):
        assert other.architecture.loss is net.architecture.loss is get_loss(loss)
        np.testing.assert_array_equal(other(X), net(X))
    # What goes on from the file is what never stopped.
    back = cr.load(tmp_path / "learner")
    Y = TARGETS[net.architecture.loss.targets]
    back.fit(X, Y, epochs=2)
    learner.fit(X, Y, epochs=2)
    np.testing.assert_array_equal(back.net.theta, learner.net.theta)


@pytest.mark.parametrize("loss", ["huber", "quantile", "absolute_error", cr.Huber(1), cr.LogLoss()])
def test_a_default_goes_by_its_name(loss):
    net = cr.Network([2, 3], loss=loss)
    assert f"loss='{net.architecture.loss.name}'" in repr(net)
    assert net.architecture.__getstate__()["loss"] == net.architecture.loss.name


BAD_HEADERS = [
    {"name": "huber", "delta": -1.0},
    {"name": "huber", "delta": "1"},
    {"name": "huber"},
    {"name": "quantile", "quantiles": [0.9, 0.1]},
    {"name": "quantile", "quantiles": [0.1, 0.5, 0.9]},  # of a network of two outputs
    {"name": "grouped_log_loss", "groups": [3], "label_smoothing": 0},
    {"name": "absolute_error"},
    {"name": None},
    {},
    ["huber"],
    7,
]


@pytest.mark.parametrize("bad", BAD_HEADERS, ids=repr)
def test_a_file_that_says_something_else_is_refused(bad, tmp_path):
    path = tmp_path / "network"
    cr.Network([2, 4, 2], loss=cr.Huber(0.25)).save(path)
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    key, text = next((k, v) for k, v in header["__metadata__"].items() if '"huber"' in v)
    content = json.loads(text)
    described = content if "loss" in content else content["architecture"]
    assert described["loss"] == {"name": "huber", "delta": 0.25}
    described["loss"] = bad
    header["__metadata__"][key] = json.dumps(content)
    new = json.dumps(header).encode()
    new += b" " * (-len(new) % 8)
    path.write_bytes(struct.pack("<Q", len(new)) + new + data[8 + length :])
    with pytest.raises(InvalidFile):
        cr.load(path)


def test_each_description_an_estimator_may_hold_is_allowed_in_model_files():
    made = {f"{kind.__module__}.{kind.__name__}" for kind in Parametric.__subclasses__()}
    assert made - set(ALLOWED) == {"chainrule.maths.class_losses.GroupedLogLoss"}


@pytest.mark.parametrize("loss", MADE, ids=repr)
def test_a_state_from_a_file_is_checked(loss):
    kind = type(loss)
    for state in ({"more": 1}, dict.fromkeys(vars(loss), "x")):
        made = kind.__new__(kind)
        with pytest.raises((InvalidParameter, TypeError)):
            made.__setstate__(state)


# --- targets ---


@pytest.mark.parametrize("q", [[0.5], [0.1, 0.9], [0.1, 0.5, 0.9]])
@pytest.mark.parametrize("n_targets", [1, 2])
def test_a_target_serves_all_its_quantiles(q, n_targets):
    loss = cr.Quantile(q)
    net = cr.Network([2, 3, n_targets * len(q)], loss=loss, dtype="float64")
    Y = rng.normal(size=(6, n_targets))
    trace = net.trace(X, Y)
    by_target = trace.h.reshape(6, n_targets, len(q)) - Y[:, :, None]
    expected = np.where(by_target > 0, 1, 0) - np.array(q)
    np.testing.assert_allclose(trace.delta[-1].reshape(by_target.shape), expected / 6, rtol=1e-12)
    if n_targets == 1:
        assert net.trace(X, Y[:, 0]).cost == trace.cost
        assert net.trace(X[0], Y[0, 0]).cost == net.trace(X[:1], Y[:1]).cost
    assert net.trace(X[0], Y[0]).cost == net.trace(X[:1], Y[:1]).cost


def test_classes_of_groups_as_indices_or_one_hot():
    net = cr.Network([2, 3, 5], loss=cr.GroupedLogLoss([3, 2]), dtype="float64")
    Y = TARGETS["groups"]
    one_hot = np.hstack([np.eye(3)[Y[:, 0]], np.eye(2)[Y[:, 1]]])
    trace = net.trace(X, Y)
    np.testing.assert_array_equal(trace.delta[-1], net.trace(X, one_hot).delta[-1])
    np.testing.assert_allclose(trace.delta[-1], (trace.h - one_hot) / 6, rtol=1e-12)
    for row in (Y[0], one_hot[0]):
        assert net.trace(X[0], row).cost == net.trace(X[:1], Y[:1]).cost


THREE, GROUPS = cr.Quantile([0.1, 0.5, 0.9]), cr.GroupedLogLoss([3, 2])
REFUSED = [
    (THREE, 6, np.zeros((6, 6)), r"shape \(n, 2\) for a network with 6 outputs, 3 for each target"),
    (THREE, 3, np.zeros((6, 3)), r"shape \(n, 1\) or \(n,\) for a network with 3 outputs, 3 for"),
    (THREE, 3, np.full(6, np.nan), "Y contains NaN"),
    (GROUPS, 5, np.zeros(6), r"one class index per group, shape \(n, 2\).*Got shape \(6,\)"),
    (GROUPS, 5, np.zeros((6, 3)), r"one class index per group.*Got shape \(6, 3\)"),
    (GROUPS, 5, np.full((6, 2), 2), r"group 1 must be whole numbers 0 \.\.\. 1\. Got 2"),
    (GROUPS, 5, np.full((6, 2), 0.5), r"group 0 must be whole numbers 0 \.\.\. 2\. Got 0\.5"),
    (GROUPS, 5, np.full((6, 2), np.nan), "group 0 must be whole numbers"),
    (GROUPS, 5, np.full((6, 2), -1), "group 0 must be whole numbers"),
    (GROUPS, 5, np.ones((6, 5)), "a single 1 in each group"),
    (GROUPS, 5, np.full((6, 2), "a"), "must hold real numbers"),
]


@pytest.mark.parametrize(("loss", "K", "Y", "sentence"), REFUSED)
def test_targets_that_do_not_fit(loss, K, Y, sentence):
    net = cr.Network([2, K], loss=loss)
    for use in (net.trace, cr.Learner(net).step):
        with pytest.raises(InvalidInput, match=sentence):
            use(X, Y)


@pytest.mark.parametrize(
    ("loss", "K", "sentence"),
    [
        (THREE, 4, "needs 3 outputs for each target. Got 4"),
        (THREE, 1, "needs 3 outputs for each target"),
        (GROUPS, 4, "needs 5 outputs, one per class of each group. Got 4"),
        (cr.LogLoss(0.1), 1, "needs at least two outputs"),
        ("grouped_log_loss", 4, "Unknown loss"),
    ],
)
def test_outputs_that_do_not_fit(loss, K, sentence):
    with pytest.raises(InvalidParameter, match=sentence):
        cr.Network([2, K], loss=loss)
