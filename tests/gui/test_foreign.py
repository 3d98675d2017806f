"""A picture in the folder that is no slice: named when the folder is opened, and left out by one click."""

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

import napari_focusfuse as ff
from napari_focusfuse.errors import FocusFuseWarning
from napari_focusfuse.gui.layers.axes import suspects_of

PLUGIN = "napari-focusfuse"


@pytest.fixture(scope="module")
def scene() -> ff.Scene:
    return ff.simulate((160, 160), 6, surface="steps", blur=0.8, seed=3)


@pytest.fixture
def folder(tmp_path, scene):
    folder = tmp_path / "beads"
    folder.mkdir()
    for k, image in enumerate(scene.stack):
        tifffile.imwrite(folder / f"z{k}.tif", image, metadata=None)
    return folder


def offered(notes):
    """The button of the only notification that has one."""
    ((label, click),) = [action for note in notes for action in note.actions]
    assert label == "Leave out"
    return click


def asking(text):
    """A notification as napari shows it."""
    from napari._qt.dialogs.qt_notification import NapariQtNotification

    toast = NapariQtNotification(text, "warning")
    toast.setVisible(True)
    return toast


def test_by_its_name(viewer, folder, scene, notes):
    tifffile.imwrite(folder / "beads_fused.tif", scene.truth.astype(scene.stack.dtype), metadata=None)
    (layer,) = viewer.open(str(folder), plugin=PLUGIN)
    assert layer.data.shape[0] == 7
    assert [note.message for note in notes] == ["beads_fused.tif, unlike the other files by name: is it a slice?"]
    offered(notes)(None)
    np.testing.assert_array_equal(np.asarray(layer.data), scene.stack)
    assert suspects_of(layer) == []


def test_by_its_size_it_is_left_out_at_once(viewer, folder, scene):
    tifffile.imwrite(folder / "z9.tif", scene.truth[:90].astype(scene.stack.dtype), metadata=None)
    with pytest.warns(FocusFuseWarning, match=r"z9\.tif is 90 x 160 px.*: it was left out"):
        (layer,) = viewer.open(str(folder), plugin=PLUGIN)
    np.testing.assert_array_equal(np.asarray(layer.data), scene.stack)


def test_by_the_program_that_it_names(viewer, tmp_path, scene, notes):
    for k, image in enumerate([*scene.stack, scene.truth]):
        exif = Picture.Exif()
        exif[271], exif[305] = "Olympus", "cellSens" if k < 6 else "Stacker 7"
        Picture.fromarray((image // 256).astype(np.uint8)).save(tmp_path / f"P{k:04d}.jpg", exif=exif)
    (layer,) = viewer.open(str(tmp_path), plugin=PLUGIN)
    assert "P0006.jpg, which another camera or program has made" in notes[0].message
    offered(notes)(None)
    assert layer.data.shape[0] == 6


@pytest.mark.parametrize("by", ["name", "look"])
def test_the_widget_names_it_until_it_is_left_out(viewer, widget, folder, scene, qtbot, by):
    name = "fused.tif" if by == "name" else "z6.tif"
    tifffile.imwrite(folder / name, scene.truth.astype(scene.stack.dtype), metadata=None)
    (layer,) = viewer.open(str(folder), plugin=PLUGIN)
    hints = widget.form.hints
    qtbot.waitUntil(lambda: not hints.busy, timeout=60_000)
    assert hints.leave_button.isVisibleTo(widget)
    assert name in hints.foreign.text()
    toast = asking(f"{name}, unlike the other files by name: is it a slice?")
    other = asking("something else")
    hints.leave_button.click()
    assert layer.data.shape[0] == 6
    assert not hints.leave_button.isVisibleTo(widget)
    assert (toast.isVisible(), other.isVisible()) == (False, True)
    other.close()
    assert widget.about.text().startswith("6 slices")
    qtbot.waitUntil(lambda: not hints.busy, timeout=60_000)
    assert not hints.leave_button.isVisibleTo(widget)
