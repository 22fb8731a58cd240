"""Show the working: derivations with a network's own numbers, and its engines side by side."""

from chainrule.working.check_gradients import check_gradients
from chainrule.working.compare import Comparison, compare
from chainrule.working.derivation import Derivation
from chainrule.working.explain import explain

__all__ = ["Comparison", "Derivation", "check_gradients", "compare", "explain"]
