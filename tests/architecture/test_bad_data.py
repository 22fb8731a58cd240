"""What may not enter a network: one sentence with what was given, and nothing changed."""

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule import errors

nan, inf = np.nan, np.inf
X = np.arange(6.0).reshape(3, 2)


def network(loss="squared_error", K=2, dtype="float32"):
    return cr.Network([2, 3, K], loss=loss, dtype=dtype)


def refused(net, parts, X=X, Y=None, sample_weight=None, kind=errors.InvalidInput):
    """Every entrance must refuse, name what was given, and leave the learner as it was."""
    learner = cr.Learner(net, cr.SGD(0.1, momentum=0.9), l2=0.1, dropout=0.1, batch_size=2)
    before = net.theta.copy()
    Y = np.zeros((3, net.sizes[-1])) if Y is None else Y
    called = []
    entrances = [
        lambda: net.trace(X, Y, sample_weight),
        lambda: learner.step(X, Y, sample_weight),
        lambda: learner.fit(X, Y, sample_weight=sample_weight, callbacks=[called.append]),
        lambda: cr.check_gradients(net, X, Y, sample_weight),
    ]
    for entrance in entrances:
        with pytest.raises(kind) as caught:
            entrance()
        message = str(caught.value)
        for part in parts:
            assert part in message, message
        assert "\n" not in message
        assert len(message) < 300
        assert isinstance(caught.value, ValueError)
    assert np.array_equal(net.theta, before)
    assert learner.n_steps == learner.n_epochs == 0
    assert not called


BAD_X = {
    "NaN": ([[0, 1], [nan, 3], [nan, 5]], ["X contains NaN (2 of 6 values)"]),
    "infinity": ([[0, 1], [inf, 3], [4, -inf]], ["X contains infinity (2 of 6 values)"]),
    "no rows": (np.zeros((0, 2)), ["X has no rows", "(0, 2)"]),
    "no columns": (np.zeros((3, 0)), ["X has 0 features", "2 inputs"]),
    "empty list": ([], ["X has no rows"]),
    "too few features": (X[:, :1], ["X has 1 features", "2 inputs"]),
    "too many features": (np.ones((3, 5)), ["X has 5 features", "2 inputs"]),
    "1-D of the wrong length": ([1.0, 2.0, 3.0], ["X has 3 features", "2 inputs"]),
    "3-D": (np.zeros((3, 2, 1)), ["two dimensions", "(3, 2, 1)"]),
    "0-D": (5.0, ["two dimensions", "()"]),
    "None": (None, ["X", "Got None"]),
    "strings": ([["a", "b"]] * 3, ["X must hold real numbers", "'a'"]),
    "objects": ([[{}, 1]] * 3, ["X must hold real numbers", "{}"]),
    "complex": (X + 1j, ["X must hold real numbers", "0.+1.j"]),
    "fewer rows than Y": (X[:2], ["X has 2 examples and Y has 3"]),
    "sparse with NaN": (sparse.csr_array(np.where(X == 2, nan, X)), ["X contains NaN"]),
    "sparse of another width": (sparse.csr_array(np.ones((3, 5))), ["X has 5 features"]),
}


@pytest.mark.parametrize("case", BAD_X)
def test_x(case):
    x, parts = BAD_X[case]
    net = network()
    Y = [0.0, 0.0] if np.ndim(x) == 1 and len(x) else None
    refused(net, parts, X=x, Y=Y)
    if case != "fewer rows than Y":
        with pytest.raises(errors.InvalidInput) as caught:
            net(x)
        assert all(part in str(caught.value) for part in parts)


def test_ragged_x_of_a_prediction():
    with pytest.raises(
        errors.InvalidInput, match=r"rows of equal length.*\[\[1\.0\], \[1\.0, 2\.0\]\]"
    ):
        network()([[1.0], [1.0, 2.0]])


def test_too_large_for_float32():
    for attempt in (network(), lambda x: network().trace(x, np.zeros((3, 2)))):
        with pytest.raises(errors.InvalidInput, match=r"X contains infinity \(6 of 6 values\)"):
            attempt(X + 1e300)


def test_a_float64_network_takes_what_float32_cannot():
    assert np.isfinite(network(dtype="float64")(X + 1e300)).all()


def test_large_values_whose_sum_overflows_are_finite():
    net = network(dtype="float32")
    assert np.isfinite(net(np.full((3, 2), 3e38))).all()


BAD_Y = {
    "NaN": ([[0, 1], [nan, 3], [4, 5]], ["Y contains NaN (1 of 6 values)"]),
    "infinity": ([[0, 1], [inf, 3], [4, 5]], ["Y contains infinity (1 of 6 values)"]),
    "more rows than X": (np.zeros((4, 2)), ["X has 3 examples and Y has 4"]),
    "no rows": (np.zeros((0, 2)), ["X has 3 examples and Y has 0"]),
    "1-D for two outputs": ([0, 1, 2], ["(n, 2)", "Got shape (3,)"]),
    "three columns": (np.zeros((3, 3)), ["(n, 2)", "Got shape (3, 3)"]),
    "transposed": (np.zeros((2, 3)), ["(n, 2)", "Got shape (2, 3)"]),
    "3-D": (np.zeros((3, 2, 1)), ["Got shape (3, 2, 1)"]),
    "None": ([None] * 3, ["Y"]),
    "strings": ([["a", "b"]] * 3, ["Y must hold real numbers", "'a'"]),
    "ragged": ([[1], [1, 2], [3]], ["Y must hold real numbers", "[[1], [1, 2], [3]]"]),
    "complex": (np.ones((3, 2)) * 1j, ["Y must hold real numbers", "1.j"]),
}


@pytest.mark.parametrize("case", BAD_Y)
@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy", "poisson"])
def test_y(case, loss):
    Y, parts = BAD_Y[case]
    refused(network(loss), parts, Y=Y)


def test_one_output_names_both_shapes():
    refused(network(K=1), ["(n, 1) or (n,)", "1 output.", "(3, 2)"], Y=np.zeros((3, 2)))


BAD_CLASSES = {
    "outside": ([0, 1, 3], ["0 ... 2", "3 outputs", "Got 3 instead"]),
    "negative": ([0, -1, 2], ["0 ... 2", "Got -1 instead"]),
    "not whole": ([0, 1.5, 2], ["whole numbers", "Got 1.5 instead"]),
    "NaN": ([0, nan, 2], ["Got nan instead"]),
    "strings": (["a", "b", "c"], ["class indices", "encode"]),
    "objects": ([None, 1, 2], ["class indices"]),
    "two ones": ([[1, 1, 0], [0, 1, 0], [0, 0, 1]], ["One-hot", "loss='cross_entropy'"]),
    "no one": ([[0, 0, 0], [0, 1, 0], [0, 0, 1]], ["One-hot"]),
    "halves": ([[0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]], ["One-hot"]),
    "one-hot with -1": ([[1, 1, -1], [0, 1, 0], [0, 0, 1]], ["One-hot"]),
    "one-hot with NaN": ([[1, 0, nan], [0, 1, 0], [0, 0, 1]], ["One-hot"]),
    "two columns": ([[1, 0]] * 3, ["(n, 3)", "Got shape (3, 2)"]),
    "3-D": (np.zeros((3, 3, 1)), ["Got shape (3, 3, 1)"]),
    "0-D": (1, ["Got shape ()"]),
    "too many": ([0, 1, 2, 0], ["X has 3 examples and Y has 4"]),
}


@pytest.mark.parametrize("case", BAD_CLASSES)
def test_classes(case):
    Y, parts = BAD_CLASSES[case]
    refused(network("log_loss", K=3), parts, Y=Y)


@pytest.mark.parametrize("wrong", [2, -1, 0.5, 1.0001])
def test_cross_entropy_takes_0_and_1(wrong):
    refused(network("cross_entropy", K=1), ["0 and 1", f"Got {wrong:g}"], Y=[0, wrong, 1])


def test_poisson_takes_no_negative_counts():
    parts = ["targets >= 0", "Got -2:", "loss='squared_error'"]
    refused(network("poisson", K=1), parts, Y=[0, -2, -1])
    network("poisson", K=1).trace(X, [0, 1.5, 7])


BAD_WEIGHTS = {
    "negative": ([1, -0.5, 1], ["sample_weight must be >= 0", "Got -0.5"]),
    "all 0": ([0, 0, 0], ["sample_weight is 0 for every example"]),
    "NaN": ([1, nan, 1], ["sample_weight contains NaN (1 of 3 values)"]),
    "infinity": ([1, inf, 1], ["sample_weight contains infinity"]),
    "too few": ([1, 1], ["shape (3,)", "Got shape (2,)"]),
    "a column": ([[1], [1], [1]], ["shape (3,)", "Got shape (3, 1)"]),
    "one number": (2.0, ["shape (3,)", "Got shape ()"]),
    "strings": (["a", "b", "c"], ["sample_weight must hold real numbers", "'a'"]),
    "complex": ([1j, 1, 1], ["sample_weight must hold real numbers"]),
}


@pytest.mark.parametrize("case", BAD_WEIGHTS)
def test_sample_weight(case):
    weight, parts = BAD_WEIGHTS[case]
    refused(network(), parts, sample_weight=weight)


def test_a_single_example_has_a_single_target():
    net = network()
    for Y in (np.zeros((2, 2)), [1.0, 2.0, 3.0], 1.0):
        with pytest.raises(errors.InvalidInput, match=r"Got shape|Y has 2"):
            net.trace([1.0, 2.0], Y)
    # A batch of one is a single example too.
    np.testing.assert_array_equal(
        net.trace([1.0, 2.0], [[3.0, 4.0]]).delta[-1], net.trace([1.0, 2.0], [3.0, 4.0]).delta[-1]
    )
    network("log_loss", K=3).trace([1.0, 2.0], [2], sample_weight=2.0)
    network("log_loss", K=3).trace([1.0, 2.0], [[0, 0, 1]])
    net.trace([1.0, 2.0], [3.0, 4.0])
    network("log_loss", K=3).trace([1.0, 2.0], 2)
    network("log_loss", K=3).trace([1.0, 2.0], [0, 0, 1])
    network(K=1).trace([1.0, 2.0], 0.5)
    network(K=1).trace([1.0, 2.0], [0.5])
    with pytest.raises(errors.InvalidInput, match="Got 3 instead"):
        network("log_loss", K=3).trace([1.0, 2.0], 3)
