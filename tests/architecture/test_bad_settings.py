"""What a network may not be: one sentence with what was given, and nothing allocated."""

import itertools
from decimal import Decimal

import numpy as np
import pytest

import chainrule as cr
from chainrule import errors
from chainrule.architecture import Architecture, memory
from chainrule.architecture.checks import check_dtype, check_number, check_seed, check_whole


def refused(kind, *parts, **settings):
    """Make the network and return the message, which must name every part."""
    sizes = settings.pop("sizes", [4, 10, 3])
    with pytest.raises(kind) as caught:
        cr.Network(sizes, **settings)
    message = str(caught.value)
    for part in parts:
        assert part in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("wrong", [-1, 0, 10.0, 10.5, True, "10", None, np.float64(4), 1j, [10]])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_sizes_must_be_whole_and_positive(wrong, place):
    sizes = [4, 10, 3]
    sizes[place] = wrong
    refused(errors.InvalidParameter, f"sizes[{place}]", f"Got {wrong!r} instead", sizes=sizes)


@pytest.mark.parametrize("wrong", ["4,10,3", 4, None, 4.0])
def test_sizes_must_be_a_list(wrong):
    refused(errors.InvalidParameter, "sizes", f"Got {wrong!r} instead", sizes=wrong)


@pytest.mark.parametrize("wrong", [[], [4], (3,)])
def test_one_layer_is_no_network(wrong):
    refused(errors.InvalidParameter, "at least two layers", f"Got {list(wrong)!r}", sizes=wrong)


@pytest.mark.parametrize(
    "sizes", [(4, 3), np.array([4, 3]), [np.int8(4), np.uint64(3)], range(2, 5)]
)
def test_sizes_may_be_any_sequence_of_whole_numbers(sizes):
    net = cr.Network(sizes)
    assert net.sizes == tuple(int(s) for s in sizes)
    assert {type(s) for s in net.sizes} == {int}


def test_log_loss_needs_two_outputs_and_names_cross_entropy():
    refused(errors.InvalidParameter, "[4, 10, 1]", "loss='cross_entropy'", sizes=[4, 10, 1])
    assert cr.Network([4, 10, 1], loss="cross_entropy").sizes == (4, 10, 1)
    assert cr.Network([4, 2], loss="log_loss").sizes == (4, 2)


@pytest.mark.parametrize(
    ("settings", "near"),
    [
        ({"activation": "tahn"}, "tanh"),
        ({"activation": ["sigmoid"]}, None),
        ({"loss": "cros_entropy"}, "cross_entropy"),
        ({"init": "he_unifrom"}, "he_uniform"),
        ({"init": None}, None),
        ({"loss": 3}, None),
    ],
    ids=repr,
)
def test_unknown_names(settings, near):
    (given,) = settings.values()
    given = given[0] if isinstance(given, list) else given
    message = refused(errors.UnknownName, repr(given), **settings)
    if near:
        assert f"did you mean '{near}'?" in message
    assert "The choices are" in message


@pytest.mark.parametrize("wrong", [-1, 2**64, 1.0, "0", None, True, np.nan])
def test_seed(wrong):
    refused(errors.InvalidParameter, "seed", f"Got {wrong!r} instead", seed=wrong)


@pytest.mark.parametrize("right", [0, 2**64 - 1, np.int32(7), np.uint64(2**63)])
def test_good_seeds(right):
    assert cr.Network([2, 2], seed=right).n_parameters == 6
    assert check_seed(right) == int(right)


@pytest.mark.parametrize("wrong", ["float16", "int32", "flaot32", None, int, 3, "complex64"])
def test_dtype(wrong):
    refused(errors.InvalidParameter, "dtype", f"Got {wrong!r} instead", dtype=wrong)


@pytest.mark.parametrize("right", ["float32", np.float32, np.dtype("f4"), "f4", "single"])
def test_good_dtypes(right):
    assert cr.Network([2, 2], dtype=right).theta.dtype == np.float32
    assert check_dtype(float) == np.float64


def test_wrong_length_of_activations():
    refused(errors.InvalidParameter, "got 2 for 1 hidden", activation=["tanh", "relu"])


@pytest.mark.parametrize("sizes", [[10**7, 10**7], [2, 10**8, 10**8, 2], [10**30, 1]])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_too_large_for_memory(sizes, dtype):
    settings = {"sizes": sizes, "dtype": dtype, "loss": "squared_error"}
    message = refused(errors.TooLarge, "GiB", str(sizes), dtype, **settings)
    n = sum((a + 1) * b for a, b in itertools.pairwise(sizes))
    assert f"{n:,} parameters" in message
    tenths = (n * np.dtype(dtype).itemsize * 10 + 2**29) // 2**30  # exact, as a float is not
    assert f"{tenths // 10}.{tenths % 10} GiB" in message
    with pytest.raises(MemoryError):
        cr.Network(sizes, loss="squared_error", dtype=dtype)


def test_memory_is_asked_for_before_anything_is_allocated(monkeypatch):
    monkeypatch.setattr(memory, "_NOT_WORTH_ASKING", 0)
    monkeypatch.setattr(memory, "available_bytes", lambda: 1000)
    assert cr.Network([5, 4, 3], dtype="float64").n_parameters * 8 == 312
    refused(errors.TooLarge, "0.0 GiB", sizes=[50, 4, 3], dtype="float64")
    monkeypatch.setattr(memory, "available_bytes", lambda: None)  # the system does not tell
    assert cr.Network([50, 4, 3], dtype="float64").n_parameters == 219


def test_available_memory_is_plausible():
    available = memory.available_bytes()
    assert available is None or 2**27 < available < 2**60


def test_errors_are_the_built_in_ones_too():
    for kind in (ValueError, TypeError, errors.ChainruleError):
        with pytest.raises(kind):
            cr.Network([4, 0])


# --- the checks by themselves ---


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, -0.1, 1.0, "0.5", None, True, 1j, [0]])
def test_check_number_in_a_half_open_interval(wrong):
    with pytest.raises(errors.InvalidParameter) as caught:
        check_number("p", wrong, high=1)
    assert str(caught.value) == f"p must be a number in [0, 1). Got {wrong!r} instead."


def test_check_number_takes_its_ends_as_said():
    assert check_number("p", 0) == 0.0
    assert check_number("p", np.float32(0.5)) == 0.5
    assert check_number("p", 1, high=1, high_included=True) == 1.0
    with pytest.raises(errors.InvalidParameter, match=r"in \(0, inf\)"):
        check_number("p", 0, low_included=False)
    with pytest.raises(errors.InvalidParameter):
        check_number("p", Decimal("0.5"))


def test_check_whole():
    assert check_whole("n", np.int64(3)) == 3
    assert type(check_whole("n", np.int64(3))) is int
    assert check_whole("n", 0, at_least=0) == 0
    with pytest.raises(errors.InvalidParameter, match=r"n must be .* at least 5\. Got 4"):
        check_whole("n", 4, at_least=5)


def test_the_description_is_frozen_and_counts():
    a = Architecture.describe([4, 10, 3], "tanh", "log_loss", "float32")
    assert a.n_layers == 3
    assert a.shapes == [(4, 10), (10, 3)]
    assert a.n_parameters == 5 * 10 + 11 * 3
    assert a == Architecture.describe((4, 10, 3), ["tanh"], "log_loss", np.float32)
    with pytest.raises(AttributeError):
        a.sizes = (1, 2)
    a.require_trainable()
