"""The network: its parameters, its forward and backward pass, and the check of its gradients."""

from chainrule.network.gradient_check import GradientCheck, LayerCheck
from chainrule.network.layers import from_torch
from chainrule.network.network import Network
from chainrule.network.trace import Trace

__all__ = ["GradientCheck", "LayerCheck", "Network", "Trace", "from_torch"]
