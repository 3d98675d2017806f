"""Aligning and fusing in one run, and choosing slices for it."""

import numpy as np
import pytest
from scipy import ndimage

import napari_focusfuse as ff
from napari_focusfuse import api
from napari_focusfuse.gui.layers.results import is_result, note_of


@pytest.fixture(scope="module")
def scene() -> ff.Scene:
    return ff.simulate((128, 144), 6, surface="steps", blur=0.8, seed=3)


@pytest.fixture
def moved(scene):
    return np.stack(
        [ndimage.shift(image, (2 * k - 5, 4 - 1.5 * k), order=1, mode="mirror") for k, image in enumerate(scene.stack)]
    )


@pytest.fixture
def ready(widget, qtbot):
    """The widget, once it has looked at the stack."""
    widget.method.value = "sf"

    def wait():
        qtbot.waitUntil(lambda: not widget.form.hints.busy, timeout=120_000)
        return widget

    return wait


def test_it_is_proposed_where_slices_drift_and_only_there(viewer, widget, ready, scene, moved):
    viewer.add_image(scene.stack, name="still")
    hints = ready().form.hints
    assert (hints.align_first.text, hints.aligns()) == ("Align first", False)
    assert not hints.keep_aligned.visible
    widget.layer = viewer.add_image(moved, name="moved")
    assert not hints.aligns()
    assert ready().form.hints.aligns()
    assert hints.align_first.text.startswith("Align first: slices drift by ")
    assert widget.form.slices.look is not None


@pytest.mark.parametrize("keep", [True, False])
def test_one_run_aligns_and_fuses(viewer, widget, ready, finish, moved, tmp_path, keep):
    stack = viewer.add_image(moved, name="moved", scale=(2, 0.5, 0.5), translate=(0, 10, 20))
    ready().form.hints.keep_aligned.value = keep
    widget.run()
    finish(widget)
    fused = next(layer for layer in viewer.layers if is_result(layer) and note_of(layer)["role"] == "fused")
    done = ff.align(moved)
    np.testing.assert_array_equal(fused.data, ff.fuse(done.stack, method="sf").image)
    y, _, x, _ = done.valid
    np.testing.assert_allclose(fused.translate, (10 + 0.5 * y, 20 + 0.5 * x))
    assert ("moved aligned" in [layer.name for layer in viewer.layers]) == keep
    assert [layer for layer in viewer.layers if layer.visible] == [fused]
    assert not stack.visible
    widget.run()
    finish(widget)
    assert [layer for layer in viewer.layers if layer.visible] == [fused]
    assert list(viewer.layers.selection) == [fused]
    widget.save(tmp_path / "out")
    finish(widget)
    assert (tmp_path / "out" / "recipe.json").is_file()


def test_the_recipe_makes_it_again(viewer, widget, ready, finish, moved, tmp_path):
    api.save_stack(tmp_path / "moved.tif", moved)
    viewer.open(str(tmp_path / "moved.tif"), plugin="napari-focusfuse")
    ready().form.hints.keep_aligned.value = False
    widget.run()
    finish(widget)
    widget.save(tmp_path / "out")
    finish(widget)
    assert api.check_replay(tmp_path / "out") == []


def test_not_where_all_positions_are_fused(viewer, ready, moved):
    viewer.add_image(np.stack([moved, moved]), axis_labels=("t", "z", "y", "x"))
    widget = ready()
    assert widget.form.hints.aligns()
    widget.form.positions.positions.value = True
    assert not widget.form.hints.aligns()
    assert "all positions" in widget.form.hints.align_first.tooltip


def test_run_takes_the_slices_that_are_shown(viewer, widget, ready, finish, scene):
    viewer.add_image(scene.stack, name="still")
    ready().form.slices.last.setValue(3)
    widget.run()
    finish(widget)
    fused = next(layer for layer in viewer.layers if is_result(layer) and note_of(layer)["role"] == "fused")
    assert note_of(fused)["slices"] == 4
    np.testing.assert_array_equal(fused.data, ff.fuse(scene.stack[:4], method="sf").image)
