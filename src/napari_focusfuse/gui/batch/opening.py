"""Opens the result of a stack: the stack by the plugin's reader, and the result as layers on it."""

import weakref
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QObject, QTimer, Signal

from napari_focusfuse.errors import plain
from napari_focusfuse.gui.batch.rows import Row
from napari_focusfuse.gui.common.worker import Latest, report
from napari_focusfuse.gui.fuse.history import iter_show_on
from napari_focusfuse.gui.layers.axes import propose_axis
from napari_focusfuse.gui.layers.source import problem

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_focusfuse.core.result import FusionResult

__all__ = ["Opening"]

PLUGIN = "napari-focusfuse"
#: The viewer does what waits for so long between two steps (ms).
_BREATH = 10
#: What a result of several positions shows, from bottom to top.
_SHOWN = ("fused", "depth", "confidence")


def _read(target: Path) -> "FusionResult | None":
    """The result of one stack; None of several positions. Runs in a thread."""
    from napari_focusfuse import api, io

    return None if "axes" in io.read_recipe(target)["made by"] else api.load_result(target)


class Opening(QObject):
    """Opens one result at a time.

    Parameters
    ----------
    viewer : Viewer
    parent : QObject
    """

    #: What is being done, or "" at the end.
    told = Signal(str)

    def __init__(self, viewer: "Viewer", parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self._row = viewer, Row(Path(), Path())
        self._known: dict[Path, weakref.ref[Layer]] = {}
        self._steps: Iterator[None] | None = None
        self._latest = Latest(self)
        self._latest.ready.connect(self._on_read)
        self._latest.failed.connect(self._on_failed)
        self._breath = QTimer(self)
        self._breath.setSingleShot(True)
        self._breath.setInterval(_BREATH)
        self._breath.timeout.connect(self._step)

    @property
    def busy(self) -> bool:
        """Whether a result is being opened."""
        return self._latest.busy or self._steps is not None

    def open(self, row: Row) -> None:
        """Open a result, or turn to its layers if they are there."""
        if self.busy:
            return
        known = self._known.get(row.target)
        layer = None if known is None else known()
        if layer is not None and layer in self._viewer.layers:
            layer.visible = True
            self._viewer.layers.selection = {layer}
            return
        self._row = row
        self.told.emit(f"Opening {row.name}…")
        self._latest.ask(partial(_read, row.target))

    def let_go(self) -> None:
        """Open nothing any more."""
        self._breath.stop()
        self._latest.forget()
        self._steps = None

    def _on_read(self, result: "FusionResult | None") -> None:
        for layer in self._viewer.layers:
            layer.visible = False
        self._steps = self._iter_whole() if result is None else self._iter_one(result)
        self._step()

    def _on_failed(self, error: Exception) -> None:
        self._steps = None
        self.told.emit(f"{self._row.name} cannot be opened: {report(error, 'Opening')}")

    def _step(self) -> None:
        """Do the next step, and wait a moment."""
        try:
            if self._steps is not None:
                next(self._steps)
                self._breath.start()
        except StopIteration:
            self._steps = None
            self.told.emit("")
        except Exception as error:  # noqa: BLE001 - whatever napari makes of a file, another one can be opened
            self._on_failed(error)

    def _iter_one(self, result: "FusionResult") -> Iterator[None]:
        """The stack as the plugin's reader opens it, and on it the result: it can be retouched, compared and saved."""
        row, source = self._row, self._source()
        if source is None:
            yield from self._iter_whole(
                f"The stack of {row.name} is no longer at {row.source}: only its maps are shown."
            )
            return
        yield
        layers = yield from iter_show_on(self._viewer, source, result)
        fused = getattr(layers["fused"], "__wrapped__", layers["fused"])
        self._known[row.target] = weakref.ref(fused)
        self._viewer.layers.selection = {layers["fused"]}
        self._viewer.reset_view()

    def _source(self) -> Image | None:
        """The stack as a layer; None where it cannot be opened."""
        row = self._row
        if not (row.files or (row.source,))[0].exists():
            return None
        pair = [str(file) for file in row.files]
        how: dict[str, Any] = {"path": pair, "stack": True} if pair else {"path": str(row.source)}
        layers = self._viewer.open(**how, plugin=PLUGIN)
        own = [getattr(layer, "__wrapped__", layer) for layer in layers]
        stacks = [layer for layer in own if isinstance(layer, Image) and layer.ndim > 2]
        fitting = [layer for layer in stacks if problem(layer, propose_axis(layer)[0]) is None]
        return fitting[0] if fitting else None

    def _iter_whole(self, why: str = "") -> Iterator[None]:
        """Image and maps as they are in their files."""
        from napari.utils.notifications import show_warning

        from napari_focusfuse import api

        if why:
            show_warning(plain(why))
        row = self._row
        made: list[Layer] = []
        files = {name: [row.target / f"{name}.ome{suffix}" for suffix in (".tif", ".zarr")] for name in _SHOWN}
        found = [(name, path) for name, paths in files.items() for path in paths if path.exists()]
        for name, path in found or [(_SHOWN[0], row.target)]:  # an OME-Zarr that is the image itself
            for layer in self._viewer.open(str(path), plugin=PLUGIN):
                layer.name = f"{row.name} {name}{layer.name.removeprefix(api.stack_name(path))}"
                layer.visible = name == _SHOWN[0]
                made.append(layer)
            yield
        if made:
            first = getattr(made[0], "__wrapped__", made[0])
            self._known[row.target] = weakref.ref(first)
            self._viewer.layers.selection = {made[0]}
            self._viewer.reset_view()
