"""Maps of metrics, chosen in a tab and added as layers over the images."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from magicgui.widgets import ComboBox
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.core.progress import Progress, staged
from napari_focusfuse.gui.common.form import form_layout, narrow
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.common.worker import Work
from napari_focusfuse.gui.layers.results import is_result, note_of, plain, put
from napari_focusfuse.gui.layers.source import KEY
from napari_focusfuse.gui.measure.setup import Setup

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer
    from napari.viewer import ViewerModel

    from napari_focusfuse.core.focus import Focus, Sharpness
    from napari_focusfuse.core.metrics import Metric

__all__ = ["SHOWN", "TRUTH", "Map", "MapChoice", "MapsTab", "map_work", "show_map"]

#: Share of the pixels that the colours reach, of all that differ from 0 (%).
_MOST = 99.5


@dataclass(frozen=True, eq=False)
class Map:
    """A map of one number a pixel.

    Attributes
    ----------
    title : str
        Name of the layer.
    data : (Y, X) float32
    signed : bool
        Whether values lie on both sides of 0.
    top : float or None
        Largest value there can be; None: as the data are.
    place : dict
        Arguments that put a layer where it belongs.
    note : dict
        Where it comes from, of plain JSON types; a map with the same note is the same map.
    """

    title: str
    data: NDArray[np.float32]
    signed: bool
    top: float | None
    place: dict[str, Any]
    note: dict[str, Any]


def show_map(viewer: "ViewerModel", made: Map) -> "Layer":
    """Show a map as a layer on top of the others; the same map of an earlier run is updated, other maps are hidden."""
    from napari.layers import Image

    limits = _limits(made)
    maps = [layer for layer in viewer.layers if is_result(layer) and note_of(layer)["role"] == "map"]
    same = [layer for layer in maps if _bare(note_of(layer)) == plain(made.note)]
    for layer in maps:
        layer.visible = layer in same[:1]
    if same:
        layer = same[0]
        layer.data = made.data
        put(layer, made.place)
        layer.contrast_limits_range = layer.contrast_limits = limits
        return layer
    colours = "PiYG" if made.signed else "inferno" if made.top is None else "viridis"
    layer = Image(made.data, name=made.title, colormap=colours, contrast_limits=limits, **made.place)
    layer.metadata = {KEY: {**plain(made.note), "layer_id": str(layer.unique_id)}}
    viewer.add_layer(layer)
    layer.colorbar.visible = True
    return layer


def _bare(note: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in note.items() if key != "layer_id"}


def _limits(made: Map) -> tuple[float, float]:
    """Colours from 0 or from -top to top, a few outliers apart."""
    top = made.top
    if top is None:
        sizes = np.abs(made.data[np.isfinite(made.data) & (made.data != 0)])
        top = float(np.percentile(sizes, _MOST)) if sizes.size else 1.0
    return (-top if made.signed else 0.0), top


_DIFFERENCE, _SF, _DEEP = "difference", "sf", "deep"
#: In place of the number of a slice.
SHOWN, TRUTH = -1, -2
_ABOUT = {
    _DIFFERENCE: "Fused image minus another image, in its own grey values: 0 is white, green is brighter, "
    "purple darker than the other.",
    _SF: "Spatial frequency of the grey values of a slice: its local contrast, noise included.",
    _DEEP: "Spatial frequency of the deep features of a slice: the activity level that the fusion compares, "
    "with default settings.",
}


@dataclass(frozen=True)
class MapChoice:
    """A map to make.

    Attributes
    ----------
    kind : str
        Name of a metric, "difference", "sf" or "deep".
    fused : str
        Name of the fused image; "" where there is none or none is needed.
    slice : int
        Number of the source, from 0 on; -1 for the slice that is shown, -2 for the truth.
    """

    kind: str
    fused: str
    slice: int


class MapsTab(QWidget):
    """Choose a map; a view of `MapChoice`.

    Parameters
    ----------
    metrics : list of Metric
        Those that have a map are offered.
    """

    requested = Signal()

    def __init__(self, metrics: "list[Metric]") -> None:
        super().__init__()
        self._about = {metric.name: f"Where the fused image has its {metric.title}: {metric.measures}. Blind to "
                       f"{metric.blind_to}." for metric in metrics if metric.pixels is not None}  # fmt: skip
        titles = [(f"{metric.title} map", metric.name) for metric in metrics if metric.pixels is not None]
        self.kind = ComboBox(
            choices=[*titles, ("Difference", _DIFFERENCE), ("Pixel SF of a slice", _SF), ("Deep SF of a slice", _DEEP)],
            tooltip="What the map shows.",
        )
        # Choices are functions because magicgui asks again when a widget gets its parent.
        self._names: list[str] = []
        self._slices: list[str] = []
        self._has_truth = self._is_stack = False
        self.fused = ComboBox(choices=self._offered_fused, tooltip="The fused image to inspect.")
        self.which = ComboBox(choices=self._offered_slices, tooltip="The slice, or the image to compare with.")
        self.add_button = QPushButton("Add map as a layer")
        self.add_button.setToolTip("Compute the map and show it as a layer on the images.")
        self.about = PlainLabel()
        self.about.setWordWrap(True)
        form = form_layout()
        form.addRow("Map", narrow(self.kind).native)
        form.addRow("Fused image", narrow(self.fused).native)
        self._which_label = PlainLabel("Minus")
        form.addRow(self._which_label, narrow(self.which).native)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.about)
        layout.addWidget(self.add_button)
        layout.addStretch(1)
        self.kind.changed.connect(self._on_kind)
        self.add_button.clicked.connect(self._on_add)
        self._on_kind(self.kind.value)

    def value(self) -> MapChoice:
        """The map chosen."""
        which = self.which.value
        return MapChoice(self.kind.value, self.fused.value or "", SHOWN if which is None else which)

    def set_value(self, choice: MapChoice) -> None:
        """Choose a map."""
        self.kind.value = choice.kind
        if choice.fused:
            self.fused.value = choice.fused
        if self.which.enabled:
            self.which.value = choice.slice

    def set_setup(self, setup: Setup | None) -> None:
        """Offer what there is in these layers."""
        self._names = [] if setup is None else list(setup.fused)
        self._slices = [] if setup is None else setup.slices
        self._has_truth = setup is not None and setup.truth is not None
        self._is_stack = setup is not None and setup.source is not None
        self._fill(self.fused)
        self._on_kind(self.kind.value)

    def problem(self) -> str | None:
        """Why the map chosen cannot be made, in one sentence; None if it can."""
        if self.kind.value not in (_SF, _DEEP) and not self._names:
            return "Tick at least one image under Fused."
        return None

    def _offered_fused(self, _box: object) -> list[str]:
        return self._names

    def _offered_slices(self, _box: object) -> list[tuple[str, int]]:
        offered = [(name, k) for k, name in enumerate(self._slices)]
        if self._is_stack:
            offered.insert(0, ("slice shown", SHOWN))
        if self._has_truth and self.kind.value == _DIFFERENCE:
            offered.insert(0, ("truth", TRUTH))
        return offered

    @staticmethod
    def _fill(box: ComboBox) -> None:
        kept = box.value
        with box.changed.blocked():
            box.choices = ()
            box.reset_choices()
            if kept in box.choices:
                box.value = kept

    def _on_kind(self, kind: str) -> None:
        of_slice, difference = kind in (_SF, _DEEP), kind == _DIFFERENCE
        self._fill(self.which)
        self.fused.enabled, self.which.enabled = not of_slice, of_slice or difference
        self._which_label.setText("Minus" if difference else "Slice")
        self.about.setText(_ABOUT.get(kind) or self._about[kind])

    def _on_add(self) -> None:
        self.requested.emit()


def map_work(setup: Setup, choice: MapChoice, focus: "Focus | None", look: "Callable[[], Work]") -> Work:
    """Make a map; runs in the thread.

    Parameters
    ----------
    setup : Setup
    choice : MapChoice
        With the number of a slice in place of the one that is shown.
    focus : Focus or None
        Of the sources, if they were looked at already.
    look : callable
        Makes the work that gives it.

    Returns
    -------
    tuple of Map, Focus or None
    """
    if choice.kind in (_SF, _DEEP):
        if focus is None:
            focus = yield from staged(look(), 0, 0.5)
        data = yield from staged(focus.iter_map(choice.slice, cast("Sharpness", choice.kind)), 0.5, 0.5)
        return _of_slice(setup, choice, data), focus
    yield Progress(0, 1, choice.fused)
    make = partial(_difference if choice.kind == _DIFFERENCE else _quality, setup, choice)
    return make(), focus


def _quality(setup: Setup, choice: MapChoice) -> Map:
    from napari_focusfuse import api

    (metric,) = (metric for metric in api.list_metrics() if metric.name == choice.kind)
    data = api.quality_map(
        setup.sources, setup.fused[choice.fused], choice.kind, data_range=setup.white, names=setup.called
    )
    note = _note(setup, choice, fused=choice.fused, fused_id=setup.ids[choice.fused])
    return Map(f"{metric.title} of {choice.fused}", data, False, metric.high, setup.places[choice.fused], note)


def _difference(setup: Setup, choice: MapChoice) -> Map:
    from napari_focusfuse import api

    if choice.slice == TRUTH:
        other, minus = setup.truth, "truth"
    else:
        other, minus = setup.slice(choice.slice), setup.slices[choice.slice]
    data = api.difference(setup.fused[choice.fused], other)
    note = _note(setup, choice, fused=choice.fused, fused_id=setup.ids[choice.fused], minus=minus)
    return Map(f"{choice.fused} minus {minus}", data, True, None, setup.places[choice.fused], note)


def _of_slice(setup: Setup, choice: MapChoice, data: Any) -> Map:
    name = setup.slices[choice.slice]
    of = f"{setup.title}, {name}" if setup.source else name
    place = setup.place if setup.source else setup.places[name]
    note = _note(setup, choice, slice=choice.slice)
    return Map(f"{'deep' if choice.kind == _DEEP else 'pixel'} SF of {of}", data, False, None, place, note)


def _note(setup: Setup, choice: MapChoice, **more: Any) -> dict[str, Any]:
    from importlib.metadata import version

    return {"role": "map", "map": choice.kind, **setup.origin(), **more, "version": version("napari-focusfuse")}
