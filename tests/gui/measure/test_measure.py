"""The widget "Measure fused images", docked by its manifest."""

import csv
import gc
import json
import math
import threading
import time
import weakref

import dask.array as da
import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_focusfuse import api
from napari_focusfuse.core.metrics import METRICS
from napari_focusfuse.gui.layers.source import KEY
from napari_focusfuse.gui.measure.maps_tab import MapChoice
from napari_focusfuse.gui.measure.roles import Roles

PLUGIN, WIDGET = "napari-focusfuse", "Measure fused images"
PLACE = {"scale": (0.5, 0.5), "units": ("um", "um"), "axis_labels": ("y", "x"), "translate": (3, 4)}
WITH_TRUTH = {"psnr", "ssim", "bias"}


@pytest.fixture
def measuring(viewer):
    """The widget, set to measure all that there is."""
    widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)[1]
    widget.which.value = "all"
    return widget


@pytest.fixture
def cells(viewer, stack):
    """A stack of 6 slices in um, two images made of it, and their truth."""
    viewer.add_image(stack.max(0), name="truth", **PLACE)
    layer = viewer.add_image(
        stack,
        name="cells",
        scale=(2, 0.5, 0.5),
        units=("um",) * 3,
        axis_labels=("z", "y", "x"),
        translate=(0, 3, 4),
    )
    viewer.add_image(stack.max(0), name="max fused", **PLACE)
    viewer.add_image(stack.mean(0).astype(np.uint16), name="mean fused", **PLACE)
    return layer


@pytest.fixture
def pair(viewer):
    """Two RGB images and one made of them."""
    images = np.random.default_rng(1).integers(0, 255, (3, 24, 30, 3)).astype(np.uint8)
    return [
        viewer.add_image(image, name=name, rgb=True) for image, name in zip(images, ("A", "B", "fused"), strict=True)
    ]


@pytest.fixture
def held(monkeypatch):
    """A measurement that waits after its first step until the test lets it go on."""
    go = threading.Event()

    def iter_compare(sources, fused, **options):
        work = real(sources, fused, **options)
        yield next(work)
        go.wait(10)
        return (yield from work)

    real = api.iter_compare
    monkeypatch.setattr(api, "iter_compare", iter_compare)
    yield go
    go.set()


def bare(layer):
    """A layer without the viewer's proxy."""
    return getattr(layer, "__wrapped__", layer)


def names(viewer):
    return [layer.name for layer in viewer.layers]


def test_a_stack_its_images_and_the_truth_are_proposed(measuring, cells, viewer):
    roles = measuring.value()
    assert [layer.name for layer in roles.sources] == ["cells"]
    assert [layer.name for layer in roles.fused] == ["max fused", "mean fused"]
    assert roles.truth.name == "truth"
    assert measuring.form.about.text() == "6 slices of 16 x 20 px, uint16; 2 fused images, with truth"
    assert measuring.panel.run_button.isEnabled()


@pytest.mark.parametrize(
    ("sample", "truth"),
    [("simulated_fibres", "Simulated fibres truth"), ("simulated_stack_with_truth", "Simulated truth")],
)
def test_the_samples_are_known_for_what_they_are(make_napari_viewer, sample, truth):
    viewer = make_napari_viewer()
    _, measuring = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    stack = viewer.open_sample(PLUGIN, sample)[-1]
    roles = measuring.value()
    assert (roles.sources, roles.fused, roles.truth) == ((stack,), (), viewer.layers[truth])
    assert measuring.form.about.text() == "Tick at least one image under Fused."
    viewer.add_image(stack.data.max(0), name="mine")
    assert measuring.value().fused == (viewer.layers["mine"],)
    assert measuring.panel.run_button.isEnabled()


def test_the_value_is_what_was_set(measuring, cells, viewer):
    roles = Roles((bare(cells),), (bare(viewer.layers["mean fused"]),), None)
    measuring.set_value(roles)
    assert measuring.value() == roles


def test_the_scores_are_those_of_the_library(measuring, cells, viewer, finish, stack, notes):
    measuring.run()
    finish(measuring)
    scores = measuring.scores.table.scores()
    assert list(scores) == ["max fused", "mean fused"]
    for name, own in scores.items():
        assert own == api.measure(stack, viewer.layers[name].data, truth=stack.max(0))
    assert measuring.panel.status.text() == "2 fused images measured."
    assert measuring.scores.bars.axes.get_title(loc="left") == "PSNR (high is good)"
    assert notes == []
    assert names(viewer) == ["truth", "cells", "max fused", "mean fused"]


def test_a_pair_without_truth(measuring, pair, finish):
    assert measuring.form.about.text() == "2 images of 24 x 30 px, RGB, uint8; 1 fused image, without truth"
    measuring.run()
    finish(measuring)
    a, b, fused = (layer.data for layer in pair)
    assert measuring.scores.table.scores() == {"fused": api.measure([a, b], fused)}
    assert set(measuring.scores.table.scores()["fused"]) == set(METRICS) - WITH_TRUTH
    assert "Without ground truth no score shows" in measuring.panel.status.text()


def test_a_lazy_stack_along_another_axis_at_the_time_shown(viewer, measuring, stack, finish):
    values = np.moveaxis(np.stack([stack, stack[::-1] // 2]), 1, 2)
    viewer.add_image(da.from_array(values, chunks=(1, 16, 2, 20)), name="cells", axis_labels=("t", "y", "z", "x"))
    viewer.add_image(stack.max(0) // 2, name="fused")
    assert measuring.form.axis == 2
    viewer.dims.set_point(0, 1)
    measuring.run()
    finish(measuring)
    assert measuring.scores.table.scores()["fused"] == api.measure(stack[::-1] // 2, stack.max(0) // 2)


def grey(shape=(16, 20), dtype=np.uint16):
    return np.zeros(shape, dtype)


def test_it_begins_with_scores_that_take_seconds_and_tells_what_the_others_cost(viewer, cells, finish):
    measuring = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)[1]
    assert measuring.which.value == "quick"
    measuring.run()
    finish(measuring)
    assert set(measuring.scores.table.scores()["max fused"]) == {"qg", "qm", "qcb", "qy"} | WITH_TRUTH
    large = da.zeros((20, 2048, 2048), chunks=(1, 2048, 2048), dtype=np.uint16)
    viewer.layers.clear()
    viewer.add_image(large, name="large")
    viewer.add_image(large[0], name="large fused")
    measuring.choose([bare(layer) for layer in viewer.layers])
    box = measuring.which.native
    shown = [box.itemText(k) for k in range(box.count())]
    assert shown == ["quick ones (about 3 s)", "all but Qp (about 80 s)", "all (about 4 min)"]
    assert measuring.which.value == "quick"


@pytest.mark.parametrize(
    ("fused", "truth", "says"),
    [
        (grey((16, 21)), None, "'fused' is 16 x 21 px and the sources are 16 x 20 px (height x width)"),
        (grey(dtype=np.float32), None, "'fused' is float32 and the sources are uint16: convert them to one type."),
        (grey((16, 20, 3)), None, "'fused' is RGB and the sources are grey: convert one of them."),
        (grey(), grey((15, 20)), "The true image is 15 x 20 px and the sources are 16 x 20 px"),
        (grey(), grey(dtype=np.uint8), "The true image is uint8 and the sources are uint16"),
    ],
)
def test_layers_that_do_not_fit_are_refused_in_a_sentence(viewer, measuring, stack, notes, fused, truth, says):
    sources = viewer.add_image(stack, name="cells")
    layer = viewer.add_image(fused, name="fused", rgb=fused.ndim == 3)
    true = None if truth is None else bare(viewer.add_image(truth, name="other"))
    measuring.set_value(Roles((bare(sources),), (bare(layer),), true))
    assert says in measuring.form.about.text()
    assert not measuring.panel.run_button.isEnabled()
    measuring.run()
    assert [note.message for note in notes] == [measuring.form.about.text()]
    assert "\n" not in measuring.form.about.text()


def test_a_pair_that_does_not_fit(viewer, measuring):
    layers = [viewer.add_image(grey(shape), name=name) for name, shape in (("A", (16, 20)), ("B", (16, 22)))]
    fused = viewer.add_image(grey(), name="fused")
    measuring.set_value(Roles(tuple(map(bare, layers)), (bare(fused),)))
    assert measuring.form.about.text().startswith("'B' is 16 x 22 px and 'A' is 16 x 20 px")


@pytest.mark.parametrize(
    ("sources", "fused", "says"),
    [
        ((), (), "Tick what was fused under Source, and the fused images under Fused."),
        (("A",), ("fused",), "Tick what was fused under Source: one focus stack, or two or more single images."),
        (("A", "B"), (), "Tick at least one image under Fused."),
    ],
)
def test_roles_that_are_missing(viewer, measuring, pair, sources, fused, says):
    found = {layer.name: bare(layer) for layer in viewer.layers}
    measuring.set_value(Roles(tuple(found[name] for name in sources), tuple(found[name] for name in fused)))
    assert measuring.form.about.text() == says
    assert not measuring.panel.run_button.isEnabled()


def test_no_layer_at_all(measuring, notes):
    assert measuring.form.about.text() == "Open the fused images and their source images first."
    assert not measuring.panel.run_button.isEnabled()
    measuring.run()
    measuring.look()
    measuring.add_map()
    assert len(notes) == 3


def test_constant_images_have_scores(viewer, measuring, finish, notes):
    viewer.add_image(np.full((3, 16, 20), 7, np.uint8), name="cells")
    viewer.add_image(np.full((16, 20), 7, np.uint8), name="fused")
    viewer.add_image(np.full((16, 20), 7, np.uint8), name="truth")
    measuring.choose(list(map(bare, viewer.layers)))
    measuring.run()
    finish(measuring)
    scores = measuring.scores.table.scores()["fused"]
    assert set(scores) == set(METRICS)
    assert not any(math.isnan(value) for value in scores.values())
    assert notes == []


@pytest.mark.parametrize("name", ["cells", "max fused"])
def test_pixels_that_are_no_numbers(viewer, measuring, finish, notes, stack, name):
    viewer.add_image(stack / 4000, name="cells")
    viewer.add_image(stack.max(0) / 4000, name="max fused")
    viewer.layers[name].data[(2, 3, 4) if name == "cells" else (3, 4)] = np.nan
    measuring.run()
    finish(measuring)
    (note,) = notes
    called = "slice 2 of 'cells'" if name == "cells" else "'max fused'"
    assert note.message == f"{called} contains pixels that are not numbers (NaN or infinite): fill them or crop them"
    assert measuring.panel.status.text() == note.message
    assert measuring.scores.table.scores() == {}
    assert measuring.panel.run_button.isEnabled()


def test_a_fused_layer_may_go_while_it_is_measured(viewer, measuring, cells, held, finish, notes):
    measuring.run()
    viewer.layers.remove("mean fused")
    held.set()
    finish(measuring)
    assert list(measuring.scores.table.scores()) == ["max fused", "mean fused"]
    assert measuring.panel.status.text().endswith("Removed meanwhile, scored as it was: 'mean fused'.")
    assert [layer.name for layer in measuring.value().fused] == ["max fused"]
    assert notes == []


def test_all_layers_may_go_while_they_are_measured(viewer, measuring, cells, held, finish, notes):
    measuring.run()
    viewer.layers.clear()
    held.set()
    finish(measuring)
    assert len(measuring.scores.table.scores()) == 2
    assert notes == []
    assert not measuring.panel.run_button.isEnabled()


def test_one_thing_at_a_time(measuring, cells, held, finish, notes):
    measuring.run()
    measuring.run()
    measuring.add_map()
    assert {note.message for note in notes} == {"Something is being measured: wait for it or cancel it first."}
    held.set()
    finish(measuring)
    assert len(measuring.scores.table.scores()) == 2


def test_cancel_keeps_the_table(viewer, measuring, cells, held, finish, qtbot):
    held.set()
    measuring.run()
    finish(measuring)
    before = measuring.scores.table.scores()
    cells.data = cells.data[::-1] // 2
    held.clear()
    measuring.run()
    measuring.panel.cancel_button.click()
    held.set()
    finish(measuring)
    assert measuring.scores.table.scores() == before
    assert "cancelled" in measuring.panel.status.text()


def test_cancel_stops_in_the_middle_of_a_metric(viewer, measuring, finish, qtbot):
    """A metric reads all slices between two steps: here one of them would take a minute."""
    read = threading.Event()

    def slow(block):
        read.set()
        time.sleep(0.5)
        return block

    values = da.zeros((120, 64, 64), chunks=(1, 64, 64), dtype=np.uint8).map_blocks(slow, dtype=np.uint8, meta=grey())
    layer = viewer.add_image(values, name="cells", contrast_limits=(0, 1))
    viewer.add_image(grey((64, 64), np.uint8), name="fused")
    measuring.choose([bare(layer)])
    measuring.set_value(Roles((bare(layer),), (bare(viewer.layers["fused"]),)))
    read.clear()
    measuring.run()
    qtbot.waitUntil(read.is_set)
    start = time.monotonic()
    measuring.panel.cancel_button.click()
    finish(measuring)
    assert time.monotonic() - start < 3


def test_a_new_result_of_the_stack_is_ticked(viewer, measuring, cells, fusion, finish):
    _, fusing = viewer.window.add_plugin_dock_widget(PLUGIN, "Fuse focus stack")
    fusing.layer = cells
    fusing.run()
    finish(fusing)
    assert [layer.name for layer in measuring.value().fused] == ["max fused", "mean fused", "cells fused"]


def test_the_table_is_saved(measuring, cells, finish, monkeypatch, tmp_path):
    assert not measuring.scores.save_button.isEnabled()
    measuring.run()
    finish(measuring)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "scores"), ""))
    measuring.scores.save_button.click()
    (path,) = tmp_path.iterdir()
    with path.open(encoding="utf-8", newline="") as file:
        heading, *rows = csv.reader(file)
    assert path.name == "scores.csv"
    assert heading == ["metric", "best", "max fused", "mean fused"]
    scores = measuring.scores.table.scores()["mean fused"]
    assert {row[0]: float(row[3]) for row in rows} == scores
    assert measuring.panel.status.text() == f"Saved in {path}"


def test_a_table_is_not_written_over_one_that_nobody_was_asked_about(
    measuring, cells, finish, monkeypatch, tmp_path, notes
):
    measuring.run()
    finish(measuring)
    path = tmp_path / "scores.csv"
    path.write_text("mine")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "scores"), ""))
    measuring.scores.save_button.click()
    assert path.read_text() == "mine"
    assert "exists" in notes[0].message
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    measuring.scores.save_button.click()
    assert path.read_text().startswith("metric")


def faded(measuring):
    colour = measuring.scores.table.model().index(0, 1).data(Qt.ItemDataRole.ForegroundRole)
    (text,) = {measuring.scores.outdated.text()} if not measuring.scores.outdated.isHidden() else {""}
    assert (colour is not None) == bool(text)
    return text


@pytest.mark.parametrize("name", ["cells", "max fused", "truth"])
def test_scores_of_other_pixels_are_marked(viewer, measuring, cells, finish, tmp_path, name):
    measuring.run()
    finish(measuring)
    assert faded(measuring) == ""
    layer = viewer.layers[name]
    layer.data = layer.data // 2
    layer.data = layer.data // 2
    assert faded(measuring) == f"Measured before '{name}' changed: measure again."
    measuring.scores.copy_button.click()
    assert measuring.panel.status.text() == f"Copied, but measured before '{name}' changed."
    path = tmp_path / "scores.csv"
    measuring.scores.save(path)
    assert measuring.panel.status.text() == f"Saved in {path}, but measured before '{name}' changed."
    measuring.run()
    finish(measuring)
    assert faded(measuring) == ""
    measuring.scores.copy_button.click()
    assert measuring.panel.status.text() == "Copied."


def test_scores_of_other_roles_are_marked_until_they_are_as_they_were(viewer, measuring, cells, finish):
    measuring.run()
    finish(measuring)
    roles = measuring.value()
    measuring.set_value(Roles(roles.sources, roles.fused[:1], roles.truth))
    assert faded(measuring) == "Measured before the roles changed: measure again."
    measuring.set_value(Roles(roles.sources, roles.fused, None))
    assert faded(measuring) == "Measured before the roles changed: measure again."
    measuring.set_value(roles)
    assert faded(measuring) == ""
    measuring.form.white.setValue(4095)
    assert faded(measuring) == "Measured before White changed: measure again."
    viewer.layers["truth"].data = viewer.layers["truth"].data // 2
    assert faded(measuring) == "Measured before 'truth' and White changed: measure again."


def test_what_changes_while_it_is_measured_is_marked(viewer, measuring, cells, held, finish):
    measuring.run()
    viewer.layers["mean fused"].data = viewer.layers["mean fused"].data // 2
    assert faded(measuring) == ""
    held.set()
    finish(measuring)
    assert faded(measuring) == "Measured before 'mean fused' changed: measure again."


def test_scores_of_another_time_point_are_marked(viewer, measuring, stack, finish):
    viewer.add_image(np.stack([stack, stack // 2]), name="cells", axis_labels=("t", "z", "y", "x"))
    viewer.add_image(stack.max(0), name="fused")
    viewer.dims.set_point(0, 0)
    measuring.run()
    finish(measuring)
    viewer.dims.set_point(0, 1)
    assert faded(measuring) == "Measured before the time point or channel changed: measure again."
    viewer.dims.set_point(0, 0)
    assert faded(measuring) == ""


@pytest.mark.parametrize(
    ("dtype", "white", "lazy"),
    [
        (np.int64, 4095, False),
        (np.uint32, 4095, True),
        (np.float32, 4095, False),
        (np.float32, 4095, True),
        (np.uint16, 65535, True),
    ],
)
def test_white_is_proposed_and_measured_with(viewer, measuring, stack, finish, notes, dtype, white, lazy):
    values = stack.astype(dtype)
    viewer.add_image(da.from_array(values) if lazy else values, name="cells")
    viewer.add_image(stack.max(0).astype(dtype), name="fused")
    viewer.add_image(stack.max(0).astype(dtype) // 2, name="truth")
    assert (measuring.form.white.value(), measuring.form.white.text()) == (white, str(white))
    measuring.which.value = "quick"
    for value in (white, 8000):
        measuring.form.white.setValue(value)
        measuring.run()
        finish(measuring)
        expected = api.measure(stack, stack.max(0), truth=stack.max(0) // 2, metrics=["psnr"], data_range=value)
        assert measuring.scores.table.scores()["fused"]["psnr"] == pytest.approx(expected["psnr"])
    assert notes == []


def test_white_is_proposed_anew_for_other_sources_and_pixels_but_not_over_a_choice(viewer, measuring, cells):
    measuring.form.white.setValue(4095)
    cells.data = cells.data // 2
    assert measuring.form.white.value() == 4095
    viewer.layers.clear()
    layer = viewer.add_image(np.random.default_rng(0).random((3, 16, 20)), name="floats")
    assert measuring.form.white.value() == 1
    layer.data = layer.data * 200
    assert measuring.form.white.value() == 255


def test_maps_are_made_with_white(viewer, measuring, stack, finish):
    viewer.add_image(stack.astype(np.int64), name="cells")
    viewer.add_image(stack.max(0).astype(np.int64), name="fused")
    measuring.maps.set_value(MapChoice("qcb", "fused", -1))
    measuring.add_map()
    finish(measuring)
    expected = api.quality_map(stack, stack.max(0), "qcb", data_range=4095)
    np.testing.assert_allclose(viewer.layers["Qcb of fused"].data, expected, rtol=1e-5)


def test_the_plot_follows_the_chosen_row(measuring, cells, finish):
    measuring.run()
    finish(measuring)
    row = next(row for row, cells in enumerate(measuring.scores.table.rows()[1:]) if cells[0] == "qg")
    measuring.scores.table.setCurrentIndex(measuring.scores.table.model().index(row, 1))
    assert measuring.scores.bars.axes.get_title(loc="left") == "Qg (high is good)"
    widths = [bar.get_width() for bar in measuring.scores.bars.axes.patches]
    assert widths == [own["qg"] for own in measuring.scores.table.scores().values()]


def test_names_in_the_plot_are_written_as_they_are(measuring, cells, finish, viewer, recwarn):
    viewer.layers["max fused"].name = "$\\frac$ fused"
    viewer.layers["mean fused"].name = "mean $ fused $"
    measuring.which.value = "quick"
    measuring.run()
    finish(measuring)
    axes = measuring.scores.bars.axes
    axes.figure.canvas.draw()
    labels = axes.get_yticklabels()
    assert [label.get_text() for label in labels] == ["$\\frac$ fused", "mean $ fused $"]
    assert not any(label.get_parse_math() for label in labels)


def test_names_in_the_plot_have_the_viewers_letters(measuring, cells, finish, viewer, monkeypatch):
    from matplotlib import font_manager

    family = QApplication.font().family()
    known = font_manager.get_font_names()
    monkeypatch.setattr(font_manager, "get_font_names", lambda: [*known, family])
    measuring.which.value = "quick"
    measuring.run()
    finish(measuring)
    for label in measuring.scores.bars.axes.get_yticklabels():
        assert label.get_fontfamily()[0] == family
        assert label.get_fontfamily()[-1] == "DejaVu Sans"


def test_the_plot_follows_the_theme(viewer, measuring, cells, finish):
    from napari.utils.theme import get_theme

    measuring.run()
    finish(measuring)
    for theme in ("light", "dark"):
        viewer.theme = theme
        red, green, blue = (round(255 * part) for part in measuring.scores.bars.axes.figure.get_facecolor()[:3])
        assert (red, green, blue) == tuple(get_theme(theme).background.as_rgb_tuple()[:3])


MAPS = [
    (MapChoice("qg", "mean fused", -1), "Qg of mean fused"),
    (MapChoice("qcb", "mean fused", -1), "Qcb of mean fused"),
    (MapChoice("difference", "mean fused", 3), "mean fused minus slice 3"),
    (MapChoice("difference", "mean fused", -2), "mean fused minus truth"),
    (MapChoice("sf", "", 2), "pixel SF of cells, slice 2"),
    (MapChoice("deep", "", 2), "deep SF of cells, slice 2"),
]


def expected(choice, stack):
    mean = stack.mean(0).astype(np.uint16)
    if choice.kind == "difference":
        return mean.astype(float) - (stack.max(0) if choice.slice == -2 else stack[choice.slice])
    if choice.kind in ("sf", "deep"):
        from napari_focusfuse.core.progress import drain

        return drain(drain(api.iter_focus(stack)).iter_map(choice.slice, choice.kind))
    return api.quality_map(stack, mean, choice.kind)


@pytest.mark.parametrize(("choice", "name"), MAPS, ids=[name for _, name in MAPS])
def test_maps_become_layers(viewer, measuring, cells, finish, stack, notes, choice, name):
    measuring.maps.set_value(choice)
    if choice.fused:
        assert measuring.maps.value() == choice
    measuring.maps.add_button.click()
    finish(measuring)
    layer = viewer.layers[name]
    np.testing.assert_allclose(layer.data, expected(choice, stack), rtol=1e-5)
    np.testing.assert_allclose(layer.scale, (0.5, 0.5))
    np.testing.assert_allclose(layer.translate, (3, 4))
    assert tuple(map(str, layer.units)) == ("micrometer", "micrometer")
    assert tuple(layer.axis_labels) == ("y", "x")
    note = layer.metadata[KEY]
    assert json.loads(json.dumps(note, allow_nan=False)) == note
    assert (note["role"], note["map"], note["source"]) == ("map", choice.kind, "cells")
    low, high = layer.contrast_limits
    assert low == (-high if choice.kind == "difference" else 0)
    assert notes == []


def test_the_slice_shown_is_the_first_choice(viewer, measuring, cells, finish):
    viewer.dims.set_point(0, 8.2)
    measuring.maps.set_value(MapChoice("sf", "", -1))
    measuring.add_map()
    finish(measuring)
    assert "pixel SF of cells, slice 4" in viewer.layers


def test_a_map_is_made_once_and_others_are_hidden(viewer, measuring, cells, finish):
    for kind in ("qg", "qcb", "qg"):
        measuring.maps.set_value(MapChoice(kind, "max fused", -1))
        measuring.add_map()
        finish(measuring)
    assert names(viewer)[4:] == ["Qg of max fused", "Qcb of max fused"]
    assert [layer.visible for layer in viewer.layers][4:] == [True, False]
    assert not {"Qg of max fused", "Qcb of max fused"} & {layer.name for layer in measuring.value().fused}


def test_a_map_follows_its_image(viewer, measuring, cells, finish):
    measuring.maps.set_value(MapChoice("sf", "", 2))
    measuring.add_map()
    finish(measuring)
    cells.scale, cells.translate = (2, 0.25, 0.25), (0, 7, 8)
    cells.axis_labels = ("z", "row", "column")
    measuring.add_map()
    finish(measuring)
    (layer,) = [layer for layer in viewer.layers if layer.name.startswith("pixel SF")]
    np.testing.assert_allclose(layer.scale, (0.25, 0.25))
    np.testing.assert_allclose(layer.translate, (7, 8))
    assert tuple(layer.axis_labels) == ("row", "column")


def test_maps_of_a_pair(viewer, measuring, pair, finish):
    for choice in (MapChoice("difference", "fused", 1), MapChoice("deep", "", 0)):
        measuring.maps.set_value(choice)
        measuring.add_map()
        finish(measuring)
    assert names(viewer)[3:] == ["fused minus B", "deep SF of A"]
    assert viewer.layers["deep SF of A"].data.shape == (24, 30)


def test_maps_do_not_disturb_the_results_of_a_fusion(viewer, measuring, cells, fusion, finish):
    _, fusing = viewer.window.add_plugin_dock_widget(PLUGIN, "Fuse focus stack")
    fusing.layer = cells
    fusing.run()
    finish(fusing)
    measuring.maps.set_value(MapChoice("sf", "", 0))
    measuring.add_map()
    finish(measuring)
    before = names(viewer)
    fusing.run()
    finish(fusing)
    assert names(viewer) == before


def test_a_closed_widget_is_let_go(viewer, cells, finish, qtbot):
    dock, measuring = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    measuring.run()
    finish(measuring)
    measuring.tabs.setCurrentWidget(measuring.focus)
    finish(measuring)
    gone = weakref.ref(measuring)
    viewer.window.remove_dock_widget(dock)
    del dock, measuring
    qtbot.wait(50)
    gc.collect()
    assert gone() is None
    viewer.theme = "light"
    viewer.dims.set_point(0, 2)


def test_closing_the_dock_stops_the_run(viewer, cells, held, qtbot):
    dock, measuring = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    measuring.run()
    viewer.window.remove_dock_widget(dock)
    held.set()
    qtbot.waitUntil(lambda: not measuring.panel.busy)
    assert measuring.scores.table.scores() == {}
    viewer.layers.clear()
    measuring.deleteLater()
    qtbot.wait(10)
