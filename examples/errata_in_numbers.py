r"""
The errata in numbers
=====================

:doc:`The errata </errata>` list where the notes and the blog slip. Paper is patient;
finite differences are not. Here each slip that is about a gradient competes with its
correction: both are computed as printed, and compared with differences of the cost,
which know nothing of any formula.
"""

# %%
# One small network of each kind, five examples, and the truth by differences:

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

rng = np.random.default_rng(0)
X = rng.normal(size=(5, 3))
M = len(X)
one_hot = np.eye(3)[[0, 2, 1, 1, 0]]
several = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0], [1, 0, 0]])
softmax = cr.Network([3, 4, 3], "logistic", loss="log_loss", dtype="float64", seed=1)
logistic = cr.Network(
    [3, 4, 3], "logistic", loss="cross_entropy", dtype="float64", seed=2
)


def by_differences(net, Y, array, l2=0.0):
    """The slope of the cost in each entry of one of the network's arrays."""
    slopes = np.empty_like(array)
    for at in np.ndindex(array.shape):
        kept = array[at]
        array[at] = kept + 1e-6
        above = net.trace(X, Y, l2=l2).cost
        array[at] = kept - 1e-6
        slopes[at] = (above - net.trace(X, Y, l2=l2).cost) / 2e-6
        array[at] = kept
    return slopes


results = {}


def compete(where, truth, printed, right):
    far = [
        np.abs(candidate - truth).max() / np.abs(truth).max()
        for candidate in (printed, right)
    ]
    results[where] = far
    print(f"{where:48} printed: {far[0]:7.1e}   right: {far[1]:7.1e}")
    assert far[0] > 0.01
    assert far[1] < 1e-6


def output_gradient(net, delta):
    return net.trace(X, one_hot).a[-2].T @ delta  # BP3


# %%
# The notes
# ---------
# **8.3, with BP1**: the softmax's derivative is given as :math:`h(1 - h)`, to be
# multiplied elementwise. That is only the diagonal of its Jacobian: every output
# depends on every :math:`z`.

truth = by_differences(softmax, one_hot, softmax.weights[-1])
h = softmax(X)
gradient_in_h = -one_hot / h / M
compete(
    "notes 8.3: softmax by ⊙ h(1 − h)",
    truth,
    output_gradient(softmax, gradient_in_h * h * (1 - h)),
    output_gradient(softmax, (h - one_hot) / M),
)

# %%
# **A.3, last line**: :math:`\partial h_r / \partial z_k = h_r(\delta_{rk} - h_r)`. The
# last letter should be :math:`h_k`.

identity = np.eye(3)  # rows r, columns k
printed = h[:, :, None] * (identity - h[:, :, None])
right = h[:, :, None] * (identity - h[:, None, :])
compete(
    "notes A.3: h_r (1{r=k} − h_r)",
    truth,
    output_gradient(softmax, np.einsum("mr,mrk->mk", gradient_in_h, printed)),
    output_gradient(softmax, np.einsum("mr,mrk->mk", gradient_in_h, right)),
)

# %%
# **8.1 to 8.3**: :math:`(H - Y)/M` is called :math:`\nabla_H J`. It is δ already.
# Whoever puts it into BP1.2 multiplies by :math:`h'` twice.

truth = by_differences(logistic, several, logistic.weights[-1])
h = logistic(X)
a = logistic.trace(X, several).a[-2]
delta = (h - several) / M
compete(
    "notes 8.2: (H − Y)/M as ∇_H J in BP1.2",
    truth,
    a.T @ (delta * h * (1 - h)),
    a.T @ delta,
)

# %%
# **8.1 to 8.3, B.1, B.2**: :math:`\partial J / \partial z_k` is given as a sum over the
# examples. Each example has a δ of its own; the sum belongs to BP3 and BP4.

summed = np.repeat(delta.sum(axis=0, keepdims=True), M, axis=0)
compete("notes 8.2: δ as a sum over the examples", truth, a.T @ summed, a.T @ delta)

# %%
# **6.2.1**: :math:`\odot\, h'(Z)` stands there twice above BP1.2.

gradient_in_h = (-several / h + (1 - several) / (1 - h)) / M
slope = h * (1 - h)
compete(
    "notes 6.2.1: ⊙ h′(Z) ⊙ h′(Z)",
    truth,
    a.T @ (gradient_in_h * slope * slope),
    a.T @ (gradient_in_h * slope),
)

# %%
# **6.1.2, 6.2.2**: the matrix in BP2 is filled with :math:`w^{(\ell)}` instead of
# :math:`w^{(\ell+1)}`. Those do not even have the right shape, unless both layers are
# of the same size. Here they are:

square = cr.Network(
    [3, 3, 3], "logistic", loss="cross_entropy", dtype="float64", seed=3
)
truth = by_differences(square, several, square.weights[0])
trace = square.trace(X, several)
g_prime = trace.a[1] * (1 - trace.a[1])
gradients = [X.T @ (trace.delta[1] @ W.T * g_prime) for W in square.weights]
compete("notes 6.2.2: w of the layer itself in BP2", truth, *gradients)

# %%
# The blog
# --------
# **Step 5** of its algorithm: :math:`\Delta = a^{\top} \delta` is "the derivative". The
# :math:`1/m` is missing; image 37 has it.

truth = by_differences(logistic, several, logistic.weights[-1])
error = h - several
compete("blog, step 5: without 1/m", truth, a.T @ error, a.T @ error / M)

# %%
# **Image 30, step 1**: :math:`(1 - y)(1 - \log h)` where the cost has :math:`(1 -
# y)\log(1 - h)`. Its slope in :math:`z` would be :math:`(1 - y)(1 - h)` instead of
# :math:`(1 - y)h`: a right "no" would be pushed on with full strength, a wrong "yes"
# left alone.

printed = (-several * (1 - h) + (1 - several) * (1 - h)) / M
compete("blog, image 30: (1 − y)(1 − log h)", truth, a.T @ printed, a.T @ delta)

# %%
# **Image 39**, and the sentence under it: the gradient of the penalty is a *sum* over
# all weights. It belongs to each weight alone.

l2 = 0.5
W = logistic.weights[-1]
truth = by_differences(logistic, several, W, l2=l2)
every = sum(weights.sum() for weights in logistic.weights)
compete(
    "blog, image 39: λ/m times the sum of all θ",
    truth,
    a.T @ delta + l2 / M * every,
    a.T @ delta + l2 / M * W,
)

# %%
# The score
# ---------
# How far each formula is from the truth, relative to the largest slope. One is the size
# of the gradient itself; differences themselves are good to some :math:`10^{-9}`.

figure, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
rows = np.arange(len(results))
far = np.array(list(results.values()))
ax.semilogx(far[:, 0], rows, "X", color="#c8500a", ms=9, label="as printed")
ax.semilogx(far[:, 1], rows, "o", color="#00498c", label="as in the errata")
ax.set(yticks=rows, yticklabels=results, xlabel="distance from the differences")
ax.invert_yaxis()
ax.legend(loc="center")
plt.show()

# %%
# None of this should keep anyone from reading the two texts. Their derivations are
# right where it matters, and an author who writes "we've arrived in index hell"
# deserves to be forgiven an index.
