"""What all tests share: the same cases on every run, however slow the machine or started."""

import gc
import importlib
import os
import signal

import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

from .pythons import Pythons

# BLAS' and OpenMP's threads wait for each other longer than small products take.
importlib.import_module("sklearn.utils")  # which loads those libraries
threadpool_limits({"blas": 1, "openmp": 1})

settings.register_profile("chainrule", derandomize=True, deadline=None)
settings.load_profile("chainrule")


@pytest.fixture
def ctrl_c():
    """Have Ctrl-C heard, here and in the processes that a test starts.

    A shell starts its background jobs with SIGINT ignored, and what is ignored is inherited. What
    is handled is not: a new program begins with the default.

    What the garbage collector calls is set aside. Python only prints what is raised there, and
    Hypothesis leaves a function there that measures: a Ctrl-C that comes while it runs is lost.
    """
    called = gc.callbacks[:]
    gc.callbacks.clear()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
    gc.callbacks[:] = called


@pytest.fixture(scope="session")
def pythons():
    """Processes of their own that start at once."""
    if not hasattr(os, "fork"):
        pytest.skip("has no fork")
    started = Pythons()
    yield started
    started.close()
