"""The preview of the fusion widget."""

import threading

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_focusfuse.gui.fuse.preview_work import Pace, Reduced, Shot, View, visible_part
from napari_focusfuse.gui.layers.results import is_result
from napari_focusfuse.gui.layers.source import take


@pytest.fixture
def stack():
    """Six slices of 160 x 200 px."""
    return np.random.default_rng(0).integers(0, 4000, (6, 160, 200)).astype(np.uint16)


@pytest.fixture
def cells(viewer, stack):
    return viewer.add_image(
        stack, name="cells", scale=(2, 0.5, 0.25), units="um", axis_labels=("z", "y", "x"), translate=(0, 3, 4)
    )


@pytest.fixture
def preview(widget, cells, fusion, monkeypatch):
    """It reduces by two: the rows and columns of the source that are seen do not matter."""
    monkeypatch.setattr(Pace, "factors", lambda _self, _view: [2])
    return widget.preview


@pytest.fixture
def made(preview, qtbot):
    """Wait until nothing is to be made any more."""

    def wait():
        qtbot.waitUntil(lambda: preview.settled)
        return preview._shown.layer

    return wait


def test_it_lies_on_the_part_of_the_source_that_is_seen(viewer, preview, cells, made, stack):
    chosen = set(viewer.layers.selection)
    preview.box.setChecked(True)
    layer = made()
    assert layer.name == "cells preview (1/2 size)"
    assert preview.about.text() == "at 1/2 size, may differ"
    assert is_result(layer)
    assert viewer.layers.selection == chosen
    y, x = visible_part(viewer, cells, (1, 2), 64)
    binned = np.rint(stack[:, y, x].reshape(6, layer.data.shape[0], 2, layer.data.shape[1], 2).mean(axis=(2, 4)))
    np.testing.assert_array_equal(layer.data, binned.max(0))
    assert layer.axis_labels == ("y", "x")
    np.testing.assert_allclose(layer.scale, (1, 0.5))
    # The corner of its first pixel is the corner of the first pixel seen.
    np.testing.assert_allclose(
        layer.data_to_world((-0.5, -0.5)), cells.data_to_world((0, y.start - 0.5, x.start - 0.5))[1:]
    )


def test_it_follows_knobs_and_camera(viewer, widget, preview, fusion, made):
    preview.box.setChecked(True)
    layer = made()
    assert len(fusion.calls) == 1
    widget.config.boxes["softness"].value = 8.0
    assert made() is layer
    assert fusion.calls[-1]["config"].softness == 8
    before = layer.data.shape
    viewer.scene.camera.zoom *= 2
    assert made() is layer
    assert (layer.data.shape[0], len(fusion.calls)) < (before[0], 4)
    viewer.dims.set_point(0, 4)
    made()
    assert len(fusion.calls) == 3


def test_it_follows_time(viewer, widget, preview, fusion, made, stack, cells):
    viewer.layers.remove(cells)
    viewer.add_image(np.stack([stack, stack[::-1] // 2]), name="cells", axis_labels=("t", "z", "y", "x"))
    viewer.dims.set_point(0, 0)
    preview.box.setChecked(True)
    first = made().data.copy()
    viewer.dims.set_point(0, 1)
    layer = made()
    assert layer.name == "cells (t = 1) preview (1/2 size)"
    assert layer.data.mean() < 0.6 * first.mean()


def test_what_is_not_wanted_any_more_is_stopped(widget, preview, fusion, qtbot, made):
    fusion.go.clear()
    preview.box.setChecked(True)
    qtbot.waitUntil(lambda: len(fusion.calls) == 1)
    shot = preview._shot
    for softness in (1.0, 2.0, 4.0):
        widget.config.boxes["softness"].value = softness
    qtbot.waitUntil(shot.stale.is_set)
    fusion.go.set()
    made()
    assert shot.image is None
    assert fusion.closed.is_set()
    assert [call["config"].softness for call in fusion.calls] == [0, 4]


def test_it_goes_with_the_tick_a_run_or_the_layer(viewer, widget, preview, fusion, made, finish):
    preview.box.setChecked(True)
    made()
    preview.box.setChecked(False)
    assert [layer.name for layer in viewer.layers] == ["cells"]
    preview.box.setChecked(True)
    made()
    widget.run()
    assert not preview.on
    finish(widget)
    assert not [layer for layer in viewer.layers if "preview" in layer.name]
    preview.box.setChecked(True)
    viewer.layers.remove(made())
    assert not preview.on
    preview.box.setChecked(True)
    made()
    viewer.layers.remove("cells")
    made()
    assert not [layer for layer in viewer.layers if "preview" in layer.name]
    assert preview.about.text() == "no focus stack is chosen"


def test_what_goes_wrong_is_said_beside_it(preview, fusion, made, notes):
    fusion.error = RuntimeError("out of memory")
    preview.box.setChecked(True)
    made()
    assert preview.about.text() == "no preview: out of memory"
    assert notes == []


def test_a_finer_one_follows(widget, preview, made, monkeypatch):
    monkeypatch.setattr(Pace, "factors", lambda _self, _view: [4, 2])
    shapes = []
    preview._latest.ready.connect(lambda shot: shapes.append(shot.factor))
    preview.box.setChecked(True)
    made()
    assert shapes == [4, 2]


@pytest.mark.usefixtures("one_thread")
def test_the_real_fusion_is_previewed(widget, cells, qtbot):
    widget.preview.box.setChecked(True)
    qtbot.waitUntil(lambda: widget.preview._shown.layer is not None, timeout=60_000)
    qtbot.waitUntil(lambda: "may differ" in widget.preview.about.text(), timeout=60_000)


def view_of(shape, options=None):
    model = ViewerModel()
    layer = model.add_image(np.zeros(shape, np.uint8))
    return View(take(layer, 0, model.dims.point), layer.data, (slice(0, shape[1]), slice(0, shape[2])), options or {})


def test_the_reduction_follows_the_pace():
    pace, view = Pace(), view_of((10, 1024, 1024))
    first, finer = pace.factors(view)
    assert 1024 // first >= 64
    assert finer == 4
    shot = Shot(view, first, Reduced(), seconds=1e-3)
    for _ in range(8):
        pace.learn(shot)
    assert pace.factors(view) == [4]
    assert pace.factors(view_of((10, 1024, 1024), {"method": "lp"})) == [first, finer]
    assert pace.factors(view_of((2, 60, 60))) == [1]


def test_a_stale_one_gives_nothing():
    stale = threading.Event()
    stale.set()
    assert Shot(view_of((3, 20, 20)), 1, Reduced(), stale)().image is None


def test_the_part_that_is_seen():
    model = ViewerModel()
    layer = model.add_image(np.zeros((4, 100, 200)), scale=(1, 2, 2), translate=(0, 10, 0))
    model.canvas.size = (80, 120)
    model.scene.camera.zoom, model.scene.camera.center = 1, (0, 110, 200)
    assert visible_part(model, layer, (1, 2), 1) == (slice(30, 71), slice(70, 131))
    assert visible_part(model, layer, (1, 2), 64) == (slice(19, 83), slice(69, 133))
    model.scene.camera.center = (0, 0, 0)
    assert visible_part(model, layer, (1, 2), 1) == (slice(0, 16), slice(0, 31))
    model.scene.camera.center = (0, -500, 0)
    assert visible_part(model, layer, (1, 2), 1) == (slice(0, 100), slice(0, 200))
    model.dims.ndisplay = 3
    assert visible_part(model, layer, (1, 2), 1) == (slice(0, 100), slice(0, 200))


def test_jpegs_are_decoded_at_the_size_of_the_preview(tmp_path, monkeypatch):
    from napari.layers import Layer
    from PIL import Image
    from scipy.ndimage import gaussian_filter

    from napari_focusfuse import io
    from napari_focusfuse.core.progress import drain
    from napari_focusfuse.gui.reader import get_reader

    planes = [gaussian_filter(np.random.default_rng(k).random((130, 162)) * 2000, 3).astype(np.uint8) for k in range(3)]
    for k, plane in enumerate(planes):
        Image.fromarray(plane).save(tmp_path / f"z{k}.jpg", quality=98)
    (made,) = get_reader(str(tmp_path))(str(tmp_path))
    layer = Layer.create(*made)
    calls, small = [], io.read_reduced
    monkeypatch.setattr(io, "read_reduced", lambda *told: calls.append(told[1]) or small(*told))
    view = View(take(layer, 0, (0, 0, 0)), layer.data, (slice(0, 130), slice(8, 162)), {})
    reduced = drain(Reduced().iter_stack(view, 16))
    assert calls == [8, 8, 8]
    for plane, seen in zip(planes, reduced, strict=True):
        mean = plane[:128, 8 : 8 + 144].reshape(8, 16, 9, 16).mean(axis=(1, 3))
        np.testing.assert_allclose(seen, mean, atol=2)
    odd = View(view.source, layer.data, (slice(3, 130), slice(0, 162)), {})
    assert drain(Reduced().iter_stack(odd, 16)).shape[1:] == (7, 10)
    assert len(calls) == 3


def test_the_first_one_of_a_small_stack_is_at_an_eighth():
    assert Pace().factors(view_of((8, 1536, 2048))) == [8]
    assert Pace().factors(view_of((200, 1536, 2048)))[0] > 8
