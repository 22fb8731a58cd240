"""What all tests share: the same cases on every run, however slow the machine."""

from hypothesis import settings

settings.register_profile("chainrule", derandomize=True, deadline=None)
settings.load_profile("chainrule")
