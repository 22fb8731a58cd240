"""Output pairs against mpmath, computed there from h by the notes' own formulas."""

import copy
import dataclasses
import json
import pickle

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule import errors
from chainrule.maths.losses import (
    LOSSES,
    CrossEntropy,
    GroupedLogLoss,
    Huber,
    LogLoss,
    Loss,
    Quantile,
    describe_loss,
    get_loss,
    is_built_in_loss,
    loss_from,
)

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


def huber(h, y, d):
    """Of each residual r: r^2/2 within d, d (|r| - d/2) beyond."""
    sizes, d = [abs(a - b) for a, b in zip(h, y, strict=True)], mp.mpf(d)
    return sum(r * r / 2 if r <= d else d * (r - d / 2) for r in sizes)


def pinball(h, y, quantiles):
    """q of what h falls short of y, 1 - q of what it exceeds it by."""
    triples = zip(h, y, quantiles, strict=True)
    return sum(max(mp.mpf(q) * (b - a), (1 - mp.mpf(q)) * (a - b)) for a, b, q in triples)


def smoothed(y, e, n_classes):
    """A part e of the certainty goes to all classes alike."""
    return y * (1 - mp.mpf(e)) + mp.mpf(e) / n_classes


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
    "absolute_error": (list, lambda h, y: sum(abs(a - b) for a, b in zip(h, y, strict=True))),
    "huber": (list, lambda h, y: huber(h, y, 1)),
    "huber 0.3": (list, lambda h, y: huber(h, y, 0.3)),
    "quantile": (list, lambda h, y: pinball(h, y, [0.5] * 3)),
    "quantile 0.1": (list, lambda h, y: pinball(h, y, [0.1] * 3)),
    "three quantiles": (list, lambda h, y: pinball(h, y, [0.1, 0.5, 0.75])),
    "cross_entropy 0.2": (
        logistic,
        lambda h, y: ORACLE["cross_entropy"][1](h, [smoothed(b, 0.2, 2) for b in y]),
    ),
    "log_loss 0.2": (
        softmax,
        lambda h, y: ORACLE["log_loss"][1](h, [smoothed(b, 0.2, 3) for b in y]),
    ),
    "grouped_log_loss 0.2": (
        softmax,
        lambda h, y: ORACLE["log_loss"][1](h, [smoothed(b, 0.2, 3) for b in y]),
    ),
}
NAMES = sorted(ORACLE)
PAIRS = {
    **LOSSES,
    "huber 0.3": get_loss(Huber(0.3)),
    "quantile 0.1": get_loss(Quantile(0.1)),
    "three quantiles": get_loss(Quantile([0.1, 0.5, 0.75])),
    "cross_entropy 0.2": get_loss(CrossEntropy(0.2)),
    "log_loss 0.2": get_loss(LogLoss(0.2)),
    "grouped_log_loss 0.2": get_loss(GroupedLogLoss([3], 0.2)),
}
TARGETS = {
    "squared_error": [[0.3, -2, 5], [0, 0, 0]],
    "cross_entropy": [[0, 1, 1], [1, 0, 0]],
    "log_loss": [[0, 1, 0], [1, 0, 0], [0, 0, 1]],
    "poisson": [[0, 3, 7], [1, 0.5, 0]],
    "logistic_squared_error": [[0, 1, 1], [0.25, 0.5, 0]],
}
TARGETS |= dict.fromkeys(
    ("absolute_error", "huber", "huber 0.3"), TARGETS["squared_error"]
)  # kinks too
TARGETS |= {name: [[0.25, -2, 5], [0.5, -1, 0.5]] for name in PAIRS if "quantile" in name}
TARGETS["quantile"] = TARGETS["squared_error"]
TARGETS |= {f"{name} 0.2": TARGETS[name] for name in ("cross_entropy", "log_loss")}
TARGETS["grouped_log_loss 0.2"] = TARGETS["log_loss"]
SCORES = [[0, 0, 0], [0.3, -1.2, 2.5], [-9, 4, 0.1], [15, -15, 14], [-30, 1e-6, 3]]
CASES = [(name, z, y) for name in NAMES for z in SCORES for y in TARGETS[name]]


def oracle(name, z, y):
    hypothesis, loss = ORACLE[name]
    return loss(hypothesis([mp.mpf(x) for x in z]), [mp.mpf(x) for x in y])


def test_the_table_is_the_design():
    assert {*ORACLE, "indicator"} == set(PAIRS)
    assert {name: loss.hypothesis_name for name, loss in LOSSES.items()} == {
        "squared_error": "identity",
        "cross_entropy": "logistic",
        "log_loss": "softmax",
        "poisson": "exp",
        "logistic_squared_error": "logistic",
        "indicator": "step",
        "absolute_error": "identity",
        "huber": "identity",
        "quantile": "identity",
    }


@pytest.mark.parametrize(("name", "z", "y"), CASES)
def test_hypothesis_loss_and_delta(name, z, y):
    loss = PAIRS[name]
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
    loss = PAIRS[name]
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
    ("absolute_error", [1000, -1000, 0], [0, 0, 0], 2000),
    ("huber", [1000, -1000, 0.5], [0, 0, 0], 1999.125),
    ("quantile", [1000, -1000, 0], [0, 0, 0], 1000),
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
    loss = PAIRS[name]
    Z, Y = np.array(SCORES, "f8"), np.array((TARGETS[name] * 5)[:5], "f8")
    values = loss.per_example(Z, Y)
    assert values.shape == (5,)
    each = [loss.per_example(z[None], y[None])[0] for z, y in zip(Z, Y, strict=True)]
    np.testing.assert_allclose(values, each, rtol=1e-14)
    if "log_loss" not in name and name != "three quantiles":
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
    [
        ("crossentropy", "cross_entropy"),
        ("logloss", "log_loss"),
        ("Poisson", "poisson"),
        ("mse", "squared_error"),
        ("Softmax", "log_loss"),
    ],
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


@pytest.mark.parametrize("name", ["absolute_error", "quantile", "quantile 0.1", "three quantiles"])
def test_the_subgradient_at_a_kink_is_0(name):
    loss, z = PAIRS[name], np.array([[0.3, -2, 5]])
    assert loss.delta(z, loss.hypothesis(z), z).tolist() == [[0, 0, 0]]
    assert loss.kinks == (0.0,)


@pytest.mark.parametrize("e", [0.0, 0.1])
def test_groups_are_log_losses_side_by_side(e):
    rng = np.random.default_rng(0)
    groups = GroupedLogLoss([3, 2, 4], e)
    whole, each = get_loss(groups), get_loss(LogLoss(e))
    Z, Y = rng.normal(size=(7, 9)), np.zeros((7, 9))
    for columns in groups.columns:
        Y[np.arange(7), rng.integers(columns.start, columns.stop, size=7)] = 1
    H = whole.hypothesis(Z)
    parts = [(Z[:, c], Y[:, c]) for c in groups.columns]
    np.testing.assert_array_equal(H, np.hstack([each.hypothesis(z) for z, _ in parts]))
    np.testing.assert_array_equal(whole.per_example(Z, Y), sum(each.per_example(*p) for p in parts))
    delta = np.hstack([each.delta(z, each.hypothesis(z), y) for z, y in parts])
    np.testing.assert_array_equal(whole.delta(Z, H, Y), delta)


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=40), st.floats(0.02, 0.98))
def test_the_pinball_loss_is_least_at_the_quantile(ys, q):
    y = np.array(ys)[:, None]
    loss = get_loss(Quantile(q))

    def mean(at):
        return loss.per_example(np.full_like(y, at), y).mean()

    best = min(mean(at) for at in ys)
    assert mean(np.quantile(y, q, method="inverted_cdf")) <= best + 1e-12


def test_a_large_delta_is_the_squared_error_and_a_small_one_the_absolute():
    rng = np.random.default_rng(0)
    Z, Y = rng.normal(size=(9, 3)), rng.normal(size=(9, 3))
    squared, absolute = (
        LOSSES[name].per_example(Z, Y) for name in ("squared_error", "absolute_error")
    )
    np.testing.assert_allclose(get_loss(Huber(1e3)).per_example(Z, Y), squared, rtol=1e-13)
    np.testing.assert_allclose(get_loss(Huber(1e-9)).per_example(Z, Y) / 1e-9, absolute, rtol=1e-6)
    np.testing.assert_allclose(2 * LOSSES["quantile"].per_example(Z, Y), absolute, rtol=1e-13)


DESCRIBED = {
    Huber(): "huber",
    Huber(2): {"name": "huber", "delta": 2.0},
    Quantile(0.5): "quantile",
    Quantile([0.1, 0.9]): {"name": "quantile", "quantiles": [0.1, 0.9]},
    CrossEntropy(0.1): {"name": "cross_entropy", "label_smoothing": 0.1},
    LogLoss(): "log_loss",
    LogLoss(0.1): {"name": "log_loss", "label_smoothing": 0.1},
    GroupedLogLoss([3, 2]): {"name": "grouped_log_loss", "groups": [3, 2], "label_smoothing": 0.0},
}


@pytest.mark.parametrize(("made", "plain"), DESCRIBED.items(), ids=repr)
def test_losses_are_plain_values_and_back(made, plain):
    pair = get_loss(made)
    assert describe_loss(pair) == plain == json.loads(json.dumps(plain))
    assert loss_from(plain) is pair
    assert is_built_in_loss(pair)
    for copied in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert copied == made
        assert get_loss(copied) is pair


def test_nobody_elses_loss_is_taken_for_one_of_ours():
    ours = get_loss(Huber(2))
    theirs = dataclasses.replace(ours, delta=lambda z, h, y: z)
    assert not is_built_in_loss(theirs)
    assert describe_loss(theirs) is theirs


WRONG = [
    *(lambda v=v: Huber(v) for v in (0, -1, np.inf, np.nan, "1", None, True, 10**400)),
    *(lambda v=v: Quantile(v) for v in (0, 1, [], [0.5, 0.5], [0.9, 0.1], "0.5", None, [0.1, "a"])),
    *(lambda v=v: LogLoss(v) for v in (-0.1, 1, np.nan, "a", True, None)),
    *(lambda v=v: CrossEntropy(v) for v in (-0.1, 1)),
    *(lambda v=v: GroupedLogLoss(v) for v in ([], [1], [2, 2.5], 3, "32", None, [np.inf])),
    lambda: loss_from({"name": "hubert", "delta": 1.0}),
    lambda: loss_from({"name": "huber"}),
    lambda: loss_from({"name": "huber", "delta": 1.0, "more": 1}),
    lambda: loss_from({"name": ["huber"], "delta": 1.0}),
    lambda: loss_from({}),
    lambda: loss_from(None),
]


@pytest.mark.parametrize("make", WRONG)
def test_bad_parameters_give_one_sentence(make):
    with pytest.raises(errors.InvalidParameter, match=r"Got|Unknown"):
        make()
