"""The description of a network, its parameters as one vector, and the checks of its inputs."""

from chainrule.architecture.architecture import Architecture, is_built_in
from chainrule.architecture.parameters import Parameters, Views

__all__ = ["Architecture", "Parameters", "Views", "is_built_in"]
