"""The network as an object: one memory in four views, copies, what goes in and comes out."""

import copy
import pickle

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule import errors

SIZES = [3, 4, 2]


def make(dtype="float64", **more):
    settings = {"activation": "tanh", "loss": "squared_error", "seed": 3} | more
    return cr.Network(SIZES, dtype=dtype, **settings)


X = np.random.default_rng(0).normal(size=(6, 3))


def views(net):
    return [*net.weights, *net.biases, *net.thetas]


# --- one memory ---


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes_and_dtype(dtype):
    net = make(dtype)
    assert net.theta.shape == (net.n_parameters,) == (3 * 4 + 4 + 4 * 2 + 2,)
    assert [W.shape for W in net.weights] == [(3, 4), (4, 2)]
    assert [b.shape for b in net.biases] == [(4,), (2,)]
    assert [t.shape for t in net.thetas] == [(4, 4), (2, 5)]
    assert {v.dtype for v in [net.theta, *views(net)]} == {np.dtype(dtype)}
    assert net.sizes == (3, 4, 2)
    assert net(X).dtype == dtype
    assert not any(b.any() for b in net.biases)


def test_every_parameter_is_in_theta_and_in_exactly_one_place():
    net = make()
    net.theta[:] = np.arange(net.n_parameters)
    flat = [v for W, b in zip(net.weights, net.biases, strict=True) for v in [*W.flat, *b.flat]]
    assert sorted(flat) == list(range(net.n_parameters))
    for W, b, t in zip(net.weights, net.biases, net.thetas, strict=True):
        assert np.array_equal(t, np.column_stack([b, W.T]))  # [b | W^T]


def test_writes_take_effect_both_ways():
    net = make()
    for view in views(net):
        assert np.shares_memory(view, net.theta)
        before = net.theta.copy()
        view[...] += 1
        assert (net.theta != before).sum() == view.size
    net.theta[:] = 0
    assert not any(v.any() for v in views(net))
    assert not net(X).any()
    net.biases[-1][:] = [1.0, 2.0]
    assert net(X).tolist() == [[1, 2]] * 6
    net.thetas[-1][:, 0] = [5, 6]
    assert net.biases[-1].tolist() == [5, 6]


@pytest.mark.parametrize("kind", ["weights", "biases", "thetas"])
@pytest.mark.parametrize("index", [0, 1, -1])
def test_assigning_copies(kind, index):
    net = make()
    view = getattr(net, kind)[index]
    value = np.arange(view.size, dtype=float).reshape(view.shape)
    getattr(net, kind)[index] = value
    assert getattr(net, kind)[index] is view
    assert np.array_equal(view, value)
    assert np.shares_memory(view, net.theta)
    value += 1
    assert not np.array_equal(view, value)
    getattr(net, kind)[index] = value.tolist()
    assert np.array_equal(view, value)


def test_assigning_theta_copies():
    net = make()
    theta, W = net.theta, net.weights[0]
    value = np.arange(float(net.n_parameters))
    net.theta = value
    value[:] = -1
    assert net.theta is theta
    assert np.array_equal(theta, np.arange(net.n_parameters))
    net.theta += 1
    assert net.theta is theta
    assert np.shares_memory(W, theta)


def test_assigning_a_view_to_another_that_overlaps():
    net = cr.Network([3, 3], loss="squared_error")
    W = net.weights[0].copy()
    net.weights[0] = net.weights[0].T
    assert np.array_equal(net.weights[0], W.T)


@pytest.mark.parametrize(
    "value",
    [1.0, np.ones(4), np.ones((4, 3)), np.ones((1, 3, 4)), [], "text", [[1], [1, 2]], None, {}],
    ids=repr,
)
def test_a_wrong_value_is_refused_and_nothing_changed(value):
    net = make()
    before = net.theta.copy()
    with pytest.raises(errors.InvalidInput, match=r"Got "):
        net.weights[0] = value
    with pytest.raises(errors.InvalidInput, match=r"theta .* Got "):
        net.theta = value
    assert np.array_equal(net.theta, before)


def test_the_message_names_both_shapes():
    net = make()
    with pytest.raises(errors.InvalidInput, match=r"shape \(3, 4\)\. Got shape \(4, 3\)"):
        net.weights[0] = np.ones((4, 3))
    with pytest.raises(TypeError, match="one entry at a time"):
        net.weights[0:1] = [np.ones((3, 4))]
    with pytest.raises(IndexError):
        net.weights[2] = np.ones((3, 4))
    with pytest.raises(AttributeError):
        net.weights = [np.ones((3, 4))]
    with pytest.raises(AttributeError):
        net.wieghts = 1


# --- copies ---

COPIES = {
    "copy": lambda net: net.copy(),
    "deepcopy": copy.deepcopy,
    "pickle": lambda net: pickle.loads(pickle.dumps(net)),
    "from_theta": lambda net: cr.Network.from_theta(net.architecture, net.theta),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("how", sorted(COPIES))
def test_a_copy_is_equal_independent_and_works(how, dtype):
    net = make(dtype)
    other = COPIES[how](net)
    assert repr(other) == repr(net)
    assert other.theta.dtype == dtype
    assert np.array_equal(other(X), net(X))
    for view in [other.theta, *views(other)]:
        assert np.shares_memory(view, other.theta)
        assert not np.shares_memory(view, net.theta)
    before = net.theta.copy()
    other.weights[0] = np.zeros((3, 4))
    other.thetas[1][:] = 0
    cr.Learner(other, cr.SGD(0.1)).step(X, np.ones((6, 2)))
    assert np.array_equal(net.theta, before)
    assert not np.array_equal(other.theta, before)


def test_copy_in_another_dtype():
    net = make("float32")
    wide = net.copy("float64")
    assert wide.theta.dtype == np.float64
    assert np.array_equal(wide.theta, net.theta.astype("float64"))
    assert wide(X).dtype == np.float64
    assert np.array_equal(wide.copy("float32").theta, net.theta)
    assert net.theta.dtype == np.float32
    with pytest.raises(errors.InvalidParameter, match="Got 'int8' instead"):
        net.copy("int8")


def test_a_network_keeps_its_own_parts_when_copied():
    own = cr.Activation("own", np.sin, np.cos)
    net = cr.Network([2, 3, 1], own, "squared_error")
    assert net.copy("float64").architecture.activations == (own,)
    assert copy.deepcopy(net)([1.0, 2.0]) == net([1.0, 2.0])


# --- what goes in and comes out ---


def test_one_row_in_one_row_out():
    net = make()
    assert net(X).shape == (6, 2)
    assert net(X[0]).shape == (2,)
    assert net(X[:1]).shape == (1, 2)
    np.testing.assert_allclose([net(x) for x in X], net(X), rtol=1e-13)
    assert np.array_equal(net(X.tolist()), net(X))


@pytest.mark.parametrize("n", [8191, 8192, 8193, 16385])
def test_many_rows_are_as_each_alone(n):
    # Prediction goes through some thousands of rows at a time.
    rows = np.random.default_rng(n).normal(size=(n, 3))
    net = make()
    H = net(rows)
    for i in (0, 8191, 8192, n - 1):
        if i < n:
            np.testing.assert_allclose(H[i], net(rows[i]), rtol=1e-12)


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_sparse_equals_dense(form):
    dense = np.where(X > 0, X, 0)
    net, Y = make(), np.ones((6, 2))
    np.testing.assert_allclose(net(form(dense)), net(dense), rtol=1e-13)
    got, expected = net.trace(form(dense), Y), net.trace(dense, Y)
    for one, other in zip(got.grad_weights, expected.grad_weights, strict=True):
        assert isinstance(one, np.ndarray)
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-15)
    assert cr.check_gradients(net, form(dense), Y).passed


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("given", ["int8", "uint16", "bool", "float16", "float32", "float64"])
def test_numbers_of_any_type_are_cast(dtype, given):
    rows = np.array([[0, 1, 1], [1, 0, 1]], given)
    net = make(dtype)
    assert np.array_equal(net(rows), net(rows.astype(dtype)))
    assert net(rows).dtype == dtype


def test_inputs_are_not_changed():
    net = make()
    rows, Y, weight = X.copy(), np.ones((6, 2)), np.ones(6)
    net(rows)
    net.trace(rows, Y, weight, l2=1, l1=1)
    assert np.array_equal(rows, X)
    assert (Y == 1).all()
    assert (weight == 1).all()


def test_not_contiguous_rows():
    net = make()
    wide = np.random.default_rng(0).normal(size=(12, 6))
    np.testing.assert_allclose(net(wide[::2, ::2]), net(wide[::2, ::2].copy()), rtol=1e-14)
    np.testing.assert_allclose(net(np.asfortranarray(X)), net(X), rtol=1e-14)


# --- trace ---


def test_trace_is_named_and_shaped_as_the_notes():
    trace = make().trace(X, np.ones((6, 2)))
    assert [a.shape for a in trace.a] == [(6, 3), (6, 4), (6, 2)]
    assert [z.shape for z in trace.z] == [d.shape for d in trace.delta] == [(6, 4), (6, 2)]
    assert [g.shape for g in trace.grad_weights] == [(3, 4), (4, 2)]
    assert [g.shape for g in trace.grad_biases] == [(4,), (2,)]
    assert isinstance(trace.cost, float)
    assert np.array_equal(trace.a[0], X)
    np.testing.assert_allclose(trace.h, make()(X), rtol=1e-12)


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy", "log_loss", "poisson"])
def test_the_last_delta_is_the_residual_over_M(loss):
    net = make(loss=loss)
    classes = np.array([0, 1, 1, 0, 1, 0])
    one_hot = np.eye(2)[classes]
    trace = net.trace(X, classes if loss == "log_loss" else one_hot)
    np.testing.assert_allclose(trace.delta[-1], (trace.h - one_hot) / 6, rtol=1e-14)


def test_class_indices_are_one_hot_rows():
    net = make(loss="log_loss")
    classes = np.array([0, 1, 1, 0, 1, 0])
    a = net.trace(X, classes)
    for Y in (np.eye(2)[classes], np.eye(2, dtype=int)[classes], classes.astype(float)):
        b = net.trace(X, Y)
        assert a.cost == b.cost
        assert np.array_equal(a.grad_weights[0], b.grad_weights[0])


def test_one_output_takes_both_shapes():
    net = cr.Network([3, 4, 1], loss="squared_error")
    y = np.arange(6.0)
    assert net.trace(X, y).cost == net.trace(X, y[:, None]).cost


def test_penalties_leave_biases_alone():
    net = make()
    net.theta += 0.5
    Y = np.ones((6, 2))
    plain, penalized = net.trace(X, Y), net.trace(X, Y, l2=3.0, l1=2.0)
    for one, other in zip(plain.grad_biases, penalized.grad_biases, strict=True):
        assert np.array_equal(one, other)
    penalty = penalized.cost - plain.cost
    for b in net.biases:
        b[:] = b + 10
    moved = net.trace(X, Y, l2=3.0, l1=2.0).cost - net.trace(X, Y).cost
    assert moved == pytest.approx(penalty, rel=1e-12)
    weights = np.concatenate([W.ravel() for W in net.weights])
    by_hand = 3 / (2 * 6) * (weights**2).sum() + 2 / 6 * abs(weights).sum()
    assert penalty == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("g", ["identity", "tanh", "relu"])
def test_weight_2_is_twice_and_weight_0_is_never(g):
    net, Y = make(activation=g), np.random.default_rng(1).normal(size=(6, 2))
    rows = [0, 0, 1, 3, 3, 3, 5]
    a = net.trace(X[rows], Y[rows], l2=0.3, l1=0.2)
    b = net.trace(X, Y, [2, 1, 0, 3, 0, 1], l2=0.3, l1=0.2)
    assert a.cost == pytest.approx(b.cost, rel=1e-13)
    for one, other in zip(
        [*a.grad_weights, *a.grad_biases], [*b.grad_weights, *b.grad_biases], strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-14)


def test_scaling_all_weights_changes_nothing_without_penalties():
    net, Y = make(), np.ones((6, 2))
    w = np.arange(1.0, 7)
    a, b = net.trace(X, Y, w), net.trace(X, Y, 1000 * w)
    assert a.cost == pytest.approx(b.cost, rel=1e-13)
    np.testing.assert_allclose(a.grad_weights[0], b.grad_weights[0], rtol=1e-12)


# --- the step function propagates forward ---


def test_a_perceptron_by_thresholds():
    # XOR out of step nodes: OR fires above 0.5, AND above 1.5; the blog's threshold t is a bias
    # of -t. The output: OR and not AND.
    net = cr.Network([2, 2, 1], activation="step", loss="indicator")
    net.weights[0] = [[1, 1], [1, 1]]
    net.biases[0] = [-0.5, -1.5]
    net.weights[1] = [[1], [-1]]
    net.biases[1] = [-0.5]
    assert net([[0, 0], [0, 1], [1, 0], [1, 1]]).ravel().tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("threshold", [-1.0, 0.0, 0.25, 3.0])
def test_a_threshold_is_a_bias(threshold):
    net = cr.Network([1, 1], loss="indicator", dtype="float64")
    net.weights[0], net.biases[0] = [[1.0]], [-threshold]
    below, above = np.nextafter(threshold, -9), np.nextafter(threshold, 9)
    if threshold == 0:  # subnormal numbers count as zero
        below = -np.finfo(float).smallest_normal
    assert net([[below], [above]]).ravel().tolist() == [0, 1]


def test_training_through_a_step_says_why_and_what_instead():
    hidden = cr.Network([2, 3, 3, 1], ["tanh", "step"], "squared_error")
    output = cr.Network([2, 3, 1], "tanh", "indicator")
    for net, words in (
        (hidden, ["Hidden layer 2", "'step'", "g' = 0", "'logistic'"]),
        (output, ["'indicator'", "h' = 0", "loss='cross_entropy'"]),
    ):
        before = net.theta.copy()
        learner = cr.Learner(net)
        for attempt in (
            lambda net=net: net.trace([[1, 2]], [1]),
            lambda learner=learner: learner.step([[1, 2]], [1]),
            lambda learner=learner: learner.fit([[1, 2]], [1]),
        ):
            with pytest.raises(errors.NotTrainable) as caught:
                attempt()
            for word in words:
                assert word in str(caught.value)
        assert np.array_equal(net.theta, before)
        assert learner.n_steps == learner.n_epochs == 0
        assert net([[1, 2]]).shape == (1, 1)


# --- starting weights ---


def test_same_seed_same_bits():
    a, b, other = make(seed=5), make(seed=5), make(seed=6)
    assert a.theta.tobytes() == b.theta.tobytes()
    assert not np.isclose(a.weights[0], other.weights[0]).any()
    assert np.array_equal(make("float32", seed=5).theta, a.theta.astype("float32"))


def test_layers_of_one_shape_start_differently():
    net = cr.Network([4, 4, 4], init="glorot_uniform", loss="squared_error")
    assert not np.isclose(net.weights[0], net.weights[1]).any()


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("relu", ["he_uniform", "glorot_uniform"]),
        ("tanh", ["glorot_uniform", "glorot_uniform"]),
        ("selu", ["lecun_normal", "glorot_uniform"]),
    ],
)
def test_auto_chooses_layer_by_layer(activation, expected):
    auto = make(activation=activation)
    for layer, name in enumerate(expected):
        named = make(activation=activation, init=name)
        assert np.array_equal(auto.weights[layer], named.weights[layer])


def test_repr_says_what_it_is():
    assert (
        repr(make())
        == "Network([3, 4, 2], activation='tanh', loss='squared_error', dtype='float64')"
    )
    several = cr.Network([3, 4, 4, 2], ["tanh", "relu"])
    assert "activation=['tanh', 'relu']" in repr(several)
    assert repr(cr.Network([3, 2])) == "Network([3, 2], loss='log_loss', dtype='float32')"
