"""The result as a surface: the fused image draped over the depth, in um, with vertical exaggeration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QPushButton, QSlider, QVBoxLayout, QWidget

from napari_focusfuse.config import SurfaceConfig
from napari_focusfuse.config.setting import settings_of
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.gui.common.run_panel import RunPanel
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.common.worker import Work
from napari_focusfuse.gui.layers.results import plain
from napari_focusfuse.gui.layers.source import KEY
from napari_focusfuse.gui.surface.view import SurfaceView

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_focusfuse.core.result import FusionResult
    from napari_focusfuse.core.surface.mesh import Surface

__all__ = ["Shown", "SurfacePanel"]

#: So many vertices can be turned smoothly.
_VERTICES = 250_000
#: Side of a texture that every graphics card takes, px.
_TEXTURE = 4096
#: The slider runs from 1/10 to 10 times in steps of a hundredth of a decade.
_DECADE = 100
_FORMATS = (
    "Mesh with colours (*.ply)",
    "Mesh, shape alone (*.stl)",
    "Height map, 32-bit TIFF in µm (*.tif)",
    "Height map, X3P (*.x3p)",
)
_SHOW = "Show the fused image draped over the depth, in 3-D."
_BACK = "Show the fused image again, with the zoom and position of before."
_EXPORT = (
    "Write the depth as a mesh (PLY, STL) or height map (TIFF in µm, X3P); show it first to fill holes or to flip it."
)
_BUSY = "A run is in progress: wait for it or cancel it first."


@dataclass(frozen=True, eq=False)
class Shown:
    """A result of which a surface can be made.

    Attributes
    ----------
    title : str
        Name of the stack.
    result : FusionResult
    pixel_size : (float, float) or None
        Height and width of a pixel, um.
    z_step : float or None
        Distance between neighbouring slices, um.
    place : dict
        What puts a (Y, X) layer on the stack, `Source.place`.
    note : dict
        Where it comes from, of plain JSON types.
    retouched : callable or None
        Makes the result with its edits by hand, in any thread.
    """

    title: str
    result: "FusionResult"
    pixel_size: tuple[float, float] | None
    z_step: float | None
    place: Mapping[str, Any]
    note: Mapping[str, Any]
    retouched: Callable[[], Work] | None = None

    def iter_result(self) -> Work:
        """The result with its edits."""
        return self.result if self.retouched is None else (yield from self.retouched())

    def problem(self) -> str | None:
        """Why no surface can be made, in a sentence."""
        if self.result.decision is None:
            return "This method does not measure depth: fuse with one that makes a decision map."
        if self.pixel_size is None or self.z_step is None:
            return "A surface needs heights and widths in µm: enter z-step and pixel size above."
        return None


def _mesh(shown: Shown, *, fill: bool, flip: bool) -> Work:
    """Mesh and texture; runs in the thread."""
    from napari_focusfuse.core.surface.mesh import eight_bits, surface

    result = yield from shown.iter_result()
    yield Progress(0, 1, "surface")
    decision = result.decision
    assert decision is not None  # noqa: S101 - see `Shown.problem`
    made = surface(
        decision,
        pixel_size=shown.pixel_size,
        z_step=shown.z_step,
        refractive_index=float(shown.note.get("refractive_index", 1)),
        flip=flip,
        config=SurfaceConfig(fill=fill, max_vertices=_VERTICES),
    )
    step = -(-max(result.image.shape[:2]) // _TEXTURE)
    texture = eight_bits(np.asarray(result.image)[::step, ::step])
    return made, np.repeat(texture, 3, axis=2) if texture.shape[2] == 1 else texture


def _export(shown: Shown, path: Path, *, fill: bool, flip: bool, overwrite: bool) -> Work:
    """Write the surface, and return which share of it was not measured; runs in the thread."""
    from napari_focusfuse import api

    result = yield from shown.iter_result()
    yield Progress(0, 1, f"writing {path.name}")
    decision = result.decision
    assert decision is not None  # noqa: S101 - see `Shown.problem`
    written = api.export(
        decision,
        path,
        pixel_size=shown.pixel_size,
        z_step=shown.z_step,
        refractive_index=float(shown.note.get("refractive_index", 1)),
        texture=np.asarray(result.image),
        flip=flip,
        config=SurfaceConfig(fill=fill),
        overwrite=overwrite,
    )
    return written, float(np.isnan(decision.depth).mean())


def _suffix(chosen: str) -> str:
    """The suffix of one of the formats."""
    return chosen.rpartition("*")[2].rstrip(")")


class SurfacePanel(QWidget):
    """Buttons that show and export the surface of the last result.

    Parameters
    ----------
    viewer : Viewer
    panel : RunPanel
        Runs the work.
    shown : callable
        Gives the result, or None before there is one.
    """

    def __init__(self, viewer: "Viewer", panel: RunPanel, shown: Callable[[], Shown | None]) -> None:
        super().__init__()
        self._panel, self._shown, self._said = panel, shown, ""
        #: Why there is no surface of the result shown, in words; empty if there may be one.
        self._why = ""
        self.view = SurfaceView(viewer)
        self.show_button = QPushButton("Show surface")
        self.export_button = QPushButton("Export surface…")
        fill = settings_of(SurfaceConfig)["fill"]
        self.fill = QCheckBox(fill.label)
        self.fill.setChecked(fill.default)
        self.fill.setToolTip(fill.tip)
        self.flip = QCheckBox("Flip z")
        self.flip.setToolTip("Exchange hills and valleys: for stacks that begin at the top.")
        self.tall = QSlider(Qt.Orientation.Horizontal)
        self.tall.setRange(-_DECADE, _DECADE)
        self.tall.setToolTip("Vertical exaggeration of the view only; exported files are never exaggerated.")
        self.times = PlainLabel()
        self._build()
        self.refresh()

    def set_state(self, why: str, *, offered: bool) -> None:
        """Offer a surface where there is depth, and say `why` there is none of it."""
        self._why = why
        self.setVisible(offered or self.view.shown)
        self.refresh()

    def refresh(self) -> None:
        """Switch the buttons on where there is a surface to show."""
        busy = _BUSY if self._panel.busy else ""
        # From a surface there is a way back, whatever has become of its result.
        for button, tip, why in (
            (self.show_button, _BACK if self.view.shown else _SHOW, "" if self.view.shown else self._why),
            (self.export_button, _EXPORT, self._why),
        ):
            button.setEnabled(not (why or busy))
            button.setToolTip(why or busy or tip)
        for option in (self.fill, self.flip):
            option.setEnabled(not self._panel.busy)
        self.controls.setVisible(self.view.shown)
        self.show_button.setText("Back to image" if self.view.shown else "Show surface")

    def show_surface(self) -> None:
        """Make the surface and show it; the layers that hide it are switched off."""
        shown = self._checked()
        if shown is not None:
            self._said = self._panel.status.text()
            work = partial(_mesh, shown, fill=self.fill.isChecked(), flip=self.flip.isChecked())
            self._panel.start(work, f"Surface of {shown.title}", partial(self._on_mesh, shown))

    def show_again(self) -> None:
        """Make the surface anew if it is shown: what it is made of has changed."""
        if self.view.shown:
            self.show_surface()

    def back(self) -> None:
        """Show the layers in 2-D again that were shown before."""
        self.view.back()

    def let_go(self) -> None:
        """Stop following the viewer."""
        self.view.let_go()

    def export(self, path: Path, *, overwrite: bool = True) -> None:
        """Write the surface or height map, by the suffix of `path`."""
        shown = self._checked()
        if shown is not None:
            options = {"fill": self.fill.isChecked(), "flip": self.flip.isChecked(), "overwrite": overwrite}
            work = partial(_export, shown, path, **options)
            done = partial(self._on_exported, self.fill.isChecked())
            self._panel.start(work, f"Surface of {shown.title}", done)

    def _build(self) -> None:
        # What changes a surface is there when one is seen: before that it would take room from the form.
        self.controls = QWidget()
        rows, buttons, options, row = QVBoxLayout(self.controls), QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        buttons.addWidget(self.show_button)
        buttons.addWidget(self.export_button)
        options.addWidget(self.fill)
        options.addWidget(self.flip, 1)
        row.addWidget(PlainLabel("Height"))
        row.addWidget(self.tall, 1)
        row.addWidget(self.times)
        rows.addLayout(options)
        rows.addLayout(row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self.controls)
        self.show_button.clicked.connect(self._on_show)
        self.export_button.clicked.connect(self._on_export)
        self.tall.valueChanged.connect(self._on_height)
        self.fill.toggled.connect(self.show_again)
        self.flip.toggled.connect(self.show_again)
        self.view.changed.connect(self.refresh)
        self._on_height(0)

    def _checked(self) -> Shown | None:
        """The result, if a surface can be made of it; otherwise says why not."""
        from napari.utils.notifications import show_error

        shown = self._shown()
        if shown is None or self._panel.busy:
            return None
        problem = shown.problem()
        if problem is not None:
            show_error(problem)
            self._panel.show_status(problem)
            return None
        return shown

    def _on_show(self) -> None:
        if self.view.shown:
            self.back()
        else:
            self.show_surface()

    def _on_mesh(self, shown: Shown, made: "tuple[Surface, NDArray[np.uint8]]") -> None:
        note = {**plain(shown.note), "role": "surface"}
        if shown.pixel_size is not None:
            self.view.show(f"{shown.title} surface", *made, shown.pixel_size, shown.place, {KEY: note})
        self.view.set_height(self._times())
        self._panel.show_status(self._said)
        self.refresh()

    def _on_height(self, _value: int) -> None:
        self.times.setText(f"{self._times():.2g}x")
        self.view.set_height(self._times())

    def _times(self) -> float:
        return float(10 ** (self.tall.value() / _DECADE))

    def _on_export(self) -> None:
        shown = self._checked()
        if shown is None:
            return
        name, chosen = QFileDialog.getSaveFileName(self, "Export surface", shown.title, ";;".join(_FORMATS))
        if name:
            # What follows a dot may be a part of the name; where we add a suffix nobody was asked about that file.
            whole = Path(name).suffix.lower() in [*map(_suffix, _FORMATS), ".tiff"]
            self.export(Path(name) if whole else Path(f"{name}{_suffix(chosen)}"), overwrite=whole)

    def _on_exported(self, filled: bool, written: tuple[Path, float]) -> None:
        path, unknown = written
        lot = "filled with an estimate" if filled else "left as holes"
        self._panel.show_status(f"Saved in {path}; {unknown:.1%} of the depth was not measured and is {lot}.")
