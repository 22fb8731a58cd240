"""What is explained, whichever the model: parts, views, what is left out, who is refused."""

import copy
import re

import numpy as np
import pytest
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule import errors
from chainrule.optimizers import Optimizer

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(40, 3)), np.repeat(["a_1", "b%", "c{"], [20, 15, 5])


def network(sizes=(3, 4, 2), g="tanh", loss="squared_error", **settings):
    net = cr.Network(sizes, g, loss, dtype="float64", seed=1, **settings)
    net.theta += 0.1
    return net


def printed(lines, symbol):
    """The last value of each line by what is on its left."""
    return {symbol(line.left): line.values()[-1] for line in lines if line.values()}


def close(one, other, digits=5, units=0.51):
    return abs(one - other) <= units * 10.0 ** (np.floor(np.log10(abs(other))) - digits + 1)


# --- its parts ------------------------------------------------------------------------------------


def test_it_goes_from_the_chain_rule_to_the_cost_after_a_step():
    text = cr.explain(network(), X[0], [0.0, 1.0]).text()
    sections = re.findall(r"^\d+(?:\.\d+)?  (.*)$", text, re.MULTILINE)
    assert sections == [
        "The network and its example",
        "From the chain rule to the four equations",
        "Forward",
        "The cost",
        "The error of a node",
        "The output layer",
        "The hidden layers",
        "The slopes of the activations",
        "The weights and the biases",
        "All nodes at once",
        "Forward, with numbers",
        "Layer 2: from 3 inputs to 4 tanh nodes",
        "Layer 3, the output: from 4 nodes to 2 identity outputs",
        "The cost, with numbers",
        "Backward, with numbers",
        "Layer 3, the output",
        "Layer 2",
        "One step of gradient descent, with numbers",
        "Layer 2",
        "Layer 3, the output",
        "The cost after it",
    ]
    assert all(f"({tag})" in text for tag in ("FP1.1", "FP1.2", "BP1.1", "BP2.1"))
    backward = text.partition("Backward, with numbers")[2].partition("One step")[0]
    tagged = re.findall(r"^  +(∇_|∂J/∂)([Wwb]).*\((BP\d)\.1\)$", backward, re.MULTILINE)
    assert len(tagged) == 2 * (2 + 6)  # two layers as matrices, and six nodes
    assert {(array, tag) for _, array, tag in tagged} == {
        ("W", "BP3"),
        ("w", "BP3"),
        ("b", "BP4"),
    }
    without = cr.explain(network(), X[0], [0.0, 1.0], lecture=False).text()
    assert "chain rule" not in without
    assert "Forward, with numbers" in without


@pytest.mark.parametrize("n", [1, 3])
def test_tags_of_an_example_and_of_a_batch(n):
    text = cr.explain(network(), X[:n], np.zeros((n, 2))).text()
    tags = set(re.findall(r"\b[FB]P\d\.\d", text))
    one = {"FP1.1", "FP1.2", "BP1.1", "BP2.1", "BP3.1", "BP4.1"}
    many = {"FP2.1", "FP2.2", "BP1.2", "BP2.2", "BP3.2", "BP4.2"}
    assert tags == (one if n == 1 else many)


def test_views_show_what_they_are_named_after():
    texts = {v: cr.explain(network(), X[0], [0.0, 1.0], view=v).text() for v in cr_views()}
    assert "Node 2.1" not in texts["matrix"]
    assert "⎡" in texts["matrix"]
    assert "⎡" not in texts["scalar"]
    assert "3×4" not in texts["scalar"]
    assert "Node 2.1" in texts["both"]
    assert "3×4" in texts["both"]


def cr_views():
    return ("scalar", "matrix", "both")


def test_columns_are_the_notes_orientation():
    rows = cr.explain(network(), X[:2], np.zeros((2, 2)), orientation="rows").text()
    columns = cr.explain(network(), X[:2], np.zeros((2, 2)), orientation="columns").text()
    assert "Z⁽²⁾ = B⁽²⁾ +  X  W⁽²⁾" in rows
    assert "Z⁽²⁾ = B⁽²⁾ + W⁽²⁾  X" in columns
    assert "Δ⁽ˡ⁾ = (W⁽ˡ⁺¹⁾)ᵀ Δ⁽ˡ⁺¹⁾ ⊙ g'(Z⁽ˡ⁾)" in columns
    assert "Δ⁽ˡ⁾ = Δ⁽ˡ⁺¹⁾ (W⁽ˡ⁺¹⁾)ᵀ ⊙ g'(Z⁽ˡ⁾)" in rows
    assert "∇_b⁽ˡ⁾ J = Δ⁽ˡ⁾ 1" in columns
    assert "∇_b⁽ˡ⁾ J = 1ᵀ Δ⁽ˡ⁾" in rows


@pytest.mark.parametrize("digits", [2, 3, 8, 12, 17])
def test_digits(digits, read_text, symbol):
    net = network()
    trace = net.trace(X[0], [0.3, 1.0])
    working = cr.explain(net, X[0], [0.3, 1.0], digits=digits, lecture=False)
    seen = printed(read_text(working.text()), symbol)
    for i in range(4):
        assert close(seen["z", (i + 1,), (2,)], trace.z[0][0, i], digits)
        assert close(seen["δ", (i + 1,), (2,)], trace.delta[0][0, i], min(digits, 15))


def test_what_is_printed_of_a_float32_network_is_its_own(read_text, symbol):
    net = cr.Network([3, 4, 2], loss="log_loss", seed=1)
    trace = net.trace(X[0], 1)
    working = cr.explain(net, X[0], 1, lecture=False)
    seen = printed(read_text(working.text()), symbol)
    for i in range(4):
        assert close(seen["z", (i + 1,), (2,)], float(trace.z[0][0, i]), units=0.55)
        assert close(seen["δ", (i + 1,), (2,)], float(trace.delta[0][0, i]), units=0.55)
    assert "computed in float64" in working.text()
    assert net.theta.dtype == np.float32


def test_without_a_hidden_layer_there_is_no_bp2():
    text = cr.explain(network((3, 2)), X[0], [0.0, 1.0]).text()
    assert "BP2" not in text
    assert "no hidden layer" in text
    assert "FP1.1" not in text


# --- why delta is h - y ---------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy", "log_loss", "poisson"])
def test_canonical_pairs_end_in_the_residual(loss):
    y = 1 if loss == "log_loss" else [0.0, 1.0]
    text = cr.explain(network(loss=loss), X[0], y).text()
    lecture = text.partition("The output layer")[2].partition("The hidden layers")[0]
    assert lecture.count("= hₖ - yₖ") == 2
    assert "not an accident" in lecture


def test_the_other_pairs_say_what_takes_its_place():
    text = cr.explain(network(loss="logistic_squared_error"), X[0], [0.0, 1.0]).text()
    lecture = text.partition("The output layer")[2].partition("The hidden layers")[0]
    assert "= (hₖ - yₖ) hₖ (1 - hₖ)" in lecture
    assert "takes its place" in lecture
    assert re.search(r"= \(0\.\d+ - 0\)·0\.\d+·\(1 - 0\.\d+\)\s+= 0\.", text)


def test_the_softmax_says_that_bp1_is_no_elementwise_product():
    text = cr.explain(network(loss="log_loss"), X[0], 1).text()
    assert "= hᵣ (1{r = k} - hₖ)" in text
    assert "not a diagonal" in text


# --- own parts ------------------------------------------------------------------------------------

SQUARE = cr.Activation("my_square", g=lambda z: z * z, g_prime=lambda z: 2 * z)
OF_A = cr.Activation("by a", g=np.exp, g_prime=lambda a: a, takes="a")
LOG_COSH = cr.Loss(
    "log_cosh", "identity",
    hypothesis=lambda z: z,
    per_example=lambda z, y: np.log(np.cosh(z - y)).sum(axis=1),
    delta=lambda z, h, y: np.tanh(h - y),
)  # fmt: skip
SHARED = cr.Loss(
    "shared", "normed",
    hypothesis=lambda z: z / np.abs(z).sum(axis=1, keepdims=True),
    per_example=lambda z, y: np.square(z - y).sum(axis=1),
    delta=lambda z, h, y: 2 * (z - y),
)  # fmt: skip


@pytest.mark.parametrize("n", [1, 3])
def test_an_own_activation_and_loss_under_their_own_names(n, read_text, read_latex, symbol):
    net = network(g=SQUARE, loss=LOG_COSH)
    Y = RNG.normal(size=(n, 2))
    trace = net.trace(X[:n], Y)
    working = cr.explain(net, X[:n], Y)
    assert "my_square'(z)" in working.text()
    assert "log_cosh" in working.text()
    functions = {"my_square": lambda z: z * z, "my_square'": lambda z: 2 * z}
    functions["log_cosh"] = lambda a, b, c, d: np.log(np.cosh(a - c)) + np.log(np.cosh(b - d))
    m = (1,) if n > 1 else ()
    sections = working.text().partition("Forward, with numbers")[2]
    latex = working.latex().partition("Forward, with numbers")[2]
    for lines in (read_text(sections), read_latex(latex)):
        seen = {symbol(line.left): line.values(functions) for line in lines}
        for i in range(4):
            *others, last = seen["a", (i + 1,), (2, *m)]
            assert close(last, trace.a[1][0, i])
            assert close(others[0], last, 4)
            *others, last = seen["δ", (i + 1,), (2, *m)]
            assert close(last, trace.delta[0][0, i])
            assert close(others[0], last, 4)
        *others, last = seen["loss", (), m]
        assert close(last, LOG_COSH.per_example(trace.z[-1], Y)[0])
        assert close(others[0], last, 4)
        assert close(seen["δ", (1,), (3, *m)][-1], trace.delta[-1][0, 0])


def test_a_derivative_that_takes_a_and_a_hypothesis_of_all_outputs():
    net = network(g=OF_A, loss=SHARED)
    text = cr.explain(net, X[0], [0.0, 1.0]).text()
    assert "by a'(a)" in text
    assert "normed_1(" in text


def test_a_wrong_derivative_shows_in_the_differences():
    wrong = cr.Activation("wrong", g=np.sin, g_prime=lambda z: 1.1 * np.cos(z))
    text = cr.explain(network(g=wrong), X[0], [0.0, 1.0]).text()
    off = [float(each) for each in re.findall(r"off by (?:at most )?([\d.e-]+)\)", text)]
    assert max(off) > 1e-3


# --- where there is no way back -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("g", "loss", "why"),
    [
        ("step", "squared_error", "Layer 2 has the activation step."),
        ("tanh", "indicator", "The output has the hypothesis step."),
    ],
)
def test_a_step_is_explained_forward_and_why_not_backward(g, loss, why, read_text, symbol):
    net = network(g=g, loss=loss)
    text = cr.explain(net, X[0], [0.0, 1.0]).text()
    assert why in text
    assert "Why there is no backward pass" in text
    assert "Backward, with numbers" not in text
    assert "One step" not in text
    alone = cr.explain(net, X[0], [0.0, 1.0], lecture=False).text()
    assert why in alone
    assert "Why there is no backward pass" not in cr.explain(net, X[0], lecture=False).text()
    seen = printed(read_text(text.partition("Forward, with numbers")[2]), symbol)
    z = X[0] @ net.weights[0] + net.biases[0]
    for i in range(4):
        assert close(seen["z", (i + 1,), (2,)], z[i])
        a = float(z[i] >= 0) if g == "step" else np.tanh(z[i])
        assert seen["a", (i + 1,), (2,)] == pytest.approx(a, rel=1e-4)
    h = net(X[0])
    assert seen["h", (2,), ()] == pytest.approx(h[1], rel=1e-4)
    assert (("J", (), ()) in seen) == (loss != "indicator")


def test_a_step_that_changes_nothing_leaves_the_cost_where_it_is():
    text = cr.explain(network(), X[0], network()(X[0]), lecture=False).text()
    assert "The cost stays at 0 on the same examples" in text


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_a_table_of_one_row_takes_a_single_target(loss):
    net = network((3, 4, 2 if loss == "log_loss" else 1), loss=loss)
    assert str(cr.explain(net, X[:1], 1)) == str(cr.explain(net, X[0], 1))
    assert cr.compare(net, X[:1], 1) == cr.compare(net, X[:1], [1])


def test_without_a_target_the_way_forward_is_shown():
    text = cr.explain(network(), X[:2]).text()
    assert "No target y was given" in text
    assert "Forward, with numbers" in text
    assert "Backward, with numbers" not in text


def test_kinks_are_said():
    net = network((1, 2, 1), "relu")
    net.weights[0], net.biases[0] = [[0.0, 1.0]], [0.0, 0.5]  # z of the first node is 0
    text = cr.explain(net, [1.0], [0.0]).text()
    assert "no finite difference: a kink is too near" in text
    assert "none where a kink is too near" in text


# --- learners, and their next step ----------------------------------------------------------------


class Sign(Optimizer):
    """A rule that has no formula here."""

    learning_rate = 0.25

    def init(self, theta):
        return {}

    def update(self, theta, grad, state, t, rate):
        theta -= rate * np.sign(grad)


def test_a_rule_that_is_not_in_the_table_is_explained_by_what_it_does(read_text, symbol):
    learner = cr.Learner(network(), Sign())
    working = cr.explain(learner, X[0], [0.0, 1.0])
    assert "The rule of `Sign` is not written out here" in working.text()
    seen = printed(read_text(working.text().partition("One step of Sign")[2]), symbol)
    learner.step(X[0], [0.0, 1.0])
    assert close(seen["w", (1, 2), (2,)], learner.net.weights[0][1, 0])
    assert working.html()
    assert working.latex()


def test_a_rule_of_ones_own_choice_starts_anew():
    learner = cr.Learner(network(), cr.Adam(0.01))
    learner.step(X[0], [0.0, 1.0])
    text = cr.explain(learner, X[0], [0.0, 1.0], optimizer=cr.SGD(0.5)).text()
    assert "Shown is a first step of gradient descent, instead of the model's own rule" in text
    assert "α = 0.5" in text
    assert "The model has no update rule" in cr.explain(network(), X[0], [0.0, 1.0]).text()


def test_nothing_is_changed():
    learner = cr.Learner(network(), cr.SGD(0.1, 0.9), dropout=0.5)
    learner.step(X[0], [0.0, 1.0])
    theta, state = learner.net.theta.copy(), copy.deepcopy(learner.__getstate__())
    rows = X[:2].copy()
    cr.explain(learner, rows, np.zeros((2, 2)), dropout=True)
    assert np.array_equal(learner.net.theta, theta)
    assert np.array_equal(rows, X[:2])
    now = learner.__getstate__()
    assert now["progress"] == state["progress"]
    velocity = state["optimizer_state"]["velocity"]
    assert np.array_equal(now["optimizer_state"]["velocity"], velocity)


@pytest.mark.parametrize(
    ("n", "dropout", "of_inputs", "said"),
    [
        (3, 0.5, 0, "Dropout leaves out each hidden node with probability 0.5."),
        (1, 0.5, 0, "Dropout leaves out each hidden node with probability 0.5."),
        (3, [0.0, 0.6], 0, "Dropout leaves out each node of layer 3 with probability 0.6."),
        (1, 0, 0.4, "Dropout leaves out each input with probability 0.4."),
        (
            2,
            [0.5, 0.6],
            0.4,
            "input with probability 0.4, each node of layer 2 with probability 0.5",
        ),
    ],
)
def test_dropout_shows_the_next_step_with_its_masks(n, dropout, of_inputs, said, read_text, symbol):
    settings = {"dropout": dropout, "dropout_input": of_inputs, "seed": 3, "engine": "reference"}
    learner = cr.Learner(network((3, 4, 3, 2)), cr.SGD(0.1), **settings)
    Y = RNG.normal(size=(n, 2))
    learner.step(X[:n], Y)
    working = cr.explain(learner, X[:n], Y, dropout=True)
    text = working.text().partition("Forward, with numbers")[2]
    seen = {}
    for line in read_text(text):
        if line.values() and not np.ndim(line.values()[-1]):
            *others, last = line.values()
            assert all(close(o, last, 4) or abs(o - last) < 1e-15 for o in others if last), line
            seen.setdefault(symbol(line.left), []).append(last)
    learner.step(X[:n], Y)
    for (letter, *rest), values in seen.items():
        if letter == "w":
            (i, j), (layer,) = rest
            after = learner.net.weights[layer - 2][j - 1, i - 1]
            assert values[-1] == after or close(values[-1], after)
    assert said in " ".join(working.text().split())
    assert len([name for name in seen if name[0] == "w"]) == 12 + 12 + 6
    shown_whole = " ".join(cr.explain(learner, X[:n], Y).text().split())
    assert "`dropout=True` shows its next step" in shown_whole


def test_only_a_learner_with_dropout_has_one_to_show():
    for model in (network(), cr.Learner(network())):
        with pytest.raises(errors.InvalidParameter, match="trains with dropout, and this one"):
            cr.explain(model, X[0], [0.0, 1.0], dropout=True)


# --- estimators -----------------------------------------------------------------------------------

unfinished = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@unfinished
def test_a_classifier_is_explained_with_its_labels_and_penalty(read_text, symbol):
    model = cr.MLPClassifier((4,), alpha=0.1, max_iter=3, random_state=0).fit(X, LABELS)
    working = cr.explain(model, X[:2], LABELS[[0, 39]])
    assert "The targets are a_1, c{." in working.text()
    assert "b%" in working.text()
    assert "λ = 0.1" in working.text()
    problem = model.gradient_problem(X[:2], LABELS[[0, 39]])
    trace = model.network_.trace(problem.X, problem.Y, l2=problem.l2)
    seen = printed(read_text(working.text().partition("Forward, with numbers")[2]), symbol)
    assert close(seen["J", (), ()], trace.cost)
    assert close(seen["∂", "w", (1, 2), (3,)], trace.grad_weights[1][1, 0])
    assert f"This is step {model._learner.n_steps + 1} of the model's own" in working.text()
    # one example, as one has it at hand
    one = cr.explain(model, X[0], LABELS[0]).text()
    assert one == cr.explain(model, X[:1], LABELS[:1]).text()
    assert "The target is a_1." in one
    assert one == cr.explain(model, X[:1], LABELS[0]).text()


def searches():
    settings = {"hidden_layer_sizes": (3,), "solver": "lbfgs", "tol": 0.1, "random_state": 0}
    alone = cr.MLPClassifierCV(**settings, alphas=[0.1, 1], cv=2)
    whole = make_pipeline(StandardScaler(), cr.MLPClassifier(**settings))
    return {
        "alone": alone,
        "at a pipeline's end": make_pipeline(StandardScaler(), alone),
        "around a pipeline": GridSearchCV(whole, {"mlpclassifier__alpha": [0.1, 1]}, cv=2),
    }


@pytest.mark.parametrize("name", searches())
def test_a_search_is_explained_and_checked_by_what_it_chose(name, read_text, symbol):
    model = searches()[name]
    with pytest.raises(NotFittedError):
        cr.explain(model, X[0], LABELS[0])
    model.fit(X, LABELS)
    working = cr.explain(model, X[0], LABELS[0], lecture=False)
    seen = printed(read_text(working.text()), symbol)
    for k, h in enumerate(model.predict_proba(X[:1])[0], 1):
        assert close(seen["h", (k,), ()], h)
    assert cr.compare(model, X, LABELS).differences_error < 1e-8
    assert cr.check_gradients(model, X, LABELS).passed


@unfinished
def test_two_classes_have_one_output_that_stands_for_the_second():
    model = cr.MLPClassifier((), max_iter=3, random_state=0).fit(X, LABELS == "a_1")
    text = cr.explain(model, X[0], LABELS[0] == "a_1").text()
    assert re.search(r"^  1  True +0\.\d+ +1$", text, re.MULTILINE)


@unfinished
def test_a_balanced_classifier_says_that_frequencies_are_not_known():
    model = cr.MLPClassifier((4,), class_weight="balanced", max_iter=3, random_state=0)
    model.fit(X, LABELS)
    assert "how often they are" in cr.explain(model, X[0], LABELS[0]).text()
    assert model.class_weight == "balanced"
    weighted = cr.MLPClassifier((4,), class_weight={"a_1": 2, "b%": 1, "c{": 3}, max_iter=3)
    text = cr.explain(weighted.fit(X, LABELS), X[[0, 39]], LABELS[[0, 39]]).text()
    assert "they add up to S = 5" in text


def test_lbfgs_has_no_step_of_its_own():
    model = cr.MLPRegressor(hidden_layer_sizes=3, solver="lbfgs", max_iter=500, random_state=0)
    text = cr.explain(model.fit(X, X[:, 0]), X[0], X[0, 0]).text()
    assert "trained by L-BFGS" in text
    assert "One step of gradient descent" in text


def test_a_pipeline_transforms_first_and_says_so(read_text, symbol):
    names = np.array(["height <cm>", "weight_kg", "age"])
    network = cr.MLPRegressor(hidden_layer_sizes=3, solver="lbfgs", max_iter=500, random_state=0)
    target = TransformedTargetRegressor(network, transformer=StandardScaler())
    model = make_pipeline(StandardScaler(), target)
    model.fit(100 * X + 5, 1000 * X[:, 0] + 7)
    working = cr.explain(model, 100 * X[:2] + 5, 1000 * X[:2, 0] + 7)
    words = " ".join(working.text().split())
    assert "before the network (StandardScaler)." in words
    assert "The targets were transformed by StandardScaler" in words
    rows = model[0].transform(100 * X[:2] + 5)
    seen = printed(read_text(working.text().partition("Forward, with numbers")[2]), symbol)
    inner = model[-1].regressor_
    z = rows @ inner.coefs_[0] + inner.intercepts_[0]
    assert close(seen["z", (1,), (2, 1)], z[0, 0])
    assert f"{names[0]}" not in working.text()


@unfinished
def test_inputs_are_named():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(100 * X + 5, columns=["height <cm>", "weight_kg", "age $"])
    model = make_pipeline(StandardScaler(), cr.MLPClassifier((2,), max_iter=3, random_state=0))
    working = cr.explain(model.fit(table, LABELS), table[:1], LABELS[:1])
    assert "height <cm>" in working.text()
    assert cr.explain(model, table.iloc[0], LABELS[0]).text() == working.text()
    assert "height &lt;cm&gt;" in working.html()
    assert r"weight\_kg" in working.latex()
    assert r"age \$" in working.latex()


def test_sparse_rows():
    net = network()
    dense = cr.explain(net, X[:2], np.zeros((2, 2))).text()
    assert cr.explain(net, sparse.csr_matrix(X[:2]), np.zeros((2, 2))).text() == dense


# --- what is left out -----------------------------------------------------------------------------


def test_a_large_network_is_shown_around_what_was_asked_for(read_text, symbol):
    net = cr.Network([784, 512, 512, 10], "relu", "log_loss", seed=1)
    x = np.random.default_rng(0).random(784)
    working = cr.explain(net, x, 3, nodes=["2.100", (4, 4)], lecture=False)
    text = working.text()
    assert len(text) < 60_000
    assert "Of the 784 nodes of layer 1, matrices show 1, 2, 3 and 784." in text
    assert "Of the 512 nodes of layer 2, matrices show 1, 2, 3, 100 and 512." in text
    assert "Of the 512 nodes of layer 2, 100 is worked out" in text
    assert "No node of layer 3 is worked out by itself" in text
    wide = net.copy("float64")
    trace = wide.trace(x.astype(np.float32), 3)
    seen = {}
    for line in read_text(text):
        values = line.values()
        if len(values) > 1 and not np.ndim(values[-1]):
            assert all(close(value, values[-1], 4) for value in values[:-1]), line
        if values:
            seen[symbol(line.left)] = values[-1]
    assert close(seen["z", (100,), (2,)], trace.z[0][0, 99])
    assert close(seen["δ", (100,), (2,)], trace.delta[0][0, 99])
    assert close(seen["δ", (4,), (4,)], trace.delta[2][0, 3])
    gradients = {name: value for name, value in seen.items() if name[:2] == ("∂", "w")}
    assert len(gradients) == 2 * 24
    for (_, _, (i, j), (layer,)), value in gradients.items():
        assert close(value, trace.grad_weights[layer - 2][j - 1, i - 1])
    # what is printed of a matrix is in its place, and dots stand for the rest
    W = seen["W", (), (2,)]
    after = wide.weights[0] - 0.1 * trace.grad_weights[0]
    places = np.array([0, 1, 2, 783]), np.array([0, 1, 2, 99, 511])
    corner = W[np.ix_([0, 1, 2, 4], [0, 1, 2, 4, 6])]
    np.testing.assert_allclose(corner, after[np.ix_(*places)], rtol=5e-5)
    assert np.isnan(W[3]).all()
    assert np.isnan(W[:, 3]).all()
    assert "[760 more: " in text
    for face in (working.html(), working.latex(), working.markdown()):
        assert "760 more" in face


def test_everything_small_is_shown_and_nothing_is_said_to_be_left_out():
    assert "left out" not in cr.explain(network(), X[:2], np.zeros((2, 2))).text()


def test_layers_and_nodes_that_were_not_asked_for_are_said():
    net = network((3, 4, 5, 2))
    text = cr.explain(net, X[0], [0.0, 1.0], layers=[3], nodes=(3, 5), lecture=False).text()
    assert "Layers 2 and 4 are not worked out" in text
    assert "Of the 5 nodes of layer 3, 5 is worked out" in text
    assert "Node 3.5" in text
    assert "Node 3.1" not in text
    assert "Node 2.1" not in text
    assert "Layer 2" not in text.replace("Layers 2", "")
    default = cr.explain(net, X[:9], np.zeros((9, 2)), lecture=False).text()
    assert "Of the 5 nodes of layer 3, 1 and 2 are worked out" in default
    assert "Of the 9 examples, matrices show 1, 2, 3 and 9." in default
    assert "Nodes are worked out for example 1 of 9" in default


# --- who is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nodes": "2.5"}, r"There is no node 2.5: layer 2 has nodes 2.1 to 2.4\."),
        ({"nodes": "2.0"}, r"There is no node 2.0: layer 2 has"),
        ({"nodes": [(4, 1)]}, r"There is no node 4.1: the network has layers 1 to 3"),
        ({"nodes": "1.2"}, r"Node 1.2 is an input, for which nothing is computed"),
        ({"nodes": 2.1}, r"such as '2.1' or \(2, 1\). Got 2.1 instead"),
        ({"nodes": "first"}, r"Got 'first' instead"),
        ({"layers": 1}, r"There is no layer 1 to work out: layers= takes 2 to 3"),
        ({"layers": [2, 9]}, r"There is no layer 9"),
        ({"layers": "2"}, r"There is no layer '2'"),
        ({"layers": 2, "nodes": "3.1"}, r"Node 3.1 is in layer 3, which is not among"),
        ({"view": "scaler"}, r"Unknown view 'scaler': did you mean 'scalar'\?"),
        ({"orientation": "diagonal"}, r"Unknown orientation 'diagonal'"),
        ({"digits": 1}, r"digits must be from 2 to 17. Got 1"),
        ({"digits": 2.5}, r"digits must be a whole number"),
        ({"lecture": 1}, r"lecture must be True or False"),
        ({"optimizer": "adam"}, r"optimizer must be an optimizer such as"),
        ({"optimizer": cr.LBFGS()}, r"A step of L-BFGS searches along a line"),
        ({"l2": -1}, r"l2 must be a number in"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(errors.InvalidParameter, match=message):
        cr.explain(network(), X[0], [0.0, 1.0], **settings)


@unfinished
def test_data_and_models_that_cannot_be():
    with pytest.raises(errors.InvalidInput, match="X contains NaN"):
        cr.explain(network(), X[0] * np.nan, [0.0, 1.0])
    with pytest.raises(errors.InvalidInput, match="X has 2 examples and Y has 3"):
        cr.explain(network(), X[:2], np.zeros((3, 2)))
    with pytest.raises(errors.InvalidInput, match=r"at most 256 examples. Got 257: give some"):
        cr.explain(network(), np.zeros((257, 3)), np.zeros((257, 2)))
    with pytest.raises(errors.InvalidInput, match="X has 2 features"):
        cr.explain(network(), [[1.0, 2.0]])
    with pytest.raises(TypeError, match="Got LogisticRegression instead"):
        cr.explain(LogisticRegression(), X, LABELS)
    with pytest.raises(TypeError, match="Got LogisticRegression instead"):
        cr.explain(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, LABELS), X, LABELS)
    settings = {"hidden_layer_sizes": (3,), "solver": "lbfgs", "tol": 0.1, "random_state": 0}
    search = GridSearchCV(cr.MLPClassifier(**settings), {"alpha": [0.1]}, cv=2, refit=False)
    with pytest.raises(TypeError, match="search with refit=True"):
        cr.explain(search.fit(X, LABELS), X, LABELS)
    for model in (
        cr.MLPClassifier(),
        make_pipeline(StandardScaler(), cr.MLPClassifier()),
        TransformedTargetRegressor(cr.MLPRegressor(), transformer=StandardScaler()),
    ):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            cr.explain(model, X, LABELS)
    model = cr.MLPClassifier((4,), max_iter=3, random_state=0).fit(X, LABELS)
    with pytest.raises(errors.InvalidInput, match="classes not in"):
        cr.explain(model, X[0], "z")
