"""The docked widget "Mend the decision": paint which slice a pixel comes from."""

from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.config import MendConfig
from napari_focusfuse.config.setting import settings_of
from napari_focusfuse.core.retouch import decision_of, may_match
from napari_focusfuse.gui.common.dock import HelpButton
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.layers.results import is_result, note_of
from napari_focusfuse.gui.retouch.session import Mender, mender_of
from napari_focusfuse.gui.retouch.tools import MendTools
from napari_focusfuse.gui.retouch.viewing import PEEK_KEY, Beside, Slider, peek

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["MendWidget"]

_NO_RESULT = "Fuse a focus stack first, by a method that makes a decision: then paint here what it got wrong."
_WIDTH = 310
#: So much of the decision lies over the image at first.
_FAINT = 0.25
_MATCH = settings_of(MendConfig)["match_brightness"]
_TIPS = {
    "paint_button": "Paint with the brush on the image: it follows at once. Press again to end.",
    "beside_box": "Source, fused image and decision in three panes that move together: paint in any of them.",
    "undo_button": "Take back the last stroke; Ctrl+Z in the viewer does it too.",
    "redo_button": "Bring back what was undone; Ctrl+Shift+Z in the viewer does it too.",
    "forget_button": "Give all pixels back to the automatic decision; can be undone.",
}


class MendWidget(QWidget):
    """Mend a decision by hand.

    Parameters
    ----------
    napari_viewer : Viewer
        Given by napari.
    """

    def __init__(self, napari_viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._mender: Mender | None = None
        self._slider: Slider | None = None
        #: Whether the decision was not seen before painting began.
        self._hide = False
        self._beside = Beside(napari_viewer)
        self.about, self.status = PlainLabel(), PlainLabel()
        self.paint_button = QPushButton("Paint")
        self.tools = MendTools()
        self.beside_box = QCheckBox("Source and decision beside")
        self.match_box = QCheckBox(_MATCH.label)
        self.match_box.setToolTip(_MATCH.tip)
        self.undo_button, self.redo_button = QPushButton("Undo"), QPushButton("Redo")
        self.forget_button = QPushButton("Forget all edits")
        self._build()
        self._connect()
        self.reset_choices()
        self._refresh()

    @property
    def mender(self) -> Mender | None:
        """Who follows what is painted; None without a result to paint on."""
        return self._mender

    def start(self, layer: "Layer | None" = None) -> None:
        """Begin to paint on the result that `layer` belongs to, or else on the newest one."""
        from napari.utils.notifications import show_info

        decision = self._decision(layer)
        self._turn_to(mender_of(decision))
        if self._mender is None:
            show_info(_NO_RESULT)
        else:
            self._on_paint(True)

    def reset_choices(self, _event: Any = None) -> None:
        """Look for a result; napari calls it when layers change."""
        if self._mender is None:
            self._turn_to(mender_of(self._decision(None)))

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Stop when napari takes the widget out of its dock for good."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._turn_to(None)
            self._viewer.dims.events.point.disconnect(self._on_point)

    def _decision(self, layer: "Layer | None") -> "Labels | None":
        """The decision layer of the result that `layer` belongs to, if it is followed; else the newest one."""
        followed = [other for other in self._viewer.layers if isinstance(other, Labels) and mender_of(other)]
        if layer is not None and is_result(layer):
            wanted = note_of(layer)["result_id"]
            followed = [other for other in followed if note_of(other)["result_id"] == wanted] or followed
        return followed[-1] if followed else None

    def _build(self) -> None:
        self.setMinimumWidth(_WIDTH)
        self.paint_button.setCheckable(True)
        for label in (self.about, self.status):
            label.setWordWrap(True)
        for name, tip in _TIPS.items():
            getattr(self, name).setToolTip(tip)
        history = QHBoxLayout()
        history.addWidget(self.undo_button)
        history.addWidget(self.redo_button)
        layout = QVBoxLayout(self)
        for widget in (self.about, self.paint_button, self.tools, self.beside_box, self.match_box):
            layout.addWidget(widget)
        layout.addLayout(history)
        foot = QHBoxLayout()
        foot.addWidget(self.forget_button, 1)
        foot.addWidget(HelpButton("mending.md"))
        layout.addLayout(foot)
        layout.addWidget(self.status)
        layout.addStretch()

    def _connect(self) -> None:
        self.paint_button.clicked.connect(self._on_paint)
        self.beside_box.toggled.connect(self._on_beside)
        self.match_box.toggled.connect(self._on_match)
        self.undo_button.clicked.connect(self._on_undo)
        self.redo_button.clicked.connect(self._on_redo)
        self.forget_button.clicked.connect(self._on_forget)
        self._viewer.dims.events.point.connect(self._on_point)

    def _turn_to(self, mender: Mender | None) -> None:
        """Turn to another result, or to none."""
        if mender is self._mender:
            return
        self._on_paint(False)
        self.beside_box.setChecked(False)
        self._hide = False
        self._wire(on=False)
        self._mender = mender
        self._slider = None if mender is None else Slider(self._viewer, mender.layer("source"), mender.source)
        self._wire(on=True)
        self.tools.set_mender(mender, self._slider)
        self._on_mode()
        matches = mender is not None and may_match(decision_of(mender.result))
        self.match_box.setChecked(mender is not None and mender.config.match_brightness)
        self.match_box.setEnabled(matches)
        self._refresh()

    def _wire(self, *, on: bool) -> None:
        """Follow the mender and its layer, or no more."""
        if self._mender is None:
            return
        how, layer = "connect" if on else "disconnect", self._layer()
        for signal, slot in ((self._mender.changed, self._refresh), (self._mender.gone, self._on_gone)):
            getattr(signal, how)(slot)
        if layer is not None:
            getattr(layer.events.mode, how)(self._on_mode)
            layer.bind_key(PEEK_KEY, peek if on else None, overwrite=True)

    def _layer(self) -> Any:
        return None if self._mender is None else self._mender.layer("decision")

    def _refresh(self) -> None:
        mender, there = self._mender, self._layer() is not None
        parts = (self.paint_button, self.tools, self.beside_box, self.undo_button, self.redo_button)
        for widget in (*parts, self.forget_button):
            widget.setEnabled(there)
        if mender is None or not there:
            self.about.setText(_NO_RESULT)
            self.status.clear()
            return
        self.about.setText(f"{self._layer().name}. Hold {PEEK_KEY} to see the source in place of the fused image.")
        self.forget_button.setEnabled(mender.edited > 0)
        lines = [f"{mender.edited} pixels edited by hand ({mender.share:.2%})" if mender.edited else "No edits."]
        if mender.unknown is not None:
            lines.append(f"Label {mender.unknown} is no slice: choose 1 to {mender.slices}.")
        elsewhere = "" if self._slider is None else self._slider.elsewhere()
        if elsewhere:
            lines.append(f"The viewer shows {elsewhere}; what is painted is {mender.source.title}.")
        self.status.setText("\n".join(lines))

    def _on_paint(self, on: bool) -> None:
        layer = self._layer()
        if layer is None:
            return
        if not on:
            layer.mode = "pan_zoom"
            if self._hide and not self.beside_box.isChecked():
                layer.visible = False
            return
        if not layer.visible:
            self._hide = True
            layer.visible, layer.opacity = True, _FAINT
        if self._slider is not None and self._slider.elsewhere():
            self._slider.show(self._slider.slice() or 0)
        if self._mender is not None:
            self._mender.prepare()
        self._viewer.layers.selection = {layer}
        self.tools.follow_slider()
        layer.mode = "paint"

    def _on_mode(self, _event: Any = None) -> None:
        layer = self._layer()
        self.paint_button.setChecked(layer is not None and layer.mode != "pan_zoom")

    def _on_beside(self, on: bool) -> None:
        if on and self._mender is not None:
            self._beside.start(self._mender)
        else:
            self._beside.stop()

    def _on_match(self, on: bool) -> None:
        if self._mender is not None:
            self._mender.set_config(MendConfig(match_brightness=on))

    def _on_undo(self) -> None:
        if self._mender is not None and (layer := self._layer()) is not None:
            layer.undo()
            self._mender.look()

    def _on_redo(self) -> None:
        if self._mender is not None and (layer := self._layer()) is not None:
            layer.redo()
            self._mender.look()

    def _on_forget(self) -> None:
        if self._mender is not None:
            self._mender.forget()

    def _on_point(self, _event: Any = None) -> None:
        self.tools.follow_slider()
        self._refresh()

    def _on_gone(self) -> None:
        self._turn_to(None)
        self.reset_choices()
