"""Whether a table holds NaN or infinity: the core's answer at every place one can be."""

from typing import Any

import numpy as np
import pytest

from chainrule.architecture.inputs import numbers_are_finite
from chainrule.engines import are_finite
from chainrule.engines.native import load_core

_SIZES = [1, 3, 4, 7, 8, 15, 16, 17, 63, 64, 65, 127, 128, 129, 300]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n", _SIZES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_place_hides_it(dtype: str, n: int, bad: float) -> None:
    values = np.linspace(-1, 1, n, dtype=dtype)
    assert load_core().all_finite(values)
    for place in range(n):
        spoilt = values.copy()
        spoilt[place] = bad
        assert not load_core().all_finite(spoilt), place


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", ["largest", "smallest", "subnormal", "minus zero"])
def test_the_limits_of_a_type_are_finite(dtype: str, value: str) -> None:
    limits = np.finfo(dtype)
    given: Any = {
        "largest": limits.max,
        "smallest": limits.min,
        "subnormal": limits.smallest_subnormal,
        "minus zero": -0.0,
    }[value]
    table = np.full((1000, 300), given, dtype)
    assert are_finite(table)
    assert numbers_are_finite(table)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_any_layout_and_type(dtype: str, order: Any) -> None:
    table = np.zeros((2000, 300), dtype, order)
    assert are_finite(table)
    assert are_finite(table[::2])
    table[-1, -1] = np.inf
    assert not are_finite(table)
    assert are_finite(table[::2])


@pytest.mark.usefixtures("use_no_core")
def test_without_a_core() -> None:
    table = np.zeros((2000, 300))
    assert are_finite(table)
    table[5, 5] = np.nan
    assert not are_finite(table)


def test_a_core_that_is_not_to_be_had_does_not_matter_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_ISA", "v9")
    assert are_finite(np.zeros((2000, 300)))
