"""What the widget saves can be made again from the files that the layer was opened from."""

import numpy as np
import pytest
import tifffile

import napari_focusfuse as ff
from napari_focusfuse import io


@pytest.fixture
def stack():
    return ff.simulate((40, 48), 4, seed=3).stack


@pytest.mark.parametrize("kind", ["tiff", "folder", "time"])
def test_saved_by_the_widget(viewer, widget, finish, stack, tmp_path, kind):
    if kind == "folder":
        (tmp_path / "beads").mkdir()
        for k, image in enumerate(stack):
            io.write_image(tmp_path / "beads" / f"z{k}.png", image)
        (layer,) = viewer.open(str(tmp_path / "beads"), plugin="napari-focusfuse")
    elif kind == "tiff":
        io.write_stack(tmp_path / "beads.ome.tif", stack, z_step=2, pixel_size=(0.5, 0.5))
        (layer,) = viewer.open(str(tmp_path / "beads.ome.tif"), plugin="napari")
    else:
        data = np.stack([stack[::-1], stack])
        tifffile.imwrite(tmp_path / "beads.ome.tif", data, ome=True, metadata={"axes": "TZYX"})
        (layer,) = viewer.open(str(tmp_path / "beads.ome.tif"), plugin="napari")
        viewer.dims.set_current_step(0, 1)
    widget.layer = layer
    widget.method.value = "sf"
    if kind == "time":
        widget.stack.axis = 1
    widget.run()
    finish(widget)
    widget.save(tmp_path / "result")
    finish(widget)
    np.testing.assert_array_equal(
        io.read_image(tmp_path / "result" / "fused.ome.tif"), ff.fuse(stack, method="sf").image
    )
    assert ff.check_replay(tmp_path / "result") == []


@pytest.mark.parametrize(("plugin", "slices"), [("napari", 4), ("napari-focusfuse", 4), ("napari-focusfuse", 3)])
def test_all_positions_saved_by_the_widget(viewer, widget, finish, stack, tmp_path, plugin, slices):
    data = np.stack([np.stack([stack, stack // 2], 1), np.stack([stack[::-1], stack[::-1] // 3], 1)])
    sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 2.0}
    tifffile.imwrite(tmp_path / "cells.ome.tif", data, ome=True, metadata={"axes": "TZCYX", **sizes})
    layer = viewer.open(str(tmp_path / "cells.ome.tif"), plugin=plugin)[-1]
    widget.layer = layer
    widget.method.value = "log"
    widget.stack.axis = 1
    if slices < len(stack):
        widget.form.slices.last.setValue(slices - 1)
        widget.form.slices.take()
    widget.form.positions.positions.value = True
    widget.run()
    finish(widget)
    widget.save(tmp_path / "result")
    finish(widget)
    assert (tmp_path / "result" / "recipe.json").exists()
    assert ff.check_replay(tmp_path / "result") == []
