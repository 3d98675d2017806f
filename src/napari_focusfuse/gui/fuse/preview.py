"""The preview: a reduced-size fusion of the current view, updated with settings and camera."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QWidget

from napari_focusfuse.errors import FocusFuseError
from napari_focusfuse.gui.common.stack_form import StackForm
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.common.worker import Answer, Latest
from napari_focusfuse.gui.fuse.preview_work import LEAST, Pace, Reduced, Shot, View, visible_part, warm_up
from napari_focusfuse.gui.layers.results import put
from napari_focusfuse.gui.layers.source import KEY, data_of, plane_axes

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

__all__ = ["Preview", "PreviewLayer"]


class PreviewLayer:
    """Makes, updates and removes the layer.

    Parameters
    ----------
    viewer : Viewer
    """

    def __init__(self, viewer: "Viewer") -> None:
        self._viewer = viewer
        self.layer: Image | None = None

    @property
    def there(self) -> bool:
        """Whether there is one."""
        return self.layer is not None and self.layer in self._viewer.layers

    def show(self, shot: Shot) -> None:
        """Show a preview exactly on its source."""
        from napari.layers import Image

        source, place = shot.view.source, _place(shot)
        if self.layer is not None and self.layer.rgb != source.rgb:
            self.remove()
        if self.layer is None or not self.there:
            looks = {name: look for name, look in source.looks.items() if name != "blending"}
            # It stands for the slices, so that nothing of them shines through.
            layer = Image(shot.image, rgb=source.rgb, blending="opaque", **looks, **place)
            self.layer = layer
            self._sign(shot)
            chosen = set(self._viewer.layers.selection)
            self._viewer.add_layer(layer)
            self._viewer.layers.selection = chosen
        else:
            self.layer.data = shot.image
            put(self.layer, place)
            self._sign(shot)

    def remove(self) -> None:
        """Remove it, if it is there."""
        layer, self.layer = self.layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _sign(self, shot: Shot) -> None:
        if self.layer is not None:
            source = shot.view.source
            note: dict[str, Any] = {"role": "preview", "result_id": "preview", "source_id": source.layer_id}
            note |= {"position": source.position, "layer_id": str(self.layer.unique_id)}
            self.layer.metadata = {KEY: note}
            self.layer.name = f"{source.title} preview ({shot.size})"


def _place(shot: Shot) -> dict[str, Any]:
    """Where squares of `factor` px of the part that is shown lie."""
    place = shot.view.source.place
    scale = np.asarray(place["scale"], dtype=float)
    start = np.array([side.start for side in shot.view.where], dtype=float)
    return {
        **place,
        "scale": scale * shot.factor,
        "translate": np.asarray(place["translate"], dtype=float) + scale * (start + (shot.factor - 1) / 2),
    }


#: A preview begins so long after the last change (ms).
_SETTLED = 40
_TIP = (
    "Show a reduced-size fusion of the current view, updated when a setting, the view or the position "
    "changes.\n"
    "The full-size result can differ: fine detail and noise are averaged, and windows cover more of the "
    "image."
)


class Preview(QWidget):
    """A box to tick, and what is said of the preview.

    Parameters
    ----------
    viewer : Viewer
    stack : StackForm
        What is fused.
    options : callable
        Gives the keywords of `api.iter_fuse` that the widget shows.
    """

    #: A preview is shown.
    shown = Signal()

    def __init__(self, viewer: "Viewer", stack: StackForm, options: Callable[[], dict[str, Any]]) -> None:
        super().__init__()
        self._viewer, self._stack, self._options = viewer, stack, options
        self._pace, self._reduced, self._latest = Pace(), Reduced(), Latest(self)
        self._shot: Shot | None = None
        self._finer: list[int] = []
        self._shown = PreviewLayer(viewer)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLED)
        self.box = QCheckBox("Preview")
        self.box.setToolTip(_TIP)
        self.about = PlainLabel()
        self.about.setToolTip(_TIP)
        self.about.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.box)
        layout.addWidget(self.about, 1)
        self._connect()
        Answer(warm_up, self)

    @property
    def on(self) -> bool:
        """Whether previews are made."""
        return self.box.isChecked()

    @property
    def factor(self) -> int:
        """By how much the one that is shown or made is reduced; 0 without one."""
        return 0 if self._shot is None else self._shot.factor

    @property
    def settled(self) -> bool:
        """Whether nothing is being made or about to be."""
        return not self._timer.isActive() and not self._latest.busy

    def stop(self) -> None:
        """Make no more previews, and remove the one that is shown."""
        self.box.setChecked(False)

    def ask(self, _event: Any = None) -> None:
        """Have a new one made soon, if there is anything new."""
        if self.on:
            self._timer.start()

    def let_go(self) -> None:
        """Stop following the viewer."""
        self.stop()
        for event in self._events():
            event.disconnect(self.ask)
        self._viewer.layers.events.removed.disconnect(self._on_removed)

    def _connect(self) -> None:
        self.box.toggled.connect(self._on_toggled)
        self._timer.timeout.connect(self._begin)
        self._latest.ready.connect(self._on_shot)
        self._latest.failed.connect(self._on_failed)
        self._stack.changed.connect(self.ask)
        for event in self._events():
            event.connect(self.ask)
        self._viewer.layers.events.removed.connect(self._on_removed)

    def _events(self) -> list[Any]:
        camera, canvas, dims = self._viewer.scene.camera.events, self._viewer.canvas.events, self._viewer.dims.events
        return [camera.center, camera.zoom, canvas.size, dims.ndisplay, dims.order]

    def _on_toggled(self, on: bool) -> None:
        if on:
            self._begin()
            return
        self._timer.stop()
        self._abandon()
        self._latest.forget()
        self._reduced = Reduced()
        self._shown.remove()
        self.about.clear()

    def _abandon(self) -> None:
        """What is being made is not wanted any more."""
        if self._shot is not None:
            self._shot.stale.set()
        self._shot, self._finer = None, []

    def _begin(self) -> None:
        hint = self._stack.problem()
        if hint is not None or self._stack.layer is None:
            self._abandon()
            self._shown.remove()
            self.about.setText("no focus stack is chosen")
            return
        try:
            view = self._view()
        except FocusFuseError as error:
            self._abandon()
            self._on_failed(error)
            return
        if self._shot is not None and self._shot.view.shows(view) and self._shot.view.options == view.options:
            return
        self._abandon()
        first, *self._finer = self._pace.factors(view)
        self._make(view, first)

    def _view(self) -> View:
        layer, axis = self._stack.layer, self._stack.axis
        where = visible_part(self._viewer, layer, plane_axes(layer, axis), LEAST)
        return View(self._stack.take(), data_of(layer), where, self._options())

    def _make(self, view: View, factor: int) -> None:
        self._shot = Shot(view, factor, self._reduced)
        self._latest.ask(self._shot)
        self.about.setText("working…")

    def _on_shot(self, shot: Shot) -> None:
        if shot is not self._shot or shot.image is None:
            return
        self._pace.learn(shot)
        self._shown.show(shot)
        self.about.setText(f"at {shot.size}, may differ")
        self.about.setToolTip(f"Made in {shot.seconds:.2g} s. {_TIP}")
        self.shown.emit()
        if self._finer:
            self._make(shot.view, self._finer.pop(0))

    def _on_failed(self, error: Exception) -> None:
        self._finer = []
        self._shown.remove()
        self.about.setText(f"no preview: {error}")

    def _on_removed(self, _event: Any = None) -> None:
        """Who deletes the layer wants no more of it."""
        if self._shown.layer is not None and not self._shown.there:
            self.stop()
