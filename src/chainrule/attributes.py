"""Attributes and names that do not exist, and what may have been meant by them."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

__all__ = ["AttributesNamed", "missing_name"]

_NETWORK = "A network of any layers is cr.Network([4, 10, 3]), an estimator cr.MLPClassifier."
_OF_SCIKIT_LEARN = "It is scikit-learn's: from {} import {}."

# What people look for in the package and is elsewhere or called otherwise.
_ELSEWHERE: dict[str, str] = {
    **dict.fromkeys(["Sequential", "Model", "NeuralNetwork", "NN", "Module", "Net"], _NETWORK),
    **dict.fromkeys(
        ["Dense", "Linear", "Layer", "Dropout"],
        "Layers are the sizes of cr.Network([4, 10, 3]), or hidden_layer_sizes of an estimator.",
    ),
    **dict.fromkeys(
        ["MLP", "Classifier", "Regressor", "MLPModel"],
        "The estimators are cr.MLPClassifier and cr.MLPRegressor.",
    ),
    **dict.fromkeys(
        ["Trainer", "Optimizer", "fit", "train"],
        "Training is cr.Learner(net, cr.Adam(1e-3)).fit(X, Y), or fit of an estimator.",
    ),
    **{
        name: _OF_SCIKIT_LEARN.format(module, name)
        for module, names in (
            ("sklearn.preprocessing", "StandardScaler MinMaxScaler OneHotEncoder LabelEncoder"),
            ("sklearn.impute", "SimpleImputer"),
            ("sklearn.pipeline", "Pipeline make_pipeline"),
            ("sklearn.compose", "ColumnTransformer TransformedTargetRegressor"),
            ("sklearn.model_selection", "train_test_split GridSearchCV cross_val_score KFold"),
            ("sklearn.metrics", "accuracy_score r2_score mean_squared_error confusion_matrix"),
            ("sklearn.ensemble", "RandomForestClassifier RandomForestRegressor"),
            ("sklearn.datasets", "load_iris load_digits make_classification"),
        )
        for name in names.split()
    },
    "read_csv": "Tables are read by pandas or polars: import pandas as pd; pd.read_csv(path).",
    "dump": "A model is written by cr.save(model, path).",
}


class AttributesNamed:
    """The base of classes that say what is meant by an attribute they do not have.

    Attributes
    ----------
    _meant_by : mapping
        What to use instead, by the names that other libraries have.
    """

    __slots__ = ()
    _meant_by: ClassVar[Mapping[str, str]] = {}

    if not TYPE_CHECKING:  # so that a checker of types still knows what exists

        def __getattr__(self, name: str) -> Any:
            """Raise AttributeError, with what may have been meant."""
            meant = type(self)._meant_by.get(name)
            if meant is None:
                return object.__getattribute__(self, name)  # with its own words
            raise AttributeError(
                f"'{type(self).__name__}' object has no attribute '{name}'. {meant}"
            )


def missing_name(name: str, known: Iterable[str]) -> str:
    """Return the sentence on a name that the package does not have.

    Examples
    --------
    >>> missing_name("mlpclassifier", ["MLPClassifier", "Network"])
    "module 'chainrule' has no attribute 'mlpclassifier'. Did you mean cr.MLPClassifier?"
    """
    sentence = f"module 'chainrule' has no attribute {name!r}"
    if (meant := _ELSEWHERE.get(name)) is not None:
        return f"{sentence}. {meant}"
    public = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), public, n=1, cutoff=0.75)
    return f"{sentence}. Did you mean cr.{public[near[0]]}?" if near else sentence
