"""The figure of a result and the film of its surface, by their commands."""

import sys
from types import ModuleType

import imagecodecs
import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog

from napari_focusfuse.gui import commands, figure


@pytest.fixture
def fused(viewer, widget, stack, fusion, finish):
    viewer.add_image(stack, name="cells", scale=(2, 0.5, 0.25), units="um", axis_labels=("z", "y", "x"))
    widget.run()
    finish(widget)
    return widget


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_a_figure_is_saved_as_it_is_seen(viewer, fused, monkeypatch, tmp_path, notes, qtbot, suffix):
    asked = (str(tmp_path / "cells"), f"Image and depth map (*.{suffix})")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: asked)
    commands.save_figure(viewer)
    qtbot.waitUntil(lambda: bool(notes), timeout=60_000)
    written = tmp_path / f"cells.{suffix}"
    assert notes[0].message == f"Saved in {written}"
    content = written.read_bytes()
    if suffix == "pdf":
        assert content.startswith(b"%PDF")
    else:
        shown = imagecodecs.png_decode(content)[..., :3].astype(int)
        assert shown.shape[1] > 2 * shown.shape[0] * 20 * 0.25 / (16 * 0.5)
        assert (np.ptp(shown, axis=2) > 100).any()
    commands.save_figure(viewer)
    qtbot.waitUntil(lambda: len(notes) > 1, timeout=60_000)
    assert "exists" in notes[1].message
    assert written.read_bytes() == content


def test_the_depth_has_its_unit_and_limits(viewer, fused):
    depth = viewer.layers["cells depth (µm)"]
    depth.contrast_limits = (3, 7)
    made = figure.figure_of({"depth": depth})
    assert (made["depth_unit"], made["depth_limits"], made["pixel_size"]) == ("µm", (3, 7), (0.5, 0.25))


def test_without_a_result_there_is_no_figure(viewer, notes):
    commands.save_figure(viewer)
    assert "There is no fused image yet" in notes[0].message


def test_a_turntable_says_what_to_install(viewer, notes, monkeypatch):
    monkeypatch.setitem(sys.modules, "napari_animation", None)
    commands.save_turntable(viewer)
    assert "pip install napari-animation" in notes[0].message


def test_the_surface_turns_once(viewer, fused, finish, monkeypatch, tmp_path):
    angles = []

    class Animation:
        def __init__(self, model):
            self.viewer = model

        def capture_keyframe(self, steps):
            angles.append(self.viewer.scene.camera.view_direction)
            assert steps == 1

        def animate(self, path, canvas_only):
            assert (path, canvas_only) == (str(tmp_path / "cells.mp4"), True)

    module = ModuleType("napari_animation")
    module.Animation = Animation
    monkeypatch.setitem(sys.modules, "napari_animation", module)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "cells.mp4"), ""))
    fused.surface.show_surface()
    finish(fused)
    before = viewer.scene.camera.angles
    commands.save_turntable(viewer)
    assert len(angles) == 90
    turned = np.unwrap([np.arctan2(x, y) for _, y, x in angles])
    np.testing.assert_allclose(np.abs(np.diff(turned)), 2 * np.pi / 90, atol=1e-3)
    np.testing.assert_allclose(viewer.scene.camera.angles, before)
