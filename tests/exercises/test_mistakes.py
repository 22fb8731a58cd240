"""Each mistake is told from its numbers, no right answer is, and nothing is told that is not so."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.exercises.agreement import agree
from chainrule.exercises.attempt import Attempt
from chainrule.exercises.mistakes import MISTAKES

SETTINGS = (
    {"sizes": [2, 2, 1], "loss": "cross_entropy", "n_examples": 2},
    {"sizes": [2, 2, 1], "loss": "logistic_squared_error", "n_examples": 3, "l2": 0.5},
    {"sizes": [2, 3, 2], "activation": "tanh", "n_examples": 2, "l2": 0.5},
    {"sizes": [2, 2, 2, 2], "activation": ["logistic", "tanh"], "n_examples": 3},
    {"sizes": [2, 2, 2], "activation": "tanh", "loss": "squared_error", "l2": 1.0},
    {"sizes": [3, 2, 2, 1], "activation": "relu", "loss": "poisson"},
    {"sizes": [2, 2, 1], "activation": "softplus", "loss": "huber", "n_examples": 2},
    {"sizes": [3, 3, 3], "activation": "gelu", "loss": "absolute_error", "n_examples": 2},
    {"sizes": [2, 3, 2], "loss": "cross_entropy", "n_examples": 2},
    {"sizes": [2, 3, 1], "activation": "tanh", "loss": "squared_error", "n_examples": 3},
    {"sizes": [1, 1], "loss": "cross_entropy"},
)


def made(number, seed):
    """One of the exercises, half of them with examples in columns."""
    orientation = ("rows", "columns")[(number + seed) % 2]
    return cr.exercise(seed=seed, orientation=orientation, **SETTINGS[number])


def led_to(ex, mistake, quantity):
    """What the mistake leads to; None where it changes nothing, or its numbers fit nowhere."""
    right = {name: one.value for name, one in ex._known.items()}
    attempt = Attempt(ex._problem, mistake.rules, {} if mistake.everywhere else right)
    with np.errstate(all="ignore"):
        try:
            wrong = attempt.answer(quantity)
        except ValueError:
            return None
    usable = np.isfinite(wrong).all() and not agree(wrong, quantity.value, 0.06).all()
    return wrong if usable else None


def answers_to(ex):
    """Yield each mistake with what it leads to in each quantity."""
    for mistake in MISTAKES:
        for name, quantity in ex._known.items():
            if not mistake.kinds or quantity.kind in mistake.kinds:
                wrong = led_to(ex, mistake, quantity)
                if wrong is not None:
                    yield mistake, name, wrong


def is_told(ex, mistake, name, wrong):
    """Whether the mistake is told; of several that are told, each leads to these very numbers."""
    mark = ex.check(**{name: wrong})[name]
    assert not mark
    assert mistake.name in mark.causes, (mistake.name, mark)
    if len(mark.causes) in (2, 3):
        assert "Several mistakes lead to this: either " in mark.hint
    return mark.causes == (mistake.name,)


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_each_mistake_is_told(number):
    """Each in one quantity, and another one in each exercise; the soak takes all."""
    ex = made(number, seed=1)
    cases = list(answers_to(ex))
    alone = [is_told(ex, *case) for case in cases[number % 7 :: 7]]
    assert np.mean(alone) > 0.7


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_each_mistake_is_told_in_every_quantity(number, seed):
    ex = made(number, seed)
    for case in answers_to(ex):
        is_told(ex, *case)


def test_no_mistake_is_in_the_table_in_vain():
    found = {
        mistake.name
        for number in range(len(SETTINGS))
        for mistake, _, _ in answers_to(made(number, seed=1))
    }
    assert found == {mistake.name for mistake in MISTAKES}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_without_a_mistake_the_rules_lead_to_the_engines_numbers(number, seed):
    ex = made(number, seed)
    for quantity in ex._known.values():
        value = Attempt(ex._problem, {}, {}).answer(quantity)
        np.testing.assert_allclose(value, quantity.value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_a_right_answer_gets_no_hint(number, seed):
    ex = made(number, seed)
    for name, quantity in ex._known.items():
        for digits in (17, 3):
            rounded = np.vectorize(lambda v, d=digits: float(f"{v:.{d}g}"))(quantity.value)
            mark = ex.check(**{name: rounded})[name]
            assert (mark.right, mark.hint, mark.causes) == (True, "", ())


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_numbers_from_nowhere_get_no_cause(number):
    ex = made(number, seed=2)
    random = np.random.default_rng(number)
    for name, quantity in ex._known.items():
        if quantity.value.size > 1:  # of a single number anything may come near
            wrong = quantity.value + random.normal(size=quantity.value.shape)
            mark = ex.check(**{name: wrong})[name]
            assert mark.causes == ()
            assert "Here" not in mark.hint


# --- by hand -----------------------------------------------------------------------------------
# The numbers come from the trace, not from the table, and the words are what a learner must read.


def sigma(x):
    return 1 / (1 + np.exp(-x))


def slope(x):
    return sigma(x) * (1 - sigma(x))


def of_hidden(ex, t, W, n):
    back = t.delta[1] @ W[1].T
    a, z = t.a[1], t.z[0]
    yield "delta_2", back * slope(a), "slope_at_activation", "taken at a where it belongs at z"
    yield "delta_2", back * z * (1 - z), "slope_formula_at_z", "z stands where a = g(z) belongs"
    yield "delta_2", back * t.h * (1 - t.h), "slope_at_other_layer", "at the layer after"
    yield "delta_2", back * slope(t.a[0]), "slope_at_other_layer", "at the layer before"
    yield "delta_2", back * (a * (1 - a)) ** 2, "slope_twice", "included twice"
    yield "delta_2", -t.delta[0], "sign", "the other way round"
    yield "delta_2", np.repeat(t.delta[1], 2, 1) * slope(z), "weights_forgotten", "through W"
    new = W[1] - 0.5 * t.grad_weights[1]
    yield "delta_2", t.delta[1] @ new.T * slope(z), "new_weights_back", "at the old weights"
    wrong = t.a[0].T @ (back * slope(a))
    yield "grad_weights_2", wrong, "slope_at_activation", "taken at a where it belongs at z"
    yield "new_weights_2", W[0] - 0.5 * wrong, "slope_at_activation", "belongs at z"


def of_gradients(ex, t, W, n):
    X, delta = t.a[0], t.delta[0]
    a = t.a[1]
    yield "grad_weights_2", X.T @ (delta * a * (1 - a)), "slope_twice", "δ has it already"
    yield "grad_weights_2", a.T @ delta, "own_activation", "the layer's own activation"
    each = (a * delta).sum(axis=0)
    yield "grad_weights_2", np.tile(each, (2, 1)), "own_activation", "own activation"
    yield "grad_weights_2", np.tile(X.sum(0)[:, None], (1, 2)), "delta_forgotten", "δ is missing"
    yield "grad_weights_2", np.tile(delta.sum(0), (2, 1)), "input_forgotten", "only δ"
    yield "grad_weights_3", t.z[0].T @ t.delta[1], "z_for_activation", "activation a belongs"
    yield "grad_biases_2", delta.mean(axis=0), "mean_twice", "divided by M twice"
    yield "grad_biases_2", n * delta.sum(axis=0), "no_mean", f"divide by {n}"
    yield "grad_biases_2", delta, "no_sum", "the sum over the examples is missing"


def of_the_step(ex, t, W, n):
    W, grad, b = W[0], t.grad_weights[0], ex.net.biases[0]
    yield "new_weights_2", W + 0.5 * grad, "step_added", "against the gradient"
    yield "new_weights_2", W - grad, "rate_forgotten", "learning rate is missing"
    yield "new_weights_2", W - 0.25 * grad, "rate_squared", "learning rate is included twice"
    yield "new_weights_2", -0.5 * grad, "old_value_forgotten", "the step alone"
    yield "new_biases_2", b + 0.5 * t.grad_biases[0], "step_added", "against the gradient"


def of_forward(ex, t, W, n):
    X, b = t.a[0], ex.net.biases
    no_bias = sigma(X @ W[0])
    yield "z_2", X @ W[0], "no_bias", "bias is missing"
    yield "z_2", X @ W[0] - b[0], "bias_subtracted", "is subtracted"
    yield "z_2", X @ W[0].T + b[0], "transposed_weights", "W is transposed in z"
    yield "h", sigma(no_bias @ W[1]), "no_bias", "bias is missing"
    yield "a_2", np.tanh(t.z[0]), "other_activation", "taken is tanh, and in this network it is log"
    yield "h", sigma(-t.z[1]), "exponent_sign", "e^z and e^−z are exchanged"


HIDDEN = (of_hidden, of_gradients, of_the_step, of_forward)


@pytest.mark.parametrize("orientation", ["rows", "columns"])
@pytest.mark.parametrize("loss", ["cross_entropy", "logistic_squared_error"])
@pytest.mark.parametrize("seed", [3, 5, 8])
def test_mistakes_computed_by_hand(seed, loss, orientation):
    ex = cr.exercise([2, 2, 1], seed, loss=loss, n_examples=3, orientation=orientation)
    t = ex.net.trace(ex.X, ex.y)
    for cases in HIDDEN:
        for name, answer, cause, words in cases(ex, t, ex.net.weights, 3):
            turned = answer.T if orientation == "columns" and np.ndim(answer) == 2 else answer
            mark = ex.check(**{name: turned})[name]
            if agree(turned, ex._known[name].value, 0.06).all():
                continue
            assert cause in mark.causes, (name, cause, mark)
            assert words in mark.hint, (name, cause, mark)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_teaching_pair_without_its_slope(seed, n):
    """Also if only ∂J/∂W is asked, and δ is given."""
    for ask in (None, "grad_weights_3", "delta_3", "grad_biases_3", "delta_2"):
        ex = cr.exercise([2, 2, 1], seed, loss="logistic_squared_error", n_examples=n, ask=ask)
        t = ex.net.trace(ex.X, ex.y)
        wrong = (t.h - ex.y) / n
        for name, answer in (
            ("delta_3", wrong),
            ("grad_weights_3", t.a[1].T @ wrong),
            ("grad_biases_3", wrong.sum(axis=0)),
            ("delta_2", wrong @ ex.net.weights[1].T * slope(t.z[0])),
        ):
            for others in ({}, {"delta_3": t.delta[1]}):
                mark = ex.check(**{**others, name: answer})[name]
                assert mark.causes == ("no_h_prime",), mark
                assert "h′ is missing" in mark.hint
                assert "h(1 − h)" in mark.hint
        both = ex.check(delta_3=wrong, grad_weights_3=t.a[1].T @ wrong)
        assert both["delta_3"].causes == ("no_h_prime",)
        assert both["grad_weights_3"].follows


@pytest.mark.parametrize("loss", ["squared_error", "logistic_squared_error"])
@pytest.mark.parametrize("seed", range(3))
def test_the_factor_of_the_squared_error(seed, loss):
    ex = cr.exercise([2, 2, 1], seed, loss=loss, n_examples=3)
    t = ex.net.trace(ex.X, ex.y)
    for name, value in (
        ("cost", t.cost),
        ("delta_3", t.delta[1]),
        ("grad_weights_2", t.grad_weights[0]),
    ):
        more, less = ex.check(**{name: 2 * value})[name], ex.check(**{name: value / 2})[name]
        assert "factor_two" in more.causes
        assert "a factor 2 too many" in more.hint
        assert "factor_half" in less.causes
        assert "factor 2 is missing" in less.hint
    if loss == "squared_error":
        return
    slips = ex.check(cost=-(ex.y * np.log(t.h) + (1 - ex.y) * np.log(1 - t.h)).mean())["cost"]
    if set(ex.y.ravel()) <= {0, 1}:
        assert "this is the cross entropy" in slips.hint


def pairs_of(loss, h, y):
    """The losses of every h with every y, as NumPy broadcasts (n, 1) and (n,)."""
    match loss:
        case "cross_entropy":
            return -(y * np.log(h) + (1 - y) * np.log(1 - h))
        case "poisson":
            return h - y * np.log(h) - y + np.where(y > 0, y * np.log(np.maximum(y, 1)), 0)
        case _:
            return 0.5 * (h - y) ** 2


@pytest.mark.parametrize(
    "loss", ["cross_entropy", "squared_error", "logistic_squared_error", "poisson"]
)
@pytest.mark.parametrize("n", [2, 3, 4])
def test_a_cost_of_all_pairs(loss, n):
    ex = cr.exercise([2, 2, 1], 4, "tanh", loss, n_examples=n)
    h, y = ex.net(ex.X), ex.y.ravel()
    assert (h - y).shape == (n, n)
    table = pairs_of(loss, h, y)
    for answer in (table.mean(), table.sum() / n, table.sum()):
        mark = ex.check(cost=answer)["cost"]
        if mark:  # the pairs happen to cost as much as the examples
            continue
        assert "outer_product" in mark.causes
        assert f"the shapes ({n}, 1) and ({n},)" in mark.hint
    if loss != "logistic_squared_error":
        mark = ex.check(delta_3=(h - y) / n)["delta_3"]
        assert mark.causes == ("outer_product",)
        assert f"this has the shape ({n}, {n})" in mark.hint
        assert "give h and y the same shape" in mark.hint


@pytest.mark.parametrize("seed", range(3))
def test_products_of_matrices_in_the_cost(seed):
    """The trace of Y log Hᵀ is the cost, and the sum over all of it is not."""
    ex = cr.exercise([2, 3, 3], seed, n_examples=2)
    h, Y = ex.net(ex.X), ex.y
    assert -np.trace(Y @ np.log(h).T) / 2 == pytest.approx(float(ex.answers["cost"]))
    for answer in (-(Y @ np.log(h).T).sum() / 2, -(Y.T @ np.log(h)).sum() / 2):
        assert "outer product" in ex.check(cost=answer)["cost"].hint
    doubled = cr.exercise([2, 3, 2], seed)
    mark = doubled.check(cost=2 * doubled.answers["cost"])["cost"]
    assert "binary_formula" in mark.causes, mark


@pytest.mark.parametrize("sizes", [[2, 2, 1], [2, 2, 3]])
def test_the_logarithm(sizes):
    ex = cr.exercise(sizes, 3, n_examples=2)
    assert "log₁₀" in ex.check(cost=ex.answers["cost"] / np.log(10))["cost"].hint
    assert "base 2" in ex.check(cost=ex.answers["cost"] / np.log(2))["cost"].hint


@pytest.mark.parametrize("seed", range(4))
def test_softmax_and_logistic_are_told_apart(seed):
    ex = cr.exercise([2, 3, 2], seed, n_examples=2)
    t = ex.net.trace(ex.X, ex.y.argmax(axis=1))
    wrong = {"taken is logistic": sigma(t.z[1]), "not divided by the sum": np.exp(t.z[1])}
    for words, h in wrong.items():
        assert words in ex.check(h=h)["h"].hint
    mark = ex.check(grad_weights_3=t.a[1].T @ (sigma(t.z[1]) - ex.y) / 2)["grad_weights_3"]
    assert "other_hypothesis" in mark.causes
    other = cr.exercise([2, 3, 2], seed, loss="cross_entropy")
    z = other.net.trace(other.X, other.y).z[1]
    softmax = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert "taken is softmax" in other.check(h=softmax)["h"].hint
    number = ex.y.argmax(axis=1)[:, None]
    assert "number of the class" in ex.check(delta_3=(t.h - number) / 2)["delta_3"].hint


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_the_penalty(seed, n):
    ex = cr.exercise([2, 2, 1], seed, n_examples=n, l2=0.5, ask=["cost", "grad_weights_2"])
    net = ex.net
    t = net.trace(ex.X, ex.y, l2=0.5)
    bare = net.trace(ex.X, ex.y)
    assert ex.check(cost=t.cost, grad_weights_2=t.grad_weights[0], grad_biases_2=t.grad_biases[0])
    squares = sum((b**2).sum() for b in net.biases)
    if squares > 0.5:
        mark = ex.check(cost=t.cost + 0.25 / n * squares)["cost"]
        assert "the biases are penalized, too" in mark.hint
    b = net.biases[0]
    wrong = t.grad_biases[0] + 0.5 / n * b
    if not agree(wrong, t.grad_biases[0], 0.06).all():
        assert "only weights are" in ex.check(grad_biases_2=wrong)["grad_biases_2"].hint
    assert (
        "part (λ/M) W is missing"
        in ex.check(grad_weights_2=bare.grad_weights[0])["grad_weights_2"].hint
    )
    assert f"{0.5:g}/" in ex.check(cost=77.0)["cost"].hint
    assert "λ = 0.5" in ex.text()
    assert "λ" in ex.text(solution=True)


# --- when the numbers do not say which ------------------------------------------------------------


def test_of_two_mistakes_with_the_same_number_both_are_named():
    ex = cr.exercise([2, 2, 1], 4, "tanh", "squared_error", n_examples=2)
    mark = ex.check(delta_3=2 * ex.answers["delta_3"])["delta_3"]
    assert mark.causes == ("no_mean", "factor_two")
    assert "either the 1/M of the cost is missing: divide by 2; or there is a factor 2" in mark.hint


def test_what_was_right_before_tells_two_mistakes_apart():
    ask = ["new_weights_2"]
    for ex in (cr.exercise([2, 2, 1], 4), cr.exercise([2, 2, 1], 4, ask=ask)):
        known = {name: one.value for name, one in ex._known.items()}
        wrong = 2 * ex.net.weights[0] - known["new_weights_2"]
        gradient = {"grad_weights_2": known["grad_weights_2"]}
        alone = ex.check(new_weights_2=wrong)["new_weights_2"]
        expected = ("step_added",) if ex.asked == tuple(ask) else ("sign", "step_added")
        assert alone.causes == expected
        after = ex.check(new_weights_2=wrong, **gradient)["new_weights_2"]
        assert after.causes == ("step_added",)


def test_a_mistake_with_numbers_of_ones_own():
    """Somebody errs in z, goes on with that, and then forgets the slope."""
    ex = cr.exercise([2, 2, 1], 3)
    W, b = ex.net.weights, ex.net.biases
    z2 = ex.X @ W[0] + b[0] + 0.3
    a2 = sigma(z2)
    z3 = a2 @ W[1] + b[1]
    delta3 = sigma(z3) - ex.y
    grade = ex.check(z_2=z2, a_2=a2, z_3=z3, h=sigma(z3), delta_3=delta3, delta_2=delta3 @ W[1].T)
    assert [name for name, mark in grade.items() if mark.follows] == ["a_2", "z_3", "h", "delta_3"]
    assert grade["delta_2"].causes == ("no_slope",)


def test_what_follows_without_the_steps_between():
    """z_2 is wrong, a_2 was not handed in, and z_3 follows all the same."""
    ex = cr.exercise([2, 2, 1], 3)
    z2 = ex.answers["z_2"] + 0.7
    grade = ex.check(z_2=z2, z_3=sigma(z2) @ ex.net.weights[1] + ex.net.biases[1])
    assert grade["z_3"].follows
    assert "from your own z_2:" in grade["z_3"].hint
