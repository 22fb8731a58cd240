"""Update rules against their formulas in plain floats, and on problems with known minima."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import chainrule as cr
from chainrule import errors
from chainrule.optimizers.schedules import as_schedule
from chainrule.training.lbfgs import minimize_lbfgs


def plain_sgd(rate, momentum, nesterov):
    """One parameter, as PyTorch's documentation of SGD has it."""
    memory = {"b": None}

    def step(theta, g, t):
        if not momentum:
            return theta - rate * g
        memory["b"] = g if t == 1 else momentum * memory["b"] + g
        return theta - rate * (g + momentum * memory["b"] if nesterov else memory["b"])

    return step


def plain_adam(rate, beta_1, beta_2, epsilon):
    """One parameter, algorithm 1 of Kingma and Ba, its sums written out over all steps before."""
    seen = []

    def step(theta, g, t):
        seen.append(g)
        assert len(seen) == t
        m = sum((1 - beta_1) * beta_1 ** (t - i) * g for i, g in enumerate(seen, 1))
        v = sum((1 - beta_2) * beta_2 ** (t - i) * g * g for i, g in enumerate(seen, 1))
        m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
        return theta - rate * m_hat / (math.sqrt(v_hat) + epsilon)

    return step


def plain_adagrad(rate, epsilon):
    """One parameter, the sum written out."""
    seen = []

    def step(theta, g, t):
        seen.append(g)
        return theta - rate * g / (math.sqrt(math.fsum(g * g for g in seen)) + epsilon)

    return step


def plain_rmsprop(rate, rho, epsilon):
    """One parameter, the mean written out."""
    seen = []

    def step(theta, g, t):
        seen.append(g)
        v = math.fsum((1 - rho) * rho ** (t - i) * g * g for i, g in enumerate(seen, 1))
        return theta - rate * g / (math.sqrt(v) + epsilon)

    return step


RULES = {
    "descent": (cr.SGD(0.1), lambda: plain_sgd(0.1, 0, False)),
    "momentum": (cr.SGD(0.05, 0.9), lambda: plain_sgd(0.05, 0.9, False)),
    "Nesterov": (cr.SGD(0.05, 0.9, nesterov=True), lambda: plain_sgd(0.05, 0.9, True)),
    "momentum 1": (cr.SGD(0.05, 1.0), lambda: plain_sgd(0.05, 1, False)),
    "Adam": (cr.Adam(), lambda: plain_adam(1e-3, 0.9, 0.999, 1e-8)),
    "another Adam": (cr.Adam(0.1, 0.5, 0.7, 0.01), lambda: plain_adam(0.1, 0.5, 0.7, 0.01)),
    "Adagrad": (cr.Adagrad(0.1), lambda: plain_adagrad(0.1, 1e-10)),
    "RMSprop": (cr.RMSprop(0.1, rho=0.8), lambda: plain_rmsprop(0.1, 0.8, 1e-8)),
    "Adam without means": (cr.Adam(0.1, 0, 0), lambda: plain_adam(0.1, 0, 0, 1e-8)),
}


def rate_of(rule):
    return rule.learning_rate


@pytest.mark.parametrize("name", RULES)
@given(
    grads=hnp.arrays("f8", st.tuples(st.integers(1, 8), st.just(3)), elements=st.floats(-9, 9)),
    start=hnp.arrays("f8", 3, elements=st.floats(-9, 9)),
)
def test_the_formula(name, grads, start):
    rule, plain = RULES[name]
    theta = start.copy()
    state = rule.init(theta)
    steps = [plain() for _ in range(3)]
    expected = start.tolist()
    for t, grad in enumerate(grads, 1):
        rule.update(theta, grad, state, t, rate_of(rule))
        expected = [
            step(x, g, t) for step, x, g in zip(steps, expected, grad.tolist(), strict=True)
        ]
        np.testing.assert_allclose(theta, expected, rtol=1e-10, atol=1e-12)


def test_by_hand():
    # theta = 1, alpha = 1/2, mu = 1/2, gradients 1, 1, 0.
    # classical: v = 1, 3/2, 3/4; theta = 1/2, -1/4, -5/8.
    # Nesterov: g + v/2 = 3/2, 7/4, 3/8; theta = 1/4, -5/8, -13/16.
    # plain: 1/2, 0, 0.
    rules = {
        cr.SGD(0.5): [Fraction(1, 2), 0, 0],
        cr.SGD(0.5, 0.5): [Fraction(1, 2), Fraction(-1, 4), Fraction(-5, 8)],
        cr.SGD(0.5, 0.5, True): [Fraction(1, 4), Fraction(-5, 8), Fraction(-13, 16)],
    }
    for rule, expected in rules.items():
        theta = np.array([1.0])
        state = rule.init(theta)
        for t, (g, value) in enumerate(zip([1.0, 1.0, 0.0], expected, strict=True), 1):
            rule.update(theta, np.array([g]), state, t, 0.5)
            assert theta[0] == value


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_adams_first_step_is_the_rate_whatever_the_gradients_size(size):
    theta = np.zeros(2)
    rule = cr.Adam(0.01)
    rule.update(theta, np.array([size, -size]), rule.init(theta), 1, 0.01)
    np.testing.assert_allclose(theta, [-0.01, 0.01], rtol=0.02)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_in_place_in_the_same_dtype_and_the_gradient_untouched(name, dtype):
    rule, _ = RULES[name]
    theta = np.array([1.0, -2.0, 0.0], dtype)
    before = theta.copy()
    state = rule.init(theta)
    assert np.array_equal(theta, before)
    assert not any(np.shares_memory(memory, theta) for memory in state.values())
    assert all(m.dtype == dtype and m.shape == (3,) and not m.any() for m in state.values())
    memories = dict(state)
    grad = np.array([0.5, 0.25, -1], dtype)
    for t in (1, 2, 3):
        assert rule.update(theta, grad, state, t, rate_of(rule)) is None
    assert grad.tolist() == [0.5, 0.25, -1]
    assert theta.dtype == dtype
    assert (theta != before).all()
    assert state.keys() == memories.keys()
    for name_, memory in state.items():
        assert memory is memories[name_]
        assert memory.dtype == dtype
        assert not np.shares_memory(memory, grad)


@pytest.mark.parametrize("name", RULES)
def test_the_rate_given_is_the_rate_used(name):
    rule, _ = RULES[name]
    moved = []
    for rate in (0.01, 0.03):
        theta = np.zeros(3)
        state = rule.init(theta)
        rule.update(theta, np.ones(3), state, 1, rate)
        rule.update(theta, np.ones(3), state, 2, rate)
        moved.append(theta)
    np.testing.assert_allclose(moved[1], 3 * moved[0], rtol=1e-12)


@pytest.mark.parametrize("name", ["descent", "momentum", "Nesterov", "Adam", "another Adam"])
def test_a_rule_keeps_no_memory_of_its_own(name):
    rule, _ = RULES[name]
    grads = np.random.default_rng(0).normal(size=(5, 2))

    def run():
        theta = np.ones(2)
        state = rule.init(theta)
        for t, grad in enumerate(grads, 1):
            rule.update(theta, grad, state, t, 0.1)
        return theta

    assert np.array_equal(run(), run())


def descended(rule, gradient, start, n_steps):
    """Where so many steps lead to."""
    theta = np.array(start)
    state, rates = rule.init(theta), as_schedule(rule.learning_rate)
    each = np.arange(n_steps)
    for t, rate in enumerate(rates.rates(each, each, 0).tolist(), 1):
        rule.decay([theta], rate)
        rule.update(theta, gradient(theta), state, t, rate)
    return theta


@pytest.mark.parametrize(
    "rule",
    [
        cr.SGD(0.02), cr.SGD(0.02, 0.9), cr.SGD(0.02, 0.9, nesterov=True), cr.Adam(0.05),
        cr.AdamW(0.05, weight_decay=0), cr.Nadam(0.05), cr.Adagrad(1.0),
        cr.RMSprop(cr.Cosine(0.05, 1500)), cr.Rprop(),
    ],
    ids=repr,
)  # fmt: skip
def test_a_bowl_is_descended_to_its_minimum(rule):
    curvature, minimum = np.array([1.0, 30.0]), np.array([3.0, -2.0])
    theta = descended(rule, lambda at: curvature * (at - minimum), [0.0, 0.0], 1500)
    np.testing.assert_allclose(theta, minimum, atol=1e-5)


def rosenbrock(theta):
    """Return the gradient of (1 - x)^2 + 100 (y - x^2)^2, whose minimum is at (1, 1)."""
    x, y = theta
    return np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])


@pytest.mark.parametrize(
    "rule",
    [
        cr.SGD(1e-3), cr.SGD(5e-4, 0.9), cr.SGD(5e-4, 0.9, nesterov=True),
        cr.Adam(cr.Cosine(0.02, 20_000)), cr.AdamW(cr.Cosine(0.02, 20_000), weight_decay=0),
        cr.Nadam(cr.Cosine(0.02, 20_000)), cr.Adagrad(0.5),
        cr.RMSprop(cr.ExponentialDecay(0.01, 20_000, 1e-5)), cr.Rprop(),
    ],
    ids=repr,
)  # fmt: skip
def test_a_curved_valley_is_followed_to_its_minimum(rule):
    theta = descended(rule, rosenbrock, [-1.2, 1.0], 20_000)
    np.testing.assert_allclose(theta, [1, 1], atol=2e-3)


def test_lbfgs_finds_the_minimum_of_a_bowl():
    # A line through three points, its least squares' cost a quadratic of (b, W).
    net = cr.Network([1, 1], loss="squared_error", dtype="float64")
    minimize_lbfgs(net, [[0.0], [1.0], [5.0]], [1.0, 3.0, 11.0], tol=1e-10, settings=cr.LBFGS(3))
    np.testing.assert_allclose(net.theta, [1, 2], atol=1e-6)


def test_decay_is_of_the_weights_alone():
    net = cr.Network([3, 4, 2], loss="squared_error", dtype="float64", seed=1)
    net.theta += 1.0
    X, Y = np.zeros((5, 3)), net(np.zeros((5, 3)))  # the gradient is 0
    before = net.copy()
    for engine in ("reference", "native"):
        moved = before.copy()
        rule = cr.AdamW(0.1, epsilon=1.0, weight_decay=0.5)  # that overlooks roundings
        cr.Learner(moved, rule, engine=engine).step(X, Y)
        for W, W0, b, b0 in zip(
            moved.weights, before.weights, moved.biases, before.biases, strict=True
        ):
            np.testing.assert_allclose(W, 0.95 * W0, rtol=1e-12)
            np.testing.assert_allclose(b, b0, rtol=1e-12)


def test_rprop_by_hand():
    # Sizes 1, 1.2 after the same sign, and where it changes theta stays and the size is halved.
    rule = cr.Rprop(1.0)
    theta = np.array([0.0])
    state = rule.init(theta)
    for t, (g, value) in enumerate([(5, -1.0), (3, -2.2), (-1, -2.2), (-7, -1.6)], 1):
        rule.update(theta, np.array([float(g)]), state, t, 1.0)
        assert theta[0] == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_rprop_needs_all_examples(engine):
    net = cr.Network([2, 3, 1], loss="squared_error")
    learner = cr.Learner(net, cr.Rprop(), engine=engine, batch_size=4)
    with pytest.raises(errors.InvalidParameter, match=r"mini-batches of 4 out of 10 .*=None"):
        learner.fit(np.ones((10, 2)), np.ones(10))
    learner.fit(np.ones((4, 2)), np.ones(4), epochs=2)
    with pytest.raises(errors.InvalidParameter, match="no schedule applies"):
        cr.Rprop(cr.Cosine(0.1))


def test_lbfgs_is_for_the_estimators():
    with pytest.raises(errors.InvalidParameter, match=r"MLPRegressor\(solver=cr.LBFGS"):
        cr.Learner(cr.Network([1, 1], loss="squared_error"), cr.LBFGS())
    with pytest.raises(errors.InvalidParameter, match="history_size of LBFGS"):
        cr.LBFGS(0)


def test_momentum_is_faster_in_a_narrow_valley():
    curvature = np.array([1.0, 100.0])

    def left(rule):
        theta = np.ones(2)
        state = rule.init(theta)
        for t in range(1, 101):
            rule.update(theta, curvature * theta, state, t, 0.01)
        return np.linalg.norm(theta)

    plain, classical, nesterov = left(cr.SGD(0.01)), left(cr.SGD(0.01, 0.8)), left(
        cr.SGD(0.01, 0.8, nesterov=True)
    )  # fmt: skip
    assert classical < plain / 10
    assert nesterov < plain / 10


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (cr.SGD, "learning_rate"),
        (lambda wrong: cr.SGD(0.1, momentum=wrong), "momentum of SGD"),
        (cr.Adam, "learning_rate"),
        (lambda wrong: cr.Adam(beta_1=wrong), "beta_1 of Adam"),
        (lambda wrong: cr.Adam(beta_2=wrong), "beta_2 of Adam"),
        (lambda wrong: cr.Adam(epsilon=wrong), "epsilon of Adam"),
        (lambda wrong: cr.AdamW(weight_decay=wrong), "weight_decay of AdamW"),
        (lambda wrong: cr.Nadam(momentum_decay=wrong), "momentum_decay of Nadam"),
        (lambda wrong: cr.RMSprop(rho=wrong), "rho of RMSprop"),
        (lambda wrong: cr.Adagrad(epsilon=wrong), "epsilon of Adagrad"),
        (lambda wrong: cr.Rprop(eta_minus=wrong), "eta_minus of Rprop"),
        (lambda wrong: cr.Rprop(eta_plus=wrong), "eta_plus of Rprop"),
        (lambda wrong: cr.Rprop(min_step=wrong), "min_step of Rprop"),
        (lambda wrong: cr.Rprop(max_step=wrong), "max_step of Rprop"),
    ],
)
@pytest.mark.parametrize("wrong", [-0.1, math.nan, math.inf, "0.1", None, True, 1j, [0.1]])
def test_settings(make, name, wrong):
    with pytest.raises(errors.InvalidParameter) as caught:
        make(wrong)
    assert name in str(caught.value)
    assert f"Got {wrong!r} instead" in str(caught.value)


def test_ends_of_the_intervals():
    for make in (lambda: cr.SGD(0), lambda: cr.Adam(0), lambda: cr.Adam(epsilon=0)):
        with pytest.raises(errors.InvalidParameter, match="Got 0 instead"):
            make()
    for make in (lambda: cr.Adam(beta_1=1), lambda: cr.Adam(beta_2=1.0)):
        with pytest.raises(errors.InvalidParameter, match="Got 1"):
            make()
    with pytest.raises(errors.InvalidParameter, match=r"nesterov=True .* momentum"):
        cr.SGD(0.1, nesterov=True)


def test_rules_are_frozen_and_equal_by_value():
    rule = cr.SGD(0.1, 0.9)
    assert rule == cr.SGD(0.1, 0.9)
    assert rule != cr.SGD(0.1, 0.8)
    with pytest.raises(AttributeError):
        rule.learning_rate = 0.2


@pytest.mark.parametrize("engine", ["reference", "native"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_epsilon_that_would_count_as_0_is_refused(dtype, engine):
    # Smaller numbers are 0 in the native engine, and where a gradient is 0 the step would be 0/0.
    least = float(np.finfo(dtype).smallest_normal)
    X, Y = np.zeros((4, 2)), np.ones((4, 1))
    net = cr.Network([2, 3, 1], loss="squared_error", dtype=dtype, seed=0)
    with np.errstate(over="ignore"):
        cr.Learner(net, cr.Adam(epsilon=least), engine=engine).fit(X, Y, epochs=3)
    assert np.isfinite(net.theta).all()
    for epsilon in (least / 2, 5e-324):
        with pytest.raises(errors.InvalidParameter) as caught:
            cr.Learner(net, cr.Adam(epsilon=epsilon), engine=engine)
        for word in ("epsilon of Adam", dtype, f"at least {least:.2g}", repr(epsilon)):
            assert word in str(caught.value)
    for kind in (cr.MLPClassifier, cr.MLPRegressor):
        with pytest.raises(errors.InvalidParameter, match="epsilon of Adam"):
            kind(epsilon=5e-324).fit(np.eye(4, dtype=dtype), [0, 1, 0, 1])
