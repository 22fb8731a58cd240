r"""
What a node's δ means
=====================

The notes define the "error" of a node, :math:`\delta_i = \partial J / \partial z_i`,
and leave a TODO in place of the intuition. Here it is, in one sentence: **δ is
the price of a nudge**. Push a little more into node :math:`i`, and the cost rises by δ
times that little.

The blog's :math:`f = xy` (its images 24 and 25) is all one needs to see where such
prices come from.
"""

# %%
# A product
# ---------
# With :math:`x = 3` and :math:`y = 7`, raise each of them by a little ε and see what
# :math:`f` does.


def f(x, y):
    return x * y


nudge = 0.001
print(f"x: f rises by {(f(3 + nudge, 7) - f(3, 7)) / nudge:.3f} times the nudge")
print(f"y: f rises by {(f(3, 7 + nudge) - f(3, 7)) / nudge:.3f} times the nudge")

# %%
# Each factor's price is the *other* factor. Remember that: every arrow of a network is
# such a product, :math:`w \cdot a`. So the price of a weight is the activation beside
# it, and the price of an activation is the weight beside it. These are BP3 and BP2, and
# there is nothing else in them.
#
# As a network it looks like this (nodes that square can multiply: :math:`xy = ((x +
# y)^2 - (x - y)^2)/4`). What stands under an input is its price.

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

square = cr.Activation("square", g=lambda z: z * z, g_prime=lambda z: 2 * z)
product = cr.Network([2, 2, 1], square, "squared_error", dtype="float64")
product.weights[0], product.weights[1] = [[1, 1], [1, -1]], [[0.25], [-0.25]]
picture = cr.NetworkDisplay.from_estimator(product, [3, 7], 20)
plt.show()
assert np.allclose(picture.numbers.delta[0], [7, 3])

# %%
# (The target 20 is 1 below :math:`f = 21`, so that the cost :math:`\frac{1}{2}(f -
# 20)^2` rises just as fast as :math:`f` does.)
#
# A node
# ------
# A network with two inputs, three hidden nodes and one output, and one example:

net = cr.Network(
    [2, 3, 1], activation="tanh", loss="cross_entropy", dtype="float64", seed=4
)
x, y = [[1.0, -0.5]], [1]
trace = net.trace(x, y)
print("J =", round(trace.cost, 4))
print("δ of the hidden nodes:", trace.delta[0].round(4)[0])
print("δ of the output:      ", trace.delta[1].round(4)[0])

cr.NetworkDisplay.from_estimator(net, x, y)
plt.show()

# %%
# How does one nudge a node? Through its bias, which does nothing but add to :math:`z`.
# So: raise one bias, and look at the cost. We do this for nudges from −2 to 2, and draw
# δ as the slope that it promises.


def cost_with_nudge(layer, node, nudge):
    net.biases[layer][node] += nudge
    cost = net.trace(x, y).cost
    net.biases[layer][node] -= nudge
    return cost


nudges = np.linspace(-2, 2, 81)
figure, panels = plt.subplots(
    2, 2, figsize=(7, 5.2), sharex=True, sharey=True, layout="constrained"
)
places = [(0, 0), (0, 1), (0, 2), (1, 0)]
for ax, (layer, node) in zip(panels.flat, places, strict=True):
    delta = trace.delta[layer][0, node]
    ax.plot(
        nudges, [cost_with_nudge(layer, node, nudge) for nudge in nudges], label="J"
    )
    ax.plot(nudges, trace.cost + delta * nudges, label="δ × nudge")
    ax.plot(0, trace.cost, "o", color="#1a1a1a")
    name = f"hidden node {node + 1}" if layer == 0 else "output"
    ax.set(title=f"{name}: δ = {delta:+.3f}", ylim=(0, 1.6))
figure.supxlabel("nudge of z", fontsize=11)
figure.supylabel("cost J", fontsize=11)
panels[0, 0].legend()
plt.show()

# %%
# Every dashed line touches its curve where the nudge is 0: that is what it means to be
# a derivative. Where the curve bends away, the price has changed, which is why descent
# makes many small steps instead of a single large one.
#
# The sign says where to push: δ < 0, and more input to this node *lowers* the cost. For
# the output δ is :math:`h - y`, the prediction minus the truth: it is the error itself.
# That is where the name comes from.

assert np.isclose(trace.delta[1], trace.h - y)
for layer, node in places:
    rise = cost_with_nudge(layer, node, 1e-6) - cost_with_nudge(layer, node, -1e-6)
    assert np.isclose(rise / 2e-6, trace.delta[layer][0, node], atol=1e-8)

# %%
# Why the prices go backward
# --------------------------
# A hidden node has no truth to be compared with. It has arrows, though, to nodes whose
# prices are known. A nudge of hidden node 1 moves its activation by :math:`g'(z)` times
# the nudge; the arrow passes on :math:`w` times that; and the output charges δ for it:

w = net.weights[1][0, 0]
g_prime = 1 - trace.a[1][0, 0] ** 2  # of tanh
delta_output = trace.delta[1][0, 0]
product = delta_output * w * g_prime
print(f"{delta_output:+.4f} × {w:+.4f} × {g_prime:.4f} = {product:+.4f}")
assert np.isclose(product, trace.delta[0][0, 0])

# %%
# With several outputs, the charges add up: :math:`\delta_j = \left( \sum_i \delta_i
# w_{ij} \right) g'(z_j)`, which is BP2. Each price is computed once and used by
# everybody behind it. That is the whole economy of back-propagation: one pass back
# costs about as much as two forward, however many weights there are, where finite
# differences would need a pass for every one of them.
#
# From the nodes to the weights
# -----------------------------
# A weight moves :math:`z` by the activation at its other end (the product again), so
# its price is δ of the node it leads to times that activation, :math:`\partial J /
# \partial w_{ij} = \delta_i a_j`. A bias stands beside the constant 1, so its price is
# δ itself.

assert np.allclose(trace.grad_weights[0], np.outer(x, trace.delta[0]))  # BP3
assert np.allclose(trace.grad_biases[0], trace.delta[0])  # BP4

# %%
# Two things to see from here:
#
# - **An input of 0 teaches nothing** to the weights that leave it: their price is δ
#   times 0.
# - **A saturated node is deaf.** Where tanh is flat, :math:`g'` is nearly 0, so δ is,
#   too: whatever the node does wrong, no nudge of it changes anything. A dead rectifier
#   is the extreme case.

loud = cr.Network(
    [2, 3, 1], activation="tanh", loss="cross_entropy", dtype="float64", seed=4
)
loud.weights[0][...] *= 20
print("δ behind saturated nodes:", loud.trace(x, y).delta[0][0])

# %%
# All of it, in numbers
# ---------------------
# This is the same network, explained by itself: every step above, for every node and
# weight.

cr.explain(net, x, y)
