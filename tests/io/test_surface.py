"""Surfaces and height maps as files, read back by what others read them with."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

import napari_focusfuse as ff
from napari_focusfuse import io
from napari_focusfuse.errors import OutputError


@pytest.fixture
def depth() -> np.ndarray:
    """(5, 7) float32 um, rising to the right and, faster, downwards; one hole."""
    y, x = np.indices((5, 7))
    depth = (x + 10 * y).astype(np.float32)
    depth[2, 3] = np.nan
    return depth


@pytest.mark.parametrize("suffix", [".stl", ".ply"])
def test_meshes(tmp_path: Path, depth: np.ndarray, suffix: str) -> None:
    trimesh = pytest.importorskip("trimesh")
    image = np.arange(35, dtype=np.uint8).reshape(5, 7)
    made = ff.surface(depth, pixel_size=(0.5, 0.25), texture=image)
    paths = [ff.save_surface(tmp_path / f"{k}{suffix}", made) for k in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    mesh = trimesh.load(paths[0], process=True)
    assert (len(mesh.vertices), len(mesh.faces)) == (34, 2 * 24 - 4)
    np.testing.assert_allclose(mesh.extents, [6 * 0.25, 4 * 0.5, 46])
    assert (mesh.face_normals[:, 2] > 0).all()
    # The first pixel, top left, has the least height; y points up.
    lowest = mesh.vertices[mesh.vertices[:, 2].argmin()]
    np.testing.assert_allclose(lowest, [0, 2, 0])
    if suffix == ".ply":
        first = mesh.vertices[:, 2].argmin()
        np.testing.assert_array_equal(mesh.visual.vertex_colors[first], [0, 0, 0, 255])
    with pytest.raises(OutputError, match="exists"):
        ff.save_surface(paths[0], made)


def test_imagej_tiff(tmp_path: Path, depth: np.ndarray) -> None:
    path = ff.save_heights(tmp_path / "z.tif", depth, pixel_size=(0.5, 0.25))
    with tifffile.TiffFile(path) as tif:
        assert tif.is_imagej
        assert tif.imagej_metadata["unit"] == "um"
        np.testing.assert_array_equal(tif.asarray(), depth)
        assert tif.pages.first.resolution == (4.0, 2.0)


def test_x3p(tmp_path: Path, depth: np.ndarray) -> None:
    x3pio = pytest.importorskip("x3pio")
    path = ff.save_heights(tmp_path / "z.x3p", depth, pixel_size=(0.5, 0.25))
    read = x3pio.read(path)
    (layer,) = read.layers
    np.testing.assert_allclose(layer.z[::-1], depth * 1e-6, rtol=1e-6)
    assert (read.header.x.increment, read.header.y.increment) == pytest.approx((0.25e-6, 0.5e-6))


def test_refusals(tmp_path: Path, depth: np.ndarray) -> None:
    with pytest.raises(OutputError, match="unsupported suffix"):
        ff.export(tmp_path, tmp_path / "z.obj")
    with pytest.raises(OutputError, match="cannot hold a height map"):
        ff.save_heights(tmp_path / "z.ply", depth, pixel_size=(1, 1))
    with pytest.raises(OutputError, match="cannot hold a mesh"):
        ff.save_surface(tmp_path / "z.tif", ff.surface(depth, pixel_size=(1, 1)))
    assert not list(tmp_path.iterdir())


def test_the_same_heights_give_the_same_bytes(tmp_path, monkeypatch):
    pytest.importorskip("x3pio")
    heights, content = np.arange(12.0).reshape(3, 4), []
    for k, now in enumerate((1e9, 1.5e9)):
        monkeypatch.setattr("time.time", lambda now=now: now)
        content.append(io.write_heights(tmp_path / f"{k}.x3p", heights, pixel_size=(1.0, 1.0)).read_bytes())
    assert content[0] == content[1]
