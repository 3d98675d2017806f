"""A folder of slices as one layer."""

import timeit

import numpy as np
import pytest
import tifffile

from napari_focusfuse.gui._source import KEY
from napari_focusfuse.gui.reader import get_reader


@pytest.fixture
def folder(tmp_path, stack):
    """Slices in natural order z1, z2, ... z10 ..."""
    folder = tmp_path / "beetle"
    folder.mkdir()
    for k in range(12):
        tifffile.imwrite(folder / f"z{k + 1}.tif", stack[k % 6] + k)
    return folder


def test_a_folder_opens_as_one_layer_in_natural_order(viewer, folder, stack):
    (layer,) = viewer.open(str(folder), plugin="napari-focusfuse")
    assert layer.name == "beetle"
    assert layer.axis_labels == ("z", "y", "x")
    assert layer.data.shape == (12, 16, 20)
    np.testing.assert_array_equal(np.asarray(layer.data), [stack[k % 6] + k for k in range(12)])
    assert [path.rsplit("z", 1)[-1] for path in layer.metadata[KEY]["inputs"]] == [f"{k}.tif" for k in range(1, 13)]


def test_slices_are_read_when_they_are_shown(folder):
    (data, _, _), *rest = get_reader(str(folder))(str(folder))
    assert rest == []
    (folder / "z12.tif").unlink()
    assert np.asarray(data[0]).shape == (16, 20)


def test_colour_slices_are_one_rgb_layer(viewer, tmp_path):
    for k in range(3):
        tifffile.imwrite(tmp_path / f"{k}.tif", np.full((8, 9, 3), k, np.uint8), photometric="rgb")
    (layer,) = viewer.open(str(tmp_path), plugin="napari-focusfuse")
    assert layer.rgb
    assert layer.ndim == 3


def test_spacing_in_the_files_reaches_the_layer(viewer, tmp_path):
    for k in range(3):
        resolution = (1e4 / 0.5, 1e4 / 0.5)
        tifffile.imwrite(tmp_path / f"{k}.tif", np.zeros((8, 9), np.uint8), resolution=resolution, resolutionunit=3)
    (layer,) = viewer.open(str(tmp_path), plugin="napari-focusfuse")
    np.testing.assert_allclose(layer.scale, (1, 0.5, 0.5))
    assert [str(unit) for unit in layer.units] == ["pixel", "micrometer", "micrometer"]


def test_slices_of_unequal_size_are_named(viewer, folder):
    tifffile.imwrite(folder / "z3.tif", np.zeros((5, 5), np.uint16))
    with pytest.raises(Exception, match=r"z3\.tif"):
        viewer.open(str(folder), plugin="napari-focusfuse")
    assert not viewer.layers


def test_the_getter_leaves_alone_what_is_no_folder_of_slices(tmp_path, folder):
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "notes.txt", tmp_path / "empty", tmp_path / "missing", tmp_path, folder / "z1.tif"):
        assert get_reader(str(path)) is None
    assert get_reader([str(folder), str(folder)]) is None
    assert get_reader(str(folder)) is not None


def test_the_getter_is_quick(folder):
    assert min(timeit.repeat(lambda: get_reader(str(folder)), number=1)) < 0.05
