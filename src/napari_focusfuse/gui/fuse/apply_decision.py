"""Runs that go beyond one stack: all positions of a layer, and applying a decision map to other layers."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QPushButton, QWidget

from napari_focusfuse.config.fusion import STACK_AXIS
from napari_focusfuse.gui.common.run_panel import RunPanel
from napari_focusfuse.gui.common.worker import Work
from napari_focusfuse.gui.fuse import apply_work as work
from napari_focusfuse.gui.fuse.apply_dialog import CarryDialog
from napari_focusfuse.gui.fuse.apply_work import Origin, Target, Where, taken, targets, wheres
from napari_focusfuse.gui.fuse.form import FuseForm
from napari_focusfuse.gui.fuse.position_form import Choice
from napari_focusfuse.gui.layers.hyperstack import Whole, iter_show, take_whole
from napari_focusfuse.gui.layers.result_parts import Parts
from napari_focusfuse.gui.layers.results import plain
from napari_focusfuse.gui.layers.source import Source

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_focusfuse.core.positions.result import HyperstackResult
    from napari_focusfuse.core.result import Decision

__all__ = ["Carrier"]

_NOTHING = "Fuse a focus stack first: its decision map can then be applied to other channels, time points and layers."
_BUSY = "A run is in progress: wait for it or cancel it first."


class Carrier(QObject):
    """The part of the fusion widget that fuses all positions and applies decisions to other layers.

    Parameters
    ----------
    viewer : Viewer
    form : FuseForm
        Which layer is fused, and where in it.
    panel : RunPanel
        Where it runs.
    held : callable
        Gives the work that returns the decision of the last run of one stack, as it is by now.
    parent : QWidget
    """

    #: All positions of a layer have been fused; the summary.
    fused = Signal(str)

    def __init__(
        self,
        viewer: "Viewer",
        form: FuseForm,
        panel: RunPanel,
        held: Callable[[], Callable[[], Work]],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._stack, self._panel, self._held = viewer, form.stack, panel, held
        self._origin: Origin | None = None
        self._note: dict[str, Any] = {}
        self.result: HyperstackResult | None = None
        self.dialog: CarryDialog | None = None
        self.positions = form.positions
        self.button = QPushButton("Apply decision to…")
        self.button.setToolTip(
            "Fuse other channels, time points or layers of the same geometry with this decision map, so that they "
            "stay registered."
        )
        self.button.clicked.connect(self._on_button)
        panel.busy_changed.connect(self._on_busy)
        self._on_busy()

    @property
    def title(self) -> str:
        """What the positions are of that were fused last."""
        return str(self._note.get("source", "result"))

    def fuse_whole(self, options: dict[str, Any], note: Mapping[str, Any]) -> None:
        """Fuse all positions of the layer shown; the results become layers.

        Parameters
        ----------
        options : dict
            For `api.iter_fuse_hyperstack`.
        note : mapping
            Provenance, of plain JSON types.
        """
        layer, (channel, decide_on) = self._stack.layer, self._choice(options["method"])
        if layer is None:
            return
        whole = take_whole(layer, self._stack.axis, channel=channel)
        told = {**note, "source": whole.title, "position": whole.position}
        z = options["z"]
        top = float(whole.slices - 1 if z is None else max(z))
        options = {**options, "decide_on": decide_on if channel is not None else None}
        begin = partial(work.fuse_whole, whole, options, top)
        self._panel.start(begin, f"Fusing all of {whole.title}", partial(self._on_whole, told))

    def decided(self, source: Source, decision: "Decision | None") -> None:
        """One stack has been fused: its decision map can be applied until there is another; warns if it is a guess."""
        from napari.utils.notifications import show_warning

        from napari_focusfuse.core.positions.channels import doubt

        self.result, self._origin = None, None
        if decision is not None:
            if why := doubt(decision):
                show_warning(f"{source.title}: {why}.")
            made_by = plain(decision.info)
            self._origin = Origin(
                source.title, source.layer_id, source.label, source.slices, decision.shape, {}, None, made_by
            )

    def choose(self, layer: "Image | None" = None) -> None:
        """Ask what the decision is applied to.

        Parameters
        ----------
        layer : Image, optional
            Ticked first.
        """
        from napari.utils.notifications import show_info

        if self._panel.busy or self._origin is None:
            show_info(_BUSY if self._panel.busy else _NOTHING)
            return
        found = targets(self._origin, self._viewer.layers)
        ids = [str(target.layer.unique_id) for target in found if not target.problem]
        wanted = "" if layer is None else str(layer.unique_id)
        self.dialog = CarryDialog(
            self._origin.title,
            found,
            wheres(self._origin, found),
            ticked=wanted if wanted in ids else "",
            parent=self._parent(),
        )
        self.dialog.accepted.connect(self._on_accepted)
        self.dialog.open()

    def apply(self, chosen: list[Target], where: Where) -> None:
        """Fuse layers by the decision that is held; those that are no longer there are left out."""
        origin, there = self._origin, [getattr(layer, "__wrapped__", layer) for layer in self._viewer.layers]
        point = self._viewer.dims.point
        wholes = [taken(target, where, point) for target in chosen if target.layer in there]
        if wholes and origin is not None:
            notes = [_carried(whole, origin) for whole in wholes]
            self._panel.start(
                partial(work.carry, wholes, origin, self._held()),
                f"Applying the decision of {origin.title}",
                partial(self._on_carried, origin, notes),
            )

    def save(self, folder: Path, done: Callable[[Any], None], *, overwrite: bool) -> None:
        """Write the result of all positions to `folder`."""
        if self.result is None:
            return
        options = {**work.saving(self._note, STACK_AXIS, axes=self._note["names"]), "overwrite": overwrite}
        self._panel.start(partial(work.save, folder, self.result, options), f"Saving {self.title}", done)

    def _choice(self, method: str) -> Choice:
        """The channel axis and the deciding channel; methods without a decision map fuse every position by itself."""
        from napari_focusfuse.core.methods import METHODS

        channel, decide_on = self.positions.deciding
        return (channel, decide_on) if METHODS[method].decides else (None, "each")

    def _parent(self) -> QWidget | None:
        parent = self.parent()
        return parent if isinstance(parent, QWidget) else None

    def _on_busy(self) -> None:
        self.button.setEnabled(self._origin is not None and not self._panel.busy)

    def _on_button(self) -> None:
        self.choose()

    def _on_accepted(self) -> None:
        if self.dialog is not None:
            self.apply(self.dialog.chosen(), self.dialog.where())
            self.dialog.deleteLater()
            self.dialog = None

    def _on_whole(self, note: dict[str, Any], done: "tuple[Whole, HyperstackResult, Parts]") -> Iterator[None]:
        whole, result, layers = done
        made_by = plain(result.info)
        note = {**note, "names": whole.names, "made_by": made_by}
        yield from iter_show(self._viewer, whole, layers, note)
        self.result, self._origin, self._note = result, None, note
        if result.decisions:
            names = [whole.names[letter] for letter in result.map_axes[:-2]]
            sizes = dict(zip(names, result.index.shape, strict=False))
            shape = result.index.shape[-2:]
            kept = partial(work.kept, result, names)
            self._origin = Origin(whole.title, whole.layer_id, whole.label, whole.slices, shape, sizes, kept, made_by)
        self._on_busy()
        self.fused.emit(result.summary)

    def _on_carried(
        self, origin: Origin, notes: list[dict[str, Any]], made: list[tuple[Whole, Parts]]
    ) -> Iterator[None]:
        for note, (whole, parts) in zip(notes, made, strict=True):
            yield from iter_show(self._viewer, whole, parts, note)
        number = sum(len(parts) for _, parts in made)
        self._panel.status.setText(
            f"Fused {number} layer{'s' * (number > 1)} with the decision map of {origin.title!r}."
        )


def _carried(whole: Whole, origin: Origin) -> dict[str, Any]:
    """Where a result by the decision of another comes from, in plain JSON types."""
    note: dict[str, Any] = plain(
        {
            **whole.note(),
            "z_step": None,
            "pixel_size": None,
            "method": origin.made_by.get("method"),
            "decision_from": {"source": origin.title, "source_id": origin.layer_id},
            "made_by": origin.made_by,
        }
    )
    return note
