"""Ctrl-C during fit warns and returns the estimator fitted so far, as scikit-learn's does."""

import signal
import textwrap

import numpy as np
import pytest

import chainrule.engines.reference
import chainrule.training.lbfgs


@pytest.fixture
def interrupt(monkeypatch):
    """Raise KeyboardInterrupt in the given step, as Ctrl-C would."""

    def after(n_steps):
        original, counted = chainrule.engines.reference.cost_and_gradients, [0]

        def step(*args, **kwargs):
            counted[0] += 1
            if counted[0] > n_steps:
                raise KeyboardInterrupt
            return original(*args, **kwargs)

        monkeypatch.setattr(chainrule.engines.reference, "cost_and_gradients", step)
        monkeypatch.setattr(chainrule.training.lbfgs, "cost_and_gradients", step)

    return after


@pytest.mark.parametrize("n_steps", [0, 1, 25])
@pytest.mark.parametrize("early", [False, True])
def test_interrupted_in_a_step(make, kind, solver, n_steps, early, interrupt):
    estimator, settings, X, y = make(kind)
    model = estimator(
        hidden_layer_sizes=5, batch_size=10, solver=solver, engine="reference", random_state=0
    )
    early = early and solver != "lbfgs"
    stops = {"early_stopping": True, "validation_fraction": 0.2} if early else {}
    model.set_params(**settings, **stops, tol=0)
    interrupt(n_steps)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        assert model.fit(X, y) is model
    assert np.isfinite(model.predict(X)).all()
    assert model.n_iter_ <= n_steps
    if solver != "lbfgs":
        assert len(model.loss_curve_) == model.n_iter_ == n_steps // (5 if early else 6)
    if n_steps == 25:
        assert model.n_iter_ > 0
        assert np.isfinite(model.loss_)


def test_a_fit_goes_on_after_an_interruption(make, interrupt, monkeypatch):
    kind, _, X, y = make("binary")
    model = kind((5,), engine="reference", random_state=0, max_iter=300)
    interrupt(20)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y)
    monkeypatch.undo()
    before = model.loss_
    for _ in range(20):
        model.partial_fit(X, y)
    assert model.loss_ < before
    assert model.t_ == 40 * len(X)


SCRIPT = """
    import warnings
    import numpy as np
    from chainrule import MLPRegressor

    class Ready:
        def setup(self, estimator, context): ...
        def teardown(self, estimator, context): ...
        def on_fit_task_begin(self, estimator, context): ...
        def on_fit_task_end(self, estimator, context):
            if context.task_id == 20:
                print("ready", flush=True)

    X = np.random.default_rng(0).normal(size=(200, 3))
    model = MLPRegressor(hidden_layer_sizes=5, max_iter=10**8, tol=0, n_iter_no_change=np.inf)
    model.set_callbacks(Ready())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, X[:, 0])
    print([str(w.message) for w in caught], model.n_iter_, np.isfinite(model.predict(X)).all())
"""


def test_a_real_interruption(pythons):
    with pythons.start("-c", textwrap.dedent(SCRIPT)) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert err == ""
    assert process.returncode == 0
    message, n_iter, finite = out.strip().rsplit(" ", 2)
    assert message == "['Training interrupted by user.']"
    assert int(n_iter) >= 20
    assert finite == "True"
