"""Whatever is used a second time behaves as if it were new: for another network, or in a thread."""

import copy
import gc
import pickle
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone

import chainrule as cr
from chainrule.errors import CheckpointMismatch, CheckpointWarning, InvalidParameter

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.1 * RNG.normal(size=48)
X_VAL, Y_VAL, W_VAL = X[32:], Y[32:], RNG.uniform(0.5, 1.5, 16)
X, Y = X[:32], Y[:32]


def network(hidden=4, seed=0, dtype="float32", activation="tanh"):
    return cr.Network([3, hidden, 1], activation, "squared_error", dtype=dtype, seed=seed)


def minus_largest_error(net):
    return -float(np.abs(net(X_VAL)[:, 0] - Y_VAL).max())


# --- what can be used again: how it is made, and what a fit of a network with it leads to ---


def with_callback(callback, net):
    history = cr.Learner(net, cr.Adam(0.02), batch_size=8).fit(
        X, Y, epochs=12, callbacks=[callback]
    )
    judged = list(callback.scores), list(callback.losses), callback.best_score
    return net.theta.tobytes(), history.costs, history.stopped_by, judged


def with_optimizer(optimizer, net):
    batch_size = None if optimizer.needs_full_batch else 8
    learner = cr.Learner(net, optimizer, batch_size=batch_size)
    costs = [learner.fit(X, Y, epochs=epochs).costs for epochs in (4, 2)]
    return costs, net.theta.tobytes()


def with_data(data, net):
    callback = cr.EarlyStopping(*data[:2], sample_weight=data[2])
    before = [array.tobytes() for array in data]
    result = with_callback(callback, net)
    assert [array.tobytes() for array in data] == before
    return result


def with_checkpoint(checkpoint, net):
    learner = cr.Learner(net, cr.Adam(0.02), batch_size=8)
    return learner.fit(X, Y, epochs=4, checkpoint=checkpoint).costs, net.theta.tobytes()


SCHEDULES = {
    "Constant": cr.Constant(0.02),
    "Adaptive": cr.Adaptive(0.02),
    "InverseScaling": cr.InverseScaling(0.02),
    "Cosine": cr.Cosine(0.02),
    "Cosine, given a length": cr.Cosine(0.02, steps=10),
    "OneCycle": cr.OneCycle(0.02),
    "StepDecay": cr.StepDecay(0.02),
    "ExponentialDecay": cr.ExponentialDecay(0.02),
    "Warmup": cr.Warmup(cr.Cosine(0.02), steps=3),
    "function": lambda step: 0.02 / (1 + step),
}
OPTIMIZERS = {
    "SGD": cr.SGD(0.02),
    "momentum": cr.SGD(0.02, momentum=0.9),
    "nesterov": cr.SGD(0.02, momentum=0.9, nesterov=True),
    "Adam": cr.Adam(0.02),
    "AdamW": cr.AdamW(0.02),
    "Nadam": cr.Nadam(0.02),
    "Adagrad": cr.Adagrad(0.02),
    "RMSprop": cr.RMSprop(0.02),
    "Rprop": cr.Rprop(0.02),
}
REUSABLE = {
    "EarlyStopping": (lambda _: cr.EarlyStopping(X_VAL, Y_VAL, n_iter_no_change=3), with_callback),
    "EarlyStopping, weighted": (
        lambda _: cr.EarlyStopping(X_VAL, Y_VAL, sample_weight=W_VAL),
        with_callback,
    ),
    "EarlyStopping, by a score": (
        lambda _: cr.EarlyStopping(X_VAL, Y_VAL, score=minus_largest_error),
        with_callback,
    ),
    "validation data": (lambda _: (X_VAL.copy(), Y_VAL.copy(), W_VAL.copy()), with_data),
    "Checkpoint": (lambda path: cr.Checkpoint(path / "run.ckpt", every_epochs=2), with_checkpoint),
    "path of a checkpoint": (lambda path: path / "run.ckpt", with_checkpoint),
    **{
        f"optimizer {name}": (lambda _, kept=optimizer: kept, with_optimizer)
        for name, optimizer in OPTIMIZERS.items()
    },
    **{
        f"schedule {name}": (lambda _, kept=schedule: cr.SGD(kept), with_optimizer)
        for name, schedule in SCHEDULES.items()
    },
}
OTHERS = {
    "same size": lambda: network(seed=1),
    "other size": lambda: network(7, seed=1),
    "other dtype": lambda: network(seed=1, dtype="float64"),
    "other engine": lambda: network(
        seed=1, activation=cr.Activation("square", lambda z: z * z, lambda z: 2 * z)
    ),
}

each_object = pytest.mark.parametrize("name", REUSABLE)


@each_object
@pytest.mark.parametrize("other", OTHERS)
def test_a_second_network_is_trained_as_by_a_new_object(name, other, tmp_path):
    make, use = REUSABLE[name]
    (tmp_path / "new").mkdir()
    reused = make(tmp_path)
    use(reused, network())
    assert use(reused, OTHERS[other]()) == use(make(tmp_path / "new"), OTHERS[other]())


def assign(net, fresh):
    net.theta = fresh.theta


def write(net, fresh):
    for mine, new in zip((*net.weights, *net.biases), (*fresh.weights, *fresh.biases), strict=True):
        mine[...] = new


def init(net, fresh):
    net.__init__(fresh.sizes, "tanh", "squared_error", seed=fresh.seed)


@each_object
@pytest.mark.parametrize("again", [assign, write, init])
def test_a_network_made_again_is_trained_as_by_a_new_object(name, again, tmp_path):
    make, use = REUSABLE[name]
    (tmp_path / "new").mkdir()
    reused, net = make(tmp_path), network()
    use(reused, net)
    again(net, network(seed=5))
    assert use(reused, net) == use(make(tmp_path / "new"), network(seed=5))


@pytest.mark.parametrize("name", [name for name in REUSABLE if "heckpoint" not in name])
def test_threads_can_share_an_object(name, tmp_path):
    make, use = REUSABLE[name]
    expected = [use(make(tmp_path), network(3 + i % 3, seed=i)) for i in range(6)]
    shared = make(tmp_path)
    with ThreadPoolExecutor(3) as pool:
        found = pool.map(lambda i: use(shared, network(3 + i % 3, seed=i)), range(6))
        assert list(found) == expected


def copies(thing):
    yield copy.copy(thing)
    yield copy.deepcopy(thing)
    yield pickle.loads(pickle.dumps(thing))


@pytest.mark.parametrize(
    "name", [name for name in REUSABLE if name != "schedule function"]
)  # pickle takes no lambda
def test_copies_serve_as_well(name, tmp_path):
    make, use = REUSABLE[name]
    (tmp_path / "new").mkdir()
    used = make(tmp_path)
    use(used, network())
    expected = use(make(tmp_path / "new"), network(seed=1))
    for copied in copies(used):
        assert use(copied, network(seed=1)) == expected


# --- early stopping: what a fit that continues remembers ---


def continuing(hidden=4):
    return cr.Learner(network(hidden), cr.Adam(0.02), batch_size=8)


def test_a_second_fit_compares_with_the_best_so_far():
    learner, callback = continuing(), cr.EarlyStopping(X_VAL, Y_VAL)
    learner.fit(X, Y, epochs=6, callbacks=[callback])
    best = callback.best_score
    learner.fit(X, Y, epochs=4, callbacks=[callback])
    assert len(callback.scores) == 10
    assert callback.best_score == max(callback.scores) >= best


def test_each_network_is_remembered_by_itself():
    callback, alone = cr.EarlyStopping(X_VAL, Y_VAL), cr.EarlyStopping(X_VAL, Y_VAL)
    one, two, expected = continuing(), continuing(6), continuing()
    for _ in range(3):
        for learner in (one, two):
            learner.fit(X, Y, epochs=3, callbacks=[callback])
        expected.fit(X, Y, epochs=3, callbacks=[alone])
    one.fit(X, Y, epochs=1, callbacks=[callback])
    expected.fit(X, Y, epochs=1, callbacks=[alone])
    assert one.net.theta.tobytes() == expected.net.theta.tobytes()
    assert callback.scores == alone.scores


def test_learner_and_callback_continue_after_copying():
    learner, callback = continuing(), cr.EarlyStopping(X_VAL, Y_VAL)
    learner.fit(X, Y, epochs=6, callbacks=[callback])
    pairs = [copy.deepcopy((learner, callback)), pickle.loads(pickle.dumps((learner, callback)))]
    results = []
    for each, early in [(learner, callback), *pairs]:
        each.fit(X, Y, epochs=3, callbacks=[early])
        results.append((each.net.theta.tobytes(), early.scores, early.best_score))
    assert len(results[0][1]) == 9
    assert results[0] == results[1] == results[2]


def test_a_copied_callback_has_lists_of_its_own():
    learner, callback = continuing(), cr.EarlyStopping(X_VAL, Y_VAL)
    learner.fit(X, Y, epochs=3, callbacks=[callback])
    taken = copy.copy(callback)
    learner.fit(X, Y, epochs=2, callbacks=[callback])
    assert (len(taken.scores), len(callback.scores)) == (3, 5)


def test_a_callback_does_not_keep_networks_alive():
    learner, callback = continuing(), cr.EarlyStopping(X_VAL, Y_VAL)
    learner.fit(X, Y, epochs=2, callbacks=[callback])
    net = weakref.ref(learner.net)
    del learner
    gc.collect()
    assert net() is None
    assert len(callback.scores) == 2  # which can still be looked at


def test_settings_between_two_fits_count():
    learner, callback = continuing(), cr.EarlyStopping(X_VAL, Y_VAL)
    learner.fit(X, Y, epochs=3, callbacks=[callback])
    callback.tol, callback.n_iter_no_change = 100.0, 1
    history = learner.fit(X, Y, epochs=20, callbacks=[callback])
    assert (history.stopped_by, len(history)) == ("callback", 2)


def test_checkpoints_of_threads_hold_what_each_remembers(tmp_path):
    callback = cr.EarlyStopping(X_VAL, Y_VAL)

    def fit(i, early, epochs=8, **how):
        learner = cr.Learner(network(3 + i, seed=i), cr.Adam(0.02), batch_size=8)
        kept = {"checkpoint": cr.Checkpoint(tmp_path / f"{i}", every_epochs=1), **how}
        learner.fit(X, Y, epochs=epochs, callbacks=[early], **kept)
        return learner.net.theta.tobytes(), list(early.scores)

    expected = [fit(i, cr.EarlyStopping(X_VAL, Y_VAL), 12, checkpoint=None) for i in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: fit(i, callback), range(4)))
    fresh = cr.EarlyStopping(X_VAL, Y_VAL)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: fit(i, fresh, 12, resume=True), range(4)))
    assert found == expected


# --- checkpoints ---


def test_a_checkpoint_of_another_network_is_refused_or_replaced(tmp_path):
    path = tmp_path / "run.ckpt"
    cr.Learner(network()).fit(X, Y, epochs=3, checkpoint=path)
    for other in (network(seed=1), network(7)):
        before = other.theta.tobytes()
        with pytest.raises(CheckpointMismatch):
            cr.Learner(other).fit(X, Y, epochs=3, checkpoint=path, resume=True)
        assert other.theta.tobytes() == before
    other = network(7)
    cr.Learner(other).fit(X, Y, epochs=3, checkpoint=path)
    resumed = cr.Learner(network(7))
    resumed.fit(X, Y, epochs=3, checkpoint=path, resume=True)
    assert resumed.net.theta.tobytes() == other.theta.tobytes()


def test_two_trainings_at_once_that_write_one_file_are_told(tmp_path):
    path, inner = tmp_path / "run.ckpt", []

    def another(*_):
        if not inner:
            inner.append(cr.Learner(network(seed=1)))
            inner[0].fit(X, Y, epochs=1, checkpoint=path)

    checkpoint = cr.Checkpoint(path, every_epochs=1)
    with pytest.warns(CheckpointWarning, match="written by another training") as caught:
        cr.Learner(network()).fit(X, Y, epochs=5, checkpoint=checkpoint, callbacks=[another])
    assert len(caught) == 1
    assert caught[0].filename == __file__


# --- learners ---


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("rows", [0, slice(0, 4)], ids=["a row", "a batch"])
def test_no_step_is_lost_between_threads(engine, rows):
    x, y = X[rows].astype("float32"), Y[rows : rows + 1] if rows == 0 else Y[rows]
    learner = cr.Learner(network(), cr.Adam(1e-4), engine=engine)
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(
                pool.map(
                    lambda _: [learner.step(x, y.astype("float32")) for _ in range(60)], "1234"
                )
            )
    finally:
        sys.setswitchinterval(switch)
    assert learner.n_steps == 240


def test_fits_of_one_learner_in_threads_follow_one_another():
    learner, expected = continuing(), continuing()
    costs = [cost for _ in range(4) for cost in expected.fit(X, Y, epochs=3).costs]
    with ThreadPoolExecutor(4) as pool:
        histories = list(pool.map(lambda _: learner.fit(X, Y, epochs=3), range(4)))
    histories.sort(key=lambda history: history[0]["epoch"])
    assert [cost for history in histories for cost in history.costs] == costs
    assert learner.net.theta.tobytes() == expected.net.theta.tobytes()


def test_a_learner_trains_the_parameters_that_its_network_has_now():
    learner = cr.Learner(network(), cr.SGD(0.1))
    x, y = X[0].astype("float32"), Y[:1].astype("float32")
    learner.step(x, y)
    learner.net.__init__([3, 4, 1], "tanh", "squared_error", seed=3)
    expected = cr.Learner(network(seed=3), cr.SGD(0.1))
    assert learner.step(x, y) == expected.step(x, y)
    learner.fit(X, Y, epochs=2)
    expected.fit(X, Y, epochs=2)
    learner.net.__init__([3, 5, 1], "tanh", "squared_error")
    for train in (lambda: learner.step(x, y), lambda: learner.fit(X, Y)):
        with pytest.raises(InvalidParameter, match="Make a new Learner"):
            train()


# --- estimators ---

ESTIMATORS = {
    "adam": {},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 3},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive"},
    "one cycle": {"learning_rate": "one_cycle"},
    "lbfgs": {"solver": "lbfgs"},
    "LBFGS": {"solver": cr.LBFGS()},
    **{f"optimizer {name}": {"solver": optimizer} for name, optimizer in OPTIMIZERS.items()},
    **{f"schedule {name}": {"solver": cr.SGD(rate)} for name, rate in SCHEDULES.items()},
}


def estimator(**settings):
    return cr.MLPRegressor(hidden_layer_sizes=(4,), max_iter=6, random_state=0, **settings)


def predictions(model, **how):
    return model.fit(X, Y, **how).predict(X_VAL).tobytes()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_fits_twice_as_once(name):
    model = estimator(**ESTIMATORS[name])
    first = predictions(model)
    assert predictions(model) == first
    assert predictions(clone(model)) == predictions(copy.deepcopy(model)) == first
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(predictions, [clone(model), clone(model)])) == [first, first]
    other = RNG.normal(size=(20, 5))
    model.fit(other, other.sum(axis=1))  # of another size, and back
    assert predictions(model) == first


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_validation_data_serve_several_estimators():
    data = {"X_val": X_VAL.copy(), "y_val": Y_VAL.copy(), "sample_weight_val": W_VAL.copy()}
    before = [array.tobytes() for array in data.values()]
    model = estimator(early_stopping=True)
    first = predictions(model, **data)
    assert predictions(model, **data) == predictions(clone(model), **data) == first
    with ThreadPoolExecutor(2) as pool:
        both = pool.map(lambda each: predictions(each, **data), [clone(model), clone(model)])
        assert list(both) == [first, first]
    assert [array.tobytes() for array in data.values()] == before


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("given", [False, True], ids=["held out", "given"])
def test_a_warm_start_is_compared_with_the_weights_it_begins_with(given):
    how = {"X_val": X_VAL, "y_val": Y_VAL} if given else {}
    model = estimator(early_stopping=True, warm_start=True, learning_rate_init=0.02)
    model.set_params(max_iter=100).fit(X, Y, **how)
    best = model.best_validation_score_
    replaced = cr.Network(model.network_.sizes, "relu", "squared_error", dtype="float64", seed=9)
    model.coefs_, model.intercepts_ = replaced.weights, replaced.biases
    model.set_params(max_iter=3).fit(X, Y, **how)
    # The old best, which these weights never had, does not keep those of the start.
    assert model.best_validation_score_ == max(model.validation_scores_[-3:]) < best
    assert not np.array_equal(model.network_.theta, replaced.theta)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_warm_start_judged_on_other_data_is_compared_on_those():
    model = estimator(early_stopping=True, warm_start=True, learning_rate_init=0.02)
    model.set_params(max_iter=50).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    start = model.network_.theta.copy()
    harder = Y_VAL + RNG.normal(size=16)
    model.set_params(max_iter=3).fit(X, -Y, X_val=X_VAL, y_val=-harder)
    assert not np.array_equal(model.network_.theta, start)
