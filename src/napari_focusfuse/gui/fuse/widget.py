"""The docked widget "Fuse focus stack": from an image layer to its all-in-focus image and maps."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_focusfuse.config import AlignConfig, FusionConfig
from napari_focusfuse.core.methods import METHODS
from napari_focusfuse.core.progress import staged
from napari_focusfuse.gui.align.aligned import (
    aligned_by,
    aligned_source,
    alignment_note,
    show_aligned,
    stack_place,
)
from napari_focusfuse.gui.common.dock import RUN_TIP, Dock, Scrolled, end_comparisons
from napari_focusfuse.gui.common.form import Folded
from napari_focusfuse.gui.common.preferences import limited, preferences
from napari_focusfuse.gui.common.run_panel import RunPanel
from napari_focusfuse.gui.common.worker import Work
from napari_focusfuse.gui.fuse.apply_work import fuse_whole
from napari_focusfuse.gui.fuse.at_cursor import HoverPanel
from napari_focusfuse.gui.fuse.form import FuseForm
from napari_focusfuse.gui.fuse.preview import Preview
from napari_focusfuse.gui.fuse.result_panel import ResultPanel
from napari_focusfuse.gui.layers.axes import propose_axis
from napari_focusfuse.gui.layers.hyperstack import Whole, take_whole
from napari_focusfuse.gui.layers.result_parts import Parts, parts_of, preload
from napari_focusfuse.gui.layers.results import source_of
from napari_focusfuse.gui.layers.source import Source, problem

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_focusfuse.core.align import Alignment
    from napari_focusfuse.core.positions.result import HyperstackResult
    from napari_focusfuse.core.result import FusionResult

__all__ = ["FuseWidget"]

#: Wide enough for names of layers and all of "Advanced", so that unfolding it does not resize the canvas (px).
_WIDTH = 320
#: Height of the buttons for a result, and of a widget that has room for all of it (px).
_BELOW, _ROOMY = 210, 850
#: Share of a run that alignment takes, where it comes first.
_ALIGNING = 0.4


def _fuse(source: Source, options: dict[str, Any], align: AlignConfig | None = None) -> Work:
    """Fuse and prepare the layers; runs in the thread, where the first import of torch disturbs nobody."""
    from napari_focusfuse import api

    preload()
    done = None
    if align is not None:
        work = api.iter_align(source.data, axis=source.axis, rgb=source.rgb, config=align)
        done = yield from staged(work, 0, _ALIGNING)
        source = source if done.untouched else aligned_source(source, done, None)
    fusing = api.iter_fuse(source.data, axis=source.axis, rgb=source.rgb, **limited(source, options))
    result = yield from fusing if done is None else staged(fusing, _ALIGNING, 1 - _ALIGNING)
    return parts_of(source, result), result, done


def _can_be_fused(layer: Image) -> bool:
    """Whether a layer is a focus stack by its own axes."""
    return layer.ndim > 2 and problem(layer, propose_axis(layer)[0]) is None


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
        self._viewer = napari_viewer
        self._started: tuple[Source, dict[str, Any]] | None = None
        self._place: dict[str, Any] = {}
        form = self.form = FuseForm(napari_viewer)
        self.stack, self.config, self.about, self.advanced = form.stack, form.config, form.about, form.advanced
        self.method, self.model, self.device = form.method, form.model, form.device
        self.folder_button = form.folder_button
        self.panel = RunPanel(time_left=True)
        results = self.results = ResultPanel(napari_viewer, self.panel)
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
    def layer(self) -> Image | None:
        """The layer that holds the focus stack."""
        return self.stack.layer

    @layer.setter
    def layer(self, layer: Image) -> None:
        self.stack.layer = layer

    def offer_model(self, name: str) -> None:
        """Offer a model by its name or folder; it is not chosen yet."""
        self.form.offer_model(name)

    def reset_choices(self, _event: Any = None) -> None:
        """Offer the image layers there are; napari calls it when layers change."""
        self.stack.reset_choices()
        if self.stack.problem() is not None:
            able = [layer for layer in self.stack.layer_box.choices if _can_be_fused(layer)]
            if able:
                self.layer = able[-1]

    def run(self) -> None:
        """Fuse the stack shown; the result becomes layers."""
        from napari.utils.notifications import show_error, show_info

        if self.panel.busy:
            show_info("A stack is being fused: wait for it or cancel it first.")
            return
        align = AlignConfig() if self.form.hints.aligns() else None
        self.form.slices.take()
        hint = self.form.problem()
        if hint is not None:
            show_error(hint)
            return
        self.preview.stop()
        end_comparisons(self._viewer)
        options = {**self.form.how(), "z": self.stack.positions()}
        if self.form.positions.whole:
            self._run_whole(options)
            return
        source, _ = self._started = self.form.take()
        self._place = {} if align is None else stack_place(source.layer, source, self.stack.axis)
        begin = partial(_fuse, source, options, align)
        self.panel.start(begin, f"Fusing {source.title}", self._on_result, first=self._first())

    def cancel(self) -> None:
        """Stop the run; the layers stay as they are."""
        self.panel.cancel()

    def save(self, folder: Path, *, overwrite: bool = False) -> None:
        """Write the last result to `folder`, as the command line does."""
        self.results.save(folder, overwrite=overwrite)

    def let_go(self) -> None:
        """See `Dock`."""
        self.cancel()
        self._viewer.layers.selection.events.active.disconnect(self._on_active)
        for part in (self.stack, self.form.hints, self.results, self.hover, self.preview):
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
        upper = Scrolled(self.form, changes=(self.form.changed, self.form.hints.changed, self.advanced.button.toggled))
        lower = Scrolled(below, least=_BELOW, changes=(self.results.fitted, self.at_cursor.button.toggled))
        for part in (upper, self.preview, self.panel, lower):
            layout.addWidget(part)
        layout.addStretch(1)

    def _connect(self) -> None:
        self.form.changed.connect(self._on_form)
        for knob in self.form.knobs():
            knob.changed.connect(self.preview.ask)
        self.panel.requested.connect(self.run)
        self.form.sized.connect(self._on_sized)
        self.results.changed.connect(self.hover.forget)
        self._viewer.layers.selection.events.active.connect(self._on_active)

    def _run_whole(self, options: dict[str, Any]) -> None:
        """Fuse the stack at every position of the layer shown."""
        layer, (channel, decide_on) = self.layer, self.form.positions.deciding
        if layer is None:
            return
        if not METHODS[options["method"]].decides:
            channel, decide_on = None, "each"
        whole = take_whole(layer, self.stack.axis, channel=channel)
        note = self.form.describe(self.stack.take())
        note |= {"source": whole.title, "position": whole.position, "decide_on": decide_on}
        z = options["z"]
        top = float(whole.slices - 1 if z is None else max(z))
        options |= {"decide_on": decide_on if channel is not None else None}
        done = partial(self._on_whole, note)
        begin = partial(fuse_whole, whole, options, top)
        self.panel.start(begin, f"Fusing all of {whole.title}", done, first=self._first())

    def _first(self) -> str:
        """What a run begins with."""
        return f"loading the {'model' if 'model' in METHODS[self.method.value].needs else 'method'}…"

    def _on_active(self, _event: Any = None) -> None:
        """Turn to the selected stack, or that of the selected result; never to what cannot be fused."""
        active = self._viewer.layers.selection.active
        layer = None if active is None or self.panel.busy else source_of(active, self._viewer.layers)
        layer = getattr(layer, "__wrapped__", layer)
        if isinstance(layer, Image) and layer is not self.layer and _can_be_fused(layer):
            self.layer = layer

    def _on_sized(self) -> None:
        """Other sizes of the stack hold for its results as well."""
        layer = self.layer
        if layer is not None:
            sizes = {
                "z_step": self.stack.mean_step(),
                "pixel_size": self.stack.pixel_sizes(),
                "refractive_index": self.stack.refractive_index(),
            }
            self.results.set_sizes(layer, self.stack.axis, self.stack.positions(), sizes)

    def _on_form(self) -> None:
        why = self.stack.problem()
        self.panel.set_ready(why is None)
        self.panel.run_button.setToolTip(why or RUN_TIP)

    def _on_result(self, made: "tuple[Parts, FusionResult, Alignment | None]") -> Iterator[None]:
        if self._started is None:
            return
        (source, note), (parts, result, done) = self._started, made
        if done is None or done.untouched:
            yield from self.results.show_result(source, note, parts, result)
        else:
            yield from self._show_aligned(source, note, parts, result, done)

    def _show_aligned(
        self, source: Source, note: dict[str, Any], parts: Parts, result: "FusionResult", done: "Alignment"
    ) -> Iterator[None]:
        """Show the result of an aligned stack, and the stack as a layer if that is wanted."""
        layer, known, how = None, True, (source, self._place, done, AlignConfig())
        seen, chosen = source.layer.visible, set(self._viewer.layers.selection)
        if self.form.hints.keep_aligned.value:
            layer, known = show_aligned(self._viewer, *how)
            if known:  # it is hidden in the end: what was selected stays so
                self._viewer.layers.selection = chosen
        aligned, told = aligned_source(source, done, layer), alignment_note(*how)
        note = {**note, **aligned.note(), "inputs": told["inputs"], "aligned": aligned_by(told)}
        try:
            yield from self.results.show_result(aligned, note, parts, result)
        except GeneratorExit:  # cancelled: the layers are as they were
            if not known and layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
                source.layer.visible = seen
            raise

    def _on_whole(self, note: dict[str, Any], made: "tuple[Whole, HyperstackResult, Parts]") -> Iterator[None]:
        whole, result, parts = made
        yield from self.results.show_whole(whole, note, parts, result)
