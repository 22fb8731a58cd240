r"""
A bias shifts the sigmoid
=========================

A node without a bias has its mind made up about one thing: at :math:`x = 0` it says one
half. A bias is what lets it move. This is the blog's image 11, with the one detail that
it leaves out.
"""

# %%
# Steeper, and elsewhere
# ----------------------
# A node with one input computes :math:`h = \sigma(wx + b)`. Change :math:`w`, then
# :math:`b`:

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

node = cr.Network([1, 1], loss="cross_entropy", dtype="float64")
x = np.linspace(-8, 8, 321)


def curve(w, b):
    node.weights[0][...] = w
    node.biases[0][...] = b
    return node(x[:, None])[:, 0]


figure, (left, right) = plt.subplots(
    1, 2, figsize=(7, 3), sharey=True, layout="constrained"
)
for w in (1, 3, 0.4):
    left.plot(x, curve(w, 0), label=f"w = {w}")
left.set(title="the weight: how steep", xlabel="x", ylabel="h")
for w, b in ((1, 0), (1, 3), (3, 3)):
    line = right.plot(x, curve(w, b), label=f"w = {w}, b = {b}")[0]
    right.plot(-b / w, 0.5, "o", color=line.get_color())
right.set(title="the bias: where", xlabel="x")
for ax in (left, right):
    ax.axhline(0.5, color="#8a8a8a", lw=0.7, ls="-", zorder=0)
    ax.legend()
plt.show()

# %%
# All curves at the left pass through one half at 0, however steep. Those at the right
# do so where :math:`wx + b = 0`, at :math:`x = -b/w`. That is the detail: adding 3
# shifts the curve by 3 to the *left*, but if the weight is 3, it shifts by 1 only. (And
# multiplying by a number below 1 makes it flatter, not steeper.)

assert np.allclose(curve(3, 3), 1 / (1 + np.exp(-3 * (x + 1))))

# %%
# The step function's threshold :math:`t` is a bias, too: :math:`x > t` is :math:`x - t
# > 0`, a bias of :math:`-t`.
#
# What it costs to be without
# ---------------------------
# A machine fails above 70 degrees. Learn that from sixty measurements, once with a bias
# and once with the bias held at 0. (The input is in tens of degrees, so that it is of
# about size 1 to 10.)

rng = np.random.default_rng(0)
degrees = rng.uniform(40, 100, size=60)
failed = (degrees + rng.normal(scale=5, size=60) > 70).astype(int)
X = degrees[:, None] / 10


def learn(with_bias, rate=0.1):
    net = cr.Network([1, 1], loss="cross_entropy", dtype="float64", init="zeros")
    for _ in range(20_000):
        trace = net.trace(X, failed)
        net.weights[0][...] -= rate * trace.grad_weights[0]
        if with_bias:
            net.biases[0][...] -= rate * trace.grad_biases[0]
    return net, trace.cost


figure, ax = plt.subplots(layout="constrained")
ax.plot(degrees, failed, "o", color="#8a8a8a", ms=5, alpha=0.7)
at = np.linspace(0, 110, 221)
for with_bias, name in ((True, "with a bias"), (False, "without")):
    net, cost = learn(with_bias)
    ax.plot(at, net(at[:, None] / 10), label=f"{name}: J = {cost:.2f}")
    assert (cost < 0.25) == with_bias
    if with_bias:
        threshold = -10 * net.biases[0][0] / net.weights[0][0, 0]
ax.set(xlabel="degrees", ylabel="probability of failure", yticks=[0, 0.5, 1])
ax.legend(loc="center left")
plt.show()
print(f"learned threshold: {threshold:.1f} degrees")
assert abs(threshold - 70) < 5

# %%
# Without a bias the curve is nailed to one half at 0 degrees, and the best it can do is
# to shrug. Note that this is about *where the zero of the input is*: a `StandardScaler`
# in front moves it to the mean, and half of the damage is undone. That is also why
# biases are never penalized: the position of a thermometer's zero does not make the
# model more complex.
