"""The labels of a decision layer: what is painted, what was decided, and what the layers of the result show of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.result.edits import bounds
from napari_focusfuse.core.retouch import decision_of, second_best
from napari_focusfuse.gui.retouch.pieces import Part, Piece

if TYPE_CHECKING:
    from napari_focusfuse.core.result.fusion import FusionResult

__all__ = ["Painted"]


class Painted:
    """Labels, which are slices from 1.

    Parameters
    ----------
    layer : callable
        Gives the decision layer, or None when it is gone.
    result : FusionResult
        As fused.
    slices : int
        Number of slices.

    Attributes
    ----------
    automatic : (Y, X) array of int
        As decided.
    shown : (Y, X) array of int
        As the layers of the result show it.
    edited : int
        Number of pixels whose labels shown are not the automatic ones.
    unknown : int or None
        The label painted last that is neither a slice nor stands for one.
    """

    def __init__(self, layer: Callable[[], Any], result: "FusionResult", slices: int) -> None:
        self._layer, self._decision, self._slices = layer, decision_of(result), slices
        self.shown: NDArray[Any] = np.zeros((0, 0))
        self.automatic: NDArray[Any] = np.array(self.labels())
        self.shown = self.automatic.copy()
        self.edited = 0
        self.unknown: int | None = None

    @property
    def second(self) -> int | None:
        """What to paint for the second best slice of each pixel; None if none is known."""
        return self._slices + 1 if len(self._decision.labels) > 1 else None

    def labels(self) -> NDArray[Any]:
        """The labels; those shown where the layer is gone or holds something else."""
        layer = self._layer()
        if layer is None or not isinstance(layer.data, np.ndarray):
            return self.shown
        return layer.data if layer.data.shape == self._decision.shape else self.shown

    def settle(self) -> Part | None:
        """Replace labels that are no slices; tell where the labels are others than those shown."""
        labels = self.labels()
        where = bounds(labels != self.shown)
        if where is None:
            return None
        part = labels[where]
        odd = (part < 1) | (part > self._slices)
        if odd.any():
            strange = part[odd & (part != 0) & (part != (self.second or 0))]
            self.unknown = int(strange[0]) if strange.size else None
            part[odd] = np.where(part == self.second, self._second_best(where), self.automatic[where])[odd]
            self._layer().refresh(extent=False, thumbnail=False, highlight=False)
        return where

    def edits(self) -> Part | None:
        """Where the labels are not the automatic ones."""
        return bounds(self.labels() != self.automatic)

    def changes(self) -> Part | None:
        """Where the labels are not the automatic ones, or not those shown."""
        labels = self.labels()
        return bounds((labels != self.automatic) | (labels != self.shown))

    def freeze(self) -> None:
        """The labels stay as they are by now, whatever becomes of the layer."""
        self.shown = self.labels().copy()
        self._layer = _nothing

    def note(self, piece: Piece) -> None:
        """The layers show a piece."""
        self.shown[piece.region] = piece.painted[piece.inner]
        self.edited = int(np.count_nonzero(self.shown != self.automatic))

    def _second_best(self, where: Part) -> NDArray[Any]:
        found = second_best(replace(self._decision, labels=self._decision.labels[:, *where]))
        return self.automatic[where] if found is None else (found + 1).astype(self.automatic.dtype)


def _nothing() -> None:
    """In place of a layer."""
