"""Focus curves of single pixels, and activity maps of single slices.

Both are what the fusion compares (`napari_focusfuse.core.decide.scan`), beside the classical spatial frequency of the
grey values. A curve reads a small window of each slice only.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core._types import Grey
from napari_focusfuse.core.decide.scan import SliceActivity
from napari_focusfuse.core.decide.statistics import Statistics, iter_statistics
from napari_focusfuse.core.encode import squared_sf
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.progress import Progress, repeated
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import continued, filled, luminance, scaled
from napari_focusfuse.core.stack.tiles import grown, within
from napari_focusfuse.errors import FocusFuseError

__all__ = ["Focus", "FocusCurve", "Glance", "Sharpness", "iter_focus"]

Where = tuple[slice, slice]
#: Windows begin at multiples of so many pixels, where the coarsest scale samples.
_ALIGN = 4
#: Spatial frequency of the grey values, and of the deep features.
Sharpness = Literal["sf", "deep"]


@dataclass(frozen=True, eq=False)
class FocusCurve:
    """Activity of one pixel over the slices, by ascending z.

    Attributes
    ----------
    z : (N,) float64
        Positions of the slices.
    sf : (N,) float32
        Spatial frequency of the grey values, which are 0 to 1 over the range of the stack.
    deep : (N,) float32
        Activity level that the fusion compares: spatial frequency of the deep features, at the scales it uses.
    """

    z: NDArray[np.float64]
    sf: Grey
    deep: Grey


class _Canvas:
    """Takes the activity of tiles and puts it together."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.activity = np.zeros(shape, dtype=np.float32)

    def show(self, where: Where, _label: int, _previous: int, activity: Grey, *_further: Grey) -> None:
        """Take in a tile."""
        self.activity[where] = activity


class Focus:
    """What is needed for focus curves of a stack; computed once by `iter_focus`.

    Parameters
    ----------
    stack : Stack
    encoder : Encoder
        On `device`.
    config : FusionConfig
    stats : Statistics
        Of the stack, with `config`.
    device : torch device
    """

    def __init__(
        self, stack: Stack, encoder: Encoder, config: FusionConfig, stats: Statistics, device: torch.device
    ) -> None:
        self._stack, self._encoder, self._config = stack, encoder, config
        self._stats, self._device = stats, device
        self._activity = SliceActivity(encoder, config, stats, device)

    def curve(self, y: int, x: int) -> FocusCurve:
        """Focus curve of a pixel.

        Parameters
        ----------
        y, x : int
            Where it is in the slices, px.

        Returns
        -------
        FocusCurve
            0 where the pixel is no number, as in the fusion.

        Raises
        ------
        FocusFuseError
            There is no such pixel.
        """
        height, width = self._stack.shape
        if not (0 <= y < height and 0 <= x < width):
            raise FocusFuseError(f"there is no pixel ({y}, {x}) in slices of {height} x {width} px: choose one in them")
        pixel = slice(y, y + 1), slice(x, x + 1)
        around = grown(pixel, max(self._activity.reach, self._config.radius + 1), self._stack.shape, _ALIGN)
        read = [continued(self._grey(int(k), around)) for k in self._stack.order]
        windows = np.stack([grey for grey, _ in read])
        here = within(pixel, around)
        origin = around[0].start, around[1].start
        deep = self._activity.part(windows, here, self._stats.means, origin)[:, 0, 0]
        sf = self._root_sf(windows)[:, *here][:, 0, 0]
        for i, (_, missing) in enumerate(read):
            if missing is not None and missing[here].any():
                deep[i] = sf[i] = 0
        return FocusCurve(self._stack.z[self._stack.order], sf, deep)

    def iter_map(self, k: int, sharpness: Sharpness) -> Generator[Progress, None, Grey]:
        """Activity (Y, X) float32 of each pixel of slice `k`, the same that `curve` gives; tile by tile.

        Raises
        ------
        FocusFuseError
            There is no such slice.
        """
        if not 0 <= k < len(self._stack):
            raise FocusFuseError(f"there is no slice {k} in a stack of {len(self._stack)}: choose one in it")
        progress = Progress(0, 1, f"slice {k + 1}")
        yield progress
        grey = self._grey(k, (slice(None), slice(None)))
        if sharpness == "sf":
            whole, missing = continued(grey)
            activity: Grey = self._root_sf(whole[None])[0]
            if missing is not None:
                activity[missing] = 0
            return activity
        canvas = _Canvas(self._stack.shape)
        yield from repeated(self._activity.iter_show(canvas, k, -1, grey), progress)
        return canvas.activity

    def _grey(self, k: int, where: Where) -> Grey:
        grey = scaled(luminance(self._stack.part(k, where)), self._stats.limits)
        return np.asarray(grey * np.float32(self._stats.gains[k]))

    @torch.inference_mode()
    def _root_sf(self, greys: Grey) -> Grey:
        """Spatial frequency (N, Y, X) of grey values."""
        images = torch.from_numpy(np.ascontiguousarray(greys))[:, None]
        sf: Grey = squared_sf(images, self._config.radius)[:, 0].clamp_(min=0).sqrt_().numpy()
        return sf


def iter_focus(
    stack: Stack, encoder: Encoder, config: FusionConfig, device: torch.device
) -> Generator[Progress, None, Focus]:
    """Analyse a stack, so that focus curves of its pixels are fast; see `napari_focusfuse.api.iter_focus`."""
    if config.preset == "paper":
        raise FocusFuseError(
            'with the preset "paper" the activity of a pixel depends on the whole slice: choose "default"'
        )
    stats = yield from iter_statistics(stack, encoder, config, device)
    return Focus(stack, encoder, config, stats, device)


#: Side of the part that is read at once where reading is slow, px.
_BLOCK = 64


class Glance:
    """Focus curves of the grey values.

    Parameters
    ----------
    stack : Stack
    radius : int, optional
        Of the window, px; by default that of the default preset.
    keep : bool
        Keep what was read last for the pixels beside it: for stacks that are read from files. What changes in the
        stack meanwhile is not seen.
    """

    def __init__(self, stack: Stack, radius: int | None = None, *, keep: bool = False) -> None:
        self._stack, self._keep = stack, keep
        self._radius = FusionConfig().radius if radius is None else radius
        self._kept: tuple[Where, NDArray[np.float32]] | None = None

    @property
    def z(self) -> NDArray[np.float64]:
        """Positions of the slices, ascending."""
        return self._stack.z[self._stack.order]

    def curve(self, y: int, x: int) -> NDArray[np.float32]:
        """Spatial frequency (N,) of the grey values around a pixel, by ascending z, in the units of the stack.

        Parameters
        ----------
        y, x : int
            Where it is in the slices, px.

        Raises
        ------
        FocusFuseError
            There is no such pixel.
        """
        height, width = self._stack.shape
        if not (0 <= y < height and 0 <= x < width):
            raise FocusFuseError(f"there is no pixel ({y}, {x}) in slices of {height} x {width} px: choose one in them")
        pixel = slice(y, y + 1), slice(x, x + 1)
        around = grown(pixel, self._radius + 1, self._stack.shape)
        where, greys = self._read(around)
        window = np.ascontiguousarray(greys[:, *within(around, where)])
        return self._sf(window)[:, *within(pixel, around)][:, 0, 0]

    @torch.inference_mode()
    def _sf(self, greys: NDArray[np.float32]) -> NDArray[np.float32]:
        sf: NDArray[np.float32] = (
            squared_sf(torch.from_numpy(greys)[:, None], self._radius)[:, 0].clamp_(min=0).sqrt_().numpy()
        )
        return sf

    def _read(self, around: Where) -> tuple[Where, NDArray[np.float32]]:
        """Grey values (N, y, x) of a part of all slices that holds `around`, and which part it is."""
        if self._kept is not None and _inside(around, self._kept[0]):
            return self._kept
        where = grown(around, _BLOCK // 2, self._stack.shape) if self._keep else around
        parts = [filled(luminance(self._stack.part(int(k), where)))[0] for k in self._stack.order]
        read = where, np.stack(parts).astype(np.float32)
        if self._keep:
            self._kept = read
        return read


def _inside(part: Where, whole: Where) -> bool:
    return all(w.start <= p.start and p.stop <= w.stop for p, w in zip(part, whole, strict=True))
