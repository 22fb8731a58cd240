"""Exercises: friendly, graded right, and a worksheet that does not give the answers away."""

import itertools
import re
import shutil
import subprocess
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import chainrule as cr
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.losses import LOSSES

SIZES = ([2, 2, 1], [2, 3, 2], [3, 2, 2, 1], [1, 1], [2, 3], [4, 4, 3])
SMOOTH = sorted(set(ACTIVATIONS) - {"step"})
THETA_OF_7 = [-0.5, 0.0, 1.5, 1.0, 1.0, -1.5, 0.0, -1.0, -0.5]
DATA_OF_7 = ([[0.0, 2.0]], [[0.0]])
OF_ONE = ("cross_entropy", "squared_error", "poisson", "logistic_squared_error", "huber")
OF_SEVERAL = ("log_loss", "squared_error", "cross_entropy", "absolute_error", "poisson")


def made(seed):
    """An exercise of every kind: the seed runs through sizes, activations, losses and shapes."""
    sizes = SIZES[seed % len(SIZES)]
    losses = OF_ONE if sizes[-1] == 1 else OF_SEVERAL
    return cr.exercise(
        sizes,
        seed,
        SMOOTH[(seed // 2) % len(SMOOTH)],
        losses[(seed // 3) % len(losses)],
        n_examples=1 + (seed // 5) % 3,
        orientation=("rows", "columns")[(seed // 7) % 2],
    )


def rounded(values, digits=3):
    """Return numbers as one writes them down."""
    return np.vectorize(lambda v: float(f"{v:.{digits}g}"))(values)


def grades_itself(seed):
    ex = made(seed)
    answers = ex.answers
    right = ex.check(**answers)
    assert right, right
    assert not right.missing
    on_paper = ex.check(**{name: rounded(values) for name, values in answers.items()})
    assert on_paper, on_paper
    random = np.random.default_rng(seed)
    for name, values in answers.items():
        size = np.abs(values).max()
        at = random.integers(values.size)
        wrong = values.copy().reshape(-1)
        wrong[at] += random.choice([-1, 1]) * (0.03 * max(abs(wrong[at]), size) or 0.03)
        grade = ex.check(**{name: wrong.reshape(values.shape)})
        assert not grade
        assert not grade[name].entries.reshape(-1)[at]
        assert grade[name].entries.sum() == values.size - 1
        assert grade[name].hint


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_an_exercise_grades_its_own_solution(seed):
    grades_itself(seed)


@pytest.mark.soak
@pytest.mark.parametrize("hundred", range(10))
def test_a_thousand_exercises_grade_their_own_solutions(hundred):
    for seed in range(100 * hundred, 100 * (hundred + 1)):
        grades_itself(seed)


@pytest.mark.parametrize("seed", range(1, 40, 5))
def test_answers_are_those_of_the_network(seed):
    ex = made(seed)
    targets = ex.y.argmax(axis=1) if ex.net.architecture.loss.targets == "classes" else ex.y
    trace = ex.net.trace(ex.X, targets)
    assert cr.check_gradients(ex.net, ex.X, targets).passed
    answers, L = (
        cr.Exercise(ex.net, ex.X, targets, ask=ex.names, learning_rate=0.25).answers,
        len(ex.net.sizes),
    )
    after = cr.Learner(ex.net.copy(), cr.SGD(0.25), batch_size=None)
    after.step(ex.X, targets)
    for layer in range(2, L + 1):
        at = layer - 2
        a = answers["h" if layer == L else f"a_{layer}"]
        for name, value in (
            (f"z_{layer}", trace.z[at]),
            (f"delta_{layer}", trace.delta[at]),
            (f"grad_weights_{layer}", trace.grad_weights[at]),
            (f"grad_biases_{layer}", trace.grad_biases[at]),
            (f"new_weights_{layer}", after.net.weights[at]),
            (f"new_biases_{layer}", after.net.biases[at]),
        ):
            np.testing.assert_allclose(answers[name], value, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(a, trace.a[layer - 1], rtol=1e-12)
    assert answers["cost"] == pytest.approx(trace.cost)
    turned = cr.Exercise(ex.net, ex.X, targets, orientation="columns").answers
    for name, value in turned.items():
        np.testing.assert_array_equal(value, answers[name].T)


@pytest.mark.parametrize("seed", range(0, 60, 4))
def test_the_numbers_are_friendly(seed):
    ex = made(seed)
    for W, b in zip(ex.net.weights, ex.net.biases, strict=True):
        assert np.isin(W, [-1.5, -1, -0.5, 0.5, 1, 1.5]).all()
        assert np.isin(b, [-1, -0.5, 0, 0.5, 1]).all()
    assert np.isin(ex.X, np.arange(-2, 4)).all()
    assert (ex.y == ex.y.round()).all()
    assert ex.X.any(axis=1).all()
    targets = ex.y.argmax(axis=1) if ex.net.architecture.loss.targets == "classes" else ex.y
    trace = ex.net.trace(ex.X, targets)
    for g, z in zip(ex.net.architecture.activations, trace.z, strict=False):
        assert np.abs(z).max() <= (9 if g.kinks else 3)
        for kink in g.kinks:
            assert np.abs(z - kink).min() >= 0.2
    for delta in trace.delta:
        assert (delta != 0).mean() >= 0.5


def test_the_same_number_makes_the_same_exercise_for_ever():
    ex = cr.exercise([2, 2, 1], seed=7)
    again = cr.exercise([2, 2, 1], seed=7)
    np.testing.assert_array_equal(ex.net.theta, again.net.theta)
    np.testing.assert_array_equal(ex.X, again.X)
    assert ex.net.theta.tolist() == THETA_OF_7
    assert (ex.X.tolist(), ex.y.tolist()) == DATA_OF_7
    others = {tuple(cr.exercise([2, 2, 1], seed=seed).net.theta) for seed in range(20)}
    assert len(others) == 20


# --- hints -------------------------------------------------------------------------------------


def wrong_ways(ex):
    """Usual slips, computed here, with a word that the hint must have."""
    net, X, Y, n = ex.net, ex.X, ex.y, len(ex.X)
    t = net.trace(X, Y)
    W3 = net.weights[1]
    yield "z_2", t.z[0] - net.biases[0], "bias is missing"
    yield "z_2", t.a[1], "already the activation"
    yield "a_2", t.z[0], "still to be applied"
    yield "h", t.z[1], "still to be applied"
    yield "cost", -t.cost, "never negative"
    yield "cost", n * t.cost, "mean over the 2 examples"
    yield "delta_3", -t.delta[1], "other way round"
    yield "delta_3", n * t.delta[1], "1/M"
    yield "delta_3", t.delta[1] * t.h * (1 - t.h), "once too often"
    yield "delta_2", t.delta[1] @ W3.T, "g′(z) is missing"
    yield "delta_2", (t.delta[1] @ W3.T) * t.a[1], "slope g′(z) belongs"
    yield "grad_weights_3", t.z[0].T @ t.delta[1], "its activation a belongs"
    yield "grad_weights_2", t.grad_weights[0].T, "transposed"
    yield "grad_weights_2", -t.grad_weights[0], "other way round"
    yield "grad_biases_2", n * t.grad_biases[0], "1/M"
    yield "new_weights_2", net.weights[0] + 0.5 * t.grad_weights[0], "against the gradient"


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
def test_a_usual_slip_is_told(activation):
    ex = cr.exercise([2, 2, 1], 5, activation, n_examples=2)
    for name, answer, words in wrong_ways(ex):
        mark = ex.check(**{name: answer})[name]
        assert not mark
        assert words in mark.hint, (name, mark.hint)


def test_of_the_teaching_pair_the_slope_is_not_forgotten():
    ex = cr.exercise([2, 2, 1], 5, loss="logistic_squared_error")
    hint = ex.check(delta_3=ex.net(ex.X) - ex.y)["delta_3"].hint
    assert "h(1 − h)" in hint
    assert "does not cancel" in hint


@pytest.mark.parametrize("seed", [2, 3, 8, 13, 15])
def test_a_slip_is_counted_once(seed):
    """Someone forgets a bias, and is right in all that follows."""
    ex = made(seed)
    net, targets = ex.net.copy(), ex.y
    if net.architecture.loss.targets == "classes":
        targets = ex.y.argmax(axis=1)
    net.biases[0] = net.biases[0] + 0.5
    theirs = cr.Exercise(
        net, ex.X, targets, ask=[n for n in ex.names if "new" not in n], orientation=ex.orientation
    )
    wrong = {name: rounded(values, 4) for name, values in theirs.answers.items()}
    grade = ex.check(**wrong)
    assert not grade
    mark = grade["z_2"]
    assert not mark.right
    assert not mark.follows
    for name in set(grade) - {"z_2"}:
        assert grade[name].right or grade[name].follows, grade[name]
    late = [mark for mark in grade.values() if mark.follows]
    assert late
    assert all("from your own" in mark.hint for mark in late)
    assert f"{late[0].name}: follows." in str(grade)
    # What is wrong in itself is wrong, whatever came before.
    at = f"grad_weights_{len(net.sizes)}"
    worse = ex.check(**{**wrong, at: wrong[at] + 1.0})[at]
    assert not worse.right
    assert not worse.follows


@pytest.mark.parametrize(("n", "tags"), [(1, "1"), (2, "2")])
def test_a_hint_names_the_equation(n, tags):
    ex = cr.exercise([2, 3, 2], 1, n_examples=n)
    expected = {
        "z_2": f"FP{tags}.1", "a_2": f"FP{tags}.1", "z_3": f"FP{tags}.2", "h": f"FP{tags}.2",
        "delta_3": f"BP1.{tags}", "delta_2": f"BP2.{tags}", "grad_weights_3": f"BP3.{tags}",
        "grad_biases_2": f"BP4.{tags}", "new_weights_2": "GD", "cost": "J =",
    }  # fmt: skip
    shapes = cr.Exercise(ex.net, ex.X, ex.y, ask=ex.names).answers
    for name, tag in expected.items():
        mark = ex.check(**{name: np.full(shapes[name].shape, 77.0)})[name]
        assert mark.hint.startswith(tag)
        assert tag in str(ex.check(**{name: np.full(shapes[name].shape, 77.0)}))


def test_shapes_are_generous_where_nothing_is_ambiguous():
    ex = cr.exercise([2, 3, 1], 2)
    delta, grads = ex.answers["delta_2"], ex.answers["grad_weights_2"]
    assert ex.check(delta_2=delta.ravel().tolist(), delta_3=float(ex.answers["delta_3"][0, 0]))
    assert ex.check(grad_biases_2=ex.answers["grad_biases_2"][None])
    grade = ex.check(grad_weights_2=grads.T)
    assert "needs the shape (2, 3)" in grade["grad_weights_2"].hint
    assert "transposed" in grade["grad_weights_2"].hint
    assert not ex.check(grad_weights_2=grads.ravel())
    assert not ex.check(delta_2=np.full(3, np.nan))
    assert grade.missing[:2] == ("z_2", "a_2")
    assert "Not answered" in str(grade)


# --- worksheets --------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", ["rows", "columns"])
def test_the_worksheet_has_a_blank_for_each_number_and_no_answer(orientation):
    ex = cr.exercise([2, 3, 2], 3, "tanh", n_examples=2, orientation=orientation)
    for ask in (["delta_2", "grad_biases_2"], ["z_2"], ["h", "cost"], None):
        part = cr.Exercise(ex.net, ex.X, ex.y, ask=ask, orientation=orientation)
        text = part.text()
        assert text.count("______") == sum(value.size for value in part.answers.values())
        first = part.names.index(part.asked[0])
        full = cr.Exercise(ex.net, ex.X, ex.y, ask=part.names).answers
        for at, name in enumerate(part.names):
            numbers = [f"{abs(v):.4g}" for v in full[name].ravel() if v != round(2 * v) / 2]
            if at < first:
                assert all(number in text for number in numbers)
            elif name in part.asked:
                assert not [number for number in numbers if number in text]
        solved = part.text(solution=True)
        for values in part.answers.values():
            assert all(f"{abs(v):.4g}" in solved for v in values.ravel())
        assert "Backward, with numbers" in solved


FACES = [made(seed) for seed in (3, 8, 12, 17)]


@pytest.mark.parametrize("solution", [False, True])
def test_html_is_well_formed_and_loads_nothing(solution):
    for ex in FACES:
        page = ex.html(solution=solution)
        article = "<article" + page.partition("<article")[2].partition("</body>")[0]
        ET.fromstring(article.replace("<wbr>", ""))
        assert "<script" not in page
        assert not re.search(r'(src|href)="http', page)
        assert "<section" in ex._repr_html_()
        assert ex.markdown(solution=solution).count("$$") % 2 == 0


def test_latex_compiles(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    bodies = []
    for ex, solution in itertools.product(FACES, (False, True)):
        head, _, rest = ex.latex(solution=solution).partition(r"\begin{document}")
        bodies.append(rest.rpartition(r"\end{document}")[0])
    code = "\n".join([head, r"\begin{document}", r"\newpage".join(bodies), r"\end{document}"])
    (tmp_path / "sheet.tex").write_text(code, encoding="utf-8")
    ended = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "sheet.tex"],
        cwd=tmp_path,
        capture_output=True,
        encoding="latin-1",
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "Overfull" not in ended.stdout


# --- what else ---------------------------------------------------------------------------------


def test_a_step_is_computed_forward_only():
    ex = cr.exercise([2, 3, 1], 1, "step", "squared_error")
    assert ex.asked == ("z_2", "a_2", "z_3", "h", "cost")
    assert ex.check(**ex.answers)
    assert "no backward pass" in ex.text(solution=True) or "step" in ex.text(solution=True)
    fires = cr.exercise([2, 1], 1, [], "indicator")
    assert fires.asked == ("z_2", "h")


def test_a_network_of_ones_own():
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    net = cr.Network([4, 3, 3], seed=2)  # float32, numbers as they come
    ex = cr.Exercise(net, X[[0, 60]], y[[0, 60]], ask=["delta_3", "delta_2"])
    trace = net.copy("float64").trace(X[[0, 60]].astype(np.float32), y[[0, 60]])
    assert ex.check(delta_3=trace.delta[1], delta_2=trace.delta[0])
    assert repr(ex) == "Exercise(a 4-3-3 network, 2 to find)"
    assert repr(cr.exercise(seed=2)) == "Exercise(a 2-2-1 network, seed=2, 11 to find)"
    assert "number 2" in str(cr.exercise(seed=2))


def test_what_cannot_be_is_refused():
    ex = cr.exercise()
    with pytest.raises(cr.errors.UnknownName, match="did you mean 'delta_2'"):
        ex.check(delta2=1)
    with pytest.raises(cr.errors.UnknownName, match="did you mean 'delta_2'"):
        cr.exercise(ask="delta2")
    with pytest.raises(cr.errors.InvalidInput, match="at least one answer"):
        ex.check()
    with pytest.raises(cr.errors.InvalidInput, match="must hold numbers"):
        ex.check(delta_2="a lot")
    with pytest.raises(cr.errors.InvalidParameter, match="tolerance"):
        ex.check(delta_2=1, tolerance=1.5)
    with pytest.raises(cr.errors.InvalidParameter, match="pen and paper"):
        cr.exercise([20, 3, 1])
    with pytest.raises(cr.errors.InvalidParameter, match="pen and paper"):
        cr.exercise(n_examples=7)
    with pytest.raises(cr.errors.InvalidParameter, match="not supported in exercises"):
        cr.exercise([2, 2, 4], loss=cr.Quantile([0.1, 0.9]))
    with pytest.raises(cr.errors.UnknownName, match="orientation"):
        cr.exercise(orientation="row")
    with pytest.raises(cr.errors.InvalidParameter, match="at least one of"):
        cr.exercise(ask=[])
    with pytest.raises(cr.errors.InvalidParameter, match="above 0"):
        cr.exercise(learning_rate=0)
    with pytest.raises(cr.errors.NotTrainable):
        cr.exercise(loss="indicator").net.trace([[1, 1]], [1])


def test_every_loss_has_exercises():
    for name in LOSSES:
        ex = cr.exercise([2, 2, 2], 4, loss=name)
        assert ex.check(**ex.answers), name
