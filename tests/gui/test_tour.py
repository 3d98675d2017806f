"""One afternoon at the microscope, in the real viewer, with the real engine.

The steps can be taken with any stack: `Tour.walk` takes its file or folder.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import napari_focusfuse as ff

PLUGIN = "napari-focusfuse"


class Tour:
    """Goes through the viewer, and notes how long each step takes.

    Parameters
    ----------
    viewer : napari.Viewer
    finish : callable
        Waits until the work of a widget has ended.
    look : callable
        Called with the name of each step when it is done, to take a picture.
    """

    def __init__(
        self, viewer: Any, finish: Callable[[Any], None], look: Callable[[str], None] = lambda _name: None
    ) -> None:
        self.viewer, self.finish, self.look = viewer, finish, look
        self.seconds: dict[str, float] = {}

    def walk(self, path: Path, out: Path, *, align: bool = True, other: Callable[[Any], Any] | None = None) -> None:
        """Open, align, fuse, show the surface, paint, carry to another channel, measure, save and replay.

        Parameters
        ----------
        path : Path
            A file or folder. Its first layer is fused, its second is the other channel.
        out : Path
            Folder that the result is saved in; there is none yet.
        align : bool
            Align both channels first.
        other : callable, optional
            Makes the pixels of the other channel, where the file has one.
        """
        layers = self.open(path)
        if other is not None:
            layers.append(self.copy(layers[0], other))
        if align:
            layers = self.align(layers)
        self.fuse(layers[0])
        self.surface()
        self.retouch()
        self.apply_decision(layers[1])
        self.measure()
        self.save(out)
        self.replay(out)

    def open(self, path: Path) -> list[Any]:
        """Layers of a file or folder."""
        with self._step("open"):
            return list(self.viewer.open(path, plugin=PLUGIN))

    def copy(self, layer: Any, other: Callable[[Any], Any]) -> Any:
        """Another channel of a layer."""
        place = {name: getattr(layer, name) for name in ("scale", "units", "axis_labels", "translate")}
        return self.viewer.add_image(other(np.asarray(layer.data)), name="other", rgb=layer.rgb, **place)

    def align(self, layers: list[Any]) -> list[Any]:
        """The first one aligned, and the others moved alike; those that need no aligning stay as they are."""
        widget, aligned = self._docked("Align focus stack"), []
        for number, layer in enumerate(layers):
            with self._step(f"align {number + 1}"):
                widget.layer = layer
                widget.reuse.value = number > 0
                widget.run()
                self.finish(widget)
            made = [other for other in self.viewer.layers if other.name == f"{layer.name} aligned"]
            aligned.append((made or [layer])[0])
        return aligned

    def fuse(self, layer: Any) -> None:
        """Fuse a stack; it must become layers of its size."""
        self.stack, self.fusing = layer, self._docked("Fuse focus stack")
        with self._step("fuse"):
            self.fusing.layer = layer
            self.fusing.run()
            self.finish(self.fusing)
        self.fused, self.decision = (self.viewer.layers[f"{layer.name} {role}"] for role in ("fused", "decision"))
        assert self.fused.data.shape == layer.data.shape[1:]

    def surface(self) -> None:
        """Show the surface, if sizes are known, and go back."""
        if self.fusing.stack.pixel_sizes() is None or self.fusing.stack.z_step.length() is None:
            return
        with self._step("surface"):
            self.fusing.surface.show_surface()
            self.finish(self.fusing)
        assert self.viewer.dims.ndisplay == 3
        with self._step("back"):
            self.fusing.surface.back()
        assert self.viewer.dims.ndisplay == 2

    def retouch(self) -> None:
        """Paint a stroke, undo it and redo it: the fused image follows to the bit."""
        before, at = self.fused.data.copy(), tuple(n // 2 for n in self.decision.data.shape)
        slices = self.stack.data.shape[0]
        self.decision.brush_size = max(12, self.decision.data.shape[0] // 20)
        self.decision.selected_label = (int(self.decision.data[at]) + slices // 2) % slices + 1
        with self._step("paint"):
            self.decision.paint(at, self.decision.selected_label)
            self._follow()
        self.painted = self.fused.data.copy()
        assert (self.painted != before).any()
        with self._step("undo"):
            self.decision.undo()
            self._follow()
        np.testing.assert_array_equal(self.fused.data, before)
        with self._step("redo"):
            self.decision.redo()
            self._follow()
        np.testing.assert_array_equal(self.fused.data, self.painted)

    def apply_decision(self, layer: Any) -> None:
        """Fuse another channel by the same decision."""
        with self._step("carry"):
            self.fusing.carrier.button.click()
            dialog = self.fusing.carrier.dialog
            assert layer.name in [target.layer.name for target in dialog.chosen()]
            dialog.apply_button.click()
            self.finish(self.fusing)
        assert self.viewer.layers[f"{layer.name} fused"].data.shape == self.fused.data.shape

    def measure(self) -> None:
        """Score the fused image in the widget."""
        self.viewer.layers.selection = {self.fused}
        with self._step("measure"):
            widget = self._docked("Measure fused images")
            widget.choose([self.fused])
            widget.which.value = "most"
            widget.run()
            self.finish(widget)
        scores = widget.scores.table.scores()[self.fused.name]
        assert 0 < scores["qcb"] <= 1

    def save(self, out: Path) -> None:
        """Write the result."""
        with self._step("save"):
            self.fusing.save(out)
            self.finish(self.fusing)
        recipe = json.loads((out / "recipe.json").read_text(encoding="utf-8"))
        assert recipe["edits"] is not None

    def replay(self, out: Path) -> None:
        """Make the result again from its recipe: it must be the same, byte for byte."""
        with self._step("replay"):
            assert ff.check_replay(out) == []

    def _docked(self, name: str) -> Any:
        return self.viewer.window.add_plugin_dock_widget(PLUGIN, name, tabify=True)[1]

    def _follow(self) -> None:
        """Until the layers show what is painted."""
        from napari_focusfuse.gui.retouch.session import retoucher_of

        retoucher = retoucher_of(self.decision)
        retoucher.look()
        self.finish(_Following(retoucher))

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began
        self.look(name)


class _Following:
    """Who follows the paint, as `finish` waits for it."""

    def __init__(self, retoucher: Any) -> None:
        self.panel = retoucher


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


def test_open_align_fuse_look_retouch_apply_measure_save_and_replay(viewer, file, finish, tmp_path):
    tour, out = Tour(viewer, finish), tmp_path / "result"
    tour.walk(file, out)
    red, far = (layer for layer in viewer.layers if layer.name.endswith("aligned"))
    assert tuple(red.scale) == (2.0, 0.5, 0.5)
    assert red.data.shape == far.data.shape
    assert {"align 2", "surface", "redo", "carry", "measure", "replay"} <= set(tour.seconds)
    recipe = json.loads((out / "recipe.json").read_text(encoding="utf-8"))
    assert recipe["transforms"] is not None
    np.testing.assert_array_equal(tifffile.imread(out / "fused.ome.tif"), tour.painted)
