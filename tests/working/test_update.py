"""One step of each optimizer: every number of it is that of the step that the learner makes."""

import copy
import itertools
import random
import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.architecture import Parameters
from chainrule.optimizers import Schedule
from chainrule.optimizers.description import OPTIMIZERS, SCHEDULES

X = np.random.default_rng(0).normal(size=(4, 3))
RULES = {
    "SGD": cr.SGD(0.1),
    "momentum": cr.SGD(0.1, 0.9),
    "Nesterov": cr.SGD(0.1, 0.9, nesterov=True),
    "Adam": cr.Adam(0.01),
    "AdamW": cr.AdamW(0.01, weight_decay=0.3),
    "Nadam": cr.Nadam(0.01, momentum_decay=0.1),
    "RMSprop": cr.RMSprop(0.01, rho=0.9),
    "Adagrad": cr.Adagrad(0.05),
    "Rprop": cr.Rprop(0.3, min_step=0.2, max_step=0.4),
}
MEMORY = {  # the letter of what is remembered, by the rule
    "momentum": {"v": "velocity"},
    "Nesterov": {"v": "velocity"},
    "Adam": {"m": "mean", "v": "square"},
    "AdamW": {"m": "mean", "v": "square"},
    "Nadam": {"m": "mean", "v": "square"},
    "RMSprop": {"v": "square"},
    "Adagrad": {"s": "sum"},
    "Rprop": {"s": "step_size", "p": "previous"},
}
LONG, SHORT = 0.05, 50.0  # norms above and below which gradients stay
CASES = list(itertools.product((1, 2, 4), (0, 1, 3), (None, LONG, SHORT)))


class Own(Schedule):
    """A schedule that has no formula here."""

    def rates(self, steps, examples, reductions):
        return 0.1 / (1.0 + steps)


SCHEDULED = {
    "Constant": cr.Constant(0.1),
    "InverseScaling": cr.InverseScaling(0.5, 0.4),
    "Adaptive": cr.Adaptive(0.1),
    "StepDecay": cr.StepDecay(0.4, every=2, factor=0.3),
    "ExponentialDecay": cr.ExponentialDecay(0.3, steps=7, factor=0.1),
    "Cosine": cr.Cosine(0.2, steps=5, final=0.01),
    "OneCycle": cr.OneCycle(0.3, steps=6, pct_start=0.5),
    "at the peak": cr.OneCycle(0.3, steps=6, pct_start=0),
    "Warmup": cr.Warmup(0.2, steps=3),
    "Warmup of another": cr.Warmup(cr.Cosine(0.2, steps=4), steps=2),
    "function": lambda step: 0.3 / (2 + step),
    "own": Own(),
}


def learner_of(rule, max_norm=None):
    net = cr.Network([3, 4, 2], "tanh", "squared_error", dtype="float64", seed=1)
    net.theta += 0.1
    return cr.Learner(net, rule, l2=0.1, max_grad_norm=max_norm)


def close(value, printed, units=0.51, digits=5):
    value, printed = np.asarray(value), np.asarray(printed)
    size = np.abs(np.where(printed == 0, 1e-16, printed))
    allowed = units * 10.0 ** (np.floor(np.log10(size)) - digits + 1) + 3e-16
    return value.shape == printed.shape and bool((np.abs(value - printed) <= allowed).all())


class Step:
    """A step that was made: what was before and after it, by the letters of a derivation."""

    def __init__(self, learner, made, grad, norm, rule):
        architecture = learner.net.architecture
        self.rate = learner.learning_rate
        before, after = (each.__getstate__()["optimizer_state"] for each in (learner, made))
        g = (
            grad
            if made.max_grad_norm is None
            else grad * min(1, made.max_grad_norm / (norm + 1e-6))
        )
        of = {"w": (learner.net.theta, made.net.theta), "∂": (grad, grad), "g": (g, g)}
        of |= {letter: (before[n], after[n]) for letter, n in MEMORY.get(rule, {}).items()}
        if rule == "Rprop":
            agree = np.sign(g) * np.sign(before["previous"])
            settings = made.optimizer
            f = np.where(agree > 0, settings.eta_plus, np.where(agree, settings.eta_minus, 1))
            of["f"] = (f, f)
        self.of = {
            letter: tuple(Parameters(architecture, np.array(each)) for each in pair)
            for letter, pair in of.items()
        }

    def weight(self, letter, i, j, layer, *, before=False):
        return self.of[letter][not before].weights[layer - 2][j - 1, i - 1]

    def bias(self, letter, i, layer, *, before=False):
        return self.of[letter][not before].biases[layer - 2][i - 1]

    def array(self, letter, which, layer):
        parameters = self.of[letter][1]
        if which == "W":
            return parameters.weights[layer - 2]
        return parameters.biases[layer - 2][None]


def made_step(learner, n, rule=""):
    """Let a copy of a learner make its next step; return the copy and what the step was."""
    Y = targets(n)
    trace = learner.net.trace(X[:n], Y, l2=learner.l2)
    grad = Parameters(learner.net.architecture, np.empty_like(learner.net.theta))
    for layer, (W, b) in enumerate(zip(trace.grad_weights, trace.grad_biases, strict=True)):
        grad.weights[layer], grad.biases[layer] = W, b
    norm = float(np.sqrt(sum((g**2).sum() for g in [*trace.grad_weights, *trace.grad_biases])))
    made = copy.deepcopy(learner)
    made.step(X[:n], Y)
    return made, Step(learner, made, grad.theta, norm, rule), norm


def targets(n):
    return np.random.default_rng(1).normal(size=(n, 2))


def require_the_step(rule, n, steps, max_norm, read_text, read_latex, symbol):
    learner = learner_of(RULES[rule], max_norm)
    for _ in range(steps):
        learner.step(X[:n], targets(n))
    made, step, norm = made_step(learner, n, rule)
    working = cr.explain(learner, X[:n], targets(n), lecture=False)
    _, found, text = working.text().partition("One step of ")
    assert found
    assert f"This is step {steps + 1} of the model's own" in text
    latex = working.latex().partition(r"\section{One step")[2]
    counts = [
        check_lines(lines, symbol, step, norm, max_norm)
        for lines in (read_text(text), read_latex(latex))
    ]
    assert counts[0] == counts[1]
    clipped = max_norm == LONG
    table = MEMORY.get(rule) or clipped
    # one weight of each node is worked out where there is a table of the others, else all
    assert counts[0]["w"] == (6 if table else 20)
    assert counts[0]["W"] == counts[0]["b"] - (0 if table else 6) == 2
    assert ("n" in counts[0]) == (max_norm is not None)
    assert ("c" in counts[0]) == clipped
    assert check_tables(text, step) == (26 if table else 0)
    cost = made.net.trace(X[:n], targets(n), l2=0.1).cost
    said = re.search(r"The cost (\w+)\s+from\s+(\S+)\s+to\s+(\S+)\s+on", text)
    assert close(cost, float(said[3]))
    assert said[1] == ("falls" if cost < float(said[2]) else "rises")


def check_lines(lines, symbol, step, norm, max_norm):
    """Check each line, and return how many there are of each letter."""
    counts = {}
    for line in lines:
        values = line.values()
        if not values:
            continue
        *others, last = values
        for other in others:
            assert close(other, last, 1.01), (line, other, last)
        name = symbol(line.left)
        letter = name[0]
        match name:
            case ("n", (), ()):
                assert close(norm, last), line
            case ("c", (), ()):
                assert close(max_norm / (norm + 1e-6), last), line
            case ("b", (i,), (layer,)):
                assert close(step.bias("w", i, layer), last), line
            case (_, (i, j), (layer,)) if letter in step.of:
                assert close(step.weight(letter, i, j, layer), last), line
            case ("W" | "b", (), (layer,)):
                assert close(step.array("w", letter, layer), last), line
            case (whole,) if re.match(r"[gmvspf]_\(?[Wb]", whole):
                layer = int(re.search(r"\d|[⁰¹²³]", whole)[0].translate(str.maketrans("²³", "23")))
                array = step.array(whole[0], re.search("[Wb]", whole)[0], layer)
                assert close(array, last), line
                letter = f"{whole[0]}_"
            case ("α", (), ()):
                assert close(step.rate, last), line
            case _:
                assert others, line  # made anew, and so computed
                letter = letter.translate({ord(c): None for c in "()_^²³⁽⁾₀₁₂₃₄₅₆₇₈₉ₜ₊₋+-t1234"})
        counts[letter] = counts.get(letter, 0) + 1
    return counts


def check_tables(text, step):
    """Check each number of the tables, and return how many parameters they have."""
    found = 0
    header = []
    for row in text.splitlines():
        if row.startswith("  parameter"):
            header = re.split(r"\s{2,}", row.strip())
        named = re.match(r"  ([wb])([₀-₉]+)⁽(.)⁾ +(-?\d[^:=]*)$", row)
        if not named:
            continue
        kind, below, layer = named[1], named[2], int(named[3].translate(str.maketrans("²³", "23")))
        below = [int(c) for c in below.translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789"))]
        take = step.weight if kind == "w" else step.bias
        cells = [float(each) for each in named[4].split()]
        assert len(cells) == len(header) - 1
        for title, cell in zip(header[1:], cells, strict=True):
            letter, _, when = title.rpartition(" ")
            letter = letter or (when if when in ("g", "f") else "∂" if "∂" in when else "w")
            expected = take(letter, *below, layer, before=when == "before")
            assert close(expected, cell), (row, title, expected)
        found += 1
    return found


def test_every_optimizer_and_schedule_is_among_the_cases():
    assert {type(rule).__name__ for rule in RULES.values()} == set(OPTIMIZERS)
    assert set(SCHEDULES) <= {type(schedule).__name__ for schedule in SCHEDULED.values()}


@pytest.mark.parametrize("max_norm", [None, LONG], ids=["", "clipped"])
@pytest.mark.parametrize("rule", RULES)
def test_the_step_shown_is_the_step_made(rule, max_norm, read_text, read_latex, symbol):
    n, steps, _ = random.Random(f"{rule}{max_norm}").choice(CASES)
    require_the_step(rule, n, steps, max_norm, read_text, read_latex, symbol)


@pytest.mark.soak
@pytest.mark.parametrize("rule", RULES)
def test_the_step_shown_is_the_step_made_however_far(rule, read_text, read_latex, symbol):
    for n, steps, max_norm in CASES:
        require_the_step(rule, n, steps, max_norm, read_text, read_latex, symbol)


def test_gradients_that_are_short_enough_stay(read_text, read_latex, symbol):
    require_the_step("Adam", 2, 1, SHORT, read_text, read_latex, symbol)
    text = cr.explain(learner_of(cr.SGD(0.1), SHORT), X[0], targets(1)[0]).text()
    assert "This one is short enough, and is not changed" in " ".join(text.split())


def test_a_sign_that_has_changed_is_explained(read_text, symbol):
    """Steps so long that minima are jumped: all three cases are on the page."""
    learner = learner_of(RULES["Rprop"])
    seen = set()
    for _ in range(6):
        text = cr.explain(learner, X, targets(4), lecture=False, view="scalar").text()
        seen |= {
            line.values()[-1] for line in read_text(text) if line.left[0] == "f" and line.values()
        }
        learner.step(X, targets(4))
    assert seen >= {1.0, 1.2, 0.5}


# --- the rate of the step -------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEDULED)
def test_the_rate_is_that_of_its_schedule(name, read_text, read_latex, symbol):
    learner = learner_of(cr.SGD(SCHEDULED[name]))
    computed = 0
    for at in range(8):
        if at == 3:
            learner.reduce_learning_rate()
        made, step, norm = made_step(learner, 2)
        if at in (1, 4, 6):  # shown are steps 0, 2, 3, 5 and 7
            learner = made
            continue
        working = cr.explain(learner, X[:2], targets(2), lecture=False, nodes="3.1", layers=3)
        for lines in (
            read_text(working.text().partition("One step of ")[2]),
            read_latex(working.latex().partition(r"\section{One step")[2]),
        ):
            check_lines(lines, symbol, step, norm, None)
            rates = [line.values() for line in lines if line.left == "α"]
            assert all(
                close(learner.learning_rate, value, 1.01) for each in rates for value in each
            )
            computed += sum(map(len, rates))
        learner = made
    assert (computed > 0) == (name not in ("Constant", "function", "own"))


@pytest.mark.parametrize("schedule", [cr.Cosine(0.2), cr.Warmup(cr.OneCycle(0.2), steps=2)])
def test_a_schedule_without_a_length_has_that_of_its_fit(schedule, read_text):
    learner = learner_of(cr.SGD(schedule))
    text = cr.explain(learner, X, targets(4), lecture=False).text()
    assert (
        "whose length is that of a fit" in text
        or "the first rate of the schedule that follows" in text
    )
    learner.batch_size = 2

    def stop(learner, record):
        return record["epoch"] == 3

    learner.fit(X, targets(4), epochs=5, callbacks=[stop])
    assert learner.n_steps == 6
    text = cr.explain(learner, X, targets(4), lecture=False).text()
    (line,) = [line for line in read_text(text) if line.left == "α"]
    assert len(line.values()) == 2
    assert all(close(learner.learning_rate, value, 1.01) for value in line.values())


def test_estimators_bring_their_optimizer_and_its_rate(read_text):
    settings = {"max_iter": 3, "random_state": 0, "tol": 0, "n_iter_no_change": 100}
    model = cr.MLPRegressor(hidden_layer_sizes=(3,), solver=cr.AdamW(cr.Cosine(0.1)), **settings)
    with pytest.warns(Warning, match="Maximum iterations|maximum"):
        model.fit(X, targets(4)[:, 0])
    text = cr.explain(model, X[0], 1.0, lecture=False).text()
    assert "of the model's own training, by AdamW" in text
    assert "The learning rate follows `Cosine`" in text
    assert "With a rate of 0 this step does not change the parameters" in text


@pytest.mark.parametrize("n", [1, 3])
def test_weights_decay_and_biases_do_not(n):
    learner = learner_of(RULES["AdamW"])
    text = cr.explain(learner, X[:n], targets(n), lecture=False).text()
    assert "The biases bᵢ⁽ˡ⁾ do the same, without the decay." in " ".join(text.split())
    assert "W⁽²⁾ := (1 - α d) W⁽²⁾ - α m̂_W⁽²⁾/(√(v̂_W⁽²⁾) + ε)" in text
    assert "b⁽²⁾ := b⁽²⁾ - α m̂_b⁽²⁾/(√(v̂_b⁽²⁾) + ε)" in text
    plain = cr.explain(learner_of(RULES["Adam"]), X[:n], targets(n), lecture=False).text()
    assert "decay" not in plain
