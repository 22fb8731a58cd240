"""scikit-learn's contract: `MLPClassifier` and `MLPRegressor`, alone or cross-validated."""

from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.cross_validation import MLPClassifierCV, MLPRegressorCV
from chainrule.estimators.from_sklearn import from_sklearn
from chainrule.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPClassifierCV", "MLPRegressor", "MLPRegressorCV", "from_sklearn"]
