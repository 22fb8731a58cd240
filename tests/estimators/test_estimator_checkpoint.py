"""checkpoint, resume and max_seconds of the estimators."""

import pickle
import time
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule import MLPClassifier, MLPRegressor
from chainrule.engines import native, reference
from chainrule.errors import CheckpointMismatch, CheckpointWarning
from chainrule.training.early_stopping import Judge

ATTRIBUTES = (
    "n_iter_",
    "t_",
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
    "engine_",
)


def quietly(model, X, y, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y, *args)


def result(model, X):
    """All that a fit leaves."""
    attributes = [getattr(model, name) for name in ATTRIBUTES]
    labels = getattr(model, "classes_", np.zeros(0)).tolist()
    return model.network_.theta.tobytes(), attributes, labels, model.predict(X).tobytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


RULES = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.05}
    | {"tol": 0.05},
}


# --- the same bits ---


@pytest.mark.filterwarnings("ignore::chainrule.errors.TrainingWarning")  # of large rates
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("engine", ["reference", "native"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_going_on_gives_what_one_fit_gives(make, kind, path, rule, early, engine, dropout):
    estimator, settings, X, y = make(kind)
    settings = settings | {
        "hidden_layer_sizes": 5,
        "batch_size": 10,
        "n_iter_no_change": 3,
        "validation_fraction": 0.2,
        "random_state": 0,
        **RULES[rule],
        "early_stopping": early,
        "engine": engine,
        "dropout": dropout,
    }
    whole = quietly(estimator(max_iter=25, **settings), X, y)
    for max_iter in (1, 7, 25):
        part = estimator(max_iter=max_iter, **settings, checkpoint=path, resume=True)
        quietly(part, X, y)
    assert result(part, X) == result(whole, X)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_with_weights_of_examples_and_classes(make, path, weighted, dtype):
    _, _, X, y = make("binary")
    weight = np.linspace(0.5, 2, len(y)) if weighted else None
    X = X.astype(dtype)
    settings = {"class_weight": "balanced", "random_state": 1, "early_stopping": True}
    whole = quietly(MLPClassifier(5, max_iter=12, **settings), X, y, weight)
    for max_iter in (5, 12):
        part = MLPClassifier(5, max_iter=max_iter, **settings, checkpoint=path, resume=True)
        quietly(part, X, y, weight)
    assert result(part, X) == result(whole, X)


@pytest.mark.parametrize("step", [1, 5, 6, 13, 31])
@pytest.mark.parametrize("early", [False, True])
def test_after_ctrl_c(make, kind, path, monkeypatch, step, early):
    estimator, settings, X, y = make(kind)
    settings = {
        "hidden_layer_sizes": 5,
        "batch_size": 10,
        "engine": "reference",
        "random_state": 0,
        "max_iter": 8,
        **({"early_stopping": True, "validation_fraction": 0.2} if early else {}),
        **settings,
    }
    whole = quietly(estimator(**settings), X, y)
    original, steps = reference.cost_and_gradients, iter(range(10**9))

    def counted(*args, **kwargs):
        if next(steps) == step:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    part = estimator(**settings, checkpoint=path)
    with monkeypatch.context() as patch:
        patch.setattr(reference, "cost_and_gradients", counted)
        with pytest.warns(UserWarning, match="interrupted"):
            part.fit(X, y)
    assert 0 < part._learner.n_steps == step
    assert result(quietly(part.set_params(resume=True), X, y), X) == result(whole, X)


def test_labels_that_are_text(make, path):
    _, _, X, y = make("multiclass")
    y = np.array(["ape", "bee", "cat"])[y]
    fit = {"hidden_layer_sizes": 5, "random_state": 0, "early_stopping": True}
    whole = quietly(MLPClassifier(max_iter=9, **fit), X, y)
    quietly(MLPClassifier(max_iter=4, **fit, checkpoint=path), X, y)
    part = MLPClassifier(max_iter=9, **fit, checkpoint=path, resume=True)
    assert result(quietly(part, X, y), X) == result(whole, X)
    with pytest.raises(CheckpointMismatch, match="classes"):
        part.fit(X, np.char.upper(y))


@pytest.mark.parametrize("early", [False, True])
def test_what_was_done_is_returned(make, kind, path, monkeypatch, early):
    estimator, settings, X, y = make(kind)
    settings |= {"hidden_layer_sizes": 5, "random_state": 0, "early_stopping": early}
    settings |= {"tol": 0.01, "max_iter": 2000, "learning_rate_init": 0.01}
    done = estimator(**settings, checkpoint=path).fit(X, y)  # without a warning: it converged
    monkeypatch.setattr(native.NativeEngine, "epochs", None)  # nothing is to be computed
    again = estimator(**settings, checkpoint=path, resume=True).fit(X, y)
    assert result(again, X) == result(done, X)


def test_a_used_up_max_iter_warns_again(make, path):
    _, _, X, y = make("binary")
    model = MLPClassifier(5, max_iter=3, random_state=0, checkpoint=path, resume=True)
    for _ in range(2):
        with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\) reached"):
            model.fit(X, y)
    with pytest.raises(CheckpointMismatch, match="has made 3 epochs already"):
        model.set_params(max_iter=2).fit(X, y)


# --- randomness ---


def test_without_a_random_state_what_was_drawn_is_kept(make, path):
    _, _, X, y = make("regression")
    settings = {"hidden_layer_sizes": 5, "early_stopping": True, "validation_fraction": 0.3}
    costs = []
    for max_iter in (4, 9):
        model = MLPRegressor(**settings, max_iter=max_iter, checkpoint=path, resume=True)
        costs.append(quietly(model, X, y).loss_curve_)
    assert costs[1][:4] == costs[0]
    other = MLPRegressor(**settings, max_iter=9, checkpoint=path)
    assert quietly(other, X, y).loss_curve_ != costs[1]


def test_a_generator_that_has_moved_on_is_another_start(make, path):
    _, _, X, y = make("regression")
    random = np.random.RandomState(3)
    model = MLPRegressor(hidden_layer_sizes=5, max_iter=4, random_state=random, checkpoint=path)
    whole = quietly(
        MLPRegressor(hidden_layer_sizes=5, max_iter=6, random_state=np.random.RandomState(3)), X, y
    )
    quietly(model, X, y)
    model.set_params(resume=True, max_iter=6)
    with pytest.raises(CheckpointMismatch, match="seed"):
        model.fit(X, y)
    model.set_params(random_state=np.random.RandomState(3))
    assert result(quietly(model, X, y), X) == result(whole, X)


@pytest.mark.parametrize(
    "rate",
    [
        *({"learning_rate": name} for name in ("step", "exponential", "cosine", "one_cycle")),
        {"learning_rate": cr.Warmup(cr.Cosine(0.01), 4)},
        {"solver": cr.SGD(cr.Cosine(0.01))},
    ],
    ids=repr,
)
def test_max_iter_is_raised_whatever_the_schedule(make, path, rate):
    _, _, X, y = make("multiclass")
    model = MLPClassifier(5, max_iter=3, random_state=0, batch_size=20, **rate)
    quietly(model.set_params(checkpoint=path, resume=True), X, y)
    first = [record["learning_rate"] for record in model.history_]
    quietly(model.set_params(max_iter=8), X, y)
    rates = [record["learning_rate"] for record in model.history_]
    quietly(model.set_params(checkpoint=None, resume=False), X, y)
    assert rates == first + [record["learning_rate"] for record in model.history_][3:]


# --- what is refused ---


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("random_state", 1, "random_state"),
        ("hidden_layer_sizes", 6, "architecture's layers"),
        ("activation", "tanh", "architecture's activations"),
        ("loss", "cross_entropy", "architecture's loss"),
        ("solver", "sgd", "optimizer"),
        ("learning_rate_init", 0.1, "optimizer's learning_rate"),
        ("beta_1", 0.8, "optimizer's beta_1"),
        ("alpha", 0.1, "l2"),
        ("l1", 0.1, "l1"),
        ("batch_size", 7, "batch_size"),
        ("shuffle", False, "shuffle"),
        ("dropout", 0.1, "dropout"),
        ("early_stopping", True, "early_stopping"),
        ("tol", 0.1, "tol"),
        ("n_iter_no_change", 3, "n_iter_no_change"),
        ("class_weight", "balanced", "sample_weight"),
        ("engine", "reference", "engine"),
    ],
)
def test_another_parameter_is_refused_by_name(make, path, name, value, named):
    _, _, X, y = make("multiclass")
    model = MLPClassifier(5, max_iter=3, random_state=0, batch_size=20, checkpoint=path)
    quietly(model, X, y)
    before, theta = path.read_bytes(), model.network_.theta.tobytes()
    with pytest.raises(CheckpointMismatch, match=named):
        model.set_params(resume=True, **{name: value}).fit(X, y)
    assert path.read_bytes() == before
    assert model.network_.theta.tobytes() == theta


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("tol", 0.1, "tol of early stopping"),
        ("n_iter_no_change", 3, "n_iter_no_change of early stopping"),
        ("validation_fraction", 0.4, "data"),
    ],
)
def test_another_way_to_stop_early_is_refused_by_name(make, path, name, value, named):
    _, _, X, y = make("multiclass")
    model = MLPClassifier(5, max_iter=3, random_state=0, early_stopping=True, checkpoint=path)
    quietly(model, X, y)
    with pytest.raises(CheckpointMismatch, match=named):
        model.set_params(resume=True, **{name: value}).fit(X, y)


def test_every_row_counts_also_the_held_out_ones(make, path):
    _, _, X, y = make("multiclass")
    model = MLPClassifier(5, max_iter=3, random_state=0, early_stopping=True, checkpoint=path)
    quietly(model, X, y).set_params(resume=True)
    named = set()
    for row in range(len(X)):
        other = X.copy()
        other[row, 0] += 1e-6
        with pytest.raises(CheckpointMismatch) as caught:
            model.fit(other, y)
        named.add(str(caught.value).partition("training: ")[2][:12])
    assert named == {"the data dif", "the validati"}


def test_where_a_fit_could_not_go_on(make, path):
    _, _, X, y = make("binary")
    cannot = "^The 'checkpoint' parameter of MLPClassifier must be None"
    with pytest.raises(ValueError, match=f"{cannot} with solver='lbfgs'"):
        MLPClassifier(5, solver="lbfgs", checkpoint=path).fit(X, y)
    with pytest.raises(ValueError, match=f"{cannot} with warm_start=True"):
        MLPClassifier(5, warm_start=True, checkpoint=path).fit(X, y)
    with pytest.raises(ValueError, match=f"{cannot} for partial_fit"):
        MLPClassifier(5, checkpoint=path).partial_fit(X, y, classes=[0, 1])
    assert not path.exists()


# --- as a parameter ---


def test_a_checkpoint_is_a_parameter_like_others(make, path):
    _, _, X, y = make("binary")
    where = cr.Checkpoint(path, every_epochs=2, about={"table": "a"})
    model = MLPClassifier(5, max_iter=5, random_state=0, checkpoint=where, resume=True)
    assert clone(model).get_params()["checkpoint"] == where
    assert pickle.loads(pickle.dumps(model)).get_params()["checkpoint"] == where
    quietly(make_pipeline(StandardScaler(), model), X, y)
    assert path.exists()
    again = clone(model).set_params(checkpoint=cr.Checkpoint(path, about={"table": "b"}))
    with pytest.raises(CheckpointMismatch, match="table is 'b' here and 'a' in the file"):
        again.fit(StandardScaler().fit_transform(X), y)


@pytest.mark.parametrize("kind_of", [str, lambda path: path, cr.Checkpoint])
def test_a_saved_model_writes_to_no_path(make, path, tmp_path, kind_of):
    _, _, X, y = make("binary")
    given = kind_of(path)
    model = MLPClassifier(5, max_iter=3, checkpoint=given, resume=True, max_seconds=99)
    saved = make_pipeline(StandardScaler(), quietly(model, X, y))
    cr.save(saved, tmp_path / "model")
    assert (model.checkpoint, model.resume) == (given, True)
    opened = cr.load(tmp_path / "model")[-1]
    assert (opened.checkpoint, opened.resume, opened.max_seconds) == (None, False, 99)
    # Nor does one whose file says otherwise.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chainrule.files.model.forget_checkpoint", lambda _: None)
        cr.save(model.set_params(checkpoint=str(path)), tmp_path / "model")
    assert cr.load(tmp_path / "model").checkpoint is None


def test_pickles_of_before_there_were_checkpoints(make):
    _, _, X, y = make("binary")
    model = quietly(MLPClassifier(5, max_iter=3), X, y)
    state = dict(model.__getstate__())
    for name in ("checkpoint", "resume", "max_seconds"):
        del state[name]
    old = MLPClassifier.__new__(MLPClassifier)
    old.__setstate__(state)
    assert old.get_params() == model.get_params()
    quietly(old, X, y)


def test_a_disk_that_is_full_is_one_warning(make):
    _, _, X, y = make("binary")
    with pytest.warns(CheckpointWarning, match="could not be written") as caught:
        quietly(MLPClassifier(5, max_iter=3, checkpoint="/dev/full"), X, y)
    assert sum(issubclass(w.category, CheckpointWarning) for w in caught) == 1


@pytest.mark.parametrize("early", [False, True])
def test_what_is_printed_goes_on(make, path, capsys, early):
    _, _, X, y = make("binary")
    settings = {"random_state": 0, "verbose": True, "early_stopping": early}
    quietly(MLPClassifier(5, max_iter=6, **settings), X, y)
    whole = capsys.readouterr().out
    for max_iter in (2, 6):
        model = MLPClassifier(5, max_iter=max_iter, **settings, checkpoint=path, resume=True)
        quietly(model, X, y)
    assert capsys.readouterr().out == whole


class Heard:
    """scikit-learn's callback that counts epochs and may stop."""

    def __init__(self, most=10**9):
        self.ends, self.most = 0, most

    def setup(self, estimator, context): ...
    def teardown(self, estimator, context): ...
    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context):
        self.ends += context.task_name == "epoch"
        return estimator.n_iter_ >= self.most


def test_scikit_learns_callbacks_hear_of_what_is_made_now(make, path):
    _, _, X, y = make("binary")
    settings = {"hidden_layer_sizes": 5, "random_state": 0, "checkpoint": path, "resume": True}
    for max_iter, most, heard in ((3, 99, 3), (20, 8, 5), (20, 8, 0)):
        model, callback = MLPClassifier(**settings, max_iter=max_iter), Heard(most)
        quietly(model.set_callbacks(callback), X, y)
        assert callback.ends == heard
    assert model.n_iter_ == 8


# --- time ---


@pytest.fixture
def hours(monkeypatch):
    """A clock on which every look at it takes an hour."""
    clock = iter(range(10**9))
    monkeypatch.setattr(time, "monotonic", lambda: 3600.0 * next(clock))


@pytest.mark.parametrize("early", [False, True])
def test_time_that_is_up_is_a_warning(make, kind, early, hours):
    estimator, settings, X, y = make(kind)
    settings |= {"hidden_layer_sizes": 5, "random_state": 0, "early_stopping": early}
    settings |= {"engine": "reference", "batch_size": 10, "max_iter": 10**6, "tol": 0}
    model = estimator(**settings, n_iter_no_change=np.inf, max_seconds=3600 * 50)
    with pytest.warns(ConvergenceWarning, match="max_seconds=180000 were over after"):
        model.fit(X, y)
    assert 0 < model.n_iter_ == len(model.loss_curve_) < 50
    if early:
        scores = model.validation_scores_
        assert model.best_validation_score_ == max(scores)
        # The weights are those of the best epoch.
        whole = quietly(clone(model).set_params(max_seconds=None, max_iter=len(scores)), X, y)
        np.testing.assert_array_equal(whole.network_.theta, model.network_.theta)


def test_stopped_before_any_score_the_last_weights_stay(make, hours):
    _, _, X, y = make("binary")
    model = MLPClassifier(5, early_stopping=True, random_state=0, batch_size=5, max_seconds=1)
    with pytest.warns(ConvergenceWarning, match="after 0 iterations"):
        model.set_params(engine="reference").fit(X, y)
    assert model._learner.n_steps == 1
    fresh = quietly(clone(model).set_params(early_stopping=False), X, y)
    start = cr.estimators.starting_weights.starting_network(
        fresh.network_.sizes, "relu", "cross_entropy", X.dtype, 0
    )
    assert (model.network_.theta != start.theta).any()


def test_time_goes_on_to_the_same_bits(make, kind, path):
    estimator, settings, X, y = make(kind, n=3000)
    settings |= {"hidden_layer_sizes": (50, 50), "random_state": 0, "batch_size": 1}
    settings |= {"max_iter": 4, "early_stopping": True, "validation_fraction": 0.2}
    whole = quietly(estimator(**settings), X, y)
    for _ in range(1000):
        part = estimator(**settings, checkpoint=path, resume=True, max_seconds=0.01)
        quietly(part, X, y)
        if part._learner.history.stopped_by != "max_seconds":
            break
    assert result(part, X) == result(whole, X)


def test_lbfgs_stops_in_time(make, kind, hours):
    estimator, settings, X, y = make(kind)
    settings |= {"solver": "lbfgs", "tol": 0, "max_iter": 10**6, "random_state": 0}
    model = estimator(**settings, max_seconds=3600 * 20)
    with pytest.warns(ConvergenceWarning, match="time was up.*Increase max_seconds"):
        model.fit(X, y)
    assert 0 < model.n_iter_ <= 20
    done = quietly(clone(model).set_params(max_seconds=None, max_iter=model.n_iter_), X, y)
    np.testing.assert_array_equal(done.network_.theta, model.network_.theta)
    assert done.loss_ == model.loss_


def test_the_memory_of_early_stopping_is_checked():
    memory = Judge(lambda: (0.0, 0.0), 0.1, 3, np.zeros(4), 1.0, [1.0], [2.0])
    state = memory.state_dict()
    for key in state:
        for value in (np.zeros(3), np.zeros((2, 2)), np.zeros(4, np.int32)):
            with pytest.raises(cr.errors.InvalidFile, match="early stopping is damaged"):
                memory.load_state_dict(state | {key: value})
        with pytest.raises(cr.errors.InvalidFile):
            memory.load_state_dict({k: v for k, v in state.items() if k != key})
    memory.load_state_dict(state)
    assert memory.scores == [1.0]
