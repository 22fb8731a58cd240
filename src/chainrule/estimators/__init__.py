"""scikit-learn's contract: `MLPClassifier` and `MLPRegressor`."""

from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.from_sklearn import from_sklearn
from chainrule.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "from_sklearn"]
