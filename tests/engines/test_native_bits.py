"""The same bits: whatever the threads, the instruction set, the calls, the form of the data."""

import functools
import hashlib
import itertools
import random

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.engines import native
from chainrule.training import fit as fit_module

from .conftest import ALL_LEVELS, core_of, levels, targets

WIDTHS = (1, 15, 16, 17, 31, 33, 257)
SHIFTED = [(WIDTHS[i], WIDTHS[(i + 3) % 7], WIDTHS[(i + 5) % 7]) for i in range(7)]
SIZES = [*SHIFTED, (17, 33, 1, 31, 257, 15), (16, 3)]
# Rows and batch size: with and without a remainder, alone, all at once, more than a block of rows.
BATCHES = [(67, 50), (130, 101), (3, 1), (67, None), (97, 96), (40, 17)]
EPOCHS = 30
LOSSES = ["squared_error", "cross_entropy", "log_loss", "poisson", "logistic_squared_error"]
ACTIVATIONS = ["tanh", "relu", "gelu", "mish", "elu", "silu", "softplus", "logistic", "selu"]

NEWER = [
    ("absolute_error", (16, 31, 17)),
    (cr.Huber(0.3), (17, 15, 33)),
    (cr.Quantile([0.1, 0.5, 0.9]), (15, 16, 33)),
    (cr.Quantile(0.3), (15, 16, 1)),
    (cr.CrossEntropy(0.1), (15, 16, 17)),
    (cr.LogLoss(0.1), (15, 17, 4)),
    (cr.LogLoss(0.1), (15, 16, 33)),
    (cr.GroupedLogLoss([3, 2, 4]), (16, 33, 9)),
    (cr.GroupedLogLoss([17, 3, 13], 0.1), (16, 15, 33)),
]


def cases():
    """Every shape with one way to batch, activation and loss each, in both dtypes."""
    for i, (loss, sizes) in enumerate(NEWER):
        yield sizes, BATCHES[i % 6], ACTIVATIONS[i % 9], loss, ("float32", "float64")[i % 2]
    for i, sizes in enumerate(SIZES):
        loss = LOSSES[i % 5]
        if loss == "log_loss" and sizes[-1] == 1:
            loss = "cross_entropy"
        for j, dtype in enumerate(("float32", "float64")):
            g = ACTIVATIONS[(i + 4 * j) % 9]
            yield sizes, BATCHES[(i + 3 * j) % 6], g, loss, dtype


CASES = [pytest.param(*case, id="-".join(map(str, case))) for case in cases()]


@functools.cache
def data(n, n_features, n_outputs, loss, dtype):
    rng = np.random.default_rng(n * n_features)
    X = rng.normal(size=(n, n_features)).astype(dtype)
    X[rng.random(X.shape) < 0.5] = 0
    return X, targets(loss, n, n_outputs, rng), rng.uniform(0.5, 2, size=n)


def make(sizes, batching, g, loss, dtype, **settings):
    net = cr.Network(sizes, g, loss, dtype=dtype, init="glorot_uniform", seed=3)
    settings = {
        "l2": 0.1, "l1": 0.01, "dropout": 0.3, "batch_size": batching[1], "engine": "native",
        "seed": 4,
    } | settings  # fmt: skip
    rule = settings.pop("optimizer", cr.Adam(0.003))
    return cr.Learner(net, rule, **settings)


def trained(sizes, batching, g, loss, dtype, *, as_X=None, n_epochs=EPOCHS, **settings):
    """Theta, the costs and the norms of a run."""
    X, Y, weight = data(batching[0], sizes[0], sizes[-1], loss, dtype)
    learner = make(sizes, batching, g, loss, dtype, **settings)
    start = learner.net.theta.copy()
    history = learner.fit(as_X(X) if as_X else X, Y, epochs=n_epochs, sample_weight=weight)
    assert learner.engine == "native"
    assert len(history) == n_epochs
    assert np.isfinite(learner.net.theta).all()
    assert not np.array_equal(start, learner.net.theta)
    numbers = [(record["cost"], record["gradient_norm"]) for record in history]
    return learner.net.theta.tobytes(), numbers, learner.net(X).tobytes()


# --- threads and instruction sets ---


@pytest.mark.parametrize(("sizes", "batching", "g", "loss", "dtype"), CASES)
def test_threads_and_instruction_sets(sizes, batching, g, loss, dtype, use_core):
    case = (sizes, batching, g, loss, dtype)
    results = {}
    for level in levels():
        use_core(level)
        # More threads than processors take turns, which is slow: 5 or 8, not both.
        many = 5 if dtype == "float32" else 8
        for n_jobs in (1, 2, 3, many) if level == levels()[-1] else (1, 3):
            results[level, n_jobs] = trained(*case, n_jobs=n_jobs)
    first = results[levels()[-1], 1]
    assert {run for run, result in results.items() if result != first} == set()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batching", [(67, 50), (130, 101), (40, 17), (5, 3)])
@pytest.mark.parametrize("K", [1, 2, 3, 4, 5, 8])
def test_few_outputs_after_many_nodes(K, batching, dtype, use_core):
    """Products that the wider instruction sets turn round, and the narrower do not, or at fewer."""
    loss, results = "squared_error" if K == 1 else "log_loss", {}
    for level in levels():
        use_core(level)
        for n_jobs in (1, 2):
            case = ((7, 101, K), batching, "tanh", loss, dtype)
            results[level, n_jobs] = trained(*case, n_epochs=10, n_jobs=n_jobs)
    first = results[levels()[-1], 1]
    assert {run for run, result in results.items() if result != first} == set()
    net = cr.Network([7, 101, K], loss=loss, dtype=dtype)
    X = data(batching[0], 7, K, loss, dtype)[0]
    assert np.array_equal(net(X), [net(x) for x in X])  # a single row is never turned round


# Steps so long that several threads share the layers out by columns: panels that can be shared out
# evenly and others, a narrow layer between wide ones, a remainder, more than 192 rows at once.
LONG_STEPS = [
    ((100, 256, 257, 10), (300, 130), "relu", "log_loss"),
    ((40, 300, 9, 330, 3), (421, 420), "tanh", "log_loss"),
    ((300, 129), (210, 205), "relu", "squared_error"),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("sizes", "batching", "g", "loss"), LONG_STEPS)
def test_threads_that_share_out_columns(sizes, batching, g, loss, dtype, use_core):
    results = {}
    for level in levels():
        use_core(level)
        for n_jobs in (1, 2, 3, 5) if level == levels()[-1] else (1, 3):
            for drop in (0.3, 0.0):  # without, the rectifier is part of the product
                run = trained(
                    sizes, batching, g, loss, dtype, n_jobs=n_jobs, n_epochs=2, dropout=drop
                )
                results.setdefault(drop, {})[level, n_jobs] = run
    for runs in results.values():
        first = runs[levels()[-1], 1]
        assert {run for run, result in runs.items() if result != first} == set()


@pytest.mark.parametrize(("sizes", "batching", "g", "loss"), LONG_STEPS)
def test_shared_out_columns_follow_the_reference(sizes, batching, g, loss):
    native, reference = (
        make(sizes, batching, g, loss, "float64", engine=engine, n_jobs=2, dropout=0.2)
        for engine in ("native", "reference")
    )
    X, Y, weight = data(batching[0], sizes[0], sizes[-1], loss, "float64")
    for learner in (native, reference):
        learner.fit(X, Y, epochs=3, sample_weight=weight)
    np.testing.assert_allclose(native.net.theta, reference.net.theta, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_that_the_engine_chooses(dtype, monkeypatch):
    # It may choose anew while it trains: long enough for that.
    case = ((33, 17, 3), (40, 17), "tanh", "log_loss", dtype)
    expected = trained(*case, n_jobs=1, n_epochs=3000)
    monkeypatch.setattr(native, "available_threads", lambda: 3)
    monkeypatch.setattr(native, "_MULTIPLICATIONS_A_THREAD", 1)
    assert trained(*case, n_jobs=None, n_epochs=3000) == expected
    assert trained(*case, n_jobs=None, n_epochs=3000) == expected


@pytest.mark.soak
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_inputs", WIDTHS)
def test_threads_and_instruction_sets_over_all_widths(n_inputs, dtype, use_core):
    for n_hidden, n_outputs in itertools.product(WIDTHS, WIDTHS):
        rng = random.Random(repr((n_inputs, n_hidden, n_outputs)))
        loss = rng.choice(LOSSES if n_outputs > 1 else ["squared_error", "poisson"])
        case = ((n_inputs, n_hidden, n_outputs), rng.choice(BATCHES), rng.choice(ACTIVATIONS), loss)
        results = {}
        for level in levels():
            use_core(level)
            for n_jobs in (1, 2, 3, 5, 8) if level == levels()[-1] else (1, 3):
                results[level, n_jobs] = trained(*case, dtype, n_jobs=n_jobs)
        first = results[levels()[-1], 1]
        assert {run for run, result in results.items() if result != first} == set(), case


EVERY_RULE = [
    cr.SGD(0.01), cr.SGD(0.01, 0.9), cr.SGD(0.01, 0.9, True), cr.AdamW(0.003), cr.Nadam(0.003),
    cr.Adagrad(0.003), cr.RMSprop(0.003), cr.Rprop(0.003), cr.Adam(cr.OneCycle(0.01)),
]  # fmt: skip


@pytest.mark.parametrize("clips", [None, 0.1])
@pytest.mark.parametrize("optimizer", EVERY_RULE, ids=repr)
def test_every_rule_on_every_instruction_set(optimizer, clips, use_core):
    batch_size = None if optimizer.needs_full_batch else 17
    results = set()
    for level in levels():
        use_core(level)
        for n_jobs in (1, 3):
            theta, *_ = trained(
                (33, 17, 15), (40, batch_size), "tanh", "log_loss", "float32", n_jobs=n_jobs,
                optimizer=optimizer, max_grad_norm=clips,
            )  # fmt: skip
            results.add(theta)
    assert len(results) == 1


@pytest.mark.parametrize(
    ("sizes", "loss"), [((400, 300, 300, 3), "cross_entropy"), ((5, 1), "poisson")]
)
def test_clipping_however_the_weights_are_shared_out(sizes, loss, use_core):
    # The norm is one sum, of layers that are shared out by columns, by rows, or not at all.
    results = set()
    for level in levels():
        use_core(level)
        for n_jobs in (1, 2, 3):
            results.add(
                trained(
                    sizes, (67, 50), "relu", loss, "float32", n_jobs=n_jobs, n_epochs=3,
                    dropout=0.0, optimizer=cr.AdamW(0.003), max_grad_norm=0.05,
                )[0]
            )  # fmt: skip
    unclipped = trained(
        sizes, (67, 50), "relu", loss, "float32", n_epochs=3, dropout=0.0,
        optimizer=cr.AdamW(0.003),
    )[0]  # fmt: skip
    assert len(results) == 1
    assert unclipped not in results


def test_the_bits_depend_on_what_they_should():
    # The comparisons above would notice: another seed or rate gives other bits.
    case = ((15, 17, 3), (40, 17), "tanh", "squared_error", "float32")
    results = {
        trained(*case)[0],
        trained(*case, seed=5)[0],
        trained(*case, l1=0.0)[0],
        trained(*case, dropout=0.0)[0],
        trained(*case, shuffle=False)[0],
        trained(*case, optimizer=cr.Adam(0.0030001))[0],
    }
    assert len(results) == 6


SCRIPT = """
import hashlib, numpy as np, chainrule as cr
from chainrule.engines.native import load_core
rng = np.random.default_rng(0)
digest = hashlib.sha256()
for dtype in ("float32", "float64"):
    X, Y = rng.normal(size=(50, 31)), rng.integers(0, 17, size=50)
    net = cr.Network([31, 33, 17], "gelu", init="glorot_uniform", dtype=dtype, seed=5)
    learner = cr.Learner(net, cr.Adam(0.01), l2=0.1, l1=0.01, dropout=0.3, batch_size=16, seed=9)
    history = learner.fit(X, Y, epochs=30)
    digest.update(repr([(r["cost"], r["gradient_norm"]) for r in history]).encode())
    digest.update(net.theta.tobytes())
    digest.update(net(X).tobytes())
print(load_core().isa, learner.engine, digest.hexdigest())
"""


def test_processes_forced_to_an_instruction_set(python):
    outputs = [python(SCRIPT).stdout.split()]
    for level in levels():
        result = python(SCRIPT, CHAINRULE_ISA=level, OMP_NUM_THREADS="1")
        assert result.stderr == ""
        outputs.append(result.stdout.split())
        assert outputs[-1][0] == level
    assert outputs[0][0] == levels()[-1]
    assert {engine for _, engine, _ in outputs} == {"native"}
    assert len({digest for *_, digest in outputs}) == 1


@pytest.mark.parametrize("level", ALL_LEVELS)
def test_each_level_has_a_core_of_its_own(level):
    assert core_of(level).isa == level


# --- one call or many ---


@pytest.mark.parametrize(
    "optimizer",
    [cr.SGD(0.01), cr.Nadam(0.003), cr.AdamW(cr.Warmup(cr.Cosine(0.003, 60), 7))],
    ids=repr,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [1, 17, None])
def test_one_call_or_many(batch_size, dtype, optimizer):
    sizes, batching, g, loss = (15, 33, 3), (40, batch_size), "tanh", "log_loss"
    X, Y, weight = data(40, 15, 3, loss, dtype)
    whole = make(sizes, batching, g, loss, dtype, optimizer=optimizer)
    costs = whole.fit(X, Y, epochs=30, sample_weight=weight).costs

    many = make(sizes, batching, g, loss, dtype, optimizer=optimizer)
    got = [many.fit(X, Y, epochs=1, sample_weight=weight).costs[0] for _ in range(30)]
    assert got == costs
    assert many.net.theta.tobytes() == whole.net.theta.tobytes()

    heard = []
    watched = make(sizes, batching, g, loss, dtype, optimizer=optimizer)
    watched.fit(X, Y, epochs=30, sample_weight=weight, callbacks=[lambda *_: heard.append(0)])
    assert len(heard) == 30
    assert watched.history.costs == costs
    assert watched.net.theta.tobytes() == whole.net.theta.tobytes()

    never = make(sizes, batching, g, loss, dtype, optimizer=optimizer)
    never.fit(X, Y, epochs=30, sample_weight=weight, tol=0.0, n_iter_no_change=np.inf)
    assert never.net.theta.tobytes() == whole.net.theta.tobytes()
    assert never.n_steps == many.n_steps == watched.n_steps == whole.n_steps


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_calls_of_some_epochs_are_one_call(dtype, monkeypatch):
    # The learner lets the engine run some thousand epochs at once; how many is not seen.
    sizes, batching, g, loss = (15, 17, 3), (40, 17), "tanh", "squared_error"
    X, Y, _ = data(40, 15, 3, loss, dtype)
    asked, original = [], native.NativeEngine.epochs

    def epochs(self, task, state, examples, rate, n_epochs, plateau, records, until):
        asked.append(n_epochs)
        return original(self, task, state, examples, rate, n_epochs, plateau, records, until)

    monkeypatch.setattr(native.NativeEngine, "epochs", epochs)
    results = []
    for at_once in (10**6, 7, 1):
        monkeypatch.setattr(fit_module, "_EPOCHS_A_CALL", at_once)
        one = make(sizes, batching, g, loss, dtype)
        records = [
            (record["epoch"], record["cost"], record["learning_rate"])
            for history in (
                one.fit(X, Y, epochs=30),
                one.fit(X, Y, epochs=50, tol=0.02, n_iter_no_change=3),
            )
            for record in history
        ]
        results.append((records, one.net.theta.tobytes(), one.n_steps, one.history.converged))
        assert 30 < len(records) < 80
        assert max(asked) <= at_once
        asked.clear()
    assert results[0] == results[1] == results[2]
    assert results[0][-1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_step_by_step(dtype):
    # Batch descent is steps on everything.
    sizes, batching, g, loss = (15, 33, 3), (67, None), "gelu", "squared_error"
    X, Y, weight = data(67, 15, 3, loss, dtype)
    whole, single = (make(sizes, batching, g, loss, dtype) for _ in range(2))
    costs = whole.fit(X, Y, epochs=30, sample_weight=weight).costs
    assert [single.step(X, Y, weight) for _ in range(30)] == costs
    assert single.net.theta.tobytes() == whole.net.theta.tobytes()
    assert single.n_steps == whole.n_steps == 30


def test_one_engine_goes_from_one_data_set_to_another():
    # The engine keeps its buffers: nothing of one call may be seen in the next.
    X, Y, weight = data(67, 15, 3, "squared_error", "float32")
    used, fresh = (make((15, 33, 3), (67, 16), "tanh", "squared_error", "float32") for _ in "ab")
    for n, rate in ((67, 0.1), (3, 0.2), (67, 0.3), (16, 0.4), (1, 0.5), (50, 0.6)):
        used.l2, fresh.l2 = rate, rate
        a = used.fit(X[-n:], Y[-n:], epochs=2, sample_weight=weight[-n:])
        renewed = make((15, 33, 3), (67, 16), "tanh", "squared_error", "float32")
        renewed.__setstate__(fresh.__getstate__())
        b = renewed.fit(X[-n:], Y[-n:], epochs=2, sample_weight=weight[-n:])
        fresh = renewed
        assert a.costs == b.costs
        assert used.net.theta.tobytes() == fresh.net.theta.tobytes()


# --- the form of the data ---


def memory_mapped(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def read_only(X, tmp_path):
    X = X.copy()
    X.flags.writeable = False
    return X


def strided(X, tmp_path):
    wide = np.full((2 * len(X), 3 * X.shape[1]), np.nan, X.dtype)
    wide[::2, ::3] = X
    return wide[::2, ::3]


def reversed_rows(X, tmp_path):
    return X[::-1].copy()[::-1]


def unaligned(X, tmp_path):
    buffer = bytearray(X.nbytes + 1)
    moved = np.frombuffer(buffer, X.dtype, X.size, offset=1).reshape(X.shape)
    moved[...] = X
    return moved


def csr(X, tmp_path, indices=np.int32, starts=np.int32):
    rows = sparse.csr_array(X)
    rows.indices, rows.indptr = rows.indices.astype(indices), rows.indptr.astype(starts)
    assert (rows.indices.dtype, rows.indptr.dtype) == (indices, starts)
    return rows


def unsorted_with_duplicates(X, tmp_path):
    """Each entry as two halves, and an explicit zero; the columns in a random order."""
    rng = np.random.default_rng(0)
    values, columns, starts = [], [], [0]
    for row in X:
        (places,) = np.nonzero(row)
        entries = [*((j, row[j] / 2) for j in places), *((j, row[j] / 2) for j in places), (0, 0)]
        for i in rng.permutation(len(entries)):
            columns.append(entries[i][0])
            values.append(entries[i][1])
        starts.append(len(values))
    rows = sparse.csr_array((np.array(values, X.dtype), columns, starts), shape=X.shape)
    assert not rows.has_canonical_format
    assert np.array_equal(rows.toarray(), X)
    return rows


FORMS = {
    "Fortran order": lambda X, _: np.asfortranarray(X),
    "read-only": read_only,
    "memory-mapped": memory_mapped,
    "strided": strided,
    "reversed": reversed_rows,
    "unaligned": unaligned,
    "other byte order": lambda X, _: X.astype(X.dtype.newbyteorder()),
    "list": lambda X, _: X.astype("float64").tolist(),
    "CSR int32": csr,
    "CSR int64": functools.partial(csr, indices=np.int64, starts=np.int64),
    "CSR int32 and int64": functools.partial(csr, starts=np.int64),
    "CSR int64 and int32": functools.partial(csr, indices=np.int64),
    "CSR matrix": lambda X, _: sparse.csr_matrix(X),
    "CSR unsorted": unsorted_with_duplicates,
    "CSC": lambda X, _: sparse.csc_array(X),
    "COO": lambda X, _: sparse.coo_array(X),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [1, 17, None])
@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_the_data(form, batch_size, dtype, tmp_path):
    case = ((33, 17, 3), (20, batch_size), "relu", "cross_entropy", dtype)
    expected = trained(*case)
    assert trained(*case, as_X=lambda X: FORMS[form](X, tmp_path)) == expected
    case = ((33, 17, 3), (20, batch_size), "relu", "cross_entropy", dtype)
    plain = trained(*case, shuffle=False, n_jobs=3, n_epochs=3)
    assert (
        trained(*case, as_X=lambda X: FORMS[form](X, tmp_path), shuffle=False, n_epochs=3) == plain
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", FORMS)
def test_predictions_whatever_the_form_of_the_data(form, dtype, tmp_path):
    X, *_ = data(20, 33, 3, "squared_error", dtype)
    net = cr.Network([33, 17, 3], "mish", "log_loss", dtype=dtype)
    assert net(FORMS[form](X, tmp_path)).tobytes() == net(X).tobytes()


def test_the_form_of_targets_and_weights():
    X, Y, weight = data(40, 15, 3, "squared_error", "float64")
    results = set()
    for targets_, weights in (
        (Y, weight),
        (np.asfortranarray(Y), np.repeat(weight, 2)[::2]),
        (Y[::-1].copy()[::-1], weight[::-1].copy()[::-1]),
        (Y.tolist(), weight.tolist()),
    ):
        learner = make((15, 33, 3), (40, 17), "tanh", "squared_error", "float64")
        learner.fit(X, targets_, epochs=5, sample_weight=weights)
        results.add(learner.net.theta.tobytes())
    assert len(results) == 1


# --- predictions ---


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_many_rows_are_one_by_one(sizes, dtype, use_core):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(217, sizes[0])).astype(dtype)
    results = set()
    for level in levels():
        use_core(level)
        net = cr.Network(sizes, "silu", "poisson", dtype=dtype, init="glorot_uniform", seed=1)
        H = net(X)
        results.add(H.tobytes())
        assert np.array([net(x) for x in X]).tobytes() == H.tobytes()
        for start, stop in ((0, 95), (95, 97), (97, 216), (216, 217)):
            assert net(X[start:stop]).tobytes() == H[start:stop].tobytes()
    assert len(results) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_predictions_for_any_number_of_threads(loss, dtype, monkeypatch):
    X = np.random.default_rng(0).normal(size=(1001, 31)).astype(dtype)
    net = cr.Network([31, 257, 17], "gelu", loss, dtype=dtype, seed=1)
    expected = net(X).tobytes()
    asked = []
    for threads in (1, 2, 3, 5, 8):
        monkeypatch.setattr(native, "_threads", lambda *_, n=threads, **__: asked.append(n) or n)
        assert net(X).tobytes() == expected
    assert asked == [1, 2, 3, 5, 8]


# --- every machine ---


def test_these_are_the_bits_of_every_machine():
    # Known answers: they change only where somebody means to change every user's results.
    start, end = hashlib.sha256(), hashlib.sha256()
    for dtype in ("float32", "float64"):
        net = cr.Network([31, 33, 17], "tanh", init="he_uniform", dtype=dtype, seed=7)
        start.update(net.theta.tobytes())
        # Data that no library's function rounds.
        X = ((np.arange(50)[:, None] * 37 + np.arange(31) * 11) % 64 - 32) / 32
        learner = cr.Learner(net, cr.Adam(0.01), l2=0.1, l1=0.01, dropout=0.3, batch_size=16)
        learner.fit(X, np.arange(50) % 17, epochs=30)
        end.update(net.theta.tobytes())
    assert start.hexdigest() == START
    assert end.hexdigest() == END


START = "3df2da5013af9e4d09c0481719b61d5fb09f65bddc349b31ddc140840b7b097a"
END = "ef4fda4bf55b4129f96aa2e20a0dc8032df76a3394286a2ef4e6f3b7f5b099d2"
