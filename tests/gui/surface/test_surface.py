"""The surface of a result in the viewer, and on disk."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def cells(viewer, stack):
    """A stack in um whose z-step is known, on a layer that was moved."""
    from napari.layers import Image

    layer = Image(stack, name="cells", scale=(2, 0.5, 0.25), units="um", translate=(0, 7, 8))
    viewer.add_layer(layer)
    return layer


@pytest.fixture
def fused(viewer, widget, cells, fusion, finish):
    """The widget after a run."""
    widget.run()
    finish(widget)
    return widget


def test_show_and_back(viewer, fused, finish):
    viewer.dims.set_current_step(0, 2)
    steps, seen = viewer.dims.nsteps, {layer.name for layer in viewer.layers if layer.visible}
    chosen = {layer.name for layer in viewer.layers.selection}
    panel = fused.surface
    assert panel.controls.isHidden()
    panel.show_button.click()
    finish(fused)
    layer = viewer.layers["cells surface"]
    assert [other.name for other in viewer.layers if other.visible] == ["cells surface"]
    assert viewer.dims.ndisplay == 3
    assert panel.show_button.text() == "Back to image"
    assert "again" in panel.show_button.toolTip()
    assert not panel.controls.isHidden()
    assert fused.panel.status.text() == "6 slices fused."
    image = viewer.layers["cells fused"].extent.world
    np.testing.assert_allclose(layer.extent.world[:, 1:], image, atol=0.3)
    assert layer.texture.shape == (16, 20, 3)
    assert layer.metadata["napari-focusfuse"]["role"] == "surface"
    # The view looks down on it, with the upper edge of the image up.
    assert viewer.scene.camera.view_direction[0] < -0.5
    assert viewer.scene.camera.up_direction[1] < -0.5
    panel.show_button.click()
    assert viewer.dims.ndisplay == 2
    assert {layer.name for layer in viewer.layers if layer.visible} == seen
    assert (viewer.dims.nsteps, viewer.dims.current_step[0]) == (steps, 2)
    assert {layer.name for layer in viewer.layers.selection} == chosen
    assert panel.show_button.text() == "Show surface"


def test_height_is_that_of_the_stack_and_can_be_exaggerated(viewer, fused, finish):
    fused.surface.show_surface()
    finish(fused)
    layer = viewer.layers["cells surface"]
    z = layer.data[0][:, 0]
    # The brightest slices but the first and last: 1 to 4, 2 um apart.
    assert (z.min(), z.max()) == pytest.approx((2, 8), abs=0.01)
    low, high = layer.extent.world[:, 0]
    assert (low, high) == pytest.approx((2, 8), abs=0.01)
    fused.surface.tall.setValue(100)
    assert fused.surface.times.text() == "10x"
    low, high = layer.extent.world[:, 0]
    assert (low, high) == pytest.approx((5 - 30, 5 + 30), abs=0.1)


def test_options_change_what_is_shown(viewer, fused, finish):
    panel = fused.surface
    panel.show_surface()
    finish(fused)
    first = viewer.layers["cells surface"].data[0]
    viewer.scene.camera.angles = (1, 2, 3)
    panel.flip.click()
    finish(fused)
    second = viewer.layers["cells surface"].data[0]
    np.testing.assert_allclose(second[:, 0], first[:, 0].min() + first[:, 0].max() - first[:, 0], rtol=1e-5)
    assert viewer.scene.camera.angles == (1, 2, 3)
    assert [layer.name for layer in viewer.layers if "surface" in layer.name] == ["cells surface"]
    viewer.layers.remove(viewer.layers["cells surface"])
    assert panel.show_button.text() == "Show surface"


def test_sizes_must_be_known(viewer, widget, stack, fusion, finish, notes, tmp_path, qtbot):
    viewer.add_image(stack, name="pixels")
    assert not widget.surface.show_button.isEnabled()
    widget.run()
    finish(widget)
    for button in (widget.surface.show_button, widget.surface.export_button):
        assert not button.isEnabled()
        assert "enter z-step and pixel size" in button.toolTip()
    widget.surface.export(tmp_path / "a.tif")
    assert len(notes) == 1
    assert "enter z-step and pixel size" in notes[0].message
    assert not list(tmp_path.iterdir())
    widget.stack.z_step.setValue(2)
    widget.stack.pixel_size.setValue(0.5)
    qtbot.waitUntil(widget.surface.show_button.isEnabled)


def test_a_method_without_depth_offers_no_surface(viewer, widget, cells, fusion, finish):
    widget.method.value = "max"
    widget.run()
    finish(widget)
    assert not widget.surface.isVisibleTo(widget)
    assert "makes no decision map" in widget.surface.show_button.toolTip()


def test_a_surface_follows_the_sizes(viewer, fused, finish, qtbot):
    fused.surface.show_surface()
    finish(fused)
    heights = np.ptp(viewer.layers["cells surface"].data[0][:, 0])
    fused.stack.z_step.setValue(2 * fused.stack.z_step.value())
    qtbot.waitUntil(lambda: fused.panel.busy)
    finish(fused)
    assert np.ptp(viewer.layers["cells surface"].data[0][:, 0]) == pytest.approx(2 * heights, rel=1e-5)


@pytest.mark.parametrize(("name", "chosen"), [("z.tif", ""), ("z", "Height map (*.tif)")])
def test_export(viewer, fused, finish, monkeypatch, tmp_path, name, chosen):
    from qtpy.QtWidgets import QFileDialog

    from napari_focusfuse import io

    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / name), chosen))
    fused.surface.export_button.click()
    finish(fused)
    depth = viewer.layers["cells depth (µm)"].data
    assert np.isnan(depth).any()
    np.testing.assert_allclose(io.read_image(tmp_path / "z.tif"), depth)
    said = fused.panel.status.text()
    assert str(Path(tmp_path) / "z.tif") in said
    assert f"{np.isnan(depth).mean():.1%} of the depth was not measured and is left as holes." in said


def test_no_height_is_invented_unless_asked_for(viewer, fused, finish, tmp_path):
    from napari_focusfuse import io

    panel = fused.surface
    assert not panel.fill.isChecked()
    panel.show_surface()
    finish(fused)
    measured = len(viewer.layers["cells surface"].data[0])
    panel.fill.click()
    finish(fused)
    assert len(viewer.layers["cells surface"].data[0]) > measured
    panel.export(tmp_path / "z.tif")
    finish(fused)
    assert np.isfinite(io.read_image(tmp_path / "z.tif")).all()
    assert "filled with an estimate" in fused.panel.status.text()


def test_a_name_with_a_dot_gets_its_suffix_and_no_file_is_replaced_unasked(
    viewer, fused, finish, monkeypatch, tmp_path, notes
):
    from qtpy.QtWidgets import QFileDialog

    chosen = (str(tmp_path / "beads 1.5um"), "Height map, 32-bit TIFF in µm (*.tif)")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: chosen)
    fused.surface.export_button.click()
    finish(fused)
    written = tmp_path / "beads 1.5um.tif"
    assert written.exists()
    written.write_bytes(b"mine")
    fused.surface.export_button.click()
    finish(fused)
    assert written.read_bytes() == b"mine"
    assert "exists" in fused.panel.status.text()


def test_options_wait_for_a_run(viewer, fused, fusion, finish):
    options = (fused.surface.fill, fused.surface.flip)
    fusion.go.clear()
    fused.run()
    assert [option.isEnabled() for option in options] == [False, False]
    fusion.go.set()
    finish(fused)
    assert [option.isEnabled() for option in options] == [True, True]
