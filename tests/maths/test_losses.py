"""Output pairs against mpmath, computed there from h by the notes' own formulas."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule import errors
from chainrule.maths.losses import LOSSES, Loss, get_loss

mp = mpmath.mp.clone()
mp.dps = 30


def log_0_is_0(y, h):
    """Y log h, where 0 log 0 is 0."""
    return y * mp.log(h) if y else mp.mpf(0)


def softmax(z):
    total = sum(mp.exp(x) for x in z)
    return [mp.exp(x) / total for x in z]


def logistic(z):
    return [1 / (1 + mp.exp(-x)) for x in z]


def quadratic(h, y):
    return sum((a - b) ** 2 for a, b in zip(h, y, strict=True)) / 2


# name: (h(z), loss from h and y), as the notes write them.
ORACLE = {
    "squared_error": (list, quadratic),
    "cross_entropy": (
        logistic,
        lambda h, y: (
            -sum(log_0_is_0(b, a) + log_0_is_0(1 - b, 1 - a) for a, b in zip(h, y, strict=True))
        ),
    ),
    "log_loss": (
        softmax,
        lambda h, y: -sum(log_0_is_0(b, a) for a, b in zip(h, y, strict=True)),
    ),
    "poisson": (
        lambda z: [mp.exp(x) for x in z],
        lambda h, y: sum(
            (b * mp.log(b / a) if b else 0) - b + a for a, b in zip(h, y, strict=True)
        ),
    ),
    "logistic_squared_error": (logistic, quadratic),
}
NAMES = sorted(ORACLE)
TARGETS = {
    "squared_error": [[0.3, -2, 5], [0, 0, 0]],
    "cross_entropy": [[0, 1, 1], [1, 0, 0]],
    "log_loss": [[0, 1, 0], [1, 0, 0], [0, 0, 1]],
    "poisson": [[0, 3, 7], [1, 0.5, 0]],
    "logistic_squared_error": [[0, 1, 1], [0.25, 0.5, 0]],
}
SCORES = [[0, 0, 0], [0.3, -1.2, 2.5], [-9, 4, 0.1], [15, -15, 14], [-30, 1e-6, 3]]
CASES = [(name, z, y) for name in NAMES for z in SCORES for y in TARGETS[name]]


def oracle(name, z, y):
    hypothesis, loss = ORACLE[name]
    return loss(hypothesis([mp.mpf(x) for x in z]), [mp.mpf(x) for x in y])


def test_the_table_is_the_design():
    assert set(LOSSES) == {*ORACLE, "indicator"}
    assert {name: loss.hypothesis_name for name, loss in LOSSES.items()} == {
        "squared_error": "identity",
        "cross_entropy": "logistic",
        "log_loss": "softmax",
        "poisson": "exp",
        "logistic_squared_error": "logistic",
        "indicator": "step",
    }


@pytest.mark.parametrize(("name", "z", "y"), CASES)
def test_hypothesis_loss_and_delta(name, z, y):
    loss = LOSSES[name]
    Z, Y = np.array([z], "f8"), np.array([y], "f8")
    H = loss.hypothesis(Z)
    expected = [float(h) for h in ORACLE[name][0]([mp.mpf(x) for x in z])]
    np.testing.assert_allclose(H[0], expected, rtol=1e-14, atol=1e-300)

    value = loss.per_example(Z, Y)
    assert value.shape == (1,)
    np.testing.assert_allclose(value[0], float(oracle(name, z, y)), rtol=1e-13, atol=1e-13)

    def slope(k):
        moved = [mp.mpf(x) for x in z]

        def along(x):
            return oracle(name, [*moved[:k], x, *moved[k + 1 :]], y)

        return float(mp.diff(along, moved[k]))

    delta = loss.delta(Z, H, Y)
    expected = [slope(k) for k in range(3)]
    np.testing.assert_allclose(delta[0], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("name", "z", "y"), CASES)
def test_float32_stays_and_is_accurate(name, z, y):
    loss = LOSSES[name]
    Z, Y = np.array([z], "f4"), np.array([y], "f4")
    H = loss.hypothesis(Z)
    value, delta = loss.per_example(Z, Y), loss.delta(Z, H, Y)
    assert H.dtype == value.dtype == delta.dtype == np.float32
    Z, Y = Z.astype("f8"), Y.astype("f8")
    np.testing.assert_allclose(value, loss.per_example(Z, Y), rtol=2e-6, atol=2e-6)
    wide = loss.delta(Z, loss.hypothesis(Z), Y)
    np.testing.assert_allclose(delta, wide, rtol=3e-6, atol=1e-6)


# At |z| = 1000, h is 0 or 1 to every digit, and -log h would be infinite.
EXTREME = [
    ("squared_error", [1000, -1000, 0], [0, 0, 0], 1e6),
    ("cross_entropy", [1000, -1000, 1000], [0, 1, 1], 2000),
    ("cross_entropy", [1000, -1000, -1000], [1, 0, 0], 0),
    ("log_loss", [1000, -1000, 0], [0, 1, 0], 2000),
    ("log_loss", [1000, -1000, 0], [1, 0, 0], 0),
    ("log_loss", [-1000, -1000, -1000], [1, 0, 0], np.log(3)),
    ("log_loss", [1000, 1000, 1000], [1, 0, 0], np.log(3)),
    ("poisson", [-1000, -1000, 0], [2, 0, 1], 2 * np.log(2) - 2 + 2000),
    ("poisson", [1000, 0, 0], [2, 0, 0], np.inf),
    ("logistic_squared_error", [1000, -1000, 0], [0, 0, 0.5], 0.5),
]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(("name", "z", "y", "expected"), EXTREME)
def test_extreme_z_neither_overflows_nor_warns(name, z, y, expected, dtype):
    loss = LOSSES[name]
    Z, Y = np.array([z], dtype), np.array([y], dtype)
    np.testing.assert_allclose(loss.per_example(Z, Y), [expected], rtol=1e-6, atol=1e-30)
    H = loss.hypothesis(Z)
    delta = loss.delta(Z, H, Y)
    assert not np.isnan(H).any()
    assert not np.isnan(delta).any()
    if name in ("cross_entropy", "log_loss", "poisson", "squared_error"):
        assert np.array_equal(delta, H - Y)  # the canonical pairs


scores = hnp.arrays(
    "f8", st.tuples(st.integers(1, 4), st.integers(2, 5)), elements=st.floats(-300, 300)
)


@given(z=scores, shift=st.floats(-500, 500))
def test_softmax_sums_to_one_and_forgets_a_shift(z, shift):
    loss, y = LOSSES["log_loss"], np.eye(z.shape[1])[np.arange(len(z)) % z.shape[1]]
    h = loss.hypothesis(z)
    np.testing.assert_allclose(h.sum(axis=1), 1, rtol=1e-14)
    assert ((h >= 0) & (h <= 1)).all()
    np.testing.assert_allclose(loss.hypothesis(z + shift), h, rtol=1e-11, atol=1e-300)
    np.testing.assert_allclose(loss.per_example(z + shift, y), loss.per_example(z, y), atol=1e-11)
    np.testing.assert_allclose(loss.delta(z, h, y).sum(axis=1), 0, atol=1e-14)


@given(z=hnp.arrays("f8", (3, 1), elements=st.floats(-300, 300)))
def test_two_softmax_outputs_are_one_logistic_output(z):
    both = np.hstack([np.zeros_like(z), z])
    labels = np.array([[0.0], [1.0], [1.0]])
    one_hot = np.hstack([1 - labels, labels])
    binary, classes = LOSSES["cross_entropy"], LOSSES["log_loss"]
    np.testing.assert_allclose(classes.hypothesis(both)[:, 1:], binary.hypothesis(z), rtol=1e-13)
    np.testing.assert_allclose(
        classes.per_example(both, one_hot), binary.per_example(z, labels), rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_examples_and_outputs_add_up(name):
    loss = LOSSES[name]
    Z, Y = np.array(SCORES, "f8"), np.array((TARGETS[name] * 5)[:5], "f8")
    values = loss.per_example(Z, Y)
    assert values.shape == (5,)
    each = [loss.per_example(z[None], y[None])[0] for z, y in zip(Z, Y, strict=True)]
    np.testing.assert_allclose(values, each, rtol=1e-14)
    if name != "log_loss":
        columns = sum(loss.per_example(Z[:, [k]], Y[:, [k]]) for k in range(3))
        np.testing.assert_allclose(values, columns, rtol=1e-13, atol=1e-15)


def test_the_teaching_pair_is_slow_where_it_is_confidently_wrong():
    z, y = np.array([[-12.0]]), np.array([[1.0]])
    slow, fast = LOSSES["logistic_squared_error"], LOSSES["cross_entropy"]
    h = slow.hypothesis(z)
    assert abs(slow.delta(z, h, y)[0, 0]) < 1e-5
    assert abs(fast.delta(z, h, y)[0, 0]) > 0.99999


def test_the_indicator_is_forward_only():
    loss, z = LOSSES["indicator"], np.array([[-0.5, 0.0, 2.0]])
    h = loss.hypothesis(z)
    assert h.tolist() == [[0, 1, 1]]
    assert not loss.differentiable
    for attempt in (lambda: loss.per_example(z, h), lambda: loss.delta(z, h, h)):
        with pytest.raises(errors.NotTrainable, match=r"h' = 0 .* loss='cross_entropy'"):
            attempt()


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("crossentropy", "cross_entropy"), ("logloss", "log_loss"), ("Poisson", "poisson")],
)
def test_unknown_names_suggest_the_nearest(wrong, near):
    with pytest.raises(errors.UnknownName, match=f"loss '{wrong}': did you mean '{near}'"):
        get_loss(wrong)


@pytest.mark.parametrize("wrong", [None, 1, "", ["log_loss"]])
def test_what_is_no_name_is_shown(wrong):
    with pytest.raises(errors.UnknownName) as caught:
        get_loss(wrong)
    assert repr(wrong) in str(caught.value)


def test_own_losses_pass():
    own = Loss("own", "identity", lambda z: z, lambda z, y: z.sum(axis=1), lambda z, h, y: z)
    assert get_loss(own) is own
