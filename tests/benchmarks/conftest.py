"""Small scenes, and pairs of photographs in files."""

import shutil
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

import napari_focusfuse as ff
from benchmarks.simulated import Study


@pytest.fixture
def study() -> Study:
    """Two scenes of two surfaces and noises, tiny."""
    return Study(shape=(40, 48), slices=4, scenes=2, surfaces=("smooth", "steps"), noises=(0.0, 0.05))


@pytest.fixture(scope="session")
def _pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs") / "photos"
    folder.mkdir()
    for number in range(3):
        scene = ff.simulate((72, 80), 2, blur=4, surface="steps", seed=number)
        for role, image in zip(("A", "B", "GT"), (*scene.stack, scene.truth), strict=True):
            eight = np.repeat((image // 257).astype(np.uint8)[..., None], 3, axis=2)
            (folder / f"scene{number}_{role}.png").write_bytes(imagecodecs.png_encode(eight))
    return folder


@pytest.fixture
def pairs(_pairs: Path, tmp_path: Path) -> Path:
    """Three pairs with truth: colour, 8 bit."""
    return shutil.copytree(_pairs, tmp_path / "photos")
