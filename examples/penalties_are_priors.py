r"""
Penalties are priors
====================

The notes say in passing (9.1) that the L2 penalty is a Gaussian prior on the weights,
and L1 a Laplace prior. It can be made exact, down to which λ belongs to which prior,
and checked with paper and pencil.
"""

# %%
# The most probable weights
# -------------------------
# Say that before seeing any data you believe each weight to be near 0, give or take τ:
# a normal distribution of width τ. The data are :math:`y = xw` plus noise of width σ.
# Bayes: the probability of weights, given data, is proportional to the product of both
# densities, and minus its logarithm is
#
# .. math::
#
#    \frac{1}{2\sigma^2} \sum_m (h^{(m)} - y^{(m)})^2
#    + \frac{1}{2\tau^2} \sum_w w^2 + \text{constant}
#
# Multiply by :math:`\sigma^2/M`, which moves no minimum, and it is the notes' cost with
#
# .. math::
#
#    \lambda = \frac{\sigma^2}{\tau^2}
#
# So λ is not just a setting. It says how noisy the data are, relative to how large you
# expect the weights to be. For a normal distribution the most probable weights have a
# closed form, :math:`(X^{\top}X + \lambda I)^{-1} X^{\top} y`; the network without
# hidden layers has to find them:

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

rng = np.random.default_rng(0)
sigma, tau = 2.0, 0.5
n_rows, n_columns = 40, 20


def draw_table():
    X = rng.normal(size=(n_rows, n_columns))
    w = rng.normal(scale=tau, size=n_columns)  # the prior
    return X, w, X @ w + rng.normal(scale=sigma, size=n_rows)


def most_probable(X, y, penalty):
    return np.linalg.solve(X.T @ X + penalty * np.eye(n_columns), X.T @ y)


X, w, y = draw_table()
X, y = X - X.mean(axis=0), y - y.mean()  # so that the bias, which has no prior, is 0
net = cr.Network([n_columns, 1], loss="squared_error", init="zeros", dtype="float64")
learner = cr.Learner(
    net, cr.SGD(0.2, momentum=0.5), l2=sigma**2 / tau**2, batch_size=None
)
learner.fit(X, y, epochs=500)
closed_form = most_probable(X, y, sigma**2 / tau**2)
print("largest difference:", f"{np.abs(net.weights[0][:, 0] - closed_form).max():.0e}")
assert np.allclose(net.weights[0][:, 0], closed_form, atol=1e-10)

# %%
# Is it the best λ?
# -----------------
# If weights really come from the prior, no other λ should predict better on average.
# Draw 400 tables, weights and all, and look for the λ that comes closest to the true
# weights:

ratios = np.logspace(-2, 2, 33)
errors = np.zeros_like(ratios)
for _ in range(400):
    X, w, y = draw_table()
    for i, ratio in enumerate(ratios):
        errors[i] += (
            np.square(most_probable(X, y, ratio * sigma**2 / tau**2) - w).sum() / 400
        )
best = ratios[errors.argmin()]

figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
ax.semilogx(ratios, errors)
ax.axvline(1, color="#c8500a")
ax.text(1.08, errors.max() * 0.9, r"$\lambda = \sigma^2/\tau^2$", color="#c8500a")
ax.set(
    xlabel=r"λ, in units of $\sigma^2/\tau^2$",
    ylabel="squared distance from\nthe true weights",
)
plt.show()
print(f"smallest at {best:.2f} times σ²/τ² = {sigma**2 / tau**2:.0f}")
assert 0.6 < best < 1.7

# %%
# In practice neither σ nor τ is known. Cross-validation finds their ratio from the
# data: that is what `MLPRegressorCV` does, and why it searches on a logarithmic scale.
# For a classifier there is no σ, the noise being that of a coin: there λ is simply
# :math:`1/\tau^2`.
#
# Two shapes of belief
# --------------------
# L1 is the belief that weights follow a Laplace distribution of width :math:`b`, with
# density proportional to :math:`e^{-|w|/b}`, which gives :math:`\lambda = \sigma^2/b`.
# It is pointed at 0 and has long tails: *most weights are nothing, a few are large*.

figure, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
at = np.linspace(-3, 3, 301)
ax.plot(at, np.exp(-(at**2) / 2) / np.sqrt(2 * np.pi), label="normal: L2")
ax.plot(at, np.exp(-np.sqrt(2) * np.abs(at)) / np.sqrt(2), label="Laplace: L1")
ax.set(xlabel="w, in units of its standard deviation", ylabel="density")
ax.legend()
plt.show()

# %%
# If the columns of X are orthogonal, the most probable weights have a closed form for
# both. L2 shrinks every weight by the same factor. L1 takes the same amount from every
# weight, and stops at 0.

n_rows, penalty = 64, 32.0
X = rng.normal(size=(n_rows, 9))
X = np.linalg.qr(X - X.mean(axis=0))[0] * np.sqrt(n_rows)  # X^T X = M I
alone = np.linspace(-2, 2, 9)  # what each weight would be without a penalty
y = X @ alone
expected = {
    "l2": alone / (1 + penalty / n_rows),
    "l1": np.sign(alone) * np.maximum(np.abs(alone) - penalty / n_rows, 0),
}

figure, panels = plt.subplots(1, 2, figsize=(7, 3.2), sharey=True, layout="constrained")
for ax, kind in zip(panels, expected, strict=True):
    net = cr.Network([9, 1], loss="squared_error", init="zeros", dtype="float64")
    rates = cr.ExponentialDecay(0.1, factor=1e-5)
    learner = cr.Learner(net, cr.SGD(rates), batch_size=None, **{kind: penalty})
    learner.fit(X, y, epochs=1500)
    found = net.weights[0][:, 0]
    ax.plot(alone, alone, color="#8a8a8a", ls=":", lw=1)
    ax.plot(alone, expected[kind], label="closed form")
    ax.plot(alone, found, "o", color="#c8500a", label="the network")
    ax.set(title=kind.upper(), xlabel="w without penalty", ylabel="w with it")
    assert np.allclose(found, expected[kind], atol=1e-3)
panels[0].legend()
plt.show()

# %%
# With hidden layers nothing of this has a closed form any more, but it is the same
# bargain: a penalty is what you believed before you saw the data. And biases stay free:
# nobody believes beforehand where a threshold stands.
