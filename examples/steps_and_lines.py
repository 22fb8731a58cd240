r"""
Steps and straight lines
========================

Two activations that look natural and do not work: a step, because nothing can be
learned through it, and a straight line, because any number of them is one. Both are in
the library, so that you can see it for yourself.
"""

# %%
# A step cannot learn
# -------------------
# The perceptron's node fires or it does not: :math:`g(z) = 1` if :math:`z \ge 0`, else
# 0. Take a dozen examples and a network with two hidden nodes, and turn one weight
# slowly. What does the cost do?

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

rng = np.random.default_rng(1)
X = rng.normal(size=(12, 2))
y = (X[:, 0] + X[:, 1] > 0).astype(int)
turns = np.linspace(-3, 3, 601)

figure, ax = plt.subplots(layout="constrained")
for activation in ("step", "logistic"):
    net = cr.Network(
        [2, 2, 1], activation, loss="cross_entropy", dtype="float64", seed=3
    )
    costs = []
    for w in turns:
        net.weights[0][0, 0] = w
        h = net(X)[:, 0]
        costs.append(-np.mean(y * np.log(h) + (1 - y) * np.log(1 - h)))
    ax.plot(turns, costs, label=activation)
ax.set(xlabel="one weight of the hidden layer", ylabel="cost J")
ax.legend()
plt.show()

# %%
# The smooth node gives a slope to walk down. The step gives a staircase: flat wherever
# it has a derivative at all. Every :math:`g'` is 0, so every hidden δ is (BP2
# multiplies by it), so every gradient is. The library refuses rather than pretends:

stepping = cr.Network([2, 2, 1], "step", loss="cross_entropy")
try:
    cr.Learner(stepping).fit(X, y)
except cr.errors.NotTrainable as error:
    print(error)
else:
    raise AssertionError

# %%
# Several may fire at once
# ------------------------
# At the output a step has another trouble, the one the blog names: with one node per
# class, nothing prevents two of them from firing, or none. Here are three kinds of
# iris, distinguished by their petals. We train one logistic output per class (one
# against all others), and then let each of them decide by a step.

from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

iris = load_iris()
petals = StandardScaler().fit_transform(iris.data[:, 2:])
one_hot = np.eye(3)[iris.target]

logistic = cr.Network([2, 3], loss="cross_entropy", dtype="float64")
cr.Learner(logistic, cr.Adam(0.05), batch_size=None).fit(petals, one_hot, epochs=2000)
steps = cr.Network([2, 3], loss="indicator", dtype="float64")
steps.theta[...] = logistic.theta  # the same weights; only h is another
softmax = cr.Network([2, 3], loss="log_loss", dtype="float64")
cr.Learner(softmax, cr.Adam(0.05), batch_size=None).fit(
    petals, iris.target, epochs=2000
)

across, up = np.meshgrid(np.linspace(-2, 2.2, 240), np.linspace(-2, 2.2, 240))
plane = np.column_stack([across.ravel(), up.ravel()])
fires = steps(plane).sum(axis=1).reshape(across.shape)
most = softmax(plane).argmax(axis=1).reshape(across.shape)

figure, (left, right) = plt.subplots(
    1, 2, figsize=(7, 3.4), sharey=True, layout="constrained"
)
shades = ["#6b6b6b", "#f4f4f4", "#d9a441"]
left.contourf(across, up, fires, levels=[-0.5, 0.5, 1.5, 3.5], colors=shades)
left.set(title="three steps", xlabel="petal length, standardized", ylabel="petal width")
left.text(0.8, -1.1, "one fires")
left.text(-0.9, -1.8, "two fire")
left.text(-0.9, 1.6, "none", color="white")
shades = ["#e8e8e8", "#fafafa", "#cfcfcf"]
right.contourf(across, up, most, levels=[-0.5, 0.5, 1.5, 2.5], colors=shades)
right.set(title="softmax: always one winner", xlabel="petal length, standardized")
for ax in (left, right):
    for kind, marker in enumerate("osv"):
        of_kind = petals[iris.target == kind]
        ax.plot(*of_kind.T, marker, color="#00498c", mfc="white", ms=4, ls="")
plt.show()

fired = steps(petals).sum(axis=1)
print(f"{(fired == 0).sum()} irises of 150 fire no node, {(fired > 1).sum()} fire two")
assert (fired != 1).any()

# %%
# A logistic output does better: its values can be compared, and the largest wins. The
# softmax does it in the open: its outputs compete for one unit of probability, so they
# say what they know as *one* distribution.
#
# Straight lines collapse
# -----------------------
# The blog's example: :math:`f(x) = x + 3`, then :math:`g(x) = 2x + 5`. As a network of
# two linear layers:

two_layers = cr.Network([1, 1, 1], "identity", loss="squared_error", dtype="float64")
two_layers.theta[...] = 0
two_layers.weights[0][...], two_layers.biases[0][...] = 1, 3
two_layers.weights[1][...], two_layers.biases[1][...] = 2, 5
x = np.array([[-1.0], [0.0], [10.0]])
print("g(f(x)) =", two_layers(x).ravel(), "   2x + 11 =", (2 * x + 11).ravel())

# %%
# It holds for any depth: a line of a line is a line. The weights multiply into one
# matrix, the biases into one vector.

deep = cr.Network(
    [4, 30, 20, 10, 3], "identity", loss="squared_error", dtype="float64", seed=0
)
W, b = np.eye(4), np.zeros(4)
for weights, biases in zip(deep.weights, deep.biases, strict=True):
    W, b = W @ weights, b @ weights + biases
X = np.random.default_rng(0).normal(size=(100, 4))
assert np.allclose(deep(X), X @ W + b)
print(f"{deep.n_parameters} parameters compute what {W.size + b.size} can")

# %%
# So it cannot learn what no line can do. The smallest such thing is the exclusive or:

X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for activation in ("tanh", "identity"):
    net = cr.Network(
        [2, 8, 8, 1], activation, loss="cross_entropy", dtype="float64", seed=0
    )
    costs = cr.Learner(net, cr.SGD(0.5), batch_size=None).fit(X, Y, epochs=400).costs
    ax.plot(costs, label=activation)
ax.axhline(np.log(2), color="#8a8a8a", lw=0.7, ls="-")
ax.text(
    400, np.log(2) + 0.02, "log 2: one half for everything", ha="right", color="#5f5f5f"
)
ax.set(xlabel="epoch", ylabel="cost J")
ax.legend(loc="center right")
plt.show()
assert abs(costs[-1] - np.log(2)) < 1e-3

# %%
# One bend in :math:`g` is enough to get out of this. Which bend matters less than that
# there is one, and that its slope is not 0.
