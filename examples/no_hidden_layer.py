r"""
No hidden layer: a generalized linear model
===========================================

Leave the hidden layers out, and what remains has been known for decades: linear,
logistic, softmax and Poisson regression. That is not only history. It says which loss
belongs to which output, what the weights mean, and what a network must beat to be worth
its hidden layers.
"""

# %%
# Four regressions
# ----------------
# A network without hidden layers computes :math:`h(xW + b)`. Its output pair decides
# which regression it is. Each is trained here, and compared with scikit-learn's own,
# which knows nothing of networks.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.preprocessing import scale

from chainrule import MLPClassifier, MLPRegressor

penalty = 1.0  # the notes' lambda
ours = {"hidden_layer_sizes": (), "solver": "rprop", "alpha": penalty, "max_iter": 1000}
ours |= {"tol": 0.0, "n_iter_no_change": 1000, "random_state": 0}  # all 1000 epochs
theirs = {"solver": "newton-cholesky", "tol": 1e-10}
warnings.simplefilter("ignore", ConvergenceWarning)


def largest_difference(model, reference):
    weights = np.ravel(reference.coef_)
    return np.abs(np.ravel(model.coefs_[0].T) - weights).max() / np.abs(weights).max()


X, y = load_diabetes(return_X_y=True)
X = scale(X)
linear = MLPRegressor("squared_error", **ours).fit(X, y)
reference = Ridge(penalty).fit(X, y)
far = largest_difference(linear, reference)
print(f"identity + squared error = linear:   {far:.0e}")
assert far < 1e-3

X2, y2 = load_breast_cancer(return_X_y=True)
X2 = scale(X2)
logistic = MLPClassifier(**ours).fit(X2, y2)
reference = LogisticRegression(C=1 / penalty, **theirs).fit(X2, y2)
far = largest_difference(logistic, reference)
print(f"logistic + cross entropy = logistic: {far:.0e}")
assert far < 1e-3

X3, y3 = load_iris(return_X_y=True)
X3 = scale(X3)
softmax = MLPClassifier(**ours).fit(X3, y3)
reference = LogisticRegression(C=1 / penalty, **theirs).fit(X3, y3)
far = largest_difference(softmax, reference)
print(f"softmax + log loss = softmax:        {far:.0e}")
assert far < 1e-3

counts = np.random.default_rng(0).poisson(np.exp(0.3 * X[:, :3].sum(axis=1)))
poisson = MLPRegressor("poisson", **ours).fit(X, counts)
reference = PoissonRegressor(alpha=penalty / len(X), **theirs).fit(X, counts)
far = largest_difference(poisson, reference)
print(f"exp + Poisson deviance = Poisson:    {far:.0e}")
assert far < 1e-3

# %%
# (These are the largest differences of a weight, relative to the largest weight. Two
# ways down stop at slightly different places.)
#
# Why they share one δ
# --------------------
# All four have :math:`\delta = h - y` at the output. Each loss is the negative
# log-likelihood of a distribution (normal, Bernoulli, multinomial, Poisson) whose
# natural parameter is :math:`z`. For those, the slope of the log-likelihood in
# :math:`z` is always truth minus mean. So the derivation of each pair in the notes'
# chapter 8 ends in the same line.
#
# That line has a consequence. Where descent has arrived, :math:`\nabla_W J = X^{\top}(h
# - y)/M` and :math:`\nabla_b J` are 0 (the penalty apart). So the residuals add up to
# nothing, and are orthogonal to every column: whatever is left over, no feature
# explains.

free = {**ours, "alpha": 0.0}
linear = MLPRegressor("squared_error", **free).fit(X, y)
residuals = linear.predict(X) - y
print(
    "sum of residuals:",
    f"{abs(residuals.sum()):.1e}",
    "  with each column:",
    f"{np.abs(X.T @ residuals).max():.1e}",
)
assert np.abs(X.T @ residuals).max() < 0.1

# %%
# For the logistic one it means: among all the tumors, the predicted number of benign
# ones is the true one.

predicted = logistic.predict_proba(X2)[:, 1].sum()
print(f"{predicted:.2f} predicted, {y2.sum()} true")
assert abs(predicted - y2.sum()) < 0.1

# %%
# What the weights say
# --------------------
# Without hidden layers a weight has a meaning: in logistic regression, raise a column
# by one standard deviation, and the odds are multiplied by :math:`e^{w}`. A hidden
# layer takes that away, and gives curvature for it.

names = load_breast_cancer().feature_names
order = np.argsort(np.abs(logistic.coefs_[0][:, 0]))[-8:]
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.barh(names[order], logistic.coefs_[0][order, 0], color="#00498c")
ax.axvline(0, color="#1a1a1a", lw=0.8, ls="-")
ax.set(xlabel="weight: log of the factor on the odds of 'benign'")
plt.show()

# %%
# Is the curvature worth it? On this table, hardly, and ``chainrule train`` says so by
# itself: it always trains a linear model beside the network.

from sklearn.model_selection import cross_val_score

for name, layers in (("no hidden layer", ()), ("one of 16 nodes", (16,))):
    model = MLPClassifier(**{**ours, "hidden_layer_sizes": layers, "max_iter": 300})
    scores = cross_val_score(model, X2, y2, cv=5, scoring="neg_log_loss")
    print(f"{name}: log loss {-scores.mean():.3f} ± {scores.std():.3f}")
