"""Layers to OME-TIFF from napari's own dialog."""

import numpy as np
import pytest

from napari_focusfuse import io


@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.tiff"])
def test_a_result_keeps_its_sizes(viewer, tmp_path, suffix):
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    layer = viewer.add_image(image, scale=(0.5, 250), units=("um", "nm"))
    (path,) = layer.save(str(tmp_path / f"a{suffix}"))
    file = io.read_stack(path)
    np.testing.assert_array_equal(io.read_image(tmp_path / f"a{suffix}"), image)
    assert file.pixel_size == pytest.approx((0.5, 0.25))


def test_labels_colour_and_stacks(viewer, tmp_path):
    labels = viewer.add_labels(np.arange(12, dtype=np.uint8).reshape(3, 4))
    labels.save(str(tmp_path / "labels.ome.tif"))
    file = io.read_stack(tmp_path / "labels.ome.tif")
    assert (file.axes, file.pixel_size, file.data.dtype) == ("YX", None, np.uint8)
    colour = viewer.add_image(np.zeros((5, 3, 4, 3), np.uint8), rgb=True, scale=(2, 1, 1), units="um")
    colour.save(str(tmp_path / "colour.ome.tif"))
    file = io.read_stack(tmp_path / "colour.ome.tif")
    assert (file.axes, file.z_step, file.data.shape) == ("ZYXS", 2, (5, 3, 4, 3))


def test_axes_in_another_order(viewer, tmp_path, rng):
    values = rng.integers(0, 255, (3, 4, 5), np.uint8)
    viewer.add_image(values, axis_labels=("y", "x", "z"), scale=(0.5, 0.25, 2), units="um").save(
        str(tmp_path / "a.ome.tif")
    )
    file = io.read_stack(tmp_path / "a.ome.tif")
    assert (file.axes, file.z_step, file.pixel_size) == ("ZYX", 2, (0.5, 0.25))
    np.testing.assert_array_equal(file.data, values.transpose(2, 0, 1))


def test_masked_arrays_and_levels_are_whole(viewer, tmp_path):
    values = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    for data, options in ((np.ma.masked_less(values, 0), {}), ([values, values[:, ::2, ::2]], {"multiscale": True})):
        viewer.add_image(data, **options).save(str(tmp_path / "a.ome.tif"))
        np.testing.assert_array_equal(io.read_stack(tmp_path / "a.ome.tif").data, values)


def test_napari_keeps_plain_tiff(viewer):
    from npe2 import PluginManager

    found = {name: PluginManager.instance().get_writer(name, ["image"])[0].command for name in ("a.tif", "a.ome.tif")}
    assert found == {"a.tif": "napari.write_image", "a.ome.tif": "napari-focusfuse.write_ome_tiff"}


def test_too_many_axes(viewer, tmp_path):
    layer = viewer.add_image(np.zeros((2, 2, 3, 4), np.uint8))
    with pytest.raises(Exception, match="4 axes is no image or stack"):
        layer.save(str(tmp_path / "a.ome.tif"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("labels", "units", "axes"),
    [
        (("t", "y", "x"), ("s", "um", "um"), "TYX"),
        (("time", "y", "x"), ("pixel", "um", "um"), "TYX"),
        (("Channel", "y", "x"), ("pixel", "um", "um"), "CYX"),
        (("y", "x", "c"), ("um", "um", "pixel"), "CYX"),
        (("p", "y", "x"), ("pixel", "um", "um"), "PYX"),
        (("tile", "y", "x"), ("pixel", "um", "um"), "QYX"),
        (("z", "y", "x"), ("pixel", "um", "um"), "ZYX"),
        (None, ("um", "um", "um"), "ZYX"),
        (None, ("s", "um", "um"), "TYX"),
        (None, ("pixel", "um", "um"), "QYX"),
    ],
)
def test_the_first_axis_is_what_the_layer_calls_it(viewer, tmp_path, rng, labels, units, axes):
    """Time points and channels are not written as slices; what has no name gets none."""
    values = rng.integers(0, 255, (3, 4, 5), np.uint8)
    scale = [0.5 if unit == "um" else 1 for unit in units]
    viewer.add_image(values, axis_labels=labels, scale=scale, units=units).save(str(tmp_path / "a.ome.tif"))
    file = io.read_stack(tmp_path / "a.ome.tif")
    assert (file.axes, file.pixel_size, file.notes) == (axes, (0.5, 0.5), ())
    assert file.z_step == (0.5 if axes == "ZYX" and labels is None else None)
    wanted = values.transpose(2, 0, 1) if labels and labels[2] == "c" else values
    np.testing.assert_array_equal(np.asarray(file.data), wanted)


def test_an_image_with_its_axes_swapped(viewer, tmp_path):
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    viewer.add_image(values, axis_labels=("x", "y")).save(str(tmp_path / "a.ome.tif"))
    np.testing.assert_array_equal(io.read_image(tmp_path / "a.ome.tif"), values.T)
