r"""
Why zeros do not learn
======================

A network without hidden layers may start at zero, and usually does. One with
hidden layers may not: it would never learn more than a constant. The reason is in the
equations, and takes two lines.
"""

# %%
# Two lines
# ---------
# With all weights 0 the hidden activations are :math:`\tanh 0 = 0`. The output's
# weights are read twice in back-propagation:
#
# - BP3, :math:`\nabla_W J = \delta\, a^{\top}`: the activations beside the output's
#   weights are 0, so their gradient is.
# - BP2, :math:`\delta = W^{\top} \delta_{\text{next}} \odot g'`: the weights in it are
#   0, so every hidden δ is, and every gradient behind it.
#
# (Logistic nodes give one half instead of 0, so that the output's weights do move, all
# of them alike. What becomes of that is the next section.)

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

X, Y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 1])  # or
zeros = cr.Network(
    [2, 4, 1], activation="tanh", loss="cross_entropy", init="zeros", dtype="float64"
)
trace = zeros.trace(X, Y)
for name, gradients in (("W", trace.grad_weights), ("b", trace.grad_biases)):
    sizes = [f"{np.abs(gradient).max():.3f}" for gradient in gradients]
    print(f"largest |dJ/d{name}| of layers 2 and 3: {', '.join(sizes)}")

# %%
# Only the output's bias can move. So it does, until it predicts the average of
# :math:`y`, and there it stays:

cr.Learner(zeros, cr.SGD(0.5), batch_size=None).fit(X, Y, epochs=500)
print("h =", zeros(X).ravel().round(4), "  the mean of y:", Y.mean())
assert np.allclose(zeros(X), Y.mean(), atol=1e-6)
assert not zeros.weights[0].any()

# %%
# Equal is as bad as zero
# -----------------------
# Take 0.5 for every weight instead. Now gradients flow, but they are the same for every
# hidden node: same inputs, same weights, same δ. What starts equal stays equal, to the
# last bit, forever. Eight nodes learn what one could.

alike = cr.Network(
    [2, 8, 1], activation="tanh", loss="cross_entropy", dtype="float64", init="zeros"
)
alike.weights[0][...] = alike.weights[1][...] = 0.5
xor = np.array([0, 1, 1, 0])
cr.Learner(alike, cr.SGD(0.5), batch_size=None).fit(X, xor, epochs=400)
print("weights into the eight nodes:")
print(alike.weights[0].round(3))
assert (alike.weights[0] == alike.weights[0][:, :1]).all()

# %%
# So the start has to be random, only to make the nodes *different*: that is called
# breaking the symmetry.

figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
for name, start in (("random", None), ("all 0.5", 0.5), ("zeros", 0.0)):
    net = cr.Network(
        [2, 8, 1], activation="tanh", loss="cross_entropy", dtype="float64", seed=0
    )
    if start is not None:
        net.theta[...] = 0
        net.weights[0][...] = net.weights[1][...] = start
    history = cr.Learner(net, cr.SGD(0.5, momentum=0.9), batch_size=None).fit(
        X, xor, epochs=200
    )
    ax.plot(history.costs, label=name)
ax.set(xlabel="epoch", ylabel="J, exclusive or")
ax.legend()
plt.show()

# %%
# How random?
# -----------
# Different is not enough, either. Through ten layers a signal is multiplied by ten
# matrices; if each of them shrinks it by half, a thousandth arrives. Glorot's choice
# keeps its size, forward and backward: a variance of :math:`2/(s_{\text{in}} +
# s_{\text{out}})`.

rng = np.random.default_rng(0)
rows, targets = rng.normal(size=(200, 64)), rng.normal(size=(200, 64))
deep = [64] * 11
starts = {"0.3 × Glorot": 0.3, "Glorot": 1.0, "4 × Glorot": 4.0}
figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
for name, scale in starts.items():
    net = cr.Network(
        deep, "tanh", loss="squared_error", init="glorot_normal", dtype="float64"
    )
    for weights in net.weights:
        weights[...] *= scale
    trace = net.trace(rows, targets)
    left.plot(range(2, 11), [a.std() for a in trace.a[1:-1]], label=name)
    right.semilogy(range(2, 12), [d.std() for d in trace.delta], label=name)
left.set(title="forward: the size of a", xlabel="layer", ylabel="standard deviation")
right.set(title="backward: the size of δ", xlabel="layer")
left.legend(loc="center right", fontsize=9)
plt.show()

# %%
# Too small, and the signal dies on its way forward; its δ die on their way back. Too
# large, and every tanh is saturated, close to ±1, where nothing is heard. `init="auto"`
# takes Glorot's for tanh and logistic nodes, He's (a variance of
# :math:`2/s_{\text{in}}`, since half of the nodes are silent) for rectifiers, LeCun's
# for SELU. Biases start at 0: with different weights there is no symmetry left for them
# to break.
