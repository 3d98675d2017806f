"""The widget "Fuse many stacks", through the manifest in a viewer, with the engine itself and a quick method."""

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtTest import QTest

import napari_focusfuse as ff
from napari_focusfuse import io
from napari_focusfuse.gui import commands
from napari_focusfuse.gui.batch import thumbnails
from napari_focusfuse.gui.common import worker
from napari_focusfuse.gui.layers.results import note_of

PLUGIN, WIDGET = "napari-focusfuse", "Fuse many stacks"


@pytest.fixture
def night(tmp_path):
    """Three stacks, of which the second is damaged."""
    folder = tmp_path / "night"
    folder.mkdir()
    for k, name in enumerate(("a", "b", "c")):
        stack = ff.simulate((48, 64), 4, seed=k).stack
        io.write_stack(folder / f"{name}.ome.tif", stack, z_step=2.0, pixel_size=(0.5, 0.5))
    whole = (folder / "b.ome.tif").read_bytes()
    (folder / "b.ome.tif").write_bytes(whole[: len(whole) // 2])
    return folder


def opened(viewer):
    made = viewer.window.dock_widgets[f"{WIDGET} ({PLUGIN})"]
    return getattr(made, "__wrapped__", made)


@pytest.fixture
def widget(viewer):
    commands.fuse_many_stacks(viewer)
    made = opened(viewer)
    made.form.how.box.value = "log"
    return made


@pytest.fixture
def show(qtbot):
    """Show the stacks of some paths in the list."""

    def choose(widget, *paths):
        widget.choose(list(paths))
        qtbot.waitUntil(lambda: not widget.form.looking, timeout=20_000)

    return choose


def states(widget):
    return [row.state for row in widget.model.rows]


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_fused_and_a_result_opened(viewer, widget, night, show, finish, qtbot, notes):
    show(widget, night)
    assert [row.name for row in widget.model.rows] == ["a", "b", "c"]
    assert (states(widget), widget.form.target) == (["waiting"] * 3, night.with_name("night_fused"))
    assert widget.panel.run_button.text() == "Fuse 3 stacks"
    widget.run()
    finish(widget)
    assert states(widget) == ["done", "failed", "done"]
    assert widget.model.rows[1].line().startswith("Failed: cannot be read")
    assert [note.message for note in notes if "failed" in note.message] == [
        "1 of 3 stacks failed: b. The list says why."
    ]
    assert widget.counts.text() == "3 stacks · 2 done · 1 failed"
    widget.view.setCurrentIndex(widget.model.index(1))
    assert "b: cannot be read" in widget.panel.status.text()
    assert not widget.open_button.isEnabled()
    widget.open_result(1)
    assert not widget.opening.busy
    widget.view.setCurrentIndex(widget.model.index(2))
    QTest.keyClick(widget.view, Qt.Key.Key_Return)
    assert widget.opening.busy
    widget.open_button.click()  # once is enough
    qtbot.waitUntil(lambda: not widget.opening.busy, timeout=60_000)
    fused = next(layer for layer in viewer.layers if layer.name == "c fused")
    np.testing.assert_array_equal(fused.data, io.read_map(night.with_name("night_fused") / "c", "fused"))
    assert (note_of(fused)["z_step"], note_of(fused)["pixel_size"]) == (2.0, [0.5, 0.5])
    commands.retouch_image(viewer)
    decision = next(layer for layer in viewer.layers if layer.name == "c decision")
    assert decision.editable
    count = len(viewer.layers)
    widget.open_result(2)  # it is there
    assert (len(viewer.layers), widget.opening.busy) == (count, False)


def test_cancelled_and_gone_on_with_in_another_viewer(viewer, widget, night, show, finish, qtbot, monkeypatch):
    monkeypatch.setattr(worker, "_PROGRESS_EVERY", 0.0)  # these stacks are ready before the next step would be shown
    show(widget, night)
    widget.panel.stepped.connect(lambda _step: widget.model.count("done") and widget.cancel())
    widget.run()
    finish(widget)
    assert states(widget)[0] == "done"
    assert "running" not in states(widget)
    assert "Cancelled" in widget.panel.status.text()
    before = files(night.with_name("night_fused"))
    viewer.window.remove_dock_widget(widget)
    commands.fuse_many_stacks(viewer)
    again = opened(viewer)
    again.form.how.box.value = "log"
    show(again, night)
    assert states(again)[0] == "skipped"
    assert again.panel.run_button.text().endswith("more")
    again.run()
    finish(again)
    assert (states(again)[0], states(again)[2]) == ("skipped", "done")
    after = files(night.with_name("night_fused"))
    assert {path: after[path] for path in before} == before
    again.form.how.box.value = "max"  # other results are not replaced without a word
    again.run()
    finish(again)
    assert states(again) == ["failed"] * 3
    assert "was made in another way" in again.model.rows[0].text
    assert files(night.with_name("night_fused")) == after
    again.form.replace.setChecked(True)
    again.run()
    finish(again)
    assert states(again)[0] == "done"


def test_a_pause_holds_the_run(widget, night, show, finish, qtbot):
    show(widget, night)
    told = []
    widget.panel.stepped.connect(lambda step: told.append((step.done, step.what)))
    widget.run()
    qtbot.waitUntil(lambda: bool(told), timeout=60_000)
    widget.panel.pause_button.click()
    assert widget.panel.pause_button.text() == "Resume"
    qtbot.wait(300)  # the step that is being worked on
    held = told[-1]
    qtbot.wait(300)
    assert (told[-1], widget.panel.progress.format()) == (held, "paused")
    widget.panel.pause_button.click()
    finish(widget)
    assert states(widget) == ["done", "failed", "done"]


def test_only_what_is_seen_gets_a_thumbnail(widget, tmp_path, show, monkeypatch, qtbot):
    made = []

    def seen_of(source, _files, _target):
        made.append(source.name)
        return np.zeros((40, 60, 3), np.uint8), "2 slices"

    monkeypatch.setattr(thumbnails, "seen_of", seen_of)
    for k in range(200):
        (tmp_path / f"s{k}").mkdir()
        for z in "12":
            (tmp_path / f"s{k}" / f"z{z}.png").touch()
    show(widget, tmp_path)
    assert [row.name for row in widget.model.rows] == [f"s{k}" for k in range(200)]
    for place, number in ((widget.view.scrollToTop, 0), (widget.view.scrollToBottom, 199)):
        place()
        widget.view.grab()
        qtbot.waitUntil(lambda k=number: widget.model.rows[k].picture is not None, timeout=20_000)
    assert len(made) < 50


def test_what_holds_no_stacks_is_said(widget, tmp_path, show, notes):
    show(widget, tmp_path)
    assert "holds no focus stacks" in widget.panel.status.text()
    assert not widget.panel.run_button.isEnabled()
    assert len(notes) == 1


def test_files_can_be_dropped(widget, night, qtbot):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(night / name)) for name in ("a.ome.tif", "c.ome.tif")])
    button = Qt.MouseButton.LeftButton
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, mime, button, Qt.KeyboardModifier.NoModifier)
    widget.view.dropEvent(event)
    qtbot.waitUntil(lambda: len(widget.model.rows) == 2, timeout=20_000)
    assert widget.form.target == night / "fused"


def test_what_cannot_be_a_result_on_its_stack_is_opened_as_images(viewer, widget, night, show, finish, qtbot, notes):
    """Two channels in one file, and a stack that is gone."""
    (night / "b.ome.tif").unlink()
    both = np.stack([ff.simulate((48, 64), 4, seed=k).stack for k in (0, 1)], axis=1)
    tifffile.imwrite(night / "b.tif", both, imagej=True, metadata={"axes": "ZCYX"})
    show(widget, night)
    widget.run()
    finish(widget)
    assert states(widget) == ["done"] * 3
    (night / "c.ome.tif").unlink()
    for number, names in ((1, {"b fused c0", "b fused c1"}), (2, {"c fused"})):
        widget.view.doubleClicked.emit(widget.model.index(number))
        qtbot.waitUntil(lambda: not widget.opening.busy, timeout=60_000)
        assert {layer.name for layer in viewer.layers if layer.visible} == names
    assert any("no longer at" in note.message for note in notes)


def test_the_fields_of_a_plate_are_the_list(viewer, widget, tmp_path, show, finish, qtbot):
    plate = ff.simulate_plate(tmp_path / "plate.zarr", wells=2, fields=1, channels=1, slices=3, size=64)
    show(widget, plate)
    assert widget.form.target == tmp_path / "plate_fused.zarr"
    names = [row.name for row in widget.model.rows]
    assert [name.count("/") for name in names] == [2, 2]
    widget.run()
    finish(widget)
    assert (states(widget), [row.name for row in widget.model.rows]) == (["done"] * 2, names)
    widget.open_result(0)
    qtbot.waitUntil(lambda: not widget.opening.busy, timeout=60_000)
    (layer,) = [layer for layer in viewer.layers if layer.visible]
    assert layer.name.startswith(f"{names[0]} fused")
    show(widget, plate)
    assert states(widget) == ["skipped"] * 2
