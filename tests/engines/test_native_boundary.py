"""What enters the compiled core is either taken, with the same result, or refused in a sentence."""

import contextlib
import decimal
import fractions
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.errors import ChainruleError, InvalidInput, InvalidParameter
from chainrule.optimizers.schedules import Schedule

pytestmark = [
    pytest.mark.filterwarnings("ignore::chainrule.TrainingWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),  # NumPy's, of matrices
]

RNG = np.random.default_rng(0)
# Eighths, so that every type holds them.
X = RNG.integers(-16, 16, (12, 3)) / 8
Y = X @ [1.0, 2.0, -1.0]
W = RNG.integers(1, 16, 12) / 8
ENGINES = ("native", "reference")


def not_aligned(array):
    array = np.ascontiguousarray(array)
    return (
        np.frombuffer(b"\0" + array.tobytes(), np.uint8)[1:].view(array.dtype).reshape(array.shape)
    )


def backwards(array):
    return array[::-1].copy()[::-1]


def each_second(array):
    return np.repeat(array, 2, axis=0)[::2]


class Subclass(np.ndarray):
    pass


SAME = {
    "float16": lambda a: a.astype(np.float16),
    "longdouble": lambda a: a.astype(np.longdouble),
    "object": lambda a: a.astype(object),
    "fractions": np.vectorize(fractions.Fraction, otypes=[object]),
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "other byte order, float32": lambda a: a.astype(np.dtype(np.float32).newbyteorder()),
    "not aligned": not_aligned,
    "not aligned, float32": lambda a: not_aligned(a.astype(np.float32)),
    "columns first": np.asfortranarray,
    "backwards": backwards,
    "each second": each_second,
    "read-only": lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
    "nothing masked": np.ma.masked_array,
    "subclass": lambda a: a.view(Subclass),
    "lists": lambda a: a.tolist(),
    "memoryview": memoryview,
    "matrix": lambda a: np.matrix(a) if a.ndim == 2 else a,
}
REFUSED = {
    "masked": lambda a: np.ma.masked_array(a, np.arange(a.size).reshape(a.shape) % 5 == 1),
    "decimals": np.vectorize(decimal.Decimal, otypes=[object]),
    "huge whole numbers": lambda a: np.full(a.shape, 10**400, object),
    "text": lambda a: a.astype(str),
    "complex": lambda a: a + 0j,
    "times": lambda a: (8 * a).astype("m8[s]"),
    "records": lambda a: np.zeros(a.shape, [("a", "f4")]),
    "bytes": lambda a: a.tobytes(),
    "0-d": lambda a: np.array(a.flat[0]),
    "4-d": lambda a: a[None, None, None],
    "empty": lambda a: a[:0],
    "nothing": lambda a: None,
    "a generator": lambda a: (row for row in a),
    "a dict": lambda a: {"a": a},
    "ragged": lambda a: [[1.0], [1.0, 2.0]],
}


def network(dtype="float32"):
    return cr.Network([3, 4, 1], loss="squared_error", dtype=dtype, seed=1)


def fit(x, y, w, dtype, engine):
    learner = cr.Learner(network(dtype), engine=engine)
    learner.fit(x, y, sample_weight=w, epochs=2)
    return learner.net.theta.tobytes()


def step(x, y, w, dtype, engine):
    learner = cr.Learner(network(dtype), engine=engine)
    return learner.step(x, y, w), learner.net.theta.tobytes()


def judge(x, y, w, dtype, engine):
    stop = cr.EarlyStopping(x, y, sample_weight=w)
    cr.Learner(network(dtype), engine=engine).fit(X, Y, epochs=2, callbacks=[stop])
    return stop.losses


def trace(x, y, w, dtype, engine):
    return network(dtype).trace(x, y, w).cost


def hypotheses(x, y, w, dtype, engine):
    return network(dtype)(x).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("use", [fit, step, judge, trace, hypotheses])
@pytest.mark.parametrize("kind", SAME)
def test_numbers_of_every_kind_are_the_same_numbers(kind, use, dtype):
    made = SAME[kind]
    for engine in ENGINES:
        expected = use(X, Y, W, dtype, engine)
        assert use(made(X), Y, W, dtype, engine) == expected
        if use is not hypotheses:
            assert use(X, made(Y), W, dtype, engine) == expected
            assert use(X, Y, made(W), dtype, engine) == expected


@pytest.mark.parametrize("use", [fit, step, judge, trace, hypotheses])
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_table_of_numbers_is_refused_in_a_sentence(kind, use):
    made = REFUSED[kind]
    places = {"X": (made(X), Y, W), "Y": (X, made(Y), W), "sample_weight": (X, Y, made(W))}
    if use is hypotheses:
        places = {"X": places["X"]}
    for place, given in places.items():
        if kind == "nothing" and place == "sample_weight":
            continue  # no weights
        for engine in ENGINES:
            with pytest.raises(InvalidInput) as refused:
                use(*given, "float32", engine)
            assert place in str(refused.value)


# --- one row, past all checks of Python's ---


@dataclass
class Index:
    given: Any

    def __index__(self):
        if isinstance(self.given, Exception):
            raise self.given
        return self.given


ROWS = {
    "float64": X[0],
    "float16": X[0].astype("f2"),
    "other byte order": X[0].astype(np.dtype("f4").newbyteorder()),
    "not aligned": not_aligned(X[0].astype("f4")),
    "backwards": backwards(X[0].astype("f4")),
    "longdouble": X[0].astype(np.longdouble),
    "object": X[0].astype(object),
    "whole numbers": np.array([1, 2, 3]),
    "bool": np.array([True, False, True]),
    "read-only": np.frombuffer(X[0].astype("f4").tobytes(), "f4"),
}


@pytest.mark.parametrize("kind", ROWS)
def test_a_row_of_every_kind_is_the_same_row(kind):
    row, plain = ROWS[kind], ROWS[kind].astype(np.float32)
    nets = network(), network()
    for net in nets:
        net(X)  # now there is something to predict a row with at once
    assert nets[0](row).tobytes() == nets[1](plain).tobytes()
    learners = [cr.Learner(net) for net in nets]
    costs = [
        [learner.step(x, y) for y in (np.array([1], "f4"), np.array([1.0]), 1, np.int8(1), [1])]
        for learner, x in zip(learners, (row, plain), strict=True)
    ]
    assert costs[0] == costs[1]
    assert nets[0].theta.tobytes() == nets[1].theta.tobytes()


@pytest.mark.parametrize(
    "bad",
    [
        *(X[0, :2], np.array([1.0, np.nan, 1.0]), np.array(["a", "b", "c"]), np.array([1j, 0, 0])),
        *(np.array([None, 1, 2]), np.zeros(3, "m8[s]"), np.ma.masked_array([1.0, 2, 3], [0, 1, 0])),
        np.array([10**400, 1, 1], object),
    ],
    ids=repr,
)
def test_a_row_that_cannot_be_is_refused(bad):
    net = network()
    learner = cr.Learner(net)
    learner.step(X[0].astype("f4"), np.ones(1, "f4"))
    net(X)
    before = net.theta.tobytes()
    for use in (net, lambda x: learner.step(x, np.ones(1, "f4"))):
        with pytest.raises(InvalidInput):
            use(bad)
    assert net.theta.tobytes() == before


@pytest.mark.parametrize(
    "good", [1, True, np.int8(1), np.uint64(1), np.array(1), np.array([1]), [1], 1.0, np.eye(3)[1]]
)
def test_a_class_of_every_kind_is_the_same_class(good):
    nets = [cr.Network([3, 4, 3], seed=1) for _ in range(2)]
    row = X[0].astype("f4")
    for net, k in zip(nets, (good, 1), strict=True):
        learner = cr.Learner(net)
        for y in (0, k, k):
            learner.step(row, y)
    assert nets[0].theta.tobytes() == nets[1].theta.tobytes()


@pytest.mark.parametrize(
    "bad",
    [
        *(-1, 3, 10**40, 0.5, np.nan, "1", b"1", None, object(), Index(-1)),
        Index(RuntimeError("no")),
        np.array(["a"]),
    ],
    ids=lambda bad: type(bad).__name__ + repr(bad)[:20].partition(" at ")[0],
)
def test_a_class_that_cannot_be_is_refused(bad):
    learner = cr.Learner(cr.Network([3, 4, 3], seed=1))
    row = X[0].astype("f4")
    learner.step(row, 1)
    before = learner.net.theta.tobytes()
    with pytest.raises(InvalidInput):
        learner.step(row, bad)
    assert learner.net.theta.tobytes() == before


# --- sparse ---


OF_ARRAYS = {"csr", "csc", "bsr", "coo", "dia"}


@pytest.mark.parametrize("index", ["i4", "i8", "i2", "u4", ">i4"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", ">f4", ">f8", "i4", "?"])
@pytest.mark.parametrize("kind", sorted(OF_ARRAYS))
def test_sparse_matrices_of_every_kind_are_the_same(kind, dtype, index):
    given = sparse.csr_array(np.where(X > 0.5, 1.0, 0.0)).asformat(kind)
    given.data = given.data.astype(dtype)
    given.data.setflags(write=False)
    for name in ("indices", "indptr"):
        if hasattr(given, name):
            setattr(given, name, getattr(given, name).astype(index))
            getattr(given, name).setflags(write=False)
    same_as_dense(given)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "?"])
@pytest.mark.parametrize("kind", ["lil", "dok"])
def test_sparse_matrices_without_arrays_are_the_same(kind, dtype):
    same_as_dense(sparse.csr_array(np.where(X > 0.5, 1.0, 0.0)).asformat(kind).astype(dtype))


def same_as_dense(given):
    dense = np.where(X > 0.5, 1.0, 0.0)
    for use in (fit, hypotheses):
        found = np.frombuffer(use(given, Y, W, "float32", "native"), "f4")
        expected = np.frombuffer(use(dense, Y, W, "float32", "native"), "f4")
        np.testing.assert_allclose(found, expected, atol=1e-6)


def damaged(kind, change):
    given = sparse.csr_array(X).asformat(kind, copy=True)
    change(given)
    return given


DAMAGE = {
    "indices too large": lambda m: m.indices.__iadd__(50),
    "indices below 0": lambda m: m.indices.__isub__(50),
    "starts too large": lambda m: m.indptr[-1:].__iadd__(1000),
    "starts that fall": lambda m: m.indptr[1:2].__iadd__(1000),
    "starts below 0": lambda m: m.indptr[1:2].__isub__(1000),
    "a first start": lambda m: m.indptr[:1].__iadd__(1),
    "too few starts": lambda m: setattr(m, "indptr", m.indptr[:-1]),
    "too few values": lambda m: setattr(m, "data", m.data[:-1]),
    "too few indices": lambda m: setattr(m, "indices", m.indices[:-1]),
}


@pytest.mark.parametrize("kind", ["csr", "csc", "bsr"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_sparse_matrices_whose_indices_lead_out_are_refused(kind, damage):
    bad = damaged(kind, DAMAGE[damage])
    for engine in ENGINES:
        for use in (fit, step, judge, hypotheses, trace):
            with pytest.raises(InvalidInput, match="indices of the sparse X do not fit"):
                use(bad, Y, W, "float32", engine)


# --- settings ---

NUMBERS = [
    *(0, 1, -1, -2, 3, 10**6, 2**31, 2**63, 2**64, 10**30, 10**400, 0.5, 2.5, 1e-320, 1e308),
    *(True, None, "a", 1j, float("nan"), float("inf"), np.float32(0.25), np.longdouble(0.25)),
    *(
        np.int8(1),
        np.array(0.5),
        np.array([0.5]),
        fractions.Fraction(1, 4),
        decimal.Decimal("0.25"),
    ),
]
LEARNERS = ("l2", "l1", "dropout", "dropout_input", "batch_size", "seed", "n_jobs", "max_grad_norm")
FITS = ("epochs", "tol", "n_iter_no_change", "max_seconds")
RULES = {
    cr.SGD: ("learning_rate", "momentum"),
    cr.Adam: ("learning_rate", "beta_1", "beta_2", "epsilon"),
    cr.AdamW: ("weight_decay",),
    cr.Nadam: ("momentum_decay",),
    cr.RMSprop: ("rho", "epsilon"),
    cr.Adagrad: ("epsilon",),
    cr.Rprop: ("eta_minus", "eta_plus", "min_step", "max_step"),
}


def learned(value, name):
    for use in ("fit", "step"):
        learner = cr.Learner(network(), **{name: value})
        if use == "fit":
            learner.fit(X, Y, epochs=1)
        else:
            learner.step(X[0].astype("f4"), Y[:1].astype("f4"))


def fitted(value, name):
    settings = {"epochs": 2, "tol": 1e-3, "max_seconds": 0.002, name: value}
    cr.Learner(network()).fit(X, Y, **settings)


def optimized(value, rule, name):
    settings = {"learning_rate": 0.01} if rule is cr.SGD else {}
    optimizer = rule(**{**settings, name: value})
    cr.Learner(network(), optimizer, batch_size=None).fit(X, Y, epochs=1)


USES = {
    **{f"Learner {name}": partial(learned, name=name) for name in LEARNERS},
    **{f"fit {name}": partial(fitted, name=name) for name in FITS},
    **{
        f"{rule.__name__} {name}": partial(optimized, rule=rule, name=name)
        for rule, names in RULES.items()
        for name in names
    },
}


@pytest.mark.parametrize("use", USES)
def test_settings_are_taken_or_refused_in_a_sentence(use):
    n_taken = 0
    for value in NUMBERS:
        with np.errstate(all="ignore"), contextlib.suppress(ChainruleError):
            USES[use](value)
            n_taken += 1
    assert 0 < n_taken < len(NUMBERS)


@dataclass
class Own(Schedule):
    """A schedule of a user's, which returns what it likes."""

    returned: Any

    def rates(self, steps, examples, reductions):
        return self.returned(steps)


RATES = {
    "float32": lambda steps: np.full(len(steps), 0.25, "f4"),
    "a list": lambda steps: [0.25] * len(steps),
    "broadcast": lambda steps: np.broadcast_to(0.25, steps.shape),
    "backwards": lambda steps: np.full(len(steps), 0.25)[::-1],
    "other byte order": lambda steps: np.full(len(steps), 0.25, ">f8"),
    "longdouble": lambda steps: np.full(len(steps), 0.25, np.longdouble),
    "object": lambda steps: np.full(len(steps), 0.25, object),
}
NO_RATES = {
    "one for all": lambda steps: np.full(1, 0.25),
    "a number": lambda steps: 0.25,
    "two dimensions": lambda steps: np.full((len(steps), 1), 0.25),
    "too many": lambda steps: np.full(len(steps) + 1, 0.25),
    "NaN": lambda steps: np.full(len(steps), np.nan),
    "infinity": lambda steps: np.full(len(steps), np.inf),
    "below 0": lambda steps: np.full(len(steps), -0.1),
    "complex": lambda steps: np.full(len(steps), 1j),
    "text": lambda steps: ["a"] * len(steps),
    "nothing": lambda steps: None,
    "too large": lambda steps: [10**400] * len(steps),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", RATES)
def test_rates_of_every_kind_are_the_same_rates(kind, engine):
    def trained(rate):
        learner = cr.Learner(network(), cr.SGD(rate), batch_size=5, engine=engine)
        learner.step(X, Y)
        return learner.fit(X, Y, epochs=2).costs, learner.net.theta.tobytes()

    assert trained(Own(RATES[kind])) == trained(0.25)
    assert trained(cr.Warmup(Own(RATES[kind]), 4)) == trained(cr.Warmup(0.25, 4))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", NO_RATES)
def test_rates_that_cannot_be_are_refused(kind, engine):
    for rate in (Own(NO_RATES[kind]), cr.Warmup(Own(NO_RATES[kind]), 4)):
        learner = cr.Learner(network(), cr.SGD(rate), batch_size=5, engine=engine)
        before = learner.net.theta.tobytes()
        with pytest.raises(InvalidParameter, match="learning rates of Own must be"):
            learner.fit(X, Y, epochs=2)
        if kind != "one for all":  # which is right for one step
            with pytest.raises(InvalidParameter, match="learning rates of Own must be"):
                learner.step(X, Y)
        assert learner.net.theta.tobytes() == before


@pytest.mark.parametrize(
    "dtype", [">f4", "<f8", ">f8", "float16", "longdouble", "i4", object, None]
)
def test_types_of_parameters_are_taken_or_refused(dtype):
    with contextlib.suppress(InvalidParameter):
        net = network(dtype)
        cr.Learner(net).fit(X, Y, epochs=1)
        assert net.theta.dtype in (np.float32, np.float64)
        assert net.theta.dtype.isnative


# --- what the system refuses ---

NO_MEMORY = """
import resource
import numpy as np
import chainrule as cr

X, Y = np.zeros((200_000, 4), "f4"), np.zeros((200_000, 1), "f4")
net = cr.Network([4, 500, 1], loss="squared_error")
wide = cr.Network([4, 2_000_000, 1], loss="squared_error")
few, row = X[:200], X[0]
cr.Learner(net).fit(X[:50], Y[:50], epochs=1)
net(X[:5])
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 200_000_000,) * 2)
for use in (
    lambda: cr.Learner(net, batch_size=None).fit(X, Y, epochs=1),
    lambda: cr.Learner(net).step(X, Y),
    lambda: wide(few),
):
    try:
        use()
    except cr.errors.TooLarge as error:
        print(error)
"""
NO_THREADS = """
import os, resource
import numpy as np
import chainrule as cr

X, Y = np.zeros((4000, 100), "f4"), np.zeros((4000, 1), "f4")
net = cr.Network([100, 200, 1], loss="squared_error")
cr.Learner(net, n_jobs=1).fit(X, Y, epochs=1)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
if os.getuid() == 0:
    os.setuid(65534)  # whom the limit holds for
try:
    cr.Learner(net, n_jobs=2, batch_size=None).fit(X, Y, epochs=1)
except cr.errors.NoThreads as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits")
def test_memory_that_is_not_to_be_had_is_a_sentence(python):
    result = python(NO_MEMORY)
    lines = result.stdout.splitlines()
    assert len(lines) == 3, result.stderr
    assert all("memory to" in line and "is not available" in line for line in lines)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits")
def test_threads_that_are_not_to_be_had_are_a_sentence(python):
    result = python(NO_THREADS)
    assert result.stdout.startswith("The system does not give this process another thread: set n_j")
