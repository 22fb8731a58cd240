"""Learning-rate schedules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import errors
from chainrule.maths.curves import half_cosine
from chainrule.optimizers.schedules import Adaptive, Constant, InverseScaling, as_schedule

rates = st.floats(1e-6, 10)
counts = st.integers(0, 10**9)


@given(rate=rates, examples=counts, reductions=st.integers(0, 20))
def test_rates(rate, examples, reductions):
    assert Constant(rate).rate(examples, reductions) == rate
    assert Adaptive(rate).rate(examples, reductions) == pytest.approx(rate * 0.2**reductions)
    scaled = InverseScaling(rate).rate(examples, reductions)
    assert scaled == pytest.approx(rate / np.sqrt(examples + 1))
    assert InverseScaling(rate, 0).rate(examples, reductions) == rate
    assert InverseScaling(rate).rate(0, 0) == rate


def test_only_adaptive_reduces_and_only_above_1e_6():
    assert not Constant(0.1).reduces(0.1)
    assert not InverseScaling(0.1).reduces(0.1)
    assert Adaptive(0.1).reduces(1.1e-6)
    assert not Adaptive(0.1).reduces(1e-6)


def test_a_number_is_a_constant_schedule():
    assert as_schedule(0.3) == Constant(0.3)
    schedule = Adaptive(0.3)
    assert as_schedule(schedule) is schedule


@pytest.mark.parametrize("kind", [Constant, Adaptive, InverseScaling])
@pytest.mark.parametrize("wrong", [0, -1, np.nan, np.inf, "0.1", None])
def test_settings(kind, wrong):
    with pytest.raises(errors.InvalidParameter) as caught:
        kind(wrong)
    assert "learning_rate" in str(caught.value)
    assert f"Got {wrong!r} instead" in str(caught.value)
    with pytest.raises(errors.InvalidParameter, match="power of InverseScaling"):
        InverseScaling(0.1, -1)


def learner(schedule, **more):
    net = cr.Network([1, 1], loss="squared_error", init="zeros", dtype="float64")
    return cr.Learner(net, cr.SGD(schedule), **more)


def test_inverse_scaling_falls_once_an_epoch_with_the_examples_seen():
    one = learner(InverseScaling(0.1), batch_size=2)
    history = one.fit(np.ones((5, 1)), np.ones(5), epochs=3)
    rates = [record["learning_rate"] for record in history]
    np.testing.assert_allclose(rates, [0.1, 0.1 / np.sqrt(6), 0.1 / np.sqrt(11)])
    assert one.n_examples_seen == 15
    assert one.learning_rate == pytest.approx(0.1 / 4)


def test_adaptive_goes_on_at_a_plateau_with_a_fifth_until_1e_6():
    # X = 0 and Y = 0: the cost is 0 from the start, so every epoch but the first is a plateau's.
    one = learner(Adaptive(1e-4))
    history = one.fit([[0.0]], [0.0], epochs=100, tol=1e-4, n_iter_no_change=1)
    assert history.converged
    rates = [record["learning_rate"] for record in history]
    assert sorted(set(rates), reverse=True) == pytest.approx([1e-4, 2e-5, 4e-6, 8e-7])
    # 1e-4 and 2e-5 and 4e-6 are above 1e-6, so each is reduced; 8e-7 is the end.
    assert rates[-1] == pytest.approx(8e-7)


# --- from step to step ---

OPEN = [cr.StepDecay(0.1), cr.ExponentialDecay(0.1), cr.Cosine(0.1), cr.OneCycle(0.1)]
ENGINES = pytest.mark.parametrize("engine", ["reference", "native"])


@ENGINES
@pytest.mark.parametrize("batch_size", [2, 7])
@pytest.mark.parametrize("schedule", [*OPEN, cr.Warmup(cr.Cosine(0.1), 5)], ids=repr)
def test_an_open_schedule_runs_once_through_each_fit(schedule, batch_size, engine):
    one = learner(schedule, batch_size=batch_size, engine=engine)
    X, Y, an_epoch = np.ones((7, 1)), np.ones(7), -(-7 // batch_size)
    each = np.arange(6 * an_epoch)
    expected = schedule.over(6 * an_epoch).rates(each, each, 0)[an_epoch - 1 :: an_epoch]
    for _ in range(2):
        rates = [record["learning_rate"] for record in one.fit(X, Y, epochs=6)]
        assert rates == expected.tolist()
    assert one.learning_rate == schedule.over(6 * an_epoch).rate(0, 0, 6 * an_epoch)


@ENGINES
def test_every_step_has_its_own_rate(engine):
    # With X = 0, Y = 0 and the cost b^2/2 a step at rate r multiplies b by 1 - r.
    function_rates = [0.5 / (1 + t) for t in range(12)]
    one = learner(lambda t: function_rates[t], batch_size=2, engine=engine)
    one.net.biases[0][...] = 1.0
    one.fit(np.zeros((7, 1)), np.zeros(7), epochs=3)
    np.testing.assert_allclose(one.net.biases[0], np.prod(1 - np.array(function_rates)), rtol=1e-12)


@ENGINES
def test_a_schedule_of_a_given_length_goes_on_over_fits_and_steps(engine):
    X, Y = np.ones((8, 2)), np.ones(8)

    def made():
        net = cr.Network([2, 3, 1], loss="squared_error", dtype="float64", seed=1)
        return cr.Learner(net, cr.SGD(cr.Cosine(0.1, 40)), batch_size=2, engine=engine)

    whole, parts = made(), made()
    whole.fit(X, Y, epochs=10)
    parts.fit(X, Y, epochs=4)
    parts.fit(X, Y, epochs=6)
    assert np.array_equal(whole.net.theta, parts.net.theta)
    assert whole.learning_rate == 0.0
    at = made()
    for step in range(3):
        assert at.learning_rate == cr.Cosine(0.1, 40).rate(0, 0, step)
        at.step(X[0], Y[:1])


@ENGINES
@pytest.mark.parametrize(
    "schedule", [cr.OneCycle(0.05), cr.Warmup(cr.InverseScaling(0.05), 9)], ids=repr
)
def test_resumed_inside_an_epoch_with_the_same_rates(schedule, engine, tmp_path):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 3)), rng.normal(size=40)

    def made():
        net = cr.Network([3, 4, 1], loss="squared_error", dtype="float64", seed=1)
        return cr.Learner(net, cr.Nadam(schedule), batch_size=3, engine=engine, max_grad_norm=0.5)

    whole = made()
    expected = whole.fit(X, Y, epochs=8)
    path = tmp_path / "run"
    done = 0
    while done < 8:  # given up again and again, after some steps each
        one = made()
        history = one.fit(
            X, Y, epochs=8, resume=True, max_seconds=2e-3,
            checkpoint=cr.Checkpoint(path, every_seconds=0.0),
        )  # fmt: skip
        done = len(history)
    assert np.array_equal(one.net.theta, whole.net.theta)
    rates = [[record["learning_rate"] for record in h] for h in (history, expected)]
    assert rates[0] == rates[1]
    longer = made().fit(X, Y, epochs=9, checkpoint=path, resume=True)
    last = made().fit(X, Y, epochs=9)[-1]["learning_rate"]  # an open one is stretched over nine
    assert [record["learning_rate"] for record in longer] == [*rates[0], last]


@pytest.mark.parametrize("schedule", OPEN, ids=repr)
def test_single_steps_need_a_length(schedule):
    with pytest.raises(errors.InvalidParameter, match="give its number of steps"):
        learner(schedule).step([1.0], [1.0])
    with pytest.raises(errors.InvalidParameter, match="give its number of steps"):
        learner(schedule).step(np.ones(1), np.ones(1))


@pytest.mark.parametrize("rate", [-1, np.nan, np.inf, "0.1", None])
def test_a_function_must_return_rates(rate):
    one = learner(lambda t: rate if t == 3 else 0.1, batch_size=1)
    with pytest.raises(errors.InvalidParameter, match=rf"function for step 3 .* Got {rate!r}"):
        one.fit(np.ones((5, 1)), np.ones(5))


@given(steps=st.integers(1, 2000))
def test_curves(steps):
    each = np.arange(2 * steps)
    cosine = cr.Cosine(0.3, steps, final=0.1).rates(each, each, 0)
    assert cosine[0] == 0.3
    assert (cosine[steps:] == 0.1).all()
    assert (np.diff(cosine) <= 0).all()
    cycle = cr.OneCycle(0.3, steps).rates(each, each, 0)
    assert 0 < cycle.min() <= cycle.max() <= 0.3
    decay = cr.ExponentialDecay(0.3, steps).rates(each, each, 0)
    np.testing.assert_allclose(decay, 0.3 * 0.01 ** (each / steps), rtol=1e-13)
    way = half_cosine(each / (2 * steps))
    np.testing.assert_allclose(way, (1 + np.cos(np.pi * each / (2 * steps))) / 2, atol=1e-15)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (cr.StepDecay, "initial of StepDecay"),
        (lambda wrong: cr.StepDecay(0.1, wrong), "every of StepDecay"),
        (lambda wrong: cr.StepDecay(0.1, 3, wrong), "factor of StepDecay"),
        (cr.ExponentialDecay, "initial of ExponentialDecay"),
        (lambda wrong: cr.ExponentialDecay(0.1, wrong), "steps of ExponentialDecay"),
        (cr.Cosine, "initial of Cosine"),
        (lambda wrong: cr.Cosine(0.1, wrong), "steps of Cosine"),
        (lambda wrong: cr.Cosine(0.1, 3, wrong), "final of Cosine"),
        (cr.OneCycle, "peak of OneCycle"),
        (lambda wrong: cr.OneCycle(0.1, wrong), "steps of OneCycle"),
        (lambda wrong: cr.OneCycle(0.1, 3, wrong), "pct_start of OneCycle"),
        (lambda wrong: cr.OneCycle(0.1, 3, div_factor=wrong), "div_factor of OneCycle"),
        (lambda wrong: cr.Warmup(0.1, wrong), "steps of Warmup"),
    ],
)
@pytest.mark.parametrize("wrong", [-1, "3", np.nan])
def test_settings_of_the_others(make, what, wrong):
    with pytest.raises(errors.InvalidParameter) as caught:
        make(wrong)
    assert what in str(caught.value)
    assert f"Got {wrong!r} instead" in str(caught.value)


@pytest.mark.parametrize("schedule", [*OPEN, cr.Warmup(cr.Cosine(0.1, 9), 3)], ids=repr)
def test_learners_keep_them_in_their_files(schedule, tmp_path):
    one = learner(schedule)
    one.fit(np.ones((5, 1)), np.ones(5), epochs=2)
    one.save(tmp_path / "learner")
    back = cr.Learner.load(tmp_path / "learner")
    assert back.optimizer == one.optimizer
    with pytest.raises(errors.InvalidInput, match="your own"):
        learner(lambda t: 0.1).save(tmp_path / "function")


def test_a_constant_rate_is_what_the_steps_use():
    one = learner(0.25)
    one.step([2.0], [1.0])
    assert one.net.theta.tolist() == [0.25, 0.5]
