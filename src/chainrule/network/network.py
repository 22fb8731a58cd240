"""The network."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from chainrule.architecture import Architecture, Parameters, Views
from chainrule.architecture.checks import check_names, check_number, check_seed
from chainrule.architecture.inputs import check_batch, check_X
from chainrule.architecture.parameters import initialize, write
from chainrule.attributes import AttributesNamed
from chainrule.calls import says_what_was_meant
from chainrule.engines import Examples, are_finite, hypotheses, predict_row
from chainrule.engines.reference import cost_and_gradients
from chainrule.errors import InvalidInput
from chainrule.maths.activations import Activation
from chainrule.maths.arrays import Float
from chainrule.maths.losses import LOSSES, Loss, Parametric
from chainrule.network.network_file import network_parts, network_state, require_kind
from chainrule.network.trace import Trace
from chainrule.storage import checked_values, path_of, read_tensors, write_tensors

__all__ = ["Network"]


@final
class Network(AttributesNamed):
    """A feed-forward network: layers of weights and biases, and its forward and backward pass.

    Parameters
    ----------
    sizes : sequence of int
        The nodes of every layer, inputs and outputs included: ``[4, 10, 3]`` has one hidden
        layer. Without a hidden layer it is linear, logistic, softmax or Poisson regression.
    activation : str, Activation or a list with one per hidden layer, default="tanh"
        g: "identity", "logistic", "tanh", "relu", "step", "leaky_relu", "elu", "selu",
        "softplus", "silu", "gelu", "mish", or your own.
    loss : str, Loss, Huber, Quantile, CrossEntropy, LogLoss or GroupedLogLoss, default="log_loss"
        The output's hypothesis and loss: "squared_error", "absolute_error", "huber", "quantile"
        (identity), "cross_entropy" (logistic), "log_loss" (softmax, at least two outputs),
        "poisson" (exp), "logistic_squared_error" (the teaching pair), "indicator" (step, forward
        only); one with parameters, such as ``cr.Huber(2.0)``; or your own `Loss`.
    init : str, default="auto"
        The starting weights: "glorot_uniform", "glorot_normal", "he_uniform", "he_normal",
        "lecun_uniform", "lecun_normal", "orthogonal", "normal", "uniform", "zeros"; "auto" takes
        He's for rectifiers and similar activations, LeCun's for SELU, else Glorot's. Biases are 0.
    dtype : {"float32", "float64"}, default="float32"
        The type of the parameters; inputs are cast to it.
    seed : int, default=0
        The seed of the starting weights, 0 <= seed < 2**64.

    Attributes
    ----------
    theta : array of shape (n_parameters,)
        All parameters in one vector. Writes in place take effect at once, here and below. Where it
        is read-only, as in a file that is mapped into memory, training and assigning first replace
        it by a copy, here and below.
    weights : list of arrays of shapes (s_in, s_out)
        Views of theta.
    biases : list of arrays of shapes (s_out,)
        Views of theta.
    thetas : list of arrays of shapes (s_out, s_in + 1)
        The blog's matrices ``[b | W^T]`` (blog image 5), views of theta too.
    architecture : Architecture
        Sizes, activations, loss and dtype.
    seed : int or None
        The seed of the starting weights; None if they were not drawn by the network.
    feature_names : tuple of str or None
        The names of the inputs, which are saved with the network. Assign a list to it.
    training_data : str or None
        The SHA-256 of the shapes and dtypes it was last trained on.

    Raises
    ------
    InvalidParameter
        If a size, dtype, seed or the number of outputs is invalid; nothing is allocated.
    UnknownName
        If a name is unknown; the message suggests the nearest.
    TooLarge
        If the parameters cannot fit in memory.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 1], activation="tanh", loss="squared_error", seed=1)
    >>> net([[0.0, 0.0], [1.0, 2.0]]).shape
    (2, 1)
    >>> net([1.0, 2.0]).shape
    (1,)
    >>> net.n_parameters
    13
    """

    _meant_by: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            ("predict", "predict_proba", "forward"), "Call the network itself: net(X)."
        ),
        **dict.fromkeys(
            ("fit", "train", "step", "partial_fit"),
            "A Learner trains it: cr.Learner(net, cr.Adam(1e-3)).fit(X, Y).",
        ),
        "compile": "The loss is Network's, the optimizer is cr.Learner's.",
        "backward": "net.trace(X, Y) has every gradient: grad_weights and grad_biases.",
        **dict.fromkeys(("score", "evaluate"), "The cost is net.trace(X, Y).cost."),
        **dict.fromkeys(
            ("layers", "coefs_", "intercepts_", "get_weights", "state_dict", "params"),
            "Its parameters are net.weights and net.biases.",
        ),
        "summary": "print(net) shows it, and cr.NetworkDisplay draws it.",
        "loss": "It is net.architecture.loss.",
    }

    __slots__ = ("__weakref__", "_feature_names", "_parameters", "_seed", "_training_data")

    _parameters: Parameters
    _seed: int | None
    _feature_names: tuple[str, ...] | None
    _training_data: str | None

    @says_what_was_meant
    def __init__(
        self,
        sizes: Sequence[int],
        activation: str | Activation | Sequence[str | Activation] = "tanh",
        loss: str | Loss | Parametric = "log_loss",
        init: str = "auto",
        dtype: Any = "float32",
        seed: int = 0,
    ) -> None:
        architecture = Architecture.describe(sizes, activation, loss, dtype)
        whole_seed = check_seed(seed)
        theta = initialize(architecture, init, whole_seed)
        self.__setstate__({"parameters": Parameters(architecture, theta), "seed": whole_seed})

    @classmethod
    def from_theta(cls, architecture: Architecture, theta: Float) -> "Network":
        """Return a network of that architecture with a copy of these parameters.

        Raises
        ------
        InvalidInput
            If theta does not have one value per parameter.
        """
        net = cls.__new__(cls)
        own = np.empty(architecture.n_parameters, architecture.dtype)
        net.__setstate__({"parameters": Parameters(architecture, own)})
        if np.shape(theta) != net.theta.shape:
            raise InvalidInput(
                f"theta needs shape {net.theta.shape}. Got shape {np.shape(theta)} instead."
            )
        net.theta[...] = theta
        return net

    @property
    def architecture(self) -> Architecture:
        """Sizes, activations, loss and dtype."""
        return self._parameters.architecture

    @property
    def theta(self) -> Float:
        """All parameters in one vector; assigning copies into it."""
        return self._parameters.theta

    @theta.setter
    def theta(self, value: Any) -> None:
        self._parameters.make_writable()
        write(self._parameters.theta, value, "theta")

    @property
    def weights(self) -> Views:
        """The weight matrices, views of theta."""
        return self._parameters.weights

    @property
    def biases(self) -> Views:
        """The bias vectors, views of theta."""
        return self._parameters.biases

    @property
    def thetas(self) -> Views:
        """The blog's matrices ``[b | W^T]``, views of theta."""
        return self._parameters.thetas

    @property
    def parameters(self) -> Parameters:
        """Theta with its views, as the engines take it."""
        return self._parameters

    @property
    def sizes(self) -> tuple[int, ...]:
        """The nodes of every layer."""
        return self.architecture.sizes

    @property
    def n_parameters(self) -> int:
        """The number of weights and biases."""
        return self.architecture.n_parameters

    @property
    def seed(self) -> int | None:
        """The seed of the starting weights, None where the network did not draw them."""
        return self._seed

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of the inputs; assign a list of names, or None."""
        return self._feature_names

    @feature_names.setter
    def feature_names(self, value: Any) -> None:
        self._feature_names = check_names("feature_names", value, self.sizes[0])

    @property
    def training_data(self) -> str | None:
        """The SHA-256 of the shapes and dtypes it was last trained on; a learner sets it."""
        return self._training_data

    def note_training_data(self, digest: str | None) -> None:
        """Record the training data's digest, for its file."""
        self._training_data = digest

    def __call__(self, X: Any) -> Float:
        """Return the hypotheses (FP2.1, FP2.2).

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, N), or one example of shape (N,)

        Returns
        -------
        array of shape (n, K), or (K,) for one example

        Raises
        ------
        InvalidInput
            If X has another number of features, no rows, NaN or infinity.
        """
        if type(X) is np.ndarray and X.ndim == 1:
            h = predict_row(self.architecture, self._parameters, X)
            if h is not None:
                return h
        checked = check_X(self.architecture, X, are_finite)
        H = hypotheses(self.architecture, self._parameters, checked)
        return H[0] if np.ndim(X) == 1 else H

    def trace(
        self, X: Any, Y: Any, sample_weight: Any = None, l2: float = 0.0, l1: float = 0.0
    ) -> Trace:
        """Return every z, a, delta and gradient of J on this batch.

        Parameters
        ----------
        X : array-like of shape (n, N), or one example of shape (N,)
        Y : array-like
            Targets as the loss takes them: class indices (n,) or one-hot rows (n, K) for
            log_loss; (n, K) for the others, or (n,) where K = 1.
        sample_weight : array-like of shape (n,), optional
        l2, l1 : float, default=0.0
            The notes' lambda of each penalty.

        Returns
        -------
        Trace

        Raises
        ------
        InvalidInput
            If X, Y or the weights are unusable.
        NotTrainable
            If a step function blocks the gradient.

        Examples
        --------
        >>> import chainrule as cr
        >>> net = cr.Network([1, 1], loss="squared_error", init="zeros")
        >>> trace = net.trace([[1.0], [2.0]], [2.0, 4.0])
        >>> trace.cost
        5.0
        >>> trace.delta[-1].ravel()  # (h - Y)/M
        array([-1., -2.], dtype=float32)
        """
        self.architecture.require_trainable()
        check_number("l2", l2)
        check_number("l1", l1)
        batch = Examples(*check_batch(self.architecture, X, Y, sample_weight))
        result = cost_and_gradients(
            self.architecture, self._parameters, batch, len(batch), batch.total, l2=l2, l1=l1
        )
        # Copies: otherwise with the identity a and z would be the same array, and a[0] the caller's
        # X.
        inputs, *layers = result.forward.a
        return Trace(
            a=[inputs.copy(), *(a.copy() for a in layers)],
            z=result.forward.z,
            delta=result.gradients.delta,
            grad_weights=result.gradients.grad_weights,
            grad_biases=result.gradients.grad_biases,
            cost=result.cost,
        )

    def copy(self, dtype: Any = None) -> "Network":
        """Return an independent copy, in another dtype if one is given.

        Examples
        --------
        >>> import chainrule as cr
        >>> cr.Network([2, 2]).copy("float64").theta.dtype
        dtype('float64')
        """
        a = self.architecture
        if dtype is not None:
            a = Architecture.describe(a.sizes, a.activations, a.loss, dtype)
        net = Network.from_theta(a, self.theta)
        net.__setstate__({**self.__getstate__(), "parameters": net.parameters})
        return net

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a file: its weights, and a header that describes it.

        Parameters
        ----------
        path : str or path-like
            The file, used as given, with any suffix or none. It is written atomically.

        Raises
        ------
        InvalidInput
            If an activation or the loss is your own, since a file holds no code, or a weight is
            NaN or infinite. Nothing is written then.
        UnwritablePath
            If the file cannot be written; the old one is then unchanged.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import chainrule as cr
        >>> net = cr.Network([2, 3, 1], loss="squared_error")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     net.save(pathlib.Path(folder, "net"))
        ...     back = cr.Network.load(pathlib.Path(folder, "net"))
        >>> (back.theta == net.theta).all()
        np.True_
        """
        tensors, header = self.to_parts()
        write_tensors(path, tensors, {"kind": "network", **header})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Network":
        """Read a network from its file, or from that of a learner that trains it.

        No code in the file is executed. The network has the same bits as the saved one.

        Parameters
        ----------
        path : str or path-like
            The file. Its kind is recognized by its content.

        Returns
        -------
        Network

        Raises
        ------
        MissingFile
            If the file does not exist.
        InvalidFile
            If it is of another kind, is damaged, or of a newer format.
        """
        name = path_of(path)
        tensors, header = read_tensors(name)
        require_kind(header, ("network", "learner"), name)
        return cls.from_parts(tensors, header, name)

    def to_parts(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the tensors and the header of its file (`docs/format.md`)."""
        return network_parts(self._parameters, self._noted())

    @classmethod
    def from_parts(
        cls, tensors: Mapping[str, NDArray[Any]], header: Mapping[str, Any], name: str
    ) -> "Network":
        """Return the network from a file's tensors and header; `name` is the file, for errors."""
        net = cls.__new__(cls)
        net.__setstate__(network_state(tensors, header, name))
        with checked_values(name):
            net.feature_names = header.get("feature_names")
        return net

    def to_torch(self) -> Any:
        """Return a PyTorch module that computes the same: Linear layers and their activations.

        Its parameters are copies, in the network's dtype, and can be trained there. PyTorch's own
        classification losses take the raw z, which is ``module[:-1](X)``.

        Returns
        -------
        torch.nn.Sequential

        Raises
        ------
        InvalidInput
            If an activation or the loss is your own.
        MissingExtra
            If PyTorch is not installed; chainrule itself does not need it.

        See Also
        --------
        from_torch : The inverse.
        """
        from chainrule.network.torch import module_of  # rarely needed

        return module_of(self.architecture, self.weights, self.biases)

    def __copy__(self) -> "Network":
        """Return an independent copy, as NumPy's arrays do."""
        return self.copy()

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and files; shared parameters stay shared."""
        known = {name: value for name, value in self._noted().items() if value is not None}
        return {"parameters": self._parameters} | known

    def _noted(self) -> dict[str, Any]:
        return {
            "seed": self._seed,
            "feature_names": self._feature_names,
            "training_data": self._training_data,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the parameters and their views."""
        self._parameters = state["parameters"]
        self._seed = state.get("seed")
        self._feature_names = state.get("feature_names")
        self._training_data = state.get("training_data")

    def __repr__(self) -> str:
        """Return the description on one line."""
        a = self.architecture
        names = list(dict.fromkeys(g.name for g in a.activations))
        activation = f", activation={names[0]!r}" if len(names) == 1 else ""
        if len(names) > 1:
            activation = f", activation={[g.name for g in a.activations]!r}"
        named = a.loss.made_of is None or LOSSES.get(a.loss.name) is a.loss
        loss = a.loss.name if named else a.loss.made_of
        return f"Network({list(a.sizes)}{activation}, loss={loss!r}, dtype={str(a.dtype)!r})"
