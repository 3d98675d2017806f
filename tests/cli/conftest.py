"""A small focus stack in files for the command line."""

from pathlib import Path

import imagecodecs
import numpy as np
import pytest

import napari_focusfuse as ff


@pytest.fixture(scope="session")
def stack() -> np.ndarray:
    """(4, 40, 48) uint16."""
    return ff.simulate((40, 48), 4, seed=3).stack


@pytest.fixture
def slices(tmp_path: Path, stack: np.ndarray) -> Path:
    """A folder with a slice in each file."""
    folder = tmp_path / "beads"
    folder.mkdir()
    for k, image in enumerate(stack):
        (folder / f"z{k}.png").write_bytes(imagecodecs.png_encode(image))
    return folder
