"""The form of the fusion widget: which stack, where in it, and how it is fused."""

import weakref
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox
from magicgui.widgets.bases import ValueWidget
from napari.layers import Image
from qtpy.QtCore import QSignalBlocker, QTimer, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_focusfuse.errors import FocusFuseError
from napari_focusfuse.gui.align.aligned import aligned_from
from napari_focusfuse.gui.common.form import form_layout
from napari_focusfuse.gui.common.preferences import Preferences
from napari_focusfuse.gui.common.quick_look import StackHints
from napari_focusfuse.gui.common.some_slices import SliceRow
from napari_focusfuse.gui.common.stack_form import StackForm
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.fuse.method_form import MethodForm
from napari_focusfuse.gui.fuse.position_form import PositionForm, RegionForm
from napari_focusfuse.gui.layers.axes import taken_of
from napari_focusfuse.gui.layers.results import plain
from napari_focusfuse.gui.layers.source import Source, in_file

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["FuseForm"]

#: Width of the words about the stack in the narrowest dock (px); without it they are cut off where the form scrolls.
_ABOUT = 250
_EQUALISE = (
    "Multiply each slice by one factor before fusing, so that all are equally bright.\n"
    "For a lamp that flickers or fades; not for optical sections. Not where all positions are fused."
)


class FuseForm(QWidget):
    """A view of the stack, the method and its settings.

    Parameters
    ----------
    viewer : Viewer
        Its image layers are offered; its sliders choose time point and channel.
    """

    #: What would be fused is another than before.
    changed = Signal()
    #: Somebody has given other sizes of the stack.
    sized = Signal()

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        #: Sizes that somebody has given: stack axis, z-step and pixel size.
        self._given: weakref.WeakKeyDictionary[Image, tuple[int, Any, Any]] = weakref.WeakKeyDictionary()
        self._shown = ""
        self.stack = StackForm(viewer, self)
        self.slices = SliceRow(viewer, self.stack)
        self.hints = StackHints(self.stack, self.slices)
        self.positions = PositionForm(self)
        self.region = RegionForm(viewer, self)
        self.equalise = CheckBox(text="Equalise slice brightness", tooltip=_EQUALISE)
        self.chosen = MethodForm(self)
        self.config, self.method, self.advanced = self.chosen.config, self.chosen.box, self.chosen.advanced
        self.model, self.device = self.chosen.model, self.chosen.device
        self.folder_button, self.settings = self.chosen.folder_button, self.chosen.settings
        self.about = PlainLabel()
        self._build()
        self.stack.changed.connect(self._refresh)
        self.positions.changed.connect(self._refresh)
        self.region.changed.connect(self._refresh)
        self._sized = QTimer(self)
        self._sized.setSingleShot(True)
        self._sized.timeout.connect(self.sized)
        for box in (self.stack.z_step, self.stack.medium, self.stack.pixel_size):
            box.valueChanged.connect(self._on_size)
        self.chosen.changed.connect(self._on_method)
        self._refresh()
        self._on_method()

    def prefer(self, wanted: Preferences) -> None:
        """Begin with what the user prefers."""
        self.chosen.prefer(wanted)

    def offer_model(self, name: str) -> None:
        """Offer a model by its name or folder; it is not chosen yet."""
        self.chosen.offer_model(name)

    def take(self) -> tuple[Source, dict[str, Any]]:
        """Freeze what is fused of one stack, and describe it."""
        source, region = self.region.cut(self.stack.take(), self.stack.axis)
        return source, self.describe(source) | ({"region": region} if region else {})

    def knobs(self) -> list[ValueWidget[Any]]:
        """What changes how a stack is fused when it is moved."""
        return [self.equalise, *self.chosen.knobs()]

    def problem(self) -> str | None:
        """Why what is shown cannot be fused; None if it can."""
        try:
            self.how()
        except FocusFuseError as error:
            return str(error)
        return self.stack.problem() or self.region.problem()

    def how(self) -> dict[str, Any]:
        """Method and settings, as options of a fusion."""
        return self.chosen.how() | ({"equalise": True} if self.equalise.value and self.equalise.enabled else {})

    def describe(self, source: Source) -> dict[str, Any]:
        """Where a result comes from, in plain JSON types."""
        layer = self.stack.layer
        note = {
            **source.note(),
            "rgb": source.rgb,
            "in_file": {} if layer is None else in_file(layer),
            "taken": taken_of(layer),
            "aligned": aligned_from(layer),
            "z_step": self.stack.mean_step(),
            "pixel_size": self.stack.pixel_sizes(),
            "refractive_index": self.stack.refractive_index(),
            "method": self.method.value,
        }
        how = self.how()
        note |= {name: how[name] for name in ("config", "model", "equalise") if name in how}
        if "config" in note:
            note["config"] = asdict(note["config"])
        described: dict[str, Any] = plain(note)
        return described

    def _build(self) -> None:
        self.about.setWordWrap(True)
        form = self._rows = form_layout()
        form.addRow("Image layer", self.stack.layer_box.native)
        form.addRow("Stack axis", self.stack.axis_box.native)
        form.addRow("Slices", self.slices)
        form.addRow(self.hints)
        self.positions.add_to(form)
        form.addRow("Region", self.region.box.native)
        form.addRow("z-step", self.stack.z_step)
        form.addRow("Refractive index", self.stack.medium)
        form.addRow("Pixel size", self.stack.pixel_size)
        form.addRow(self.about)
        form.addRow(self.equalise.native)
        self.chosen.add_to(form)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self.advanced)

    def _description(self) -> str:
        """What a run would fuse, in a few lines."""
        text = self.stack.description()
        if not self.positions.whole:
            return f"{text}\nOnly a region: {self.region.chosen}." if self.region.chosen else text
        all_of = str(self.positions.positions.current_choice).partition(": ")[2]
        return f"{text.partition(chr(10))[0]}\nat each position: {all_of}"

    def _refresh(self) -> None:
        self._recall()
        self.positions.read(self.stack.layer, self.stack.axis)
        with self.region.box.changed.blocked():
            self.region.offer(one_stack=not self.positions.whole)
        self.stack.offer_medium(one_stack=not self.positions.whole)
        self._rows.setRowVisible(self.stack.medium, self.stack.z_step.length() is not None)
        self.equalise.enabled = not self.positions.whole
        self.hints.set_whole(self.positions.whole)
        self.about.setText(self.stack.problem() or self._description())
        self.about.setMinimumHeight(self.about.heightForWidth(_ABOUT))
        self.changed.emit()

    def _on_size(self, _value: float) -> None:
        if self.stack.layer is not None:
            z_step, height = self.stack.z_step.length(), self.stack.pixel_size.length()
            self._given[self.stack.layer] = self.stack.axis, z_step, height
        self._sized.start()

    def _recall(self) -> None:
        """Show the sizes that somebody has given for this stack before."""
        layer = self.stack.layer
        shown, self._shown = self._shown, "" if layer is None else str(layer.unique_id)
        if layer is None or shown == self._shown or layer not in self._given:
            return
        axis, z_step, height = self._given[layer]
        if axis == self.stack.axis:
            for box, length in ((self.stack.z_step, z_step), (self.stack.pixel_size, height)):
                with QSignalBlocker(box):
                    box.set_length(length)

    def _on_method(self) -> None:
        self.positions.set_decides(self.chosen.method.decides)
        self.changed.emit()
