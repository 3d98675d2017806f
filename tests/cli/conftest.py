"""A small focus stack in files, and the command line in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import imagecodecs
import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse.cli import main


class Run(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def stack() -> np.ndarray:
    """(4, 40, 48) uint16."""
    return ff.simulate((40, 48), 4, seed=3).stack


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Run the command line with some arguments."""

    def run(*args: object) -> Run:
        code = main([str(arg) for arg in args])
        return Run(code, *capsys.readouterr())

    return run


@pytest.fixture
def slices(tmp_path: Path, stack: np.ndarray) -> Path:
    """A folder with a slice in each file."""
    folder = tmp_path / "beads"
    folder.mkdir()
    for k, image in enumerate(stack):
        (folder / f"z{k}.png").write_bytes(imagecodecs.png_encode(image))
    return folder
