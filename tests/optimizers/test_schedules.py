"""Learning-rate schedules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import errors
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


def test_a_constant_rate_is_what_the_steps_use():
    one = learner(0.25)
    one.step([2.0], [1.0])
    assert one.net.theta.tolist() == [0.25, 0.5]
