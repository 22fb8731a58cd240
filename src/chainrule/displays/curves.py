"""The cost and the validation score of each epoch."""

from typing import Any, final

import numpy as np

from chainrule.displays.style import INK, PAPER, SOFT, STROKES, axes_for, pyplot, tidy
from chainrule.errors import InvalidInput
from chainrule.maths.arrays import Float
from chainrule.network import Network
from chainrule.opening import take_apart
from chainrule.training import History, Learner

__all__ = ["LossCurveDisplay"]


@final
class LossCurveDisplay:
    """The cost of each epoch, and the loss or score on validation data.

    Parameters
    ----------
    costs : array-like of shape (n_epochs,)
        J of each epoch.
    validation_losses : array-like of shape (n_epochs,), optional
        The loss on validation data, on the same axis.
    validation_scores : array-like of shape (n_epochs,), optional
        The score on validation data (the higher the better), on a separate axis.

    Attributes
    ----------
    epochs : array
        1, 2 ...
    best_epoch : int or None
        The epoch that was best on the validation data.
    ax_, figure_ : Axes, Figure
    score_ax_ : Axes or None
        The axis of the scores.
    lines_ : dict of str to Line2D
        "cost", "validation loss" and "validation score", those that were drawn.

    Examples
    --------
    >>> import chainrule as cr
    >>> learner = cr.Learner(cr.Network([1, 1], loss="squared_error"), cr.SGD(0.1))
    >>> history = learner.fit([[0.0], [1.0]], [1.0, 3.0], epochs=3)
    >>> display = cr.LossCurveDisplay.from_estimator(learner)
    >>> display.lines_["cost"].get_ydata().tolist() == history.costs
    True
    """

    ax_: Any
    figure_: Any
    score_ax_: Any
    lines_: dict[str, Any]

    def __init__(
        self, costs: Any, *, validation_losses: Any = None, validation_scores: Any = None
    ) -> None:
        self.costs = np.asarray(costs, float)
        self.epochs = np.arange(1, len(self.costs) + 1)
        self.validation_losses = _as_curve(validation_losses)
        self.validation_scores = _as_curve(validation_scores)

    @classmethod
    def from_estimator(
        cls, model: Any, *, log_scale: bool = False, label: str | None = None, ax: Any = None
    ) -> "LossCurveDisplay":
        """Draw the curves of a training.

        Parameters
        ----------
        model : fitted estimator or Pipeline that ends in one, Learner or History
            The model, trained by "sgd" or "adam". Of an estimator with early stopping the
            validation scores are drawn too.
        log_scale : bool, default=False
            Whether costs are shown on a logarithmic scale.
        label : str, optional
            The label, if several are drawn in the same axes.
        ax : Axes, optional
            The axes to draw in; by default those of a new figure.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        InvalidInput
            If there is no curve: the model was not trained, or by L-BFGS.
        MissingExtra
            If matplotlib is not installed.
        """
        pyplot()
        return _curves_of(cls, model).plot(log_scale=log_scale, label=label, ax=ax)

    @property
    def best_epoch(self) -> int | None:
        """The epoch that was best on the validation data; None without validation data."""
        for values, better in (
            (self.validation_scores, np.nanargmax),
            (self.validation_losses, np.nanargmin),
        ):
            if values is not None and np.isfinite(values).any():
                return int(better(values)) + 1
        return None

    def plot(
        self, *, log_scale: bool = False, label: str | None = None, ax: Any = None
    ) -> "LossCurveDisplay":
        """Draw it, in a new figure or in the axes given.

        Parameters
        ----------
        log_scale : bool, default=False
        label : str, optional
        ax : Axes, optional

        Returns
        -------
        LossCurveDisplay
            Itself, with ``ax_``, ``figure_`` and ``lines_``.
        """
        ax = self.ax_ = axes_for(ax, (6.0, 3.8))
        self.figure_, self.score_ax_, self.lines_ = ax.figure, None, {}
        dot = "o" if len(self.epochs) == 1 else None  # one epoch does not make a line
        before = sum(line.get_gid() == "cost" for line in ax.get_lines())
        color, stroke = STROKES[before % len(STROKES)]
        called = "" if label is None else f"{label}: "
        self.lines_["cost"] = ax.plot(
            self.epochs,
            self.costs,
            color=color,
            ls=stroke,
            label=f"{called}cost J",
            gid="cost",
            marker=dot,
        )[0]
        if self.validation_losses is not None:
            self.lines_["validation loss"] = ax.plot(
                self.epochs[: len(self.validation_losses)],
                self.validation_losses,
                color=STROKES[1][0],
                ls="--",
                label=f"{called}validation loss",
            )[0]
        ax.set_xlabel("epoch")
        ax.set_ylabel("cost J")
        if log_scale:
            ax.set_yscale("log")
        ax.xaxis.get_major_locator().set_params(integer=True)
        tidy(ax)
        if self.validation_scores is not None:
            self._plot_scores(self.validation_scores, called)
        self._mark_best()
        handles = [line for line in ax.get_lines() if not line.get_label().startswith("_")]
        handles += [self.lines_[n] for n in ("validation score",) if n in self.lines_]
        if len(handles) > 1:
            ax.legend(
                handles=handles,
                loc="lower center",
                bbox_to_anchor=(0.5, 1.0),
                ncols=2,
                frameon=False,
                fontsize=9,
            )
        return self

    def _plot_scores(self, scores: Float, called: str) -> None:
        ax = self.score_ax_ = self.ax_.twinx()
        self.lines_["validation score"] = ax.plot(
            self.epochs[: len(scores)],
            scores,
            color=STROKES[3][0],
            ls="-.",
            label=f"{called}validation score (right)",
        )[0]
        ax.set_ylabel("validation score")
        ax.spines["top"].set_visible(False)
        ax.tick_params(labelsize=9)

    def _mark_best(self) -> None:
        best = self.best_epoch
        if best is None:
            return
        self.ax_.axvline(best, color=SOFT, lw=0.9, ls=":")
        last = len(self.epochs)
        self.ax_.annotate(
            f"best: epoch {best}",
            (best, 0.98),
            (-4 if best > 0.6 * last else 4, 0),
            xycoords=self.ax_.get_xaxis_transform(),
            textcoords="offset points",
            ha="right" if best > 0.6 * last else "left",
            va="top",
            fontsize=9,
            color=INK,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0, "alpha": 0.85},
        )


def _as_curve(values: Any) -> Float | None:
    return None if values is None or len(values) == 0 else np.asarray(values, float)


def _curves_of(cls: Any, model: Any) -> LossCurveDisplay:
    losses, scores = None, None
    if isinstance(model, History):
        costs: Any = model.costs
    elif isinstance(model, Learner):
        costs = model.history.costs
    elif isinstance(model, Network):
        raise InvalidInput(
            "A Network does not remember its training: give the Learner, or the History that "
            "Learner.fit returned."
        )
    else:
        inner = take_apart(model).core
        costs = getattr(inner, "loss_curve_", ())
        losses = getattr(inner, "validation_loss_curve_", None)
        scores = getattr(inner, "validation_scores_", None)
    if not len(costs):
        raise InvalidInput(
            "There are no epochs to draw: train first, with solver='sgd' or 'adam' ('lbfgs' has no "
            "epochs)."
        )
    return cls(costs, validation_losses=losses, validation_scores=scores)
