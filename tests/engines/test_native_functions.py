"""The core's exp, log, tanh ... against mpmath: at most 4 ULP, and right at every special value."""

import mpmath
import numpy as np
import pytest

from .conftest import core_of, levels

DTYPES = {"float32": np.float32, "float64": np.float64}
ALLOWED = 4.0  # units in the last place


def normal_cdf(x):
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def softplus(x):
    return mpmath.log1p(mpmath.exp(x)) if x < 0 else x + mpmath.log1p(mpmath.exp(-x))


def logistic(x):
    return 1 / (1 + mpmath.exp(-x)) if x >= 0 else mpmath.exp(x) / (1 + mpmath.exp(x))


# Each with the range, in float32 and float64, outside of which nothing but its limits is left.
FUNCTIONS = {
    "exp": (mpmath.exp, (-105, 90), (-750, 711)),
    "expm1": (mpmath.expm1, (-25, 90), (-45, 711)),
    "log": (mpmath.log, None, None),
    "log1p": (mpmath.log1p, None, None),
    "tanh": (mpmath.tanh, (-12, 12), (-25, 25)),
    "logistic": (logistic, (-105, 25), (-750, 45)),
    "erf": (mpmath.erf, (-5, 5), (-7, 7)),
    "normal_cdf": (normal_cdf, (-15, 7), (-40, 10)),
    "softplus": (softplus, (-105, 120), (-750, 800)),
}
EXACT = {name: exact for name, (exact, *_) in FUNCTIONS.items()}


def exactly(name, z):
    """The value in 40 digits, or what a limit or the IEEE standard says."""
    x = float(z)
    if np.isnan(x):
        return x
    if (name == "log" and x <= 0) or (name == "log1p" and x <= -1):
        return -np.inf if x == (0 if name == "log" else -1) else np.nan
    if np.isinf(x):
        below = {"exp": 0.0, "expm1": -1.0, "tanh": -1.0, "logistic": 0.0, "erf": -1.0}
        below |= {"normal_cdf": 0.0, "softplus": 0.0}
        above = {"tanh": 1.0, "logistic": 1.0, "erf": 1.0, "normal_cdf": 1.0}
        return above.get(name, np.inf) if x > 0 else below[name]
    if x == 0 and name in ("expm1", "log1p", "tanh", "erf"):
        return x  # with its sign
    with mpmath.workdps(40):
        if abs(x) > 2000 and name not in ("log", "log1p"):  # long at its limit
            return exactly(name, np.copysign(np.inf, x)) if name != "softplus" or x < 0 else x
        if name in ("expm1", "log1p", "tanh", "erf") and abs(x) < 1e-30:
            return EXACT[name](mpmath.mpf(x) + 0)
        return EXACT[name](mpmath.mpf(x))


def ulp_error(got, exact, dtype):
    """How far the result is from the exact value, in units of the last place there."""
    info = np.finfo(dtype)
    if np.isnan(got) or np.isnan(float(exact)):
        return 0.0 if np.isnan(got) and np.isnan(float(exact)) else np.inf
    with mpmath.workdps(40):
        exact = mpmath.mpf(exact)
        limit = mpmath.mpf(2) ** (info.maxexp)
        if abs(exact) >= limit:
            # From half a unit above the largest number on, infinity is right.
            return 0.0 if np.isinf(got) and (got > 0) == (exact > 0) else np.inf
        value = mpmath.sign(got) * limit if np.isinf(got) else mpmath.mpf(float(got))
        exponent = mpmath.frexp(exact)[1] if exact else info.minexp
        unit = mpmath.mpf(2) ** (max(exponent, info.minexp + 1) - info.nmant - 1)
        return float(abs(value - exact) / unit)


def apply(core, name, z):
    out = np.full_like(z, 7)
    core.apply(name, z, out)
    return out


def require(name, z, dtype, core):
    got = apply(core, name, z)
    errors = np.array([ulp_error(g, exactly(name, x), dtype) for g, x in zip(got, z, strict=True)])
    worst = errors.argmax()
    assert errors[worst] <= ALLOWED, (name, z[worst], got[worst], exactly(name, z[worst]))
    return errors


def sample(name, dtype, n, rng):
    """Arguments over the whole range: of every magnitude, and where the function lives."""
    info = np.finfo(dtype)
    size = np.exp2(rng.uniform(info.minexp - info.nmant, info.maxexp, size=n)).astype(dtype)
    parts = [size] if name == "log" else [size, -size]
    small = np.exp2(rng.uniform(-info.nmant - 2, 3, size=n)).astype(dtype)
    if name == "log":
        parts += [1 - small[small < 1], 1 + small]
    elif name == "log1p":
        parts = [size, -size[size < 1], small, -small[small < 1], small[small < 1] - 1]
    else:
        low, high = FUNCTIONS[name][1 if dtype == np.float32 else 2]
        parts += [rng.uniform(low, high, size=2 * n).astype(dtype), small, -small]
    return np.concatenate(parts)


def specials(dtype):
    info = np.finfo(dtype)
    least, tiny, most = info.smallest_subnormal, info.smallest_normal, info.max
    values = [0.0, np.inf, np.nan, least, 3 * least, tiny - least, tiny, most, 1.0, info.eps]
    return np.array([*values, *(-v for v in values)], dtype)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_at_most_4_units_in_the_last_place(name, dtype):
    core = core_of(levels()[-1])
    z = sample(name, dtype, 1000, np.random.default_rng(len(name)))
    assert len(z) > 2000
    errors = require(name, z, dtype, core)
    assert (errors > 0.01).any()  # the measure does see rounding


@pytest.mark.soak
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_at_most_4_units_in_the_last_place_at_many_points(name, dtype):
    core = core_of(levels()[-1])
    require(name, sample(name, dtype, 20_000, np.random.default_rng(1)), dtype, core)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_zeros_infinities_nan_and_subnormals(name, dtype):
    z = specials(dtype)
    if name == "log1p":
        z = np.append(z, np.nextafter(dtype(-1), dtype(0)))
    core = core_of(levels()[-1])
    require(name, z, dtype, core)
    got = apply(core, name, z)
    if name in ("expm1", "log1p", "tanh", "erf"):
        assert np.array_equal(np.signbit(got[z == 0]), np.signbit(z[z == 0]))
        small = (abs(z) < np.finfo(dtype).smallest_normal) & (z != 0)
        assert (np.sign(got[small]) == np.sign(z[small])).all()
    if name in ("exp", "logistic", "normal_cdf", "softplus"):
        assert not np.signbit(got[~np.isnan(got)]).any()


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_where_results_overflow_and_become_subnormal(name, dtype):
    wide = dtype == np.float64
    edges = {
        "exp": [709.782712893384, -708.3964, -745.133] if wide else [88.72284, -87.33654, -103.972],
        "expm1": [709.782712893384, -36.7, -37.43] if wide else [88.72284, -16.6, -17.33],
        "logistic": [-708.3964, -745.133, 36.7] if wide else [-87.33654, -103.972, 16.6],
        "softplus": [-708.3964, -745.133, 36.7] if wide else [-87.33654, -103.972, 16.6],
        "normal_cdf": [-37.5194, -38.4674, 8.29] if wide else [-12.8, -14.17, 5.4],
        "tanh": [0.3466, 19.06, 22.0] if wide else [0.3466, 9.01, 11.0],
        "erf": [0.5, 5.9, 5.92] if wide else [0.5, 3.9, 3.92],
        "log": [0.7071067811865476, 1.0, 1.4142135623730951],
        "log1p": [-0.2928932188134524, 0.41421356237309503, -0.999],
    }[name]
    z = []
    for edge in edges:
        at = dtype(edge)
        z += [at, -at] if name not in ("log", "log1p") else [at]
        up = down = at
        for _ in range(12):
            up, down = np.nextafter(up, dtype(np.inf)), np.nextafter(down, dtype(-np.inf))
            z += [up, down]
    require(name, np.array(z, dtype), dtype, core_of(levels()[-1]))


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_same_bits_on_every_instruction_set_and_at_every_place(name, dtype):
    z = np.concatenate(
        [sample(name, dtype, 3000, np.random.default_rng(2)), specials(dtype), -specials(dtype)]
    )
    results = [apply(core_of(level), name, z) for level in levels()]
    for other in results[1:]:
        same = (other.view(f"u{dtype().itemsize}") == results[0].view(f"u{dtype().itemsize}")) | (
            np.isnan(other) & np.isnan(results[0])
        )
        assert same.all(), z[~same]
    core = core_of(levels()[-1])
    for start, n in ((0, 1), (1, 15), (3, 17), (5, 33), (7, 100)):
        part = z[start : start + n].copy()
        alone = np.array([apply(core, name, part[i : i + 1])[0] for i in range(n)])
        for got in (apply(core, name, part), alone):
            assert np.array_equal(got, results[-1][start : start + n], equal_nan=True)


def test_what_is_not_there_is_refused():
    core = core_of(levels()[-1])
    with pytest.raises(ValueError, match="no such function"):
        core.apply("gamma", np.zeros(3), np.zeros(3))


def test_the_error_is_measured_right():
    one = mpmath.mpf(1)
    assert ulp_error(np.float64(1 + 2**-52), one, np.float64) == 1.0
    assert ulp_error(np.float32(1 + 2**-22), one, np.float32) == 2.0
    assert ulp_error(np.float64(np.inf), one, np.float64) > 1e300
    assert ulp_error(np.float64(5e-324), mpmath.mpf(0), np.float64) == 1.0
    assert ulp_error(np.float64(0.0), np.nan, np.float64) == np.inf
    assert ulp_error(np.finfo(np.float64).max, mpmath.mpf(2) ** 1024, np.float64) == np.inf


def test_no_array_is_converted():
    # What is written into a converted copy would be lost.
    core = core_of(levels()[-1])
    z, out = np.ones(6), np.zeros(6)
    wrong = {
        "dtype": np.zeros(6, "float32"),
        "strided": np.zeros(12)[::2],
        "integers": np.zeros(6, int),
        "list": [0.0] * 6,
    }
    core.apply("exp", z, out)
    for other in wrong.values():
        for arguments in ((z, other), (other, out)):
            with pytest.raises(TypeError, match="incompatible function arguments"):
                core.apply("exp", *arguments)
    read_only = np.zeros(6)
    read_only.flags.writeable = False
    with pytest.raises(TypeError, match="incompatible function arguments"):
        core.apply("exp", z, read_only)

    X, H = np.ones((6, 1), "float32"), np.zeros((6, 1), "float32")
    net = core.Architecture([1, 1], [], "squared_error", [])
    theta = np.ones(2, "float32")
    predictor = core.PredictorF32(net)
    predictor.predict(theta, X, H, 1)
    assert (H == 2).all()
    for name, given in {"theta": theta, "X": X, "H": H}.items():
        strided = np.repeat(given, 2, axis=0)[::2]
        for other in (given.astype("float64"), strided, given.tolist()):
            arguments = {"theta": theta, "X": X, "H": H} | {name: other}
            with pytest.raises(TypeError, match="incompatible function arguments"):
                predictor.predict(**arguments, threads=1)

    settings = core.Settings()
    settings.rule, settings.batch_size = core.UpdateRule("adam"), 6
    trainer, progress = core.TrainerF32(net, settings, 6), core.Progress()
    arrays = {
        "theta": theta, "first": np.zeros(2, "float32"), "second": np.zeros(2, "float32"),
        "X": X, "Y": H, "weight": np.ones(6, "float32"), "numbers": np.arange(6),
        "rates": np.full(3, 0.1), "records": np.zeros((3, 3)),
    }  # fmt: skip

    def run(theta, first, second, X, Y, weight, numbers, rates, records):
        parameters = core.ParametersF32(theta, first, second)
        core.ExamplesF32(X, Y, weight, 6.0, numbers)
        examples = core.ExamplesF32(X, Y, weight, 6.0, None)
        trainer.run(parameters, examples, rates, progress, core.Stopping(), records, np.inf)

    run(**arrays)
    assert (progress.step, progress.epoch, progress.examples, progress.position) == (3, 3, 18, 0)
    for name, given in arrays.items():
        other = "float32" if given.dtype != np.float32 else "float64"
        for converted in (given.astype(other), np.repeat(given, 2, axis=0)[::2], given.tolist()):
            with pytest.raises(TypeError, match="incompatible function arguments"):
                run(**arrays | {name: converted})


def test_names_and_lengths_that_do_not_fit():
    """What the engine would have to get wrong is refused, so that nothing is written astray."""
    core = core_of(levels()[-1])
    with pytest.raises(ValueError, match="does not know"):
        core.UpdateRule("none")
    with pytest.raises(ValueError, match="does not know"):
        core.Architecture([1, 2, 1], ["none"], "squared_error", [])
    with pytest.raises(ValueError, match="do not fit"):
        core.Architecture([1, 2, 1], [], "squared_error", [])
    net = core.Architecture([2, 1], [], "squared_error", [])
    trainer = core.TrainerF64(net, core.Settings(), 3)
    X, Y = np.ones((3, 2)), np.ones((3, 1))
    fitting = {"theta": np.ones(3), "X": X, "Y": Y, "weight": np.ones(3), "rates": np.ones(1)}

    def run(theta, X, Y, weight, rates, numbers=None):
        examples = core.ExamplesF64(X, Y, weight, 3.0, numbers)
        parameters = core.ParametersF64(theta, None, None)
        state = core.Progress(), core.Stopping()
        return trainer.run(parameters, examples, rates, *state, np.zeros((1, 3)), np.inf)

    assert run(**fitting) == 0
    wrong = {
        "theta": np.ones(4), "X": np.ones((3, 1)), "Y": np.ones((3, 2)), "weight": np.ones(2),
        "rates": np.ones(0), "numbers": np.arange(3),
    }  # fmt: skip
    rows = core.SparseRowsF64(np.ones(1), np.zeros(1, int), np.array([0, 1, 1, 1]))
    for name, value in [*wrong.items(), ("X", np.ones((4, 2))), ("X", rows)]:
        with pytest.raises(ValueError, match="do not fit"):
            run(**fitting | {name: value})
