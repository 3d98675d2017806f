"""Which images a training takes: those of layers that are ticked, or of a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox
from napari.layers import Image
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_focusfuse.config import Recipe
from napari_focusfuse.gui.common.form import form_layout
from napari_focusfuse.gui.common.text import PlainLabel, literal
from napari_focusfuse.gui.layers.results import is_result, note_of
from napari_focusfuse.gui.layers.source import data_of, lazy, plane_axes

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["Chosen", "ImagesForm", "planes_of"]

LAYERS, FOLDER, COMPUTED = "layers", "folder", "computed"
_KINDS = [("layers", LAYERS), ("a folder", FOLDER)]
#: Offered where no images are needed.
_NONE = ("computed textures", COMPUTED)
#: All images are in memory as float32; of more pixels than these, only some images are taken.
_MOST_PIXELS = 400_000_000
_SHARP = ". Blurred slices would be taken for sharp images: for a stack, train on its fused image."
_NONE_SHARP = "Fuse the stack first, to train on its fused image; or tick a stack whose slices are all sharp."
_ROW, _FEWEST, _MOST = 22, 3, 5


def planes_of(layer: Image) -> list[Any]:
    """The images (Y, X[, C]) of a layer along all its other axes, not read yet."""
    data, plane = lazy(data_of(layer)), plane_axes(layer, -1)
    others = [slice(None) if i in plane else range(data.shape[i]) for i in range(layer.ndim)]
    counts = [1 if isinstance(axis, slice) else len(axis) for axis in others]
    picks = np.ndindex(*counts)
    return [data[tuple(a if isinstance(a, slice) else k for a, k in zip(others, pick, strict=True))] for pick in picks]


@dataclass(frozen=True, eq=False)
class Chosen:
    """What is trained on: images of layers, or a folder.

    Attributes
    ----------
    title : str
        For people.
    images : list of array, or Path
    """

    title: str
    images: "list[Any] | Path"


class ImagesForm(QWidget):
    """Layers to tick, or a folder.

    Parameters
    ----------
    viewer : Viewer
        Its image layers are offered.
    """

    #: What would be trained on is another than before.
    changed = Signal()

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self._layers: list[Image] = []
        #: Layers that were ticked or unticked by hand.
        self._by_hand: dict[Image, bool] = {}
        self._focus = False
        self.kind = ComboBox(
            choices=_KINDS,
            tooltip="Sharp images of your kind of specimen are best: fused images or single images. The recipe paper "
            "also takes all slices of a stack.",
        )
        self.list = _LayerList()
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("folder with image files")
        self.folder.setToolTip("TIFF, PNG, JPEG and others; all pages of a multi-page TIFF are used.")
        self.browse = QPushButton("…")
        self.browse.setToolTip("Choose the folder of images.")
        self.browse.setMaximumWidth(32)
        self.about = PlainLabel()
        self.about.setWordWrap(True)
        self.rows = form_layout()
        self._folder_row = QWidget()
        self._build()
        self.kind.changed.connect(self._on_kind)
        self.list.itemChanged.connect(self._on_ticked)
        self.folder.textChanged.connect(self._refresh)
        self.browse.clicked.connect(self._on_browse)
        self._on_kind()

    def choose(self, layers: Sequence["Layer"]) -> None:
        """Tick these layers and no others."""
        self.kind.value = LAYERS
        self._by_hand = {layer: layer in layers for layer in self._layers}
        self.reset_choices()

    def choose_folder(self, folder: str) -> None:
        """Take the images of a folder."""
        self.kind.value = FOLDER
        self.folder.setText(folder)

    def ticked(self) -> list[Image]:
        """The layers that are ticked."""
        return [layer for layer in self._layers if self._is_ticked(layer)]

    def set_recipe(self, recipe: Recipe) -> None:
        """Offer what a recipe can be trained on: the others take sharp images only, of any size and number."""
        self._focus = recipe != "paper"
        kept = self.kind.value if self._focus or self.kind.value != COMPUTED else LAYERS
        self.kind.choices = [*_KINDS, _NONE] if self._focus else _KINDS
        self.kind.value = kept
        self.reset_choices()

    def value(self) -> Chosen:
        """Freeze what is chosen; nothing is read."""
        if self.kind.value == COMPUTED:
            return Chosen("computed textures", [])
        if self.kind.value == FOLDER:
            path = Path(self.folder.text().strip())
            return Chosen(path.name, path)
        names = [layer.name for layer in self.ticked()]
        return Chosen(names[0] if len(names) == 1 else f"{len(names)} layers", self._planes())

    def problem(self, crop: int) -> str | None:
        """Why nothing can be trained on with crops of that side, in one sentence; None if it can. No pixel is read."""
        if self.kind.value == COMPUTED:
            return None
        if self.kind.value == FOLDER:
            return self._folder_problem()
        if not self._layers:
            return "Open sharp images or a stack first, or choose a folder."
        if not self.ticked():
            return _NONE_SHARP if self._focus and not self._by_hand else "Tick the layers whose images to train on."
        if self._focus:
            return None
        planes = self._planes()
        large = sum(min(plane.shape[:2]) >= crop for plane in planes)
        if not large:
            return f"All images are smaller than a crop of {crop} x {crop} px: choose others, or a smaller crop."
        if large < 2:
            return "One image is too few: one has to be kept for validation. Tick more layers."
        return None

    def reset_choices(self) -> None:
        """Offer the image layers there are, maps apart."""
        bare = [getattr(layer, "__wrapped__", layer) for layer in self._viewer.layers]
        offered = [layer for layer in bare if isinstance(layer, Image) and _is_picture(layer)]
        self._by_hand = {layer: on for layer, on in self._by_hand.items() if layer in offered}
        self._layers = offered[::-1]
        self.list.show_layers(self._layers, self.ticked())
        self._refresh()

    def _is_ticked(self, layer: Image) -> bool:
        """As by hand, or else if its images suit the recipe: a stack has blurred slices."""
        return self._by_hand.get(layer, not self._focus or layer.ndim == 2)

    def _build(self) -> None:
        row = QHBoxLayout(self._folder_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.folder, 1)
        row.addWidget(self.browse)
        self.rows.addRow("Images from", self.kind.native)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.list, self._folder_row, self.about):
            layout.addWidget(part)
        layout.insertLayout(0, self.rows)

    def _folder_problem(self) -> str | None:
        from napari_focusfuse import api

        path = self.folder.text().strip()
        if not path:
            return "Choose the folder with the images."
        if not Path(path).is_dir():
            return f"There is no folder {path}: choose another."
        if not api.image_files(path):
            return f"{path} holds no images: choose another folder."
        return None

    def _describe(self) -> str:
        if self.kind.value == FOLDER:
            from napari_focusfuse import api

            problem = self._folder_problem()
            return problem or f"{len(api.image_files(self.folder.text().strip()))} files"
        if self.kind.value == COMPUTED or not self.ticked():
            return ""
        counts = [len(planes_of(layer)) for layer in self.ticked()]
        planes = self._planes()
        sizes = sorted({f"{plane.shape[0]} x {plane.shape[1]}" for plane in planes})
        size = f" of {sizes[0]} px" if len(sizes) == 1 else f" of {len(sizes)} sizes"
        some = "" if len(planes) == sum(counts) else f", of {sum(counts)}: more do not fit into memory"
        hint = _SHARP if self._focus and max(counts) > 1 else ""
        return f"{len(planes)} image{'s' if len(planes) > 1 else ''}{size}{some}{hint}"

    def _planes(self) -> list[Any]:
        """Images of the ticked layers; only every so manieth one where they are too many for the memory."""
        planes = [plane for layer in self.ticked() for plane in planes_of(layer)]
        pixels = sum(plane.shape[0] * plane.shape[1] for plane in planes)
        return planes[:: max(-(-pixels // _MOST_PIXELS), 1)]

    def _refresh(self) -> None:
        self.about.setText(self._describe())
        self.about.setVisible(bool(self.about.text()))
        self.changed.emit()

    def _on_kind(self) -> None:
        self.list.setVisible(self.kind.value == LAYERS)
        self._folder_row.setVisible(self.kind.value == FOLDER)
        self._refresh()

    def _on_ticked(self) -> None:
        shown = zip(self._layers, self.list.ticks(), strict=True)
        self._by_hand |= {layer: on for layer, on in shown if on != self._is_ticked(layer)}
        self._refresh()

    def _on_browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of images")
        if folder:
            self.folder.setText(folder)


def _is_picture(layer: Image) -> bool:
    """Whether a layer holds images and not one of our maps."""
    return not is_result(layer) or note_of(layer)["role"] == "fused"


class _LayerList(QListWidget):
    """Names with boxes to tick, as high as a few rows."""

    def show_layers(self, layers: Sequence[Image], ticked: Sequence[Image]) -> None:
        self.blockSignals(True)
        self.clear()
        for layer in layers:
            item = QListWidgetItem(layer.name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if layer in ticked else Qt.CheckState.Unchecked)
            item.setToolTip(
                literal(f"{layer.name}: {' x '.join(map(str, data_of(layer).shape))}, {data_of(layer).dtype}")
            )
            self.addItem(item)
        self.blockSignals(False)
        self.setFixedHeight(self.sizeHint().height())

    def ticks(self) -> list[bool]:
        items = (self.item(row) for row in range(self.count()))
        return [item is not None and item.checkState() == Qt.CheckState.Checked for item in items]

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        rows = min(max(self.count(), _FEWEST), _MOST)
        return QSize(super().sizeHint().width(), rows * _ROW + 2 * self.frameWidth())
