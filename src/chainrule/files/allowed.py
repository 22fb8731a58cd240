"""The types that a model file may hold in addition to those that skops itself trusts.

skops trusts plain values, NumPy's types and scikit-learn's public estimators (not the trees,
whose stored indices are followed unchecked). This list is written by hand and is never taken from
a file. A type belongs here only if making one from hostile state can do no harm: it is made with
``__new__`` and ``__setstate__``, or called with arguments from the file. A function belongs here
only if it computes from its arguments and does nothing else; a file may name it, never call it.
"""

__all__ = ["ALLOWED", "FUNCTIONS", "SPLITTERS"]

FUNCTIONS: tuple[str, ...] = (  # the scores of scikit-learn's feature selectors
    "sklearn.feature_selection._mutual_info.mutual_info_classif",
    "sklearn.feature_selection._mutual_info.mutual_info_regression",
    "sklearn.feature_selection._univariate_selection.chi2",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.feature_selection._univariate_selection.f_regression",
    "sklearn.feature_selection._univariate_selection.r_regression",
)

SPLITTERS: tuple[str, ...] = tuple(  # the splitters of searches; a file may name them too
    f"sklearn.model_selection._split.{name}"
    for name in (
        *("GroupKFold", "GroupShuffleSplit", "KFold", "LeaveOneGroupOut", "LeaveOneOut"),
        *("LeavePGroupsOut", "LeavePOut", "PredefinedSplit", "RepeatedKFold"),
        *("RepeatedStratifiedKFold", "ShuffleSplit", "StratifiedGroupKFold", "StratifiedKFold"),
        *("StratifiedShuffleSplit", "TimeSeriesSplit"),
    )
)

ALLOWED: tuple[str, ...] = (
    *FUNCTIONS,
    *SPLITTERS,
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.model_selection._search_successive_halving.HalvingGridSearchCV",
    "sklearn.model_selection._search_successive_halving.HalvingRandomSearchCV",
    "sklearn.utils._bunch.Bunch",  # the named parts of ensembles: a dict
    "numpy.dtype",  # the dtype that an imputer or encoder was fitted on
    "chainrule.architecture.architecture.Architecture",
    "chainrule.architecture.parameters.Parameters",
    "chainrule.estimators.classifier.MLPClassifier",
    "chainrule.estimators.cross_validation.MLPClassifierCV",
    "chainrule.estimators.cross_validation.MLPRegressorCV",
    "chainrule.estimators.labels.Labels",
    "chainrule.estimators.regressor.MLPRegressor",
    "chainrule.maths.class_losses.CrossEntropy",
    "chainrule.maths.class_losses.LogLoss",
    "chainrule.maths.regression_losses.Huber",
    "chainrule.maths.regression_losses.Quantile",
    "chainrule.network.network.Network",
    "chainrule.optimizers.adagrad.Adagrad",
    "chainrule.optimizers.adam.Adam",
    "chainrule.optimizers.adamw.AdamW",
    "chainrule.optimizers.lbfgs.LBFGS",
    "chainrule.optimizers.nadam.Nadam",
    "chainrule.optimizers.rmsprop.RMSprop",
    "chainrule.optimizers.rprop.Rprop",
    "chainrule.optimizers.schedules.Adaptive",
    "chainrule.optimizers.schedules.Constant",
    "chainrule.optimizers.schedules.Cosine",
    "chainrule.optimizers.schedules.ExponentialDecay",
    "chainrule.optimizers.schedules.InverseScaling",
    "chainrule.optimizers.schedules.OneCycle",
    "chainrule.optimizers.schedules.StepDecay",
    "chainrule.optimizers.schedules.Warmup",
    "chainrule.optimizers.sgd.SGD",
    "chainrule.training.history.History",
    "chainrule.training.learner.Learner",
)
