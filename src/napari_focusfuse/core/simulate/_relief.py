"""The parts of a scene: a ground, and sheets that float over it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.errors import FocusFuseError

__all__ = ["Relief", "Sheet", "hanging"]

Image = NDArray[np.float32]
Depth = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sheet:
    """Something thin over the ground, which is seen behind it where it is out of focus.

    Attributes
    ----------
    height : (Y, X) float64
        Where it is, in steps, smooth; anything where it is not.
    inside : (Y, X) float64
        Distance to its outline, px, negative outside.
    contrast, brightness : float
        How much of the texture it shows (turned by 180 degrees: another one than beneath), and what is added.
    """

    height: Depth
    inside: Depth
    contrast: float = 1.0
    brightness: float = 0.0

    @property
    def cover(self) -> Image:
        """(Y, X): share of each pixel that it covers."""
        return np.asarray(np.clip(self.inside + 0.5, 0, 1), dtype=np.float32)

    def drawn(self, texture: Image) -> Image:
        """(Y, X): what is drawn on it."""
        return np.float32(self.contrast) * texture[::-1, ::-1] + np.float32(self.brightness)


@dataclass(frozen=True, eq=False)
class Relief:
    """The shape of a scene.

    Attributes
    ----------
    ground : (Y, X) float64
        Height in steps; larger is nearer to the objective. It is solid: where it jumps stands a wall.
    sheets : sequence of Sheet
    """

    ground: Depth
    sheets: Sequence[Sheet] = field(default=())

    def seen_from_above(self, texture: Image) -> tuple[Depth, Image]:
        """Height of what is nearest, and brightness, (Y, X)."""
        height, drawn = self.ground.copy(), texture
        for sheet in self.sheets:
            cover = np.where(sheet.height > height, sheet.cover, np.float32(0))
            height = np.where(cover >= 0.5, sheet.height, height)
            drawn = drawn + cover * (sheet.drawn(texture) - drawn)
        return height, drawn

    def ends(self) -> tuple[float, float]:
        """Lowest and highest place."""
        parts = [self.ground, *(sheet.height[sheet.inside > -1] for sheet in self.sheets)]
        return min(float(part.min()) for part in parts if part.size), max(float(p.max()) for p in parts if p.size)


def hanging(height: Depth, mask: NDArray[np.bool_]) -> Sheet:
    """A sheet where a mask (Y, X) says."""
    if mask.shape != height.shape:
        raise FocusFuseError(f"the mask {mask.shape} of a sheet must be of the shape of its height map {height.shape}")
    within, beyond = (ndimage.distance_transform_edt(np.pad(m, 1, mode="edge")) for m in (mask, ~mask))
    inside = within - beyond - np.sign(within - beyond) / 2
    return Sheet(height, inside[1:-1, 1:-1])
