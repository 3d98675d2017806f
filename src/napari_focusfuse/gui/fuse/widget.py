"""The docked widget "Fuse focus stack": from an image layer to its all-in-focus image and maps."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.gui.common.dock import Dock, Scrolled
from napari_focusfuse.gui.common.form import Folded
from napari_focusfuse.gui.common.preferences import limited, preferences
from napari_focusfuse.gui.common.run_panel import RunPanel
from napari_focusfuse.gui.common.worker import Work
from napari_focusfuse.gui.fuse.form import FuseForm
from napari_focusfuse.gui.fuse.hover import HoverPanel
from napari_focusfuse.gui.fuse.preview import Preview
from napari_focusfuse.gui.fuse.result_panel import ResultPanel
from napari_focusfuse.gui.layers.result_parts import Parts, parts_of, preload
from napari_focusfuse.gui.layers.source import Source

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_focusfuse.core.result.decision import FusionResult

__all__ = ["FuseWidget"]

#: Wide enough for names of layers and all of "Advanced", so that unfolding it does not resize the canvas (px).
_WIDTH = 320
#: Height of the buttons for a result, and of a widget that has room for all of it (px).
_BELOW, _ROOMY = 210, 850


def _fuse(source: Source, options: dict[str, Any]) -> Work:
    """Fuse and prepare the layers; runs in the thread, where the first import of torch disturbs nobody."""
    from napari_focusfuse import api

    preload()
    work = api.iter_fuse(source.data, axis=source.axis, rgb=source.rgb, **limited(source, options))
    result = yield from work
    return parts_of(source, result), result


class FuseWidget(Dock):
    """Fuse a focus stack.

    Parameters
    ----------
    napari_viewer : Viewer
        Given by napari.
    """

    short_title = "Fuse"

    def __init__(self, napari_viewer: "Viewer") -> None:
        super().__init__()
        self._started: tuple[Source, dict[str, Any]] | None = None
        form = self.form = FuseForm(napari_viewer)
        self.stack, self.config, self.about, self.advanced = form.stack, form.config, form.about, form.advanced
        self.method, self.model, self.device = form.method, form.model, form.device
        self.folder_button = form.folder_button
        self.panel = RunPanel()
        results = self.results = ResultPanel(napari_viewer, form, self.panel)
        self.retouch_button, self.save_button = results.retouch_button, results.save_button
        self.surface, self.carrier = results.surface, results.carrier
        self.hover = HoverPanel(napari_viewer)
        self.at_cursor = Folded("At the cursor", self.hover, unfolded=True)
        self.preview = Preview(napari_viewer, self.stack, form.how)
        self._build()
        self.equip(self.panel, "first-fusion.md")
        self._connect()
        form.prefer(preferences())
        self._on_form()

    def value(self) -> FusionConfig:
        """The settings shown."""
        return self.config.value()

    def set_value(self, config: FusionConfig) -> None:
        """Show settings."""
        self.config.set_value(config)

    @property
    def layer(self) -> "Image | None":
        """The layer that holds the focus stack."""
        return self.stack.layer

    @layer.setter
    def layer(self, layer: "Image") -> None:
        self.stack.layer = layer

    def offer_model(self, name: str) -> None:
        """Offer a model by its name or folder; it is not chosen yet."""
        self.form.offer_model(name)

    def reset_choices(self, _event: Any = None) -> None:
        """Offer the image layers there are; napari calls it when layers change."""
        self.stack.reset_choices()

    def run(self) -> None:
        """Fuse the stack shown; the result becomes layers."""
        from napari.utils.notifications import show_error, show_info

        hint = self.form.problem()
        if self.panel.busy:
            show_info("A stack is being fused: wait for it or cancel it first.")
        elif hint is not None:
            show_error(hint)
        else:
            self.preview.stop()
            source = self.stack.take()
            options = {**self.form.how(), "z": self.stack.positions()}
            note = self.form.describe(source)
            self._started = source, note
            if self.form.positions.whole:
                self.carrier.fuse_whole(options, note)
                return
            self.panel.start(partial(_fuse, source, options), f"Fusing {source.title}", self._on_result)

    def held(self) -> Callable[[], Work]:
        """Work that returns the decision of the last run of one stack, as it is by now."""
        return self.results.held()

    def cancel(self) -> None:
        """Stop the run; the layers stay as they are."""
        self.panel.cancel()

    def save(self, folder: Path, *, overwrite: bool = False) -> None:
        """Write the last result to `folder`, as the command line does."""
        self.results.save(folder, overwrite=overwrite)

    def let_go(self) -> None:
        """See `Dock`."""
        self.cancel()
        for part in (self.stack, self.results, self.hover, self.preview):
            part.let_go()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Fold "At the cursor" where room is short, until somebody has unfolded or folded it by hand."""
        super().resizeEvent(event)
        if not self.at_cursor.by_hand:
            self.at_cursor.button.setChecked(self.height() >= _ROOMY)

    def _build(self) -> None:
        self.setMinimumWidth(_WIDTH)
        below = QWidget()
        rows = QVBoxLayout(below)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.results)
        rows.addWidget(self.at_cursor)
        layout = QVBoxLayout(self)
        upper = Scrolled(self.form, changes=(self.form.changed, self.advanced.button.toggled))
        lower = Scrolled(below, least=_BELOW, changes=(self.surface.view.changed, self.at_cursor.button.toggled))
        for part in (upper, self.preview, self.panel, lower):
            layout.addWidget(part)
        layout.addStretch(1)

    def _connect(self) -> None:
        self.form.changed.connect(self._on_form)
        for knob in self.form.knobs():
            knob.changed.connect(self.preview.ask)
        self.panel.requested.connect(self.run)

    def _on_form(self) -> None:
        self.panel.set_ready(self.stack.problem() is None)

    def _on_result(self, made: "tuple[Parts, FusionResult]") -> Iterator[None]:
        if self._started is not None:
            yield from self.results.show_result(*self._started, *made)
