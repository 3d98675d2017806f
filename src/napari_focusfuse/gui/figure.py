"""A figure of a result, and a film of its surface that turns."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QFileDialog

from napari_focusfuse.gui.common.worker import report
from napari_focusfuse.gui.layers.results import is_result, note_of
from napari_focusfuse.gui.layers.source import micrometres

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["ask_for_figure", "ask_for_turntable", "figure_of", "turn"]

_KINDS = {"Image and depth map": ("fused", "depth"), "Image": ("fused",), "Depth map": ("depth",)}
_FILTERS = [f"{kind} (*.{suffix})" for kind in _KINDS for suffix in ("png", "pdf")]
_NO_RESULT = "There is no fused image yet: fuse a focus stack first, or select a layer of its result."
_NO_SURFACE = "Show the surface first: press Show surface in the fusion widget."
_NO_PLUGIN = "A turntable is made by the plugin napari-animation: pip install napari-animation."
#: Frames of one turn, and how steeply one looks down.
_FRAMES, _DOWN = 90, 0.9


def ask_for_figure(viewer: "Viewer") -> None:
    """Ask for a file, and write the figure of a result in a thread."""
    from napari.qt.threading import create_worker
    from napari.utils.notifications import show_error

    layers = _layers(viewer)
    if not layers:
        show_error(_NO_RESULT)
        return
    name, chosen = QFileDialog.getSaveFileName(None, "Save figure", "figure", ";;".join(_FILTERS))
    if name:
        kind, _, suffix = chosen.rpartition(" (*")
        # Where we add a suffix nobody was asked about that file.
        whole = Path(name).suffix.lower() in (".png", ".pdf")
        path = Path(name) if whole else Path(f"{name}{suffix.rstrip(')')}")
        options = {**figure_of({role: layers[role] for role in _KINDS[kind] if role in layers}), "overwrite": whole}
        create_worker(_write, path, options, _connect={"returned": _tell})


def figure_of(layers: "Mapping[str, Layer]") -> dict[str, Any]:
    """Arguments of `save_figure` that show layers of a result, by role, as the viewer does."""
    options: dict[str, Any] = {}
    for layer in layers.values():
        sizes = [micrometres(layer, axis) for axis in range(2)]
        options["pixel_size"] = None if None in sizes else tuple(sizes)
    fused: Any = layers.get("fused")
    if fused is not None:
        options |= {"image": fused.data, "limits": None if fused.rgb else tuple(fused.contrast_limits)}
    depth: Any = layers.get("depth")
    if depth is not None:
        note = note_of(depth)
        times = float(note.get("refractive_index", 1)) if note["z_step"] else 1.0
        options |= {
            "depth": times * depth.data,
            "depth_limits": tuple(times * np.array(depth.contrast_limits)),
            "depth_unit": "µm" if note["z_step"] else "slices",
        }
    return options


def _layers(viewer: "Viewer") -> "dict[str, Layer]":
    """Fused image and depth map of the result that the selected layer belongs to, or else of the newest, by role."""
    results = [layer for layer in viewer.layers if is_result(layer) and "result_id" in note_of(layer)]
    active = viewer.layers.selection.active
    wanted = active if active in results else results[-1] if results else None
    same = [layer for layer in results if wanted and note_of(layer)["result_id"] == note_of(wanted)["result_id"]]
    return {note_of(layer)["role"]: layer for layer in same if note_of(layer)["role"] in ("fused", "depth")}


def _write(path: Path, options: dict[str, Any]) -> tuple[Path, Exception | None]:
    """Write a figure; runs in the thread, which loses some errors."""
    from napari_focusfuse import api

    try:
        return api.save_figure(path, **options), None
    except Exception as error:  # noqa: BLE001 (told by `_tell`)
        return path, error


def _tell(written: tuple[Path, Exception | None]) -> None:
    from napari.utils.notifications import show_info

    path, error = written
    if error is None:
        show_info(f"Saved in {path}")
    else:
        report(error, "Saving the figure")


def ask_for_turntable(viewer: "Viewer") -> None:
    """Ask for a file, and write a film in which the surface that is shown turns once."""
    from napari.layers import Surface
    from napari.utils.notifications import show_error

    try:
        from napari_animation import Animation
    except ImportError:
        show_error(_NO_PLUGIN)
        return
    if viewer.dims.ndisplay == 2 or not any(isinstance(layer, Surface) and layer.visible for layer in viewer.layers):
        show_error(_NO_SURFACE)
        return
    name, _ = QFileDialog.getSaveFileName(None, "Save turntable", "turntable.mp4", "Film (*.mp4);;Film (*.gif)")
    if name:
        turn(viewer, Animation(viewer), Path(name))


def turn(viewer: "Viewer", animation: Any, path: Path) -> None:
    """Write a film of one turn about the vertical axis; the camera is as it was afterwards."""
    camera = viewer.scene.camera
    before = camera.angles
    for k in range(_FRAMES):
        y, x = np.cos(2 * np.pi * k / _FRAMES), np.sin(2 * np.pi * k / _FRAMES)
        camera.set_view_direction((-1.0, -_DOWN * y, -_DOWN * x), (1.0, -y, -x))
        animation.capture_keyframe(steps=1)
    animation.animate(str(path), canvas_only=True)
    camera.angles = before
