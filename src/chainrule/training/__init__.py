"""Training: read `fit` first."""

from chainrule.training.checkpoint import Checkpoint
from chainrule.training.early_stopping import EarlyStopping
from chainrule.training.history import History, Record
from chainrule.training.learner import Callback, Learner

__all__ = ["Callback", "Checkpoint", "EarlyStopping", "History", "Learner", "Record"]
