"""Which axis is the stack axis, and what is said of it; what the layer does not state is looked up in its file."""

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Image

from napari_focusfuse.errors import FocusFuseWarning
from napari_focusfuse.gui.common.stack_form import StackForm
from napari_focusfuse.gui.layers.axes import positions_of, propose_axis, spacing_of, stated_by_file, why_axis
from napari_focusfuse.gui.reader import read_stack


def layer(shape, labels=None, **options):
    return Image(np.zeros(shape, np.uint8), name="cells", axis_labels=labels, **options)


@pytest.mark.parametrize(
    ("shape", "labels", "axis", "says"),
    [
        ((5, 8, 9), None, 0, "axis -3, the only axis besides the image."),
        ((5, 8, 9), ("z", "y", "x"), 0, "z, by its label."),
        ((3, 5, 8, 9), ("t", "z", "y", "x"), 1, "z, by its label."),
        ((5, 3, 8, 9), ("Z", "C", "Y", "X"), 0, "Z, by its label."),
        ((3, 5, 8, 9), ("c", "focal", "y", "x"), 1, "focal, by its label."),
        ((3, 5, 8, 9), ("c", "q", "y", "x"), 1, "q, which is neither time nor channel."),
        ((1, 5, 8, 9), None, 1, "axis -3, the only axis besides the image."),
        ((8, 9, 5), ("y", "x", "z"), 2, "z, by its label."),
        ((8, 9, 5), ("y", "x", "q"), 2, "q, the only axis besides the image."),
        ((3, 5, 8, 9), None, 1, "axis -3? No axis is named z, this is the longest: check it."),
        ((6, 5, 8, 9), None, 0, "axis -4? No axis is named z, this is the longest: check it."),
        ((4, 8, 9), ("t", "y", "x"), 0, "t? That is time: a time-lapse is not a focus stack."),
        ((4, 8, 9), ("c", "y", "x"), 0, "c? That is the channel: channels are not a focus stack."),
    ],
)
def test_the_stack_axis_is_proposed_and_said_why(shape, labels, axis, says):
    proposed, why = propose_axis(layer(shape, labels))
    assert proposed == axis
    assert why == f"Stack along {says}"


def test_another_axis_may_be_chosen():
    stack = layer((3, 5, 8, 9), ("t", "z", "y", "x"))
    assert why_axis(stack, 1) == "Stack along z, by its label."
    assert why_axis(stack, 0) == "Stack along t? That is time: a time-lapse is not a focus stack."
    assert why_axis(layer((3, 5, 8, 9)), 0) == "Stack along axis -4, as you chose."


@pytest.fixture
def opened_by_napari(tmp_path):
    """An ImageJ stack (T, Z, Y, X), opened by napari's own reader: without axes and sizes."""
    metadata = {"axes": "TZYX", "spacing": 2.0, "unit": "um"}
    path = tmp_path / "cells.tif"
    tifffile.imwrite(path, np.zeros((6, 5, 8, 9), np.uint8), imagej=True, resolution=(4, 2), metadata=metadata)
    viewer = ViewerModel()
    (layer,) = viewer.open(str(path), plugin="napari")
    return viewer, layer


def test_what_napari_drops_is_looked_up_in_the_file(opened_by_napari, qtbot):
    viewer, stack = opened_by_napari
    assert propose_axis(stack) == (1, "Stack along axis -3, which the file calls z.")
    assert spacing_of(stack, 1) == (2.0, (0.5, 0.25), "cells.tif")
    assert spacing_of(stack, 0) == (None, (0.5, 0.25), "cells.tif")
    form = StackForm(viewer)
    assert (form.axis, form.z_step.length(), form.pixel_sizes()) == (1, 2.0, (0.5, 0.25))
    assert form.description().splitlines()[-2:] == [
        "Stack along axis -3, which the file calls z.",
        "Sizes read from cells.tif.",
    ]
    assert form.positions() == [0, 2, 4, 6, 8]
    form.let_go()


def test_what_the_layer_states_goes_first(opened_by_napari):
    _, stack = opened_by_napari
    stack.scale, stack.units = (1, 3, 0.1, 0.1), ("s", "um", "um", "um")
    assert spacing_of(stack, 1) == (3.0, pytest.approx((0.1, 0.1)), None)


def test_a_layer_that_is_not_its_file_is_left_alone(opened_by_napari):
    _, stack = opened_by_napari
    stack.data = np.zeros((6, 4, 8, 9), np.uint8)
    assert stated_by_file(stack) is None
    assert spacing_of(stack, 1) == (None, None, None)


def test_uneven_positions_are_used_until_the_z_step_is_changed(qtbot):
    viewer = ViewerModel()
    z = [0.0, 1.0, 3.0, 6.0]
    place = {"scale": (2, 1, 1), "units": ("um", "pixel", "pixel"), "axis_labels": ("z", "y", "x")}
    stack = viewer.add_image(np.zeros((4, 8, 9)), metadata={"napari-focusfuse": {"z": z, "z_step": 2.0}}, **place)
    assert positions_of(stack, 0) == z
    form = StackForm(viewer)
    assert form.positions() == z
    assert "Slice positions are read from the file" in form.description()
    told = []
    form.changed.connect(lambda: told.append(form.description()))
    form.z_step.setValue(4.0)
    assert form.positions() == [0, 4, 8, 12]
    assert "Slices are one z-step apart." in told[-1]
    form.z_step.setValue(0)
    assert form.positions() is None
    form.let_go()


def test_gaps_of_missing_slices_are_kept_with_the_z_step(tmp_path, qtbot):
    for k in (0, 1, 4):
        tifffile.imwrite(tmp_path / f"z{k}.tif", np.zeros((5, 6), np.uint8))
    with pytest.warns(FocusFuseWarning, match="lacks numbers 2, 3"):
        ((data, arguments, _),) = read_stack(str(tmp_path))
    viewer = ViewerModel()
    viewer.add_layer(Image(data, **arguments))
    form = StackForm(viewer)
    assert form.positions() is None
    assert "The file names skip slices" in form.description()
    form.z_step.set_length(0.5)
    assert form.positions() == [0, 0.5, 2.0]
    assert form.mean_step() == 1.0
    form.let_go()
