"""The docked widget "Align focus stack": the registered stack, and the motion of its slices."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import CheckBox
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.config import AlignConfig
from napari_focusfuse.errors import FocusFuseError
from napari_focusfuse.gui.align.aligned import aligned_before, show_aligned, stack_place
from napari_focusfuse.gui.common.dock import Dock, Scrolled
from napari_focusfuse.gui.common.form import SettingsForm, form_layout
from napari_focusfuse.gui.common.plots import Colours, Plot, preload
from napari_focusfuse.gui.common.run_panel import RunPanel
from napari_focusfuse.gui.common.stack_form import StackForm
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.common.worker import Work, report
from napari_focusfuse.gui.layers.source import Source

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_focusfuse.core.align import Alignment, Transforms

__all__ = ["AlignWidget", "MotionPlot"]


class MotionPlot(Plot):
    """Two quantities of each slice.

    Parameters
    ----------
    viewer : Viewer
        Its theme is followed.
    title : str
        What is drawn upwards, with its unit.
    """

    def __init__(self, viewer: "Viewer", title: str) -> None:
        super().__init__(viewer)
        self._title = title
        self._curves: dict[str, list[float]] = {}
        self._lost: list[int] = []

    def show_curves(self, curves: Mapping[str, Sequence[float]], lost: Sequence[int]) -> None:
        """Show a value for each slice by name; slices that could not be measured (from 0) are marked."""
        self._curves = {name: [float(value) for value in values] for name, values in curves.items()}
        self._lost = list(lost)
        self.redraw()

    def _draw(self, axes: "Axes", colours: Colours) -> None:
        from matplotlib.ticker import MaxNLocator

        axes.set_xlabel("slice")
        axes.set_ylabel(self._title)
        axes.grid(color=colours.grid, linewidth=0.5, alpha=0.6)
        styles = (("o", colours.first), ("s", colours.second))
        for (name, values), (marker, colour) in zip(self._curves.items(), styles, strict=False):
            axes.plot(range(len(values)), values, color=colour, marker=marker, markersize=3.5, label=name)
        for k in self._lost:
            axes.axvline(k, color=colours.text, linewidth=1, linestyle=":")
        # A flat line is not to look like noise.
        low, high = axes.get_ylim()
        if high - low < 1:
            middle = (low + high) / 2
            axes.set_ylim(middle - 0.5, middle + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        legend = axes.legend(
            loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, fontsize=8, frameon=False, borderaxespad=0
        )
        for text in legend.get_texts():
            text.set_color(colours.text)


_WIDTH = 320
#: Height of the whole form of a stack without further axes, px.
_FORM = 190
_REUSE = (
    "Apply the transforms in the plot to this stack instead of measuring new ones:\n"
    "for other channels of the same stack, or for transforms loaded from a file."
)
_FILTER = "Transforms (*.json)"


def _align(source: Source, options: dict[str, Any]) -> Work:
    """Align; runs in the thread."""
    from napari_focusfuse import api

    preload()
    return (yield from api.iter_align(source.data, axis=source.axis, rgb=source.rgb, **options))


class AlignWidget(Dock):
    """Align a focus stack; a view of `AlignConfig`.

    Parameters
    ----------
    napari_viewer : Viewer
        Given by napari.
    """

    short_title = "Align"

    def __init__(self, napari_viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._started: tuple[Source, dict[str, Any]] | None = None
        self.transforms: Transforms | None = None
        self.stack = StackForm(napari_viewer, self)
        self.config = SettingsForm(AlignConfig())
        self.kind, self.edges = self.config.boxes["kind"], self.config.boxes["edges"]
        self.reuse = CheckBox(text="Use the transforms shown", tooltip=_REUSE)
        self.about = PlainLabel()
        self.panel = RunPanel()
        self.shifts = MotionPlot(napari_viewer, "shift (px)")
        self.turns = MotionPlot(napari_viewer, "° and %")
        self.save_button, self.load_button = QPushButton("Save transforms…"), QPushButton("Load…")
        self.save_button.setToolTip("Save the transforms to a file, to align another channel in the same way.")
        self.load_button.setToolTip("Load saved transforms; tick 'Use the transforms shown' to apply them.")
        self._build()
        self.equip(self.panel, "aligning.md")
        self._connect()
        self._refresh()

    def value(self) -> AlignConfig:
        """The settings shown."""
        return self.config.value()

    def set_value(self, config: AlignConfig) -> None:
        """Show settings."""
        self.config.set_value(config)

    @property
    def layer(self) -> "Image | None":
        """The layer that holds the focus stack."""
        return self.stack.layer

    @layer.setter
    def layer(self, layer: "Image") -> None:
        self.stack.layer = layer

    def reset_choices(self, _event: Any = None) -> None:
        """Offer the image layers there are; napari calls it when layers change."""
        self.stack.reset_choices()

    def run(self) -> None:
        """Align the stack shown; the aligned one becomes a layer."""
        from napari.utils.notifications import show_error, show_info

        hint, layer = self.stack.problem(), self.layer
        if self.panel.busy:
            show_info("A stack is being aligned: wait for it or cancel it first.")
        elif hint is not None or layer is None:
            show_error(hint or "Choose an image layer.")
        else:
            source = self.stack.take()
            self._started = source, stack_place(layer, source, self.stack.axis)
            options = {"config": self.value(), "transforms": self.transforms if self.reuse.value else None}
            self.panel.start(partial(_align, source, options), f"Aligning {source.title}", self._on_result)

    def cancel(self) -> None:
        """Stop the run; the layers stay as they are."""
        self.panel.cancel()

    def save(self, path: Path) -> None:
        """Write the transforms shown."""
        if self.transforms is None:
            return
        try:
            self.panel.show_status(f"Saved in {self.transforms.save(path)}")
        except FocusFuseError as error:
            self.panel.show_status(report(error, "Saving"))

    def load(self, path: Path) -> None:
        """Read transforms, show them, and use them for the next run."""
        from napari_focusfuse import api

        try:
            transforms = api.load_transforms(path)
        except FocusFuseError as error:
            self.panel.show_status(report(error, "Loading"))
            return
        self._show(transforms)
        self.reuse.value = True
        self.panel.show_status(f"Transforms of {len(transforms)} slices: press Align to use them")

    def let_go(self) -> None:
        """See `Dock`."""
        self.cancel()
        self.stack.let_go()
        self.shifts.let_go()
        self.turns.let_go()

    def _build(self) -> None:
        self.setMinimumWidth(_WIDTH)
        self.panel.run_button.setText("Align")
        self.about.setWordWrap(True)
        form = form_layout()
        form.addRow("Image layer", self.stack.layer_box.native)
        form.addRow("Stack axis", self.stack.axis_box.native)
        form.addRow(self.about)
        self.config.add_more(form)
        form.addRow(self.reuse.native)
        files = QHBoxLayout()
        files.addWidget(self.save_button)
        files.addWidget(self.load_button)
        rows = QWidget()
        rows.setLayout(form)
        layout = QVBoxLayout(self)
        self._rows = Scrolled(rows, least=_FORM)
        layout.addWidget(self._rows)
        layout.addWidget(self.panel)
        layout.addWidget(self.shifts)
        layout.addWidget(self.turns)
        layout.addLayout(files)
        layout.addStretch(1)

    def _connect(self) -> None:
        self.stack.changed.connect(self._refresh)
        self.panel.requested.connect(self.run)
        self.reuse.changed.connect(self._on_reuse)
        self.save_button.clicked.connect(self._on_save)
        self.load_button.clicked.connect(self._on_load)

    def _refresh(self) -> None:
        hint = self.stack.problem()
        self.about.setText(hint or self.stack.description(sizes=False))
        self._rows.fit()
        self.panel.set_ready(hint is None)
        there = self.transforms is not None
        self.reuse.enabled = there
        self.save_button.setEnabled(there)
        self.shifts.setVisible(there)
        self.turns.setVisible(there)

    def _show(self, transforms: "Transforms") -> None:
        """Plot transforms, and offer them for further stacks."""
        self.transforms = transforms
        motions = transforms.motions()
        lost = np.flatnonzero(~transforms.measured).tolist()
        self.shifts.show_curves({"dx": motions.dx.tolist(), "dy": motions.dy.tolist()}, lost)
        scale = (100 * (motions.scale - 1)).tolist()
        self.turns.show_curves({"rotation (°)": motions.rotation.tolist(), "scale (%)": scale}, lost)
        self._refresh()

    def _on_reuse(self, reuse: bool) -> None:
        self.kind.enabled = not reuse

    def _on_result(self, done: "Alignment") -> None:
        if self._started is None:
            return
        source, place = self._started
        text = f"{done.summary[0].upper()}{done.summary[1:]}."
        # A layer that shows how the stack was aligned before must not be taken for what was found now.
        if not done.untouched or aligned_before(self._viewer, source) is not None:
            layer, known = show_aligned(self._viewer, source, place, done, self.value())
            text += f" {layer.name!r} was updated." if known else f" The new layer is {layer.name!r}: fuse it."
        self._show(done.transforms)
        self.panel.status.setText(text)

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save transforms", "transforms.json", _FILTER)
        if path:
            self.save(Path(path))

    def _on_load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load transforms", "", _FILTER)
        if path:
            self.load(Path(path))
