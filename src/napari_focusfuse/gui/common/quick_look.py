"""What a quick look at the stack of a form has found: slices that may be none, and drift, with what to do about it."""

from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from magicgui.widgets import CheckBox
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.errors import FocusFuseWarning
from napari_focusfuse.gui.common.some_slices import SliceRow
from napari_focusfuse.gui.common.stack_form import StackForm
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.common.worker import Latest
from napari_focusfuse.gui.layers.axes import leave_out, suspects_of
from napari_focusfuse.gui.layers.opened import ASKED
from napari_focusfuse.gui.layers.source import KEY, Source, data_of
from napari_focusfuse.gui.thread_warnings import quiet

if TYPE_CHECKING:
    from napari_focusfuse.core.quick_look import QuickLook

__all__ = ["StackHints"]

#: A stack is looked at when its form has stood still for so long (ms).
_CALM = 400
#: Drift that is worth a word (px).
_DRIFT = 1.0
#: Least width of the words beside the button, px.
_LABEL = 180
_ALIGN = (
    "Register the slices before they are fused: corrects drift, rotation and the change of scale while focusing.\n"
    "The slices are resampled. 'Align focus stack' has all settings."
)
_KEEP = (
    "Keep the aligned stack as a layer: for focus curves at the cursor, and to see the slices while retouching.\n"
    "Without it less memory is needed."
)
_NOT_FOR_ALL = "Not available when all positions are fused: align and fuse them one by one."


def _look(source: Source, stopped: Event) -> "QuickLook | None":
    """A quick look; None if nobody wants it any more. Runs in the thread."""
    from napari_focusfuse import api
    from napari_focusfuse.core.progress import Returning

    with quiet(FocusFuseWarning):
        steps = Returning(api.iter_quick_look(source.data, axis=source.axis, rgb=source.rgb))
        for _ in steps:
            if stopped.is_set():
                return None
    return steps.result


class StackHints(QWidget):
    """Names slices that may be none, with a button that leaves them out; and offers to align a stack that drifts.

    Parameters
    ----------
    stack : StackForm
        Which stack it is.
    slices : SliceRow
        Gets what was found.
    """

    #: Rows have come or gone.
    changed = Signal()

    def __init__(self, stack: StackForm, slices: SliceRow) -> None:
        super().__init__()
        self._stack, self._slices = stack, slices
        self._seen: tuple[object, ...] = ()
        self._foreign: list[int] = []
        self._stopped = Event()
        self._latest = Latest(self)
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.setInterval(_CALM)
        self.foreign = PlainLabel()
        self.foreign.setWordWrap(True)
        self.leave_button = QPushButton("Leave out")
        self.leave_button.setToolTip("Take this picture out of the layer. Nothing is changed in its file.")
        self.align_first = CheckBox(text="Align first", tooltip=_ALIGN)
        self.keep_aligned = CheckBox(text="Keep the aligned stack as a layer", value=True, tooltip=_KEEP)
        named = QHBoxLayout()
        named.addWidget(self.foreign, 1)
        named.addWidget(self.leave_button)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addLayout(named)
        rows.addWidget(self.align_first.native)
        rows.addWidget(self.keep_aligned.native)
        self._calm.timeout.connect(self._ask)
        self._latest.ready.connect(self._on_look)
        self.leave_button.clicked.connect(self.leave_out)
        self.align_first.changed.connect(self._on_align_first)
        self._on_align_first(False)
        stack.changed.connect(self._on_stack)
        self._on_stack()

    @property
    def busy(self) -> bool:
        """Whether the stack is being looked at, or will be in a moment."""
        return self._calm.isActive() or self._latest.busy

    def set_whole(self, whole: bool) -> None:
        """Say whether all positions are fused, which cannot be aligned first."""
        self.align_first.enabled = not whole
        self.align_first.tooltip = f"{_NOT_FOR_ALL}\n{_ALIGN}" if whole else _ALIGN

    def aligns(self) -> bool:
        """Whether the stack is to be aligned first."""
        return bool(self.align_first.value and self.align_first.enabled)

    def leave_out(self) -> None:
        """Take the slices that are named out of the layer."""
        layer = self._stack.layer
        if layer is not None and self._foreign:
            leave_out(layer, self._stack.axis, self._foreign)

    def let_go(self) -> None:
        """Stop looking."""
        self._stopped.set()
        self._calm.stop()
        self._latest.forget()

    def _on_stack(self) -> None:
        """Look at another stack, or at the same one with other pixels; forget what was found before."""
        layer = self._stack.layer
        known = layer is not None and self._stack.problem() is None
        seen = (id(layer), self._stack.axis, id(data_of(layer))) if known and layer is not None else ()
        if seen == self._seen:
            return
        self._seen = seen
        self.let_go()
        self._slices.look = None
        self.align_first.value = False
        self.align_first.text = "Align first"
        self._name(suspects_of(layer) if known and layer is not None and self._stack.axis == 0 else [], "")
        if known:
            self._calm.start()

    def _ask(self) -> None:
        if self._stack.problem() is None:
            self._stopped = Event()
            self._latest.ask(partial(_look, self._stack.take(), self._stopped))

    def _on_look(self, found: "QuickLook | None") -> None:
        layer = self._stack.layer
        if found is None or layer is None:
            return
        self._slices.look = found
        if found.foreign and not self._foreign:
            self._name(sorted(found.foreign), next(iter(found.foreign.values())))
        aligned = layer.metadata.get(KEY, {}).get("role") == "aligned"
        if found.drift >= _DRIFT and not aligned:
            self.align_first.text = f"Align first: slices drift by {found.drift:.0f} px"
            self.align_first.value = True

    def _name(self, foreign: list[int], why: str) -> None:
        """Name slices that may be none, and why."""
        if self._foreign and not foreign:
            _withdraw_offer()
        self._foreign = foreign
        layer = self._stack.layer
        inputs = [] if layer is None else layer.metadata.get(KEY, {}).get("inputs") or []
        count = 0 if layer is None or not foreign else data_of(layer).shape[self._stack.axis]
        names = [inputs[k].replace("\\", "/").rsplit("/", 1)[-1] for k in foreign] if len(inputs) == count else []
        named = " and ".join(names or [f"slice {k}" for k in foreign])
        text = f"{named} {why}. Is it a slice?" if why else f"Is {named} a slice? It is unlike the other files."
        self.foreign.setText(text if names or not foreign else f"{text[0].upper()}{text[1:]}")
        self.foreign.setMinimumHeight(self.foreign.heightForWidth(_LABEL) if foreign else 0)
        for part in (self.foreign, self.leave_button):
            part.setVisible(bool(foreign))
        self.changed.emit()

    def _on_align_first(self, _on: bool) -> None:
        self.keep_aligned.visible = self.aligns()
        self.changed.emit()


def _withdraw_offer() -> None:
    """Close what still asks whether a file is a slice, when that has been answered elsewhere."""
    for shown in QApplication.topLevelWidgets():
        # napari has no public name for its notifications; where they have another class, they close by themselves.
        message = getattr(shown, "message", None) if type(shown).__name__ == "NapariQtNotification" else None
        if message is not None and message.text().endswith(ASKED):
            shown.close()
