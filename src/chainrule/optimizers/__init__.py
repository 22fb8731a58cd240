"""Update rules as small (init, update) pairs, and learning-rate schedules."""

from chainrule.optimizers.adagrad import Adagrad
from chainrule.optimizers.adam import Adam
from chainrule.optimizers.adamw import AdamW
from chainrule.optimizers.description import describe_optimizer, describe_schedule, optimizer_from
from chainrule.optimizers.interface import Optimizer, OptimizerState
from chainrule.optimizers.lbfgs import LBFGS
from chainrule.optimizers.nadam import Nadam
from chainrule.optimizers.rmsprop import RMSprop
from chainrule.optimizers.rprop import Rprop
from chainrule.optimizers.schedules import (
    Adaptive,
    Constant,
    Cosine,
    ExponentialDecay,
    InverseScaling,
    OneCycle,
    Schedule,
    StepDecay,
    Warmup,
)
from chainrule.optimizers.sgd import SGD

__all__ = [
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adaptive",
    "Constant",
    "Cosine",
    "ExponentialDecay",
    "InverseScaling",
    "Nadam",
    "OneCycle",
    "Optimizer",
    "OptimizerState",
    "RMSprop",
    "Rprop",
    "Schedule",
    "StepDecay",
    "Warmup",
    "describe_optimizer",
    "describe_schedule",
    "optimizer_from",
]
