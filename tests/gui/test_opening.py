"""The menu commands that open stacks with our reader."""

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from qtpy.QtWidgets import QFileDialog, QInputDialog

from napari_focusfuse.gui.reader import open_folder, open_stack

PLUGIN = "napari-focusfuse"


@pytest.fixture
def choose(monkeypatch):
    """Answers the file dialogs; says where they started."""
    started = []

    def choose(*paths):
        names = [str(path) for path in paths]

        def files(_parent, _title, folder, _filter):
            started.append(folder)
            return names, ""

        monkeypatch.setattr(QFileDialog, "getOpenFileNames", files)
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: names[0] if names else "")
        return started

    return choose


@pytest.fixture
def slices(tmp_path, stack):
    for k in (1, 2, 10):
        tifffile.imwrite(tmp_path / f"z{k}.tif", np.full_like(stack[0], k))
    return tmp_path


def test_from_the_file_menu(make_napari_viewer, choose, tmp_path, stack):
    viewer = make_napari_viewer()
    metadata = {"axes": "ZYX", "spacing": 1.5, "unit": "um"}
    tifffile.imwrite(tmp_path / "cells.tif", stack, imagej=True, resolution=(2, 2), metadata=metadata)
    choose(tmp_path / "cells.tif")
    viewer.window._update_menu_state("file_menu")
    menus = [action.menu() for action in viewer.window.file_menu.actions()]
    found = {action.text(): action for menu in menus if menu is not None for action in menu.actions()}
    assert f"Open folder as focus stack… ({PLUGIN})" in found
    found[f"Open focus stack… ({PLUGIN})"].trigger()
    assert viewer.layers["cells"].axis_labels == ("z", "y", "x")
    np.testing.assert_allclose(viewer.layers["cells"].scale, (1.5, 0.5, 0.5))


def test_several_files_are_one_stack_and_the_next_dialog_starts_there(choose, slices):
    viewer = ViewerModel()
    choose(*(slices / f"z{k}.tif" for k in (10, 1, 2)))
    open_stack(viewer)
    (layer,) = viewer.layers
    assert np.asarray(layer.data)[:, 0, 0].tolist() == [1, 2, 10]
    started = choose()
    open_stack(viewer)
    assert started[-1] == str(slices)
    assert len(viewer.layers) == 1


def test_a_folder(choose, slices):
    viewer = ViewerModel()
    choose(slices)
    open_folder(viewer)
    assert viewer.layers[0].data.shape == (3, 16, 20)


def test_what_cannot_be_opened_is_said(choose, tmp_path, notes):
    viewer = ViewerModel()
    (tmp_path / "s.tif").write_text("no image")
    choose(tmp_path / "s.tif")
    open_stack(viewer)
    (note,) = notes
    assert "s.tif cannot be read" in note.message
    assert not viewer.layers


@pytest.mark.parametrize(
    ("answer", "opened"), [(0, ["DAPI", "GFP"]), (1, ["DAPI"]), (2, ["GFP"]), (None, [])], ids=["all", "1", "2", "none"]
)
@pytest.mark.parametrize("picked", [False, True])
def test_a_folder_of_channels_asks_which(choose, tmp_path, stack, monkeypatch, answer, opened, picked):
    viewer, asked = ViewerModel(), []
    for c, dye in enumerate(("DAPI", "GFP")):
        for z in range(3):
            tifffile.imwrite(tmp_path / f"cells_w{c + 1}{dye}_z{z}.tif", stack[z] + c)

    def answered(_parent, _title, question, names, *_):
        asked.append(question)
        return names[answer or 0], answer is not None

    monkeypatch.setattr(QInputDialog, "getItem", answered)
    choose(*tmp_path.iterdir()) if picked else choose(tmp_path)
    (open_stack if picked else open_folder)(viewer)
    assert asked == ["The file names contain 2 channels. Open"]
    assert [layer.name.rsplit(" ", 1)[-1] for layer in viewer.layers] == opened
    for layer in viewer.layers:
        np.testing.assert_array_equal(layer.data, stack[:3] + ("GFP" in layer.name))


def test_channels_in_a_file_are_not_asked_for(choose, tmp_path, stack, monkeypatch):
    viewer = ViewerModel()
    monkeypatch.delattr(QInputDialog, "getItem")
    tifffile.imwrite(tmp_path / "cells.ome.tif", np.stack([stack, stack]), ome=True, metadata={"axes": "CZYX"})
    choose(tmp_path / "cells.ome.tif")
    open_stack(viewer)
    assert len(viewer.layers) == 2


def test_a_message_holds_nothing_that_a_terminal_obeys(choose, tmp_path, notes):
    (tmp_path / "s\x1b[2J.tif").write_text("no image")
    choose(tmp_path / "s\x1b[2J.tif")
    open_stack(ViewerModel())
    (note,) = notes
    assert r"s\x1b[2J.tif cannot be read" in note.message
