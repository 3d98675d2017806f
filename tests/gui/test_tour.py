"""One afternoon at the microscope, in the real viewer, with the real engine."""

import json

import numpy as np
import pytest
import tifffile

import napari_focusfuse as ff

PLUGIN = "napari-focusfuse"


@pytest.fixture(scope="module")
def channels():
    """Two channels (6, 96, 112) uint16 of a scene that drifts."""
    scene = ff.simulate((96, 112), 6, surface="steps", blur=0.7, flaws=ff.Flaws(drift=2), seed=1)
    return scene.stack, (65535 - scene.stack // 2).astype(np.uint16)


@pytest.fixture
def file(channels, tmp_path):
    path = tmp_path / "cells.ome.tif"
    sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 2.0}
    tifffile.imwrite(path, np.stack(channels), metadata={"axes": "CZYX", "Channel": {"Name": ["red", "far"]}, **sizes})
    return path


def docked(viewer, name):
    return viewer.window.add_plugin_dock_widget(PLUGIN, name)[1]


def test_open_align_fuse_look_mend_carry_measure_save_and_replay(viewer, file, finish, tmp_path):  # noqa: PLR0915
    red, far = viewer.open(file, plugin=PLUGIN)
    assert tuple(red.scale) == (2.0, 0.5, 0.5)

    align = docked(viewer, "Align focus stack")
    aligned = []
    for layer, again in ((red, False), (far, True)):
        align.layer = layer
        align.reuse.value = again
        align.run()
        finish(align)
        aligned.append(viewer.layers[f"{layer.name} aligned"])
    assert aligned[0].data.shape == aligned[1].data.shape

    fuse = docked(viewer, "Fuse focus stack")
    fuse.layer = aligned[0]
    fuse.run()
    finish(fuse)
    fused, decision = (viewer.layers[f"{aligned[0].name} {role}"] for role in ("fused", "decision"))
    assert fused.data.shape == aligned[0].data.shape[1:]

    fuse.surface.show_surface()
    finish(fuse)
    assert viewer.dims.ndisplay == 3
    fuse.surface.back()
    assert viewer.dims.ndisplay == 2

    before = fused.data.copy()
    decision.brush_size = 12
    decision.selected_label = int(decision.data[40, 40]) % 6 + 1
    decision.paint((40, 40), decision.selected_label)
    finish(fuse)
    fuse.held()
    painted = fused.data.copy()
    assert (painted != before).any()
    decision.undo()
    fuse.held()
    np.testing.assert_array_equal(fused.data, before)
    decision.redo()
    fuse.held()
    np.testing.assert_array_equal(fused.data, painted)

    fuse.carrier.button.click()
    fuse.carrier.dialog.apply_button.click()
    finish(fuse)
    assert viewer.layers[f"{aligned[1].name} fused"].data.shape == fused.data.shape

    scores = ff.measure(list(np.asarray(aligned[0].data)), painted, metrics=["qcb"])
    assert 0 < scores["qcb"] <= 1

    fuse.save(tmp_path / "result")
    finish(fuse)
    recipe = json.loads((tmp_path / "result" / "recipe.json").read_text(encoding="utf-8"))
    assert recipe["transforms"] is not None
    assert recipe["edits"] is not None
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "result" / "fused.ome.tif"), painted)
    assert ff.check_replay(tmp_path / "result") == []
