"""Small stacks with values that show every mistake in order, type or depth."""

import numpy as np
import pytest


@pytest.fixture
def stack() -> np.ndarray:
    """(5, 12, 17) uint16 over the whole range."""
    return np.random.default_rng(0).integers(0, 65536, (5, 12, 17), dtype=np.uint16)


@pytest.fixture
def rgb() -> np.ndarray:
    """(5, 12, 17, 3) uint16 over the whole range."""
    return np.random.default_rng(1).integers(0, 65536, (5, 12, 17, 3), dtype=np.uint16)
