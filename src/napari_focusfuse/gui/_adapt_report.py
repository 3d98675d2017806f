"""What adapting a model has changed: a table, and both decisions as layers on demand."""

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.gui._layer_parts import slice_colours
from napari_focusfuse.gui._layers import is_result, note_of, plain
from napari_focusfuse.gui._models import name_of
from napari_focusfuse.gui._source import KEY, Source
from napari_focusfuse.gui._text import PlainLabel

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import ViewerModel

    from napari_focusfuse.api import Adaptation

__all__ = ["AdaptReport", "show_decisions"]

_NOTHING = "Adapt a model to a stack: what that has changed is shown here."


class AdaptReport(QWidget):
    """Before and after."""

    #: The decisions are to be shown as layers.
    requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.made: tuple[Adaptation, Source] | None = None
        self.text = PlainLabel(_NOTHING)
        self.text.setWordWrap(True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.show_button = QPushButton("Show both decisions as layers")
        self.show_button.setEnabled(False)
        self.show_button.setToolTip("The slice of each pixel by either model, to compare with the eye icons.")
        row = QHBoxLayout()
        row.addWidget(self.show_button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text, 1)
        layout.addLayout(row)
        self.show_button.clicked.connect(self._on_show)

    def show_adaptation(self, made: "Adaptation", source: Source) -> None:
        """Show what has changed."""
        self.made = made, source
        self.text.setText(_told(made))
        self.show_button.setEnabled(True)

    def _on_show(self) -> None:
        self.requested.emit()


def _told(made: "Adaptation") -> str:
    """The report in rich text."""
    focus = made.result.recipe != "paper"
    rows = [
        ("", "before", "after"),
        ("slices found" if focus else "reconstruction", *(_score(scores) for scores in made.scores)),
        ("pixels from another slice", "", f"{100 * made.changed:.1f} %"),
        ("from one further away than a neighbour", "", f"{100 * made.moved:.1f} %"),
    ]
    table = "".join(
        f"<tr><td>{label}</td><td align=right>&nbsp; {old}</td><td align=right>&nbsp; <b>{new}</b></td></tr>"
        for label, old, new in rows
    )
    if not made.result.kept:
        end = f"No {made.result.unit} was better: the adapted model is a copy."
    else:
        better = "Finding more on small stacks made from the fused image" if focus else "Giving slices back better"
        end = (
            f"{better} does not mean to decide better: look at the pixels that changed. "
            f"The way back: choose <i>{escape(made.model)}</i> when fusing; it is as it was."
        )
    return f"<table width=100%>{table}</table><p>{end}</p>"


def _score(scores: dict[str, float]) -> str:
    """Of any recipe."""
    return f"{100 * scores['found']:.1f} %" if "found" in scores else f"{scores['psnr']:.1f} dB"


def show_decisions(viewer: "ViewerModel", made: "Adaptation", source: Source) -> None:
    """Show the slice of each pixel before and after as labels on the stack; those of an earlier run are updated."""
    names = made.model, name_of(made.result.folder)
    chosen = set(viewer.layers.selection)
    for name, index in zip(names, made.index, strict=True):
        _show(viewer, source, name, index)
    viewer.layers.selection = chosen


def _show(viewer: "ViewerModel", source: Source, model: str, index: Any) -> None:
    from napari.layers import Labels

    note = {
        "role": "comparison",
        "source": source.title,
        "source_id": source.layer_id,
        "position": source.position,
        "model": model,
    }
    data = (index + 1).astype(np.uint8 if source.slices < np.iinfo(np.uint8).max else np.uint16)
    same = [layer for layer in viewer.layers if is_result(layer) and _bare(layer) == plain(note)]
    if same:
        same[0].data = data
        return
    colours = slice_colours(source.slices)
    layer = Labels(data, name=f"{source.title} decision, {model}", colormap=colours, opacity=1, **source.place)
    layer.metadata = {KEY: {**plain(note), "layer_id": str(layer.unique_id)}}
    viewer.add_layer(layer)


def _bare(layer: "Layer") -> dict[str, Any]:
    return {key: value for key, value in note_of(layer).items() if key != "layer_id"}
