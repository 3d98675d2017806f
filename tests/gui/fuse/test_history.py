"""Results of the fusion widget: kept, chosen, given other sizes, and gone with their layers; parts of an image."""

import re

import numpy as np
import pytest
import tifffile

from napari_focusfuse.gui.fuse.history import history
from napari_focusfuse.gui.layers.source import KEY


@pytest.fixture
def cells(viewer, stack):
    return viewer.add_image(
        stack, name="cells", scale=(2, 0.5, 0.5), units=("um", "um", "um"), axis_labels=("z", "y", "x")
    )


@pytest.fixture
def run(widget, cells, fusion, finish):
    """Run with a method, or as it is."""

    def run(method=None):
        if method is not None:
            widget.method.value = method
        widget.run()
        finish(widget)

    return run


def names(viewer):
    return [layer.name for layer in viewer.layers]


def visible(viewer):
    return [layer.name for layer in viewer.layers if layer.visible and layer.name != "cells"]


def test_another_method_or_preset_throws_no_result_away(viewer, widget, run, stack):
    run()
    first = viewer.layers["cells fused"]
    run("max")
    assert first in viewer.layers
    assert first.name == "cells sesf fused"
    assert {"cells sesf depth (µm)", "cells sesf decision", "cells max fused"} <= set(names(viewer))
    assert visible(viewer) == ["cells max fused"]
    widget.method.value = "sesf"
    widget.config.boxes["preset"].value = "paper"
    run()
    assert visible(viewer) == ["cells sesf paper fused"]
    box = widget.results.box
    told = [re.sub(r"\d\d:\d\d", "TIME", box.itemText(k)) for k in range(box.count())]
    assert told == [
        "SESF-Fuse · TIME · cells",
        "Maximum projection · TIME · cells",
        "SESF-Fuse paper · TIME · cells",
    ]
    assert box.currentIndex() == 2
    box.activated.emit(0)
    assert visible(viewer) == ["cells sesf fused"]
    assert widget.results.retoucher.layer("decision").name == "cells sesf decision"
    # Commands for the selected layer, such as that of figures, speak of the same result.
    assert viewer.layers.selection.active.name == "cells sesf fused"
    run()
    assert visible(viewer) == ["cells sesf paper fused"]
    assert viewer.layers.selection.active.name == "cells sesf paper fused"


def test_the_next_run_may_replace_the_last(viewer, widget, run):
    run()
    layers = list(viewer.layers)
    widget.results.replace.setChecked(True)
    run("log")
    assert list(viewer.layers) == layers
    assert viewer.layers["cells fused"].metadata[KEY]["method"] == "log"


def test_what_belongs_to_a_result_goes_with_it(viewer, widget, run):
    results = widget.results
    assert results.save_button.toolTip() == "Fuse a focus stack first."
    assert not results.surface.isVisibleTo(widget)
    run()
    viewer.cursor.position = (0, 2.5, 4.5)
    assert widget.hover.where.text().startswith("y 5, x 9")
    assert results.surface.isVisibleTo(widget)
    run("max")
    assert not widget.hover.where.text().startswith("y ")
    assert not results.surface.isVisibleTo(widget)
    assert not results.retouch_button.isEnabled()
    assert "no decision map" in results.retouch_button.toolTip()
    assert widget.panel.status.text() == "6 slices projected."
    viewer.layers.remove("cells max fused")
    assert widget.panel.status.text() == "6 slices fused."
    assert results.retouch_button.isEnabled()
    for name in names(viewer)[1:]:
        viewer.layers.remove(name)
    assert widget.panel.status.text() == ""
    assert not results.save_button.isEnabled()
    assert history(viewer.layers) == []


def test_the_cursor_line_speaks_of_no_other_stack(viewer, widget, run, stack):
    run()
    other = viewer.add_image(stack, name="other", scale=(2, 0.5, 0.5), units="um", axis_labels=("z", "y", "x"))
    viewer.cursor.position = (0, 2.5, 4.5)
    assert not widget.hover.where.text().startswith("y ")
    viewer.layers.selection = {viewer.layers["cells"]}
    viewer.cursor.position = (0, 2.0, 4.5)
    assert widget.hover.where.text().startswith("y 4, x 9")
    viewer.layers.selection = {other}
    assert not widget.hover.where.text().startswith("y ")


def test_the_widget_follows_what_can_be_fused(viewer, widget, cells, run, stack):
    viewer.add_image(stack[0], name="truth")
    assert widget.layer == cells
    aligned = viewer.add_image(stack, name="cells aligned", axis_labels=("z", "y", "x"))
    assert widget.layer == aligned
    widget.stack.z_step.setValue(3)
    viewer.layers.selection = {viewer.layers["truth"]}
    assert widget.layer == aligned
    viewer.layers.selection = {cells}
    assert widget.layer == cells
    run()
    viewer.layers.selection = {aligned}
    assert widget.stack.z_step.length() == 3
    viewer.layers.selection = {viewer.layers["cells fused"]}
    assert widget.layer == cells


def test_sizes_hold_for_a_result_without_another_run(viewer, widget, run, fusion, finish, qtbot, tmp_path):
    run()
    depth = viewer.layers["cells depth (µm)"]
    before, edited = depth.data.copy(), widget.results.retoucher
    widget.stack.z_step.setValue(3)
    widget.stack.medium.setValue(1.5)
    widget.stack.pixel_size.setValue(0.25)
    qtbot.waitUntil(lambda: depth.metadata[KEY]["refractive_index"] == 1.5)
    np.testing.assert_allclose(depth.data, before * 3 / 2 * 1.5, rtol=1e-6)
    assert depth.contrast_limits == pytest.approx([np.nanmin(depth.data), np.nanmax(depth.data)])
    decision = viewer.layers["cells decision"]
    decision.data = np.full_like(decision.data, 3)
    edited.look()
    qtbot.waitUntil(lambda: not edited.busy)
    assert (depth.data == 2 * 3 * 1.5).all()
    assert len(fusion.calls) == 1
    widget.save(tmp_path / "out")
    finish(widget)
    with tifffile.TiffFile(tmp_path / "out" / "depth.ome.tif") as file:
        assert 'PhysicalSizeX="0.25"' in file.ome_metadata
        assert (file.asarray() == 9).all()


def test_a_z_step_that_becomes_known_turns_slices_into_micrometres(viewer, widget, stack, fusion, finish, qtbot):
    viewer.add_image(stack, name="cells")
    widget.run()
    finish(widget)
    depth = viewer.layers["cells depth (slices)"]
    before = depth.data.copy()
    widget.stack.z_step.setValue(0.5)
    qtbot.waitUntil(lambda: depth.name == "cells depth (µm)")
    np.testing.assert_allclose(depth.data, before / 2)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_rectangle_is_fused_in_its_place(viewer, widget, run, finish, lazy, qtbot):
    values = np.random.default_rng(0).integers(0, 4000, (6, 90, 100)).astype(np.uint16)
    if lazy:
        import dask.array as da

        values = da.from_array(values, chunks=(1, -1, -1))
    big = viewer.add_image(values, name="big", scale=(2, 0.5, 0.5), units="um", axis_labels=("z", "y", "x"))
    shapes = viewer.add_shapes(name="try", ndim=2)
    viewer.layers.selection = {big}
    box = widget.form.region.box
    box.value = shapes.__wrapped__
    assert "Draw a rectangle in 'try'" in widget.form.problem()
    shapes.add_rectangles([[5, 10], [5, 30], [25, 30], [25, 10]])
    run()
    fused = viewer.layers["big region fused"]
    np.testing.assert_array_equal(fused.data, np.asarray(values)[:, 10:51, 20:61].max(0))
    np.testing.assert_allclose(fused.data_to_world((0, 0)), (5, 10))
    viewer.cursor.position = (0, 5.5, 11)
    assert widget.hover.where.text().startswith("y 11, x 22: slice ")
    assert "fuse the whole image" in widget.save_button.toolTip()
    box.value = None
    run()
    assert viewer.layers["big fused"].data.shape == (90, 100)
    assert widget.save_button.isEnabled()


def test_of_all_positions_it_is_said_what_is_off(viewer, widget, stack, finish):
    values = np.stack([stack, stack])
    viewer.add_image(values, name="cells", axis_labels=("t", "z", "y", "x"))
    widget.method.value = "log"
    widget.form.positions.positions.value = True
    assert not widget.form.region.box.enabled
    widget.run()
    finish(widget)
    results = widget.results
    assert results.surface.isVisibleTo(widget)
    for button in (results.retouch_button, results.surface.show_button, results.surface.export_button):
        assert not button.isEnabled()
        assert "fuse the position in question alone" in button.toolTip()
    assert results.save_button.isEnabled()


def test_the_first_seconds_say_what_is_done(widget, cells, fusion, finish):
    for method, what in (("sesf", "model"), ("log", "method")):
        widget.method.value = method
        widget.run()
        assert widget.panel.progress.format() == f"loading the {what}…"
        finish(widget)


def test_what_napari_says_of_flags_is_said_once():
    from napari_focusfuse.gui.fuse.at_cursor import _with

    status = {"coordinates": " [5 9]: 16; flag: two depths compete"}
    assert _with(status, "slice 3")["coordinates"] == "[5 9]: 16 · slice 3"
    assert _with("", "slice 3") == "slice 3"
