r"""
The figures of the sources
==========================

The pictures of the notes and of the blog, each drawn by one line, for networks that
compute. All 39 images of the blog, formulas included, and their counterparts are listed
in :doc:`the guide to pictures </pictures>`.
"""

# %%
# The notes' overview sheet (2.4)
# -------------------------------
# Every symbol in its place: inputs :math:`x_j`, weights :math:`w_{ij}` (from node
# :math:`j` to node :math:`i` of the layer ahead), biases :math:`b_i` from the nodes
# that are always +1, weighted inputs :math:`z_i`, activations :math:`a_i`, hypotheses
# :math:`h_k`.

import matplotlib.pyplot as plt

import chainrule as cr

net = cr.Network([3, 4, 2], activation="tanh", dtype="float64", seed=1)
cr.NetworkDisplay.from_estimator(net)
plt.show()

# %%
# The same network at work: strokes are weights, as wide as they are large and dashed
# where negative; the fill of a node is its activation, the ring around it its δ.

cr.NetworkDisplay.from_estimator(net, [0.5, -1.0, 2.0], 1)
plt.show()

# %%
# The blog's networks
# -------------------
# Image 2, one node with a bias and the unit step:

cr.NetworkDisplay.from_estimator(cr.Network([3, 1], loss="indicator"))
plt.show()

# %%
# Images 1 and 26, with two hidden layers, here with three outputs:

deep = cr.Network([3, 4, 4, 3], "logistic", "cross_entropy", seed=1)
cr.NetworkDisplay.from_estimator(deep)
plt.show()

# %%
# Images 24 and 25, :math:`f(x, y) = xy` at 3 and 7. Nodes that square can multiply,
# :math:`xy = ((x + y)^2 - (x - y)^2)/4`. Under the inputs stand the derivatives, 7 and
# 3.

square = cr.Activation("square", g=lambda z: z * z, g_prime=lambda z: 2 * z)
product = cr.Network([2, 2, 1], square, "squared_error", dtype="float64")
product.weights[0], product.weights[1] = [[1, 1], [1, -1]], [[0.25], [-0.25]]
assert product([3, 7]) == 21
cr.NetworkDisplay.from_estimator(product, [3, 7], 20)
plt.show()

# %%
# Sigmoids (images 10 and 11)
# ---------------------------
# The function with its derivative (image 31), then made steeper, and shifted.

cr.ActivationDisplay.from_names("logistic", z=(-6, 6))
plt.show()

# %%

cr.ActivationDisplay.from_names(
    "logistic", weights=[1, 3, 1], biases=[0, 0, 2], derivative=False
)
plt.show()

# %%
# Costs (images 15 to 18)
# -----------------------
# :math:`-\log h`, where the truth is 1, and :math:`-\log(1 - h)`, where it is 0:

cr.LossDisplay.from_loss("cross_entropy")
plt.show()

# %%
# Convex and not convex: the cost of one node over its weight.

inputs, targets = [[1.0], [2.0], [-1.0], [-3.0]], [1, 0, 0, 0]
figure, ax = plt.subplots(layout="constrained")
for loss in ("cross_entropy", "logistic_squared_error"):
    node = cr.Network([1, 1], loss=loss, init="zeros", dtype="float64")
    cr.CostDisplay.from_estimator(
        node, inputs, targets, 1, span=(-10, 10), label=loss, ax=ax
    )
plt.show()
