"""Some slices of a stack as a layer of its own, a range or every k-th, which is then fused or aligned as any other."""

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QSpinBox, QWidget

from napari_focusfuse.gui.layers.opened import mark
from napari_focusfuse.gui.layers.source import KEY, LOOKS, data_of, inputs_of, lazy

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_focusfuse.gui.common.stack_form import StackForm

__all__ = ["SliceRow", "some_slices", "taken_of"]

_ALL = "All slices are selected: choose fewer."
_ALIGNED = "These slices were aligned together: choose slices of the original stack, and align those."


def taken_of(layer: Image | None) -> dict[str, Any]:
    """Which slices of its file a layer holds, as a recipe tells it; nothing where that is all, or each is a file."""
    taken = {} if layer is None else layer.metadata.get(KEY, {}).get("taken")
    return {"slices": list(taken)} if taken else {}


def some_slices(layer: Image, axis: int, chosen: slice) -> Image:
    """A layer with some of the slices, in the place of these; nothing is copied.

    Parameters
    ----------
    layer : Image
    axis : int
        The stack axis.
    chosen : slice
        Start, stop and step, all given and within the layer.
    """
    numbers = range(data_of(layer).shape[axis])[chosen]
    where = (slice(None),) * axis + (chosen,)
    levels = [lazy(level)[where] for level in (layer.data if layer.multiscale else [layer.data])]
    scale, along = np.array(layer.scale, dtype=float), np.zeros(layer.ndim)
    along[axis] = scale[axis] * numbers.start
    scale[axis] *= numbers.step
    every = f" every {numbers.step}" if numbers.step > 1 else ""
    return Image(
        levels if layer.multiscale else levels[0],
        multiscale=layer.multiscale,
        rgb=layer.rgb,
        name=f"{layer.name} {numbers[0] + 1}-{numbers[-1] + 1}{every}",
        metadata={KEY: _noted(layer, axis, numbers, levels[0])},
        axis_labels=layer.axis_labels,
        units=layer.units,
        scale=scale,
        rotate=layer.rotate,
        shear=layer.shear,
        translate=np.asarray(layer.translate) + np.asarray(layer.rotate) @ along,
        affine=layer.affine,
        **({} if layer.rgb else {name: getattr(layer, name) for name in LOOKS}),
    )


def _noted(layer: Image, axis: int, numbers: range, data: Any) -> dict[str, Any]:
    """Where the slices come from: the files that hold them, or the whole file and their numbers in it."""
    note, inputs = dict(layer.metadata.get(KEY, {})), inputs_of(layer)
    for name in ("z", "slots"):
        if note.get(name):
            note[name] = [note[name][k] for k in numbers]
    if note.get("slots"):
        note["slots"] = [slot - note["slots"][0] for slot in note["slots"]]
    whole = range(*note["taken"]) if note.get("taken") else None
    if layer.ndim == 3 and len(inputs) == data_of(layer).shape[axis]:
        inputs = [inputs[k] for k in numbers]
    else:
        part = numbers if whole is None else whole[numbers.start : numbers[-1] + 1 : numbers.step]
        note["taken"] = [part.start, part[-1] + 1, part.step]
    return {**note, "inputs": inputs, "mark": mark(data)}


class SliceRow(QWidget):
    """First and last slice, every k-th, and a button that makes a layer of them.

    Parameters
    ----------
    viewer : Viewer
        Gets the layer.
    stack : StackForm
        Says which stack it is, and proposes the new layer afterwards.
    """

    def __init__(self, viewer: "Viewer", stack: "StackForm") -> None:
        super().__init__()
        self._viewer, self._stack, self._count = viewer, stack, 0
        self.first, self.last, self.every = QSpinBox(), QSpinBox(), QSpinBox()
        self.button = QPushButton("Take")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        boxes = (
            (self.first, "First slice, counted from 1."),
            (self.last, "Last slice."),
            (self.every, "1: every slice."),
        )
        for box, tip in boxes:
            box.setMinimum(1)
            box.setToolTip(tip)
            box.valueChanged.connect(self._refresh)
            box.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
            box.setStyleSheet("min-width: 30px; padding: 2px;")  # napari's themes ask for far more
            row.addWidget(box, 1)
        self.every.setPrefix("1/")
        self.button.setStyleSheet("min-width: 34px; padding: 3px;")
        row.addWidget(self.button)
        self.button.clicked.connect(self.take)
        stack.changed.connect(self._on_stack)
        self._on_stack()

    def chosen(self) -> slice:
        """The slices shown."""
        return slice(self.first.value() - 1, self.last.value(), self.every.value())

    def take(self) -> None:
        """Make a layer of the slices shown, which then is the stack."""
        layer = self._stack.layer
        if layer is None or not self.button.isEnabled():
            return
        made = some_slices(layer, self._stack.axis, self.chosen())
        self._viewer.add_layer(made)
        layer.visible = False
        self._stack.layer = made

    def _on_stack(self) -> None:
        """Offer all slices of another stack."""
        layer = self._stack.layer
        fits = layer is not None and layer.ndim > self._stack.axis and self._stack.problem() is None
        count = data_of(layer).shape[self._stack.axis] if layer is not None and fits else 0
        if count != self._count:
            self._count = count
            for box, value in ((self.first, 1), (self.last, count), (self.every, 1)):
                box.setMaximum(max(count, 1))
                box.setValue(value)
        self._refresh()

    def _refresh(self) -> None:
        """Say what the button would do, or why it cannot."""
        layer, numbers = self._stack.layer, range(self._count)[self.chosen()]
        aligned = layer is not None and layer.metadata.get(KEY, {}).get("role") == "aligned"
        why = (
            _ALIGNED
            if aligned
            else _ALL
            if len(numbers) == self._count
            else ""
            if len(numbers) > 1
            else "Too few slices."
        )
        self.button.setEnabled(not why and self._count > 0)
        self.button.setToolTip(why or f"A layer of {len(numbers)} of the {self._count} slices, which is then fused.")
