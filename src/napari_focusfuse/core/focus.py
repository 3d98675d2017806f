"""How sharp a place is in each slice: focus curves of single pixels, and activity maps of single slices.

Both are what the fusion compares (`napari_focusfuse.core.slices`), beside the classical spatial frequency of the grey
values. A curve reads a small window of each slice only.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.core.activity import halo, scale_sf, squared_sf
from napari_focusfuse.core.config import FusionConfig
from napari_focusfuse.core.intensity import filled, luminance, scaled
from napari_focusfuse.core.network import Encoder
from napari_focusfuse.core.progress import Progress, repeated
from napari_focusfuse.core.slices import SliceActivity
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.survey import Survey, combined, iter_survey
from napari_focusfuse.errors import FocusFuseError

__all__ = ["Focus", "FocusCurve", "Sharpness", "iter_focus"]

Grey = NDArray[np.float32]
Where = tuple[slice, slice]
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

    def show(self, where: Where, _label: int, _previous: int, activity: Grey) -> None:
        """Take in a tile."""
        self.activity[where] = activity


class Focus:
    """What is needed to tell how sharp the pixels of a stack are; made once by `iter_focus`.

    Parameters
    ----------
    stack : Stack
    encoder : Encoder
        On `device`.
    config : FusionConfig
    survey : Survey
        Of the stack, with `config`.
    device : torch device
    """

    def __init__(
        self, stack: Stack, encoder: Encoder, config: FusionConfig, survey: Survey, device: torch.device
    ) -> None:
        self._stack, self._encoder, self._config = stack, encoder, config
        self._survey, self._device = survey, device
        self._levels = [level for level, weight in enumerate(survey.level_weights) if weight]

    def curve(self, y: int, x: int) -> FocusCurve:
        """Focus curve of a pixel.

        Parameters
        ----------
        y, x : int
            Where it is in the slices, px.

        Returns
        -------
        FocusCurve
            0 where a pixel that is no number is too near, as in the fusion.

        Raises
        ------
        FocusFuseError
            There is no such pixel.
        """
        height, width = self._stack.shape
        if not (0 <= y < height and 0 <= x < width):
            raise FocusFuseError(f"there is no pixel ({y}, {x}) in slices of {height} x {width} px: choose one in them")
        around = self._around(y, x, max(self._levels))
        read = [filled(self._grey(int(k), around)) for k in self._stack.order]
        windows = np.stack([grey for grey, _ in read])
        deep, sf = self._deep(windows, around, y, x), self._sf(windows, around, y, x)
        for i, (_, missing) in enumerate(read):
            if missing is not None:
                reaches = halo(self._encoder, max(self._levels), self._config.radius), self._config.radius + 1
                for activity, reach in zip((deep, sf), reaches, strict=True):
                    activity[i] *= not missing[self._inside(around, y, x, reach)].any()
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
            whole, missing = filled(grey)
            activity: Grey = self._root_sf(whole[None])[0]
            if missing is not None:
                activity[ndimage.maximum_filter(missing, 2 * self._config.radius + 3)] = 0
            return activity
        canvas = _Canvas(self._stack.shape)
        slices = SliceActivity(self._encoder, self._config, self._survey, self._device)
        yield from repeated(slices.iter_show(canvas, k, -1, grey), progress)
        return canvas.activity

    def _grey(self, k: int, where: Where) -> Grey:
        grey = scaled(luminance(self._stack.part(k, where)), self._survey.limits)
        return np.asarray(grey * np.float32(self._survey.gains[k]))

    def _around(self, y: int, x: int, level: int) -> Where:
        """The window that the activity of a pixel at a pyramid level depends on; starts where the pyramid samples."""
        reach, step = halo(self._encoder, level, self._config.radius), 2**level
        rows, columns = (
            slice(max((at - reach) // step * step, 0), min(at + reach + 1, size))
            for at, size in zip((y, x), self._stack.shape, strict=True)
        )
        return rows, columns

    @staticmethod
    def _inside(around: Where, y: int, x: int, reach: int) -> Where:
        """Up to `reach` px from a pixel, in its window."""
        rows, columns = (
            slice(max(at - side.start - reach, 0), at - side.start + reach + 1)
            for at, side in zip((y, x), around, strict=True)
        )
        return rows, columns

    @torch.inference_mode()
    def _deep(self, windows: Grey, around: Where, y: int, x: int) -> Grey:
        """Combined activity (N,) of the pixel, each scale in no larger a window than it sees."""
        maps = []
        for level in self._levels:
            own = self._around(y, x, level)
            crop = tuple(slice(o.start - a.start, o.stop - a.start) for o, a in zip(own, around, strict=True))
            part = torch.from_numpy(np.ascontiguousarray(windows[:, *crop]))[:, None].to(self._device)
            squared = scale_sf(self._encoder, part, level, self._config.radius, self._survey.means)
            maps.append(squared[:, 0, y - own[0].start, x - own[1].start].cpu().numpy())
        weights, floors = (
            [values[level] for level in self._levels] for values in (self._survey.level_weights, self._survey.floors)
        )
        return combined(maps, weights, floors)

    def _sf(self, windows: Grey, around: Where, y: int, x: int) -> Grey:
        reach = self._config.radius + 1
        crop = self._inside(around, y, x, reach)
        at = (y - around[0].start - crop[0].start, x - around[1].start - crop[1].start)
        return np.array(self._root_sf(windows[:, *crop])[:, *at])

    @torch.inference_mode()
    def _root_sf(self, greys: Grey) -> Grey:
        """Spatial frequency (N, Y, X) of grey values."""
        images = torch.from_numpy(np.ascontiguousarray(greys))[:, None]
        sf: Grey = squared_sf(images, self._config.radius)[:, 0].clamp_(min=0).sqrt_().numpy()
        return sf


def iter_focus(
    stack: Stack, encoder: Encoder, config: FusionConfig, device: torch.device
) -> Generator[Progress, None, Focus]:
    """Look at a stack, so that the focus of its pixels can be told at once; see `napari_focusfuse.api.iter_focus`."""
    if config.preset == "paper":
        raise FocusFuseError(
            'with the preset "paper" the activity of a pixel depends on the whole slice: choose "default"'
        )
    survey = yield from iter_survey(stack, encoder, config, device)
    return Focus(stack, encoder, config, survey, device)
