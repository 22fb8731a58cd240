"""An estimator's checkpoint: which fits may have one, and what the estimator adds to it."""

import hashlib
from dataclasses import replace
from typing import Any

from sklearn.utils import check_random_state

from chainrule.engines import Examples
from chainrule.errors import InvalidParameter
from chainrule.estimators.solvers import is_lbfgs
from chainrule.training.checkpoint import Checkpoint, as_checkpoint, read_checkpoint
from chainrule.training.identity import digest_of_rows

__all__ = ["checkpoint_for", "kept_random_state", "with_estimator"]

_MOST_LABELS = 100


def checkpoint_for(estimator: Any, *, incremental: bool) -> Checkpoint | None:
    """Return the checkpoint of the fit that begins, if it is to have one.

    Raises
    ------
    InvalidParameter
        If this kind of fit could not go on to the same bits.
    """
    given, kind = estimator.checkpoint, type(estimator).__name__
    if estimator.resume and given is None:
        raise InvalidParameter(
            f"The 'resume' parameter of {kind} must be False without a checkpoint to go on from. "
            f"Got True instead: give checkpoint='run.ckpt' too."
        )
    reason = _why_not(estimator, incremental=incremental)
    if given is not None and reason is not None:
        raise InvalidParameter(
            f"The 'checkpoint' parameter of {kind} must be None {reason[0]}. Got {given!r} "
            f"instead: {reason[1]}."
        )
    return as_checkpoint(given, estimator.resume)


def _why_not(estimator: Any, *, incremental: bool) -> tuple[str, str] | None:
    """Return when and why a fit cannot have a checkpoint, and what to do."""
    if incremental:
        return (
            "for partial_fit, which keeps nothing between two calls but the estimator itself",
            "save that with cr.save",
        )
    if is_lbfgs(estimator.solver):
        return (
            "with solver='lbfgs', whose memory is inside SciPy, so that a fit could not go on to "
            "the same bits",
            "use solver='adam' or 'sgd'",
        )
    if estimator.warm_start:
        return (
            "with warm_start=True, since it is of one fit from its start",
            "to make more epochs of that fit, raise max_iter and set resume=True",
        )
    return None


def kept_random_state(checkpoint: Checkpoint, estimator: Any) -> Any:
    """Return the random state of a fit that is kept: where it is None, one that is kept as well.

    A fit of ``random_state=None`` that goes on takes what was drawn for it when it began.
    """
    if estimator.random_state is not None:
        return estimator.random_state
    saved = read_checkpoint(checkpoint.path, quiet=True) if estimator.resume else None
    identity = {} if saved is None else saved.header.get("identity")
    about = identity.get("about") if isinstance(identity, dict) else None
    drawn = about.get("random_state") if isinstance(about, dict) else None
    if type(drawn) is int and 0 <= drawn < 2**31:
        return drawn
    return int(check_random_state(None).randint(2**31 - 1))


def with_estimator(
    checkpoint: Checkpoint, estimator: Any, random_state: Any, held_out: Examples | None
) -> Checkpoint:
    """Return the checkpoint, about what else decides an estimator's fit: labels, held-out rows."""
    seed = None if hasattr(random_state, "get_state") else int(random_state)
    about = {**checkpoint.about, "random_state": seed}
    if hasattr(estimator, "classes_"):
        several = isinstance(estimator.classes_, list)
        columns = estimator.classes_ if several else [estimator.classes_]
        labels = [classes.tolist() for classes in columns]
        text = repr(labels if several else labels[0])
        short = sum(map(len, labels)) <= _MOST_LABELS
        about["classes"] = text if short else hashlib.sha256(text.encode()).hexdigest()
    about["early_stopping"] = bool(estimator.early_stopping)
    if held_out is not None:
        about["tol of early stopping"] = estimator.tol
        about["n_iter_no_change of early stopping"] = estimator.n_iter_no_change
        scoring = estimator.scoring
        if scoring is not None:
            named = isinstance(scoring, str)
            about["scoring"] = scoring if named else getattr(scoring, "__qualname__", repr(scoring))
        parts = (held_out.X, held_out.Y, held_out.weight)
        about["validation data"] = [None if p is None else digest_of_rows(p) for p in parts]
    return replace(checkpoint, about=about)
