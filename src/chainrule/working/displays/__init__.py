"""Pictures, after scikit-learn's convention: ``XDisplay.from_estimator(...)`` draws."""

from chainrule.working.displays.activation_display import ActivationDisplay
from chainrule.working.displays.cost_display import CostDisplay
from chainrule.working.displays.curves import LossCurveDisplay
from chainrule.working.displays.distributions import DistributionDisplay
from chainrule.working.displays.loss_display import LossDisplay
from chainrule.working.displays.network_display import NetworkDisplay
from chainrule.working.displays.regions import DecisionRegionDisplay
from chainrule.working.displays.weights import WeightsDisplay

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
