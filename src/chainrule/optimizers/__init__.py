"""Update rules as small (init, update) pairs."""

from chainrule.optimizers.adam import Adam
from chainrule.optimizers.description import describe_optimizer, optimizer_from
from chainrule.optimizers.interface import Optimizer, OptimizerState
from chainrule.optimizers.schedules import Adaptive, Constant, InverseScaling, Schedule
from chainrule.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "Adaptive",
    "Constant",
    "InverseScaling",
    "Optimizer",
    "OptimizerState",
    "Schedule",
    "describe_optimizer",
    "optimizer_from",
]
