"""Pictures are drawn into memory, and closed after each test."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    from matplotlib import pyplot as plt

    plt.close("all")


@pytest.fixture(scope="session")
def moons():
    from sklearn.datasets import make_moons

    return make_moons(60, noise=0.2, random_state=0)


@pytest.fixture
def random():
    return np.random.default_rng(0)
