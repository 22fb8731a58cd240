r"""
Overfitting and its remedies
============================

A network with more weights than you have rows can learn the rows by heart. This lesson
lets one do so on a real table, looks at how it shows, and then tries every remedy that
the library has, side by side, with a linear model for comparison.

The table: 442 patients, ten measurements, and how far their diabetes has progressed a
year later.
"""

# %%
# By heart
# --------
# Train on half of the patients, and watch the other half. `X_val` and `y_val` are only
# watched: nothing is learned from them.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

import chainrule as cr

# a fixed number of epochs is meant here
warnings.simplefilter("ignore", ConvergenceWarning)
X, y = load_diabetes(return_X_y=True)
X = X / X.std(axis=0)
y = (y - y.mean()) / y.std()
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.5, random_state=0)

large = {"hidden_layer_sizes": (64, 64), "learning_rate_init": 0.003, "batch_size": 32}
plain = {"tol": 0.0, "n_iter_no_change": 10_000, "random_state": 0}  # all epochs
model = cr.MLPRegressor(**large, **plain, alpha=0.0, max_iter=300)
model.fit(X_train, y_train, X_val=X_val, y_val=y_val)

figure, ax = plt.subplots(layout="constrained")
ax.plot(model.loss_curve_, label="on the patients it learns from")
ax.plot(model.validation_loss_curve_, label="on the others")
best = int(np.argmin(model.validation_loss_curve_))
ax.plot(best, model.validation_loss_curve_[best], "o", color="#1a1a1a")
ax.set(xlabel="epoch", ylabel="loss", ylim=(0, 0.8))
ax.legend()
plt.show()
print(f"{model.network_.n_parameters} parameters, {len(X_train)} rows")
print(f"best after {best + 1} epochs")
own, others = model.score(X_train, y_train), model.score(X_val, y_val)
print(f"R² on its own rows {own:.2f}, on the others {others:.2f}")
assert own > 0.99
assert others < 0.4

# %%
# The two curves part after a few epochs. What comes after is the noise of these
# patients, learned as if it were medicine.
#
# The remedies
# ------------
# Each is tried on the same five folds. The test rows of a fold are never used to choose
# anything.

from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_score

penalties = np.logspace(-1, 2, 4)
no_penalty = {**large, **plain, "alpha": 0.0, "max_iter": 300}
small = {**no_penalty, "hidden_layer_sizes": (3,)}
remedies = {
    "no remedy": cr.MLPRegressor(**no_penalty),
    "dropout of one half": cr.MLPRegressor(**no_penalty, dropout=0.5),
    "early stopping": cr.MLPRegressor(
        **{**no_penalty, "n_iter_no_change": 20},
        early_stopping=True,
        validation_fraction=0.2,
    ),
    "L2, by cross-validation": cr.MLPRegressorCV(
        penalties, cv=3, **large, **plain, max_iter=150
    ),
    "a small network": cr.MLPRegressor(**small),
    "small, and L2": cr.MLPRegressor(**{**small, "alpha": 1.0}),
    "a linear model (ridge)": RidgeCV(penalties),
}
folds = KFold(5, shuffle=True, random_state=0)
scores = {
    name: cross_val_score(model, X, y, cv=folds) for name, model in remedies.items()
}
for name, score in scores.items():
    print(f"{name:26} R² {score.mean():5.2f} ± {score.std():.2f}")

figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
for row, (name, score) in enumerate(scores.items()):
    color = "#c8500a" if "linear" in name else "#00498c"
    ax.plot(score, [row] * len(score), "o", color=color, alpha=0.5, ms=5)
    ax.plot(score.mean(), row, "|", color="#1a1a1a", ms=18, mew=2)
ax.set(
    yticks=range(len(scores)),
    yticklabels=scores,
    xlabel="R² on patients not seen (each fold, and the mean)",
)
ax.invert_yaxis()
plt.show()
assert all(
    scores[name].mean() > scores["no remedy"].mean() + 0.2
    for name in remedies
    if name != "no remedy"
)

# %%
# What to take from it
# --------------------
# - **Any** remedy is far better than none, and they all end up near the same place.
#   Which one matters less than that there is one.
# - **Early stopping** is the cheapest: it trains less, and needs no constant to be
#   chosen. It pays with the rows that it watches.
# - **L2** uses all rows, and its λ must be chosen: `MLPRegressorCV` does so, with folds
#   and penalties in parallel. What it means is explained in
#   :ref:`sphx_glr_lessons_penalties_are_priors.py`.
# - **Dropout** leaves every hidden node out half of the time, so that none can rely on
#   another. It wants larger networks and more epochs than this table deserves.
# - **Fewer nodes** are the plainest remedy, and **fewer features** the notes' first:
#   :doc:`the recipes </recipes>` have both of their ways.
# - The **linear model** is as good as any of them: on 442 patients curvature cannot be
#   distinguished from noise. Knowing that is worth more than a network.
#   ``chainrule train`` always tells you.
