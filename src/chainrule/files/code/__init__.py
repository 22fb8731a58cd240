"""Networks as programs in other languages: C and JavaScript."""

from chainrule.files.code.c import to_c
from chainrule.files.code.javascript import to_js

__all__ = ["to_c", "to_js"]
