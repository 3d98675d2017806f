"""The docked widget "Retouch the fused image": paint which slice a pixel comes from."""

from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout

from napari_focusfuse.config import RetouchConfig
from napari_focusfuse.config.setting import settings_of
from napari_focusfuse.core.retouch import decision_of, may_match
from napari_focusfuse.gui.common.dock import Dock, HelpButton, end_comparisons
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.compare import Beside
from napari_focusfuse.gui.layers.results import is_result, note_of
from napari_focusfuse.gui.retouch.session import Retoucher, retoucher_of
from napari_focusfuse.gui.retouch.tools import PEEK_KEY, RetouchTools, Slider, finish_stroke, peek

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["RetouchWidget"]

_NO_RESULT = "Fuse a focus stack first, with a method that makes a decision map; then paint here to correct it."
_WIDTH = 310
_SIDE_BY_SIDE = ("source", "fused", "decision")
#: So much of the decision lies over the image at first.
_FAINT = 0.25
_MATCH = settings_of(RetouchConfig)["match_brightness"]
_TIPS = {
    "paint_button": "Paint on the image with the brush; the fused image follows at once. Press again to stop.",
    "beside_box": "Source, fused image and decision in three panes that move together: paint in any of them.",
    "undo_button": "Undo the last stroke (Ctrl+Z in the viewer).",
    "redo_button": "Redo the last undone stroke (Ctrl+Shift+Z in the viewer).",
    "forget_button": "Remove all edits and return to the automatic decision map; can be undone.",
}


class RetouchWidget(Dock):
    """Retouch a fused image by hand.

    Parameters
    ----------
    napari_viewer : Viewer
        Given by napari.
    """

    short_title = "Retouch"

    def __init__(self, napari_viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._retoucher: Retoucher | None = None
        self._slider: Slider | None = None
        #: Whether the decision was not seen before painting began.
        self._hide = False
        self._beside = Beside(napari_viewer)
        self.about, self.status = PlainLabel(), PlainLabel()
        self.paint_button = QPushButton("Paint")
        self.tools = RetouchTools()
        self.beside_box = QCheckBox("Show source and decision side by side")
        self.match_box = QCheckBox(_MATCH.label)
        self.match_box.setToolTip(_MATCH.tip)
        self.undo_button, self.redo_button = QPushButton("Undo"), QPushButton("Redo")
        self.forget_button = QPushButton("Remove all edits")
        self._build()
        self._connect()
        self.reset_choices()
        self._refresh()

    @property
    def retoucher(self) -> Retoucher | None:
        """Who follows what is painted; None without a result to paint on."""
        return self._retoucher

    def start(self, layer: "Layer | None" = None) -> None:
        """Begin to paint on the result that `layer` belongs to, or else on the newest one."""
        from napari.utils.notifications import show_info

        decision = self._decision(layer)
        self._turn_to(retoucher_of(decision))
        if self._retoucher is None:
            show_info(_NO_RESULT)
        else:
            self._on_paint(True)

    def reset_choices(self, _event: Any = None) -> None:
        """Look for a result; napari calls it when layers change."""
        if self._retoucher is None:
            self._turn_to(retoucher_of(self._decision(None)))

    def let_go(self) -> None:
        """See `Dock`."""
        self._turn_to(None)
        self._viewer.dims.events.point.disconnect(self._on_point)

    def _decision(self, layer: "Layer | None") -> "Labels | None":
        """The decision layer of the result that `layer` belongs to, if it is followed; else the newest one."""
        followed = [other for other in self._viewer.layers if isinstance(other, Labels) and retoucher_of(other)]
        if layer is not None and is_result(layer):
            note = note_of(layer)
            # A surface is of the newest result of its stack; it has no result_id of its own.
            name = "result_id" if "result_id" in note else "source_id"
            followed = [other for other in followed if note_of(other)[name] == note.get(name)] or followed
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
        foot.addWidget(HelpButton("retouching.md"))
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

    def _turn_to(self, retoucher: Retoucher | None) -> None:
        """Turn to another result, or to none."""
        if retoucher is self._retoucher:
            return
        self._on_paint(False)
        self.beside_box.setChecked(False)
        self._hide = False
        self._wire(on=False)
        self._retoucher = retoucher
        self._slider = None if retoucher is None else Slider(self._viewer, retoucher.layer("source"), retoucher.source)
        self._wire(on=True)
        self.tools.set_retoucher(retoucher, self._slider)
        self._on_mode()
        matches = retoucher is not None and may_match(decision_of(retoucher.result))
        self.match_box.setChecked(retoucher is not None and retoucher.config.match_brightness)
        self.match_box.setEnabled(matches)
        self._refresh()

    def _wire(self, *, on: bool) -> None:
        """Follow the retoucher and its layer, or no more."""
        if self._retoucher is None:
            return
        how, layer = "connect" if on else "disconnect", self._layer()
        for signal, slot in ((self._retoucher.changed, self._refresh), (self._retoucher.gone, self._on_gone)):
            getattr(signal, how)(slot)
        if layer is not None:
            getattr(layer.events.mode, how)(self._on_mode)
            layer.bind_key(PEEK_KEY, peek if on else None, overwrite=True)
            strokes = layer.mouse_drag_callbacks
            if on:
                strokes.insert(0, finish_stroke)  # Before napari's, which ends the stroke as a step that can be undone.
            elif finish_stroke in strokes:
                strokes.remove(finish_stroke)

    def _layer(self) -> Any:
        return None if self._retoucher is None else self._retoucher.layer("decision")

    def _refresh(self) -> None:
        retoucher, there = self._retoucher, self._layer() is not None
        parts = (self.paint_button, self.tools, self.beside_box, self.undo_button, self.redo_button)
        for widget in (*parts, self.forget_button):
            widget.setEnabled(there)
        if retoucher is None or not there:
            self.about.setText(_NO_RESULT)
            self.status.clear()
            return
        self.about.setText(f"{self._layer().name}. Hold {PEEK_KEY} to see the source in place of the fused image.")
        self.forget_button.setEnabled(retoucher.edited > 0)
        lines = [
            f"{retoucher.edited} pixels edited by hand ({retoucher.share:.2%})" if retoucher.edited else "No edits."
        ]
        if retoucher.unknown is not None:
            lines.append(
                f"Label {retoucher.unknown} is no slice: choose 1 to {retoucher.slices}, the number of the slice + 1."
            )
        elsewhere = "" if self._slider is None else self._slider.elsewhere()
        if elsewhere:
            lines.append(f"The viewer shows {elsewhere}; you are painting {retoucher.source.title}.")
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
        # In 3-D a brush would paint in the depth; a surface that is shown goes with it.
        self._viewer.dims.ndisplay = 2
        if not layer.visible:
            self._hide = True
            layer.visible, layer.opacity = True, _FAINT
        if self._slider is not None and self._slider.elsewhere():
            self._slider.show(self._slider.slice() or 0)
        if self._retoucher is not None:
            self._retoucher.prepare()
        self._viewer.layers.selection = {layer}
        self.tools.follow_slider()
        layer.mode = "paint"

    def _on_mode(self, _event: Any = None) -> None:
        layer = self._layer()
        self.paint_button.setChecked(layer is not None and layer.mode != "pan_zoom")

    def end_comparison(self) -> None:
        """See `Dock`."""
        self.beside_box.setChecked(False)

    def _on_beside(self, on: bool) -> None:
        if on and self._retoucher is not None:
            end_comparisons(self._viewer, but=self)
            self._beside.start(filter(None, map(self._retoucher.layer, _SIDE_BY_SIDE)))
        else:
            self._beside.stop()

    def _on_match(self, on: bool) -> None:
        if self._retoucher is not None:
            self._retoucher.set_config(RetouchConfig(match_brightness=on))

    def _on_undo(self) -> None:
        if self._retoucher is not None and (layer := self._layer()) is not None:
            layer.undo()
            self._retoucher.look()

    def _on_redo(self) -> None:
        if self._retoucher is not None and (layer := self._layer()) is not None:
            layer.redo()
            self._retoucher.look()

    def _on_forget(self) -> None:
        if self._retoucher is not None:
            self._retoucher.forget()

    def _on_point(self, _event: Any = None) -> None:
        self.tools.follow_slider()
        self._refresh()

    def _on_gone(self) -> None:
        self._turn_to(None)
        self.reset_choices()
