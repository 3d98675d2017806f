"""The path of a newcomer, through the manifest in a real viewer: no wrong turn."""

import numpy as np
import pytest
import tifffile
from scipy import ndimage

import napari_focusfuse as ff
from napari_focusfuse.gui.layers.results import note_of

PLUGIN = "napari-focusfuse"


@pytest.fixture(scope="module")
def scene() -> ff.Scene:
    return ff.simulate((128, 144), 6, surface="steps", blur=0.8, seed=3)


@pytest.fixture
def drifting(tmp_path, scene):
    """A folder of slices that drift, with a finished picture beside them."""
    folder = tmp_path / "moss"
    folder.mkdir()
    for k, image in enumerate(scene.stack):
        moved = ndimage.shift(image, (2 * (k - 3), 1.5 * (3 - k)), order=1, mode="mirror")
        tifffile.imwrite(folder / f"z{k}.tif", moved, metadata=None)
    tifffile.imwrite(folder / "moss_stacked.tif", scene.truth.astype(scene.stack.dtype), metadata=None)
    return folder


@pytest.fixture
def channels(tmp_path, scene):
    """(T, Z, C, Y, X) = (2, 6, 2, 128, 144)."""
    both = np.stack([scene.stack, scene.stack[:, ::-1]], axis=1)
    metadata = {"axes": "TZCYX", "PhysicalSizeZ": 1.0, "PhysicalSizeY": 0.2, "PhysicalSizeX": 0.2}
    metadata["Channel"] = {"Name": ["DAPI", "GFP"]}
    path = tmp_path / "cells.ome.tif"
    tifffile.imwrite(path, np.stack([both, both]), photometric="minisblack", metadata=metadata)
    return path


class Newcomer:
    """Somebody at a viewer with the fusion widget; each step leaves it as it would be found."""

    def __init__(self, viewer, qtbot, finish, grab):
        self.viewer, self.grab, self._qtbot, self._finish = viewer, grab, qtbot, finish
        self.widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Fuse focus stack")[1]
        self.hints = self.widget.form.hints

    def looks(self, layer):
        """Chooses a stack, and waits until the widget says what it thinks of it."""
        self.widget.layer = layer
        self._qtbot.waitUntil(lambda: not self.hints.busy, timeout=120_000)

    def fuses(self):
        """Presses Run."""
        self.widget.panel.run_button.click()
        assert self.widget.panel.busy
        self._finish(self.widget)

    def sees(self):
        """Names of the layers that are shown."""
        return [layer.name for layer in self.viewer.layers if layer.visible]


def sample_that_drifts(somebody):
    """The widget proposes to align the sample; one run does both, and the result is what is seen."""
    (board,) = somebody.viewer.open_sample(PLUGIN, "circuit_board")
    somebody.looks(board)
    assert somebody.hints.aligns()
    assert "slices drift by" in somebody.hints.align_first.text
    somebody.grab(somebody.viewer, "1-drift")
    somebody.fuses()
    assert somebody.sees() == ["Circuit board aligned fused"]
    assert somebody.viewer.layers["Circuit board aligned fused"].data.shape[0] < board.data.shape[1]
    somebody.grab(somebody.viewer, "2-fused")


def folder_with_a_foreign_file(somebody, folder, scene, notes):
    """It is named, left out by one click, and the slices are aligned and fused."""
    (moss,) = somebody.viewer.open(str(folder), plugin=PLUGIN)
    somebody.looks(moss)
    assert "moss_stacked.tif" in notes[-1].message
    assert "moss_stacked.tif" in somebody.hints.foreign.text()
    somebody.grab(somebody.viewer, "3-foreign")
    somebody.hints.leave_button.click()
    assert moss.data.shape[0] == 6
    somebody.looks(moss)
    assert somebody.hints.aligns()
    somebody.fuses()
    fused = somebody.viewer.layers["moss aligned fused"]
    assert note_of(fused)["slices"] == 6
    (y, x), (height, width) = np.asarray(fused.translate).astype(int), fused.data.shape
    truth = scene.truth[y : y + height, x : x + width]
    assert np.corrcoef(fused.data.ravel(), truth.ravel())[0, 1] > 0.9


def time_points_and_channels(somebody, path):
    """After both channels were fused, their results are seen and nothing else."""
    somebody.viewer.layers.clear()
    cells = somebody.viewer.open(str(path), plugin=PLUGIN)
    for layer in cells:
        somebody.looks(layer)
        somebody.widget.form.positions.positions.value = True
        assert not somebody.hints.aligns()
        somebody.fuses()
    assert somebody.sees() == ["cells DAPI fused", "cells GFP fused"]
    somebody.grab(somebody.viewer, "4-channels")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_without_a_wrong_turn(
    make_napari_viewer, drifting, channels, scene, finish, qtbot, notes, one_thread, theme, grab
):
    viewer = make_napari_viewer(show=True)
    viewer.theme = theme
    viewer.window.resize(1280, 720)
    somebody = Newcomer(viewer, qtbot, finish, grab(theme))
    somebody.widget.method.value = "sf"
    sample_that_drifts(somebody)
    folder_with_a_foreign_file(somebody, drifting, scene, notes)
    time_points_and_channels(somebody, channels)
