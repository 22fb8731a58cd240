r"""
Why the log
===========

A node says :math:`h`, the truth is :math:`y = 1`. How bad was that? The squared error
says :math:`\frac{1}{2}(h - 1)^2`, the cross entropy says :math:`-\log h`. The choice
decides whether a network that is badly wrong learns quickly or not at all.

The blog (its images 15 to 18) gives the reason as "the log makes the cost convex". That
is half right, and the other half is instructive.
"""

# %%
# The two curves
# --------------
# Images 17 and 18: the cost of a prediction :math:`h`, if the truth is 1 and if it is
# 0.

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

h = np.linspace(0.001, 0.999, 500)
figure, panels = plt.subplots(1, 2, figsize=(7, 3), sharey=True, layout="constrained")
for ax, truth, distance in zip(panels, (1, 0), (1 - h, h), strict=True):
    ax.plot(h, -np.log(1 - distance), label="log")
    ax.plot(h, distance**2 / 2, label="squared")
    ax.set(title=f"the truth is {truth}", xlabel="prediction h", ylim=(-0.1, 5))
panels[0].set_ylabel("cost of one example")
panels[0].legend()
plt.show()

# %%
# Being certain and wrong costs one half under the square. Under the log the cost is
# unbounded. Those are the *values*; but descent uses only slopes, and it sees them
# through the logistic function.
#
# The slope that the node feels
# -----------------------------
# What the node gets to hear is :math:`\delta = \partial J / \partial z`. The library
# has both costs on a logistic output: "cross_entropy", and the teaching pair
# "logistic_squared_error", which computes BP1 just as the notes print it,
# :math:`\nabla_h J \odot h'(z)`.

z = np.linspace(-8, 8, 321)
figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
for loss, name in (("cross_entropy", "log"), ("logistic_squared_error", "squared")):
    node = cr.Network([1, 1], loss=loss, dtype="float64")
    node.weights[0][...], node.biases[0][...] = 1, 0  # z is the input itself
    traces = [node.trace([[at]], [1]) for at in z]
    left.plot(z, [trace.cost for trace in traces], label=name)
    right.plot(z, [trace.delta[0][0, 0] for trace in traces], label=name)
left.set(title="cost, the truth being 1", xlabel="z", ylabel="J", ylim=(0, 5))
right.set(title="its slope δ", xlabel="z", ylabel="δ")
left.legend()
plt.show()

# %%
# Look at the left end, where the node is certain and wrong. The log pulls with all its
# strength, :math:`\delta = h - y \approx -1`. The square pulls with :math:`(h - y)\,h(1
# - h)`, and :math:`h(1 - h)` is nearly 0: the more wrong the node, the less it hears.
# The log is exactly what cancels that factor: :math:`-\log` of the logistic function
# has slope :math:`h - 1`, and :math:`h'` is gone.
#
# What it means for learning: a node begins at :math:`z = -6`, and should say 1. How
# many steps of descent until it says more than one half?

for loss, name in (("cross_entropy", "log"), ("logistic_squared_error", "squared")):
    node = cr.Network([1, 1], loss=loss, dtype="float64", init="zeros")
    node.biases[0][...] = -6
    learner = cr.Learner(node, cr.SGD(0.5))
    while node([1.0])[0] < 0.5:
        learner.step([[1.0]], [1])
    print(f"{name:>7}: {learner.n_steps} steps")

# %%
# What is convex, and what is not
# -------------------------------
# The blog says that the sigmoid is "non-convex", hence has several local minima. The
# sigmoid has none at all: it only rises. It is the squared error *of* the sigmoid that
# is not convex in the weights. Seven examples and one weight: six at :math:`x = 0.5`,
# five of which are 1; and one far out, at :math:`x = 20`, which is 0.

x = np.array([[0.5]] * 6 + [[20.0]])
y = np.array([1, 1, 1, 1, 1, 0, 0])
weights = np.linspace(-1.5, 7, 1701)

figure, panels = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
minima = {}
for ax, loss, name in zip(
    panels, ("logistic_squared_error", "cross_entropy"), ("squared", "log"), strict=True
):
    node = cr.Network([1, 1], loss=loss, dtype="float64", init="zeros")
    costs = []
    for w in weights:
        node.weights[0][...] = w
        costs.append(node.trace(x, y).cost)
    inner = np.arange(1, len(costs) - 1)
    minima[name] = [i for i in inner if costs[i] < min(costs[i - 1], costs[i + 1])]
    ax.plot(weights, costs, color="#00498c", ls="-")
    ax.plot(weights[minima[name]], np.array(costs)[minima[name]], "o", color="#c8500a")
    ax.set(
        title=f"{name}: {len(minima[name])} local minima",
        xlabel="the weight",
        ylabel="J",
    )
panels[1].set_title("log: one minimum")
plt.show()
assert len(minima["squared"]) == 2
assert len(minima["log"]) == 1

# %%
# Descent that starts at the right in the first picture ends in the wrong valley. In the
# second there is only one: without hidden layers the cross entropy is convex in the
# weights, since :math:`\partial^2 J / \partial z^2 = h(1 - h)` is never negative.
#
# With hidden layers nothing is convex
# ------------------------------------
# Here is the other half. Train a network with a hidden layer until it is good, then put
# its hidden nodes into another order, with all their arrows: it computes the same. So
# there are two points of equal cost. Were the cost convex, no point between them could
# cost more.

X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
net = cr.Network(
    [2, 4, 1], activation="tanh", loss="cross_entropy", dtype="float64", seed=0
)
cr.Learner(net, cr.SGD(0.5, momentum=0.9), batch_size=None, l2=0.01).fit(
    X, Y, epochs=500
)
swapped = cr.Network.from_theta(net.architecture, net.theta)
order = [1, 2, 3, 0]
swapped.weights[0][...] = net.weights[0][:, order]
swapped.biases[0][...] = net.biases[0][order]
swapped.weights[1][...] = net.weights[1][order]
assert np.allclose(net(X), swapped(X))

way = np.linspace(-0.2, 1.2, 141)
between = cr.Network.from_theta(net.architecture, net.theta)
costs = []
for t in way:
    between.theta[...] = (1 - t) * net.theta + t * swapped.theta
    costs.append(between.trace(X, Y).cost)

figure, ax = plt.subplots(layout="constrained")
ax.plot(way, costs)
ax.plot([0, 1], [net.trace(X, Y).cost] * 2, "o", color="#c8500a")
ax.set(
    xlabel="from the network (0) to itself with its hidden nodes in another order (1)",
    ylabel="J",
)
plt.show()
assert max(costs[20:121]) > 10 * costs[20]

# %%
# This is the log, and the exclusive or, and a mountain between two equal valleys. No
# choice of the loss can level it, since the argument never asked which loss it was. The
# log is there so that a wrong node hears that it is wrong, and because it is the
# likelihood; the global minimum, with hidden layers, is promised to nobody.
