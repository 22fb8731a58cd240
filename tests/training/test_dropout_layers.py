"""Dropout layer by layer and on the input; training on some rows of an X that is shared."""

import importlib
import itertools

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.architecture.rows import Rows
from chainrule.engines import native
from chainrule.maths.random import dropout_mask

RNG = np.random.default_rng(7)
N = 41
X = np.where(RNG.random((N, 21)) < 0.4, 0, RNG.normal(size=(N, 21)))
Y = RNG.normal(size=(N, 2))
ENGINES = ("reference", "native")
DROPOUT = [((0.5, 0.0, 0.2), 0.0), ((0.0, 0.0, 0.0), 0.3), ((0.0, 0.4, 0.0), 0.1), (0.3, 0.2)]
FORMS = {
    "dense": np.asarray,
    "Fortran": np.asfortranarray,
    "CSR": sparse.csr_matrix,
    "CSR, 64 bits": lambda X: _wide(sparse.csr_matrix(X)),
}
LEVELS = importlib.import_module("chainrule.engines._cpu").levels()


def _wide(X):
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def make(dropout, dropout_input, dtype="float64", sizes=(21, 9, 17, 5, 2), **settings):
    net = cr.Network(sizes, "tanh", "squared_error", dtype=dtype, seed=4)
    settings = {"batch_size": 8, "seed": 3, "l2": 0.1, "engine": "native"} | settings
    return cr.Learner(net, cr.Adam(0.01), dropout=dropout, dropout_input=dropout_input, **settings)


def trained(*args, X=X, Y=Y, epochs=6, **settings):
    learner = make(*args, **settings)
    learner.fit(X, Y, epochs=epochs)
    return learner.net.theta


@pytest.mark.parametrize(("dropout", "inputs"), DROPOUT)
@pytest.mark.parametrize("batch_size", [1, 8, None])
@pytest.mark.parametrize("shuffle", [True, False])
def test_the_engines_agree(dropout, inputs, batch_size, shuffle):
    settings = {"batch_size": batch_size, "shuffle": shuffle}
    one, other = (trained(dropout, inputs, engine=engine, **settings) for engine in ENGINES)
    np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)
    plain = trained(0.0, 0.0, engine="reference", **settings)
    assert abs(one - plain).max() > 1e-3


@pytest.mark.parametrize(("dropout", "inputs"), DROPOUT)
@pytest.mark.parametrize("batch_size", [1, 8, None])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits(dropout, inputs, batch_size, dtype, monkeypatch):
    settings = {"batch_size": batch_size, "dtype": dtype, "epochs": 2}
    first = trained(dropout, inputs, **settings).tobytes()
    for (name, form), level, n_jobs in itertools.product(FORMS.items(), LEVELS, (1, 3)):
        core = importlib.import_module(f"chainrule.engines._native_{level}")
        monkeypatch.setattr(native, "load_core", lambda core=core: core)
        again = trained(dropout, inputs, X=form(X), n_jobs=n_jobs, **settings)
        assert again.tobytes() == first, (name, level, n_jobs)


def test_the_same_bits_where_threads_share_out_columns():
    rng = np.random.default_rng(0)
    wide, targets = rng.normal(size=(256, 300)), rng.normal(size=(256, 2))
    settings = {"X": wide, "Y": targets, "sizes": (300, 256, 256, 2), "batch_size": 128}
    one, two = (trained([0.5, 0.0], 0.2, epochs=2, n_jobs=n, **settings) for n in (1, 2))
    assert one.tobytes() == two.tobytes()
    reference = trained([0.5, 0.0], 0.2, epochs=2, engine="reference", **settings)
    np.testing.assert_allclose(one, reference, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("dropout", "inputs"), DROPOUT)
def test_a_step_is_that_of_the_thinned_example(engine, dropout, inputs):
    """Of X times its mask, whatever happens behind it: layer 0 has counters of its own."""
    mask = dropout_mask(N, 21, inputs, 3, 0, 0) / (1 - inputs)
    one, other = make(dropout, inputs, engine=engine), make(dropout, 0.0, engine=engine)
    assert one.step(X, Y) == pytest.approx(other.step(X * mask, Y), rel=1e-12)
    np.testing.assert_allclose(one.net.theta, other.net.theta, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_one_row_at_a_time(engine):
    rows = [make(0.2, 0.4, engine=engine) for _ in range(2)]
    for x, y in zip(X, Y, strict=True):
        costs = rows[0].step(x, y), rows[1].step(x[None], y[None])
        assert costs[0] == costs[1]
    assert rows[0].net.theta.tobytes() == rows[1].net.theta.tobytes()


@pytest.mark.parametrize("engine", ENGINES)
def test_one_number_is_a_list_of_it(engine):
    one, other = (trained(p, 0.1, engine=engine) for p in (0.3, [0.3, 0.3, 0.3]))
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("engine", ENGINES)
def test_it_goes_on_from_a_checkpoint(engine, tmp_path):
    whole = trained([0.5, 0.0, 0.2], 0.3, engine=engine)
    for epochs in (2, 6):
        learner = make([0.5, 0.0, 0.2], 0.3, engine=engine)
        learner.fit(X, Y, epochs=epochs, checkpoint=tmp_path / "run", resume=epochs > 2)
    assert learner.net.theta.tobytes() == whole.tobytes()
    for other in (([0.5, 0.0, 0.1], 0.3), ([0.5, 0.0, 0.2], 0.2)):
        with pytest.raises(cr.errors.CheckpointMismatch, match="the dropout"):
            make(*other, engine=engine).fit(
                X, Y, epochs=9, checkpoint=tmp_path / "run", resume=True
            )


def test_it_is_in_the_file(tmp_path):
    learner = make([0.5, 0.0, 0.2], 0.3)
    learner.fit(X, Y, epochs=2)
    learner.save(tmp_path / "learner")
    back = cr.Learner.load(tmp_path / "learner")
    assert back.dropout == (0.5, 0.0, 0.2)
    assert back.dropout_input == 0.3
    for one in (learner, back):
        one.fit(X, Y, epochs=2)
    assert back.net.theta.tobytes() == learner.net.theta.tobytes()


@pytest.mark.parametrize(
    ("dropout", "inputs", "sentence"),
    [
        ([0.5, 0.5], 0.0, r"dropout must be .* Got 2 of them for 3 hidden layers"),
        ([0.5, 0.5, 1.0], 0.0, r"dropout\[2\] must be a number in \[0, 1\)"),
        (1.0, 0.0, r"dropout must be a number in \[0, 1\)"),
        (0.0, 1.0, r"dropout_input must be a number in \[0, 1\)"),
        (0.0, [0.1], r"dropout_input must be a number in \[0, 1\)"),
    ],
)
def test_what_cannot_be(dropout, inputs, sentence):
    with pytest.raises(cr.errors.InvalidParameter, match=sentence):
        make(dropout, inputs)


def test_the_estimators_take_both():
    settings = {"hidden_layer_sizes": (9, 5), "max_iter": 3, "random_state": 0, "tol": 0}
    with pytest.warns(match="converged"):
        model = cr.MLPRegressor(dropout=[0.5, 0.1], dropout_input=0.2, **settings).fit(X, Y)
    learner = model._learner
    assert (learner.dropout, learner.dropout_input) == ((0.5, 0.1), 0.2)
    with pytest.raises(ValueError, match="'dropout_input' parameter of MLPRegressor must be 0 "):
        cr.MLPRegressor(dropout_input=0.2, solver="lbfgs").fit(X, Y)


# --- some rows of a shared X -------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("batch_size", [1, 8, None])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("inputs", [0.0, 0.2])
def test_rows_of_x_are_a_copy_of_them(engine, form, batch_size, shuffle, inputs):
    rows = np.random.default_rng(1).permutation(N)[:23]
    whole = FORMS[form](X)
    settings = {"engine": engine, "batch_size": batch_size, "shuffle": shuffle, "Y": Y[rows]}
    shared = trained(0.1, inputs, X=Rows(whole, rows), **settings)
    copied = trained(0.1, inputs, X=whole[rows], **settings)
    assert shared.tobytes() == copied.tobytes()


def test_rows_of_rows():
    rows = Rows(X, np.arange(5, 30))
    np.testing.assert_array_equal(rows.take(np.array([3, 1]))[:], X[[8, 6]])
    np.testing.assert_array_equal(Rows(rows, [2])[0], X[7])
    np.testing.assert_array_equal(Rows(X)[3:5], X[3:5])
    assert (Rows(X).shape, rows.shape, len(rows), rows.dtype) == ((N, 21), (25, 21), 25, X.dtype)
