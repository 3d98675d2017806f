"""The sample stacks."""

import subprocess
import sys

import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse.core import simulate
from napari_focusfuse.gui import samples
from napari_focusfuse.gui.layers.source import inputs_of


def test_the_sample_has_units(viewer):
    (layer,) = viewer.open_sample("napari-focusfuse", "simulated_stack")
    assert layer.axis_labels == ("z", "y", "x")
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 3
    assert layer.data.dtype == "uint16"
    assert layer.data.ndim == 3
    assert tuple(layer.scale) == (1.5, 0.65, 0.65)


def test_the_surface_in_the_file_is_the_simulated_one():
    """On other machines it may be 1 count apart."""
    scene = simulate.sample_scene("surface")
    (truth, under, _), (stack, over, _) = samples.simulated_stack_with_truth()
    assert np.abs(stack.astype(int) - scene.stack).max() <= 1
    assert np.abs(truth.astype(int) - scene.truth).max() <= 1
    assert over["scale"] == (scene.z_step, scene.pixel_size, scene.pixel_size)
    assert under["scale"] == (scene.pixel_size, scene.pixel_size)


def test_the_first_sample_is_there_at_once():
    """Menus call it in the main thread: no frame of the viewer may wait for it."""
    code = "import time, numpy; started = time.process_time()\nfrom napari_focusfuse.gui import samples\n"
    code += "samples.simulated_stack(); print(time.process_time() - started)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1


def test_fibres_come_with_their_truth(viewer):
    height, truth, stack = viewer.open_sample("napari-focusfuse", "simulated_fibres")
    assert truth.data.shape == height.data.shape == stack.data.shape[1:]
    assert truth.data.dtype == stack.data.dtype
    assert tuple(truth.scale) == tuple(stack.scale)[1:]
    assert not height.visible


def test_cells(viewer):
    (layer,) = viewer.open_sample("napari-focusfuse", "simulated_cells")
    assert layer.data.shape == (14, 320, 400)


def test_the_truth_lies_on_the_stack(make_napari_viewer):
    viewer = make_napari_viewer()
    truth, stack = viewer.open_sample("napari-focusfuse", "simulated_stack_with_truth")
    assert (truth.name, stack.name) == ("Simulated truth", "Simulated focus stack")
    assert truth.data.shape == stack.data.shape[1:]
    assert truth.data.dtype == stack.data.dtype
    assert tuple(truth.scale) == tuple(stack.scale[1:])
    assert truth.units == stack.units[1:]


@pytest.mark.parametrize(("key", "slices"), [("leaf", 6), ("circuit_board", 7)])
def test_photographs_drift_and_come_with_their_file(viewer, key, slices):
    (layer,) = viewer.open_sample("napari-focusfuse", key)
    assert (layer.data.shape[0], layer.rgb, layer.axis_labels) == (slices, True, ("z", "y", "x"))
    assert inputs_of(layer)[0].endswith(f"{key}.tif")
    found = ff.quick_look(layer.data, rgb=True, drift=key == "circuit_board")
    assert found.foreign == {}
    if key == "leaf":
        assert found.blurred == (0, 1)
    else:
        assert found.drift > 5
