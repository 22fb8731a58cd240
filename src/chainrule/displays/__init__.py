"""Pictures, following scikit-learn's convention: ``XDisplay.from_estimator(...)`` draws."""

from chainrule.displays.activation_display import ActivationDisplay
from chainrule.displays.cost_display import CostDisplay
from chainrule.displays.curves import LossCurveDisplay
from chainrule.displays.distributions import DistributionDisplay
from chainrule.displays.loss_display import LossDisplay
from chainrule.displays.network_display import NetworkDisplay
from chainrule.displays.regions import DecisionRegionDisplay
from chainrule.displays.weights import WeightsDisplay

__all__ = [
    "ActivationDisplay",
    "CostDisplay",
    "DecisionRegionDisplay",
    "DistributionDisplay",
    "LossCurveDisplay",
    "LossDisplay",
    "NetworkDisplay",
    "WeightsDisplay",
]
