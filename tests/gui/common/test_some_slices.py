"""Some slices of a stack as a layer of their own."""

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Image
from scipy import ndimage

import napari_focusfuse as ff
from napari_focusfuse import api, io
from napari_focusfuse.gui.common.some_slices import SliceRow
from napari_focusfuse.gui.common.stack_form import StackForm
from napari_focusfuse.gui.layers.axes import leave_out, positions_of, slots_of, some_slices, taken_of
from napari_focusfuse.gui.layers.source import KEY, inputs_of
from napari_focusfuse.gui.reader import read_stack


@pytest.fixture
def slices(tmp_path):
    """(9, 8, 10) in a file a slice, and in one file."""
    values = np.random.default_rng(0).integers(0, 1000, (9, 8, 10)).astype(np.uint16)
    (tmp_path / "beads").mkdir()
    for k, image in enumerate(values):
        tifffile.imwrite(tmp_path / "beads" / f"z{k}.tif", image, metadata=None)
    io.write_stack(tmp_path / "one.ome.tif", values, z_step=0.5, pixel_size=(0.1, 0.1))
    return values


def opened(path):
    ((data, arguments, _),) = read_stack(str(path))
    return Image(data, **arguments)


def test_a_range_lies_where_it_was(tmp_path, slices):
    layer = opened(tmp_path / "one.ome.tif")
    layer.translate = (10, 1, 2)
    made = some_slices(layer, 0, range(2, 8, 2))
    np.testing.assert_array_equal(np.asarray(made.data), slices[2:8:2])
    assert made.name == "one 2-6 every 2"
    for k in range(3):
        np.testing.assert_allclose(made.data_to_world((k, 3, 4)), layer.data_to_world((2 + 2 * k, 3, 4)))
    assert made.units == layer.units
    assert made.contrast_limits == layer.contrast_limits


def test_what_is_taken_of_what_was_taken(tmp_path, slices):
    layer = opened(tmp_path / "one.ome.tif")
    assert taken_of(layer) == {}
    first = some_slices(layer, 0, range(1, 9, 2))
    second = some_slices(first, 0, range(1, 4, 1))
    np.testing.assert_array_equal(np.asarray(second.data), slices[1:9:2][1:])
    assert taken_of(second) == {"slices": [3, 8, 2]}
    assert inputs_of(second) == [str(tmp_path / "one.ome.tif")]


def test_files_of_the_slices_that_are_left(tmp_path, slices):
    made = some_slices(opened(tmp_path / "beads"), 0, range(2, 8, 3))
    assert [path.rsplit("/", 1)[-1] for path in inputs_of(made)] == ["z2.tif", "z5.tif"]
    assert taken_of(made) == {}


def test_uneven_positions_are_those_of_the_slices(slices):
    layer = Image(slices, axis_labels=("z", "y", "x"), metadata={KEY: {"z": [0.0, 1, 3, 6, 10, 15, 21, 28, 36]}})
    made = some_slices(layer, 0, range(1, 9, 3))
    assert positions_of(made, 0) == [1, 10, 28]


def test_another_stack_axis_and_colour(slices):
    layer = Image(np.moveaxis(slices, 0, -1))
    np.testing.assert_array_equal(some_slices(layer, 2, range(0, 4, 1)).data, np.moveaxis(slices[:4], 0, -1))
    rgb = Image(np.stack([slices] * 3, -1).astype(np.uint8), rgb=True)
    assert some_slices(rgb, 0, range(0, 9, 4)).data.shape == (3, 8, 10, 3)


@pytest.mark.parametrize("name", ["one.ome.tif", "beads"])
def test_a_result_of_them_is_made_again(tmp_path, slices, name):
    made = some_slices(opened(tmp_path / name), 0, range(2, 8, 2))
    result = api.fuse(made.data, method="sf")
    source = {"axis": "z", "rgb": False, "position": {}, **taken_of(made)}
    folder = api.save_result(tmp_path / "out", result, inputs=inputs_of(made), source=source)
    assert api.check_replay(folder) == []


def test_the_row_makes_a_layer_and_proposes_it(qtbot, tmp_path, slices):
    viewer = ViewerModel()
    layer = viewer.add_layer(opened(tmp_path / "one.ome.tif"))
    form = StackForm(viewer)
    row = SliceRow(viewer, form)
    qtbot.addWidget(row)
    assert (row.first.value(), row.last.value(), row.last.maximum()) == (0, 8, 8)
    assert not row.button.isEnabled()
    assert "All slices" in row.button.toolTip()
    row.first.setValue(2)
    row.every.setValue(7)
    assert row.button.toolTip() == "Too few slices."
    row.every.setValue(2)
    assert row.button.isEnabled()
    row.button.click()
    assert form.layer is viewer.layers[-1]
    assert form.layer is not layer
    assert not layer.visible
    assert form.positions() == [0, 1, 2, 3]
    assert (row.first.value(), row.last.value(), row.every.value()) == (0, 3, 1)
    form.layer.metadata[KEY]["role"] = "aligned"
    row.first.setValue(1)
    assert "were aligned together" in row.button.toolTip()
    form.let_go()


def test_single_slices_keep_their_positions_and_are_fused_again(tmp_path, slices):
    layer = opened(tmp_path / "one.ome.tif")
    made = some_slices(layer, 0, [1, 2, 5, 8])
    np.testing.assert_array_equal(np.asarray(made.data), slices[[1, 2, 5, 8]])
    assert made.name == "one 1-8, 4 slices"
    assert (made.scale[0], slots_of(made, 0)) == (layer.scale[0], [0, 1, 4, 7])
    assert taken_of(made) == {"slices": {"numbers": [1, 2, 5, 8]}}
    again = some_slices(made, 0, [1, 2, 3])
    assert (slots_of(again, 0), taken_of(again)) == ([0, 3, 6], {"slices": [2, 9, 3]})
    result = api.fuse(made.data, method="sf", z=[0, 0.5, 2, 3.5])
    source = {"axis": "z", "rgb": False, "position": {}, **taken_of(made)}
    folder = api.save_result(tmp_path / "out", result, inputs=inputs_of(made), source=source)
    assert api.check_replay(folder) == []


def test_what_is_left_out_leaves_the_others_in_their_places(tmp_path, slices):
    layer = opened(tmp_path / "beads")
    before = layer.data_to_world((4, 3, 4))
    leave_out(layer, 0, [0, 3])
    np.testing.assert_array_equal(np.asarray(layer.data), slices[[1, 2, 4, 5, 6, 7, 8]])
    assert [path.rsplit("/", 1)[-1] for path in inputs_of(layer)][:3] == ["z1.tif", "z2.tif", "z4.tif"]
    assert slots_of(layer, 0) == [0, 1, 3, 4, 5, 6, 7]
    assert layer.translate[0] == 1
    assert before[1:] == layer.data_to_world((2, 3, 4))[1:]


def test_bad_slices_are_unticked_by_one_click(qtbot):
    scene = ff.simulate((128, 128), 6, surface="steps", blur=0.8, seed=3)
    scene.stack[2] = ndimage.gaussian_filter(scene.stack[2], 6)
    viewer = ViewerModel()
    viewer.add_image(scene.stack)
    form = StackForm(viewer)
    row = SliceRow(viewer, form)
    qtbot.addWidget(row)
    dialog = row.dialog()
    assert not dialog.bad.isEnabled()
    row.look = ff.quick_look(scene.stack)
    row.last.setValue(4)
    dialog = row.dialog()
    assert dialog.ticked() == [0, 1, 2, 3, 4]
    assert "nothing is in focus" in dialog.list.item(2).text()
    assert not dialog.list.item(0).icon().isNull()
    dialog.all.click()
    assert dialog.ticked() == [0, 1, 2, 3, 4, 5]
    dialog.bad.click()
    assert dialog.ticked() == [0, 1, 3, 4, 5]
    assert dialog.use.text() == "Use 5 of 6"
    row.use(dialog.ticked())
    assert form.layer.data.shape[0] == 5
    dialog.tick([1])
    assert not dialog.use.isEnabled()
    form.let_go()
