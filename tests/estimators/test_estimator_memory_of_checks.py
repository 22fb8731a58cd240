"""Parameters found good once are not looked at again: what is looked at all the same."""

import functools
from typing import Any

import pytest
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier
from sklearn.utils._param_validation import InvalidParameterError

import chainrule as cr
from chainrule.estimators import sentences

X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)


def fitted(**settings: Any) -> cr.MLPClassifier:
    """Fit a small classifier."""
    model = cr.MLPClassifier((8,), activation="tanh", max_iter=2, random_state=0, **settings)
    return model.fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("alpha", 0.0, -1.0),
        ("alpha", 1, "1"),
        ("shuffle", True, 1),
        ("max_iter", 2, 2.5),
        ("solver", "adam", "adan"),
        ("n_jobs", None, 0),
        ("beta_1", 0.5, 1.0),
        ("tol", 0.0, float("nan")),
    ],
)
def test_a_bad_value_after_a_good_one_is_refused(name: str, good: Any, bad: Any) -> None:
    model = fitted()
    for value in (good, good):
        model.set_params(**{name: value}).fit(X, y)
    for _ in range(2):
        with pytest.raises((InvalidParameterError, ValueError), match=name):
            model.set_params(**{name: bad}).fit(X, y)
    model.set_params(**{name: good}).fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_subclass_has_checks_of_its_own() -> None:
    class Strict(cr.MLPClassifier):
        _parameter_constraints = cr.MLPClassifier._parameter_constraints | {"alpha": [str]}

    fitted(alpha=0.25)
    with pytest.raises(InvalidParameterError, match="alpha"):
        Strict((8,), max_iter=2, alpha=0.25).fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_is_remembered_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = functools.lru_cache(maxsize=50, typed=True)(sentences._check)
    assert sentences._check_once.cache_parameters() == {"maxsize": 10_000, "typed": True}
    monkeypatch.setattr(sentences, "_check_once", remembered)
    for i in range(20):
        fitted(alpha=i / 7)
        assert 0 < remembered.cache_info().currsize <= 50


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"solver": "adan", "batch_size": -1}, "batch_size"), ({"tol": -1, "beta_1": 7}, "beta_1")],
)
def test_of_two_bad_values_the_first_by_name_is_told(wrong: dict[str, Any], named: str) -> None:
    for model in (cr.MLPClassifier(**wrong), MLPClassifier(**wrong)):  # as scikit-learn does
        with pytest.raises(InvalidParameterError, match=f"The '{named}'"):
            model.fit(X, y)
