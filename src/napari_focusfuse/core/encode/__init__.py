"""Activity level: the spatial frequency (SF) of deep features (paper, Sect. 3.3.1), at one or more scales.

Beside it the way from grey images to energies: the `network`, the classical `measures`, and the heads that combine
scales. What the energies of several slices mean together is told by `napari_focusfuse.core.decide`.

The channels are summed before the box, which gives the map of Eq. 5-7 at a fraction of the cost. Borders are
replicated, so that the frame of an image is no false gradient.
"""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import torch
from torch import Tensor
from torch.nn import functional

from napari_focusfuse.core.encode.measures import FocusMeasure, box_mean, difference_energy, laplacian_energy

__all__ = ["doubled", "halo", "reduced", "scale_maps", "scale_sf", "squared_sf"]

_REDUCE = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def squared_sf(features: Tensor, radius: int) -> Tensor:
    """Square of the spatial frequency of each pixel (Eq. 5-7).

    Parameters
    ----------
    features : Tensor, (B, C, H, W)
        Deep features, or the image itself (C = 1) for the classical spatial frequency.
    radius : int
        r, px: the window has 2 r + 1 pixels a side.

    Returns
    -------
    Tensor, (B, 1, H, W)
        SF squared: mean over the window of the squared differences to the left and upper neighbour, summed over C.
    """
    return box_mean(difference_energy(features), radius)


def reduced(image: Tensor) -> Tensor:
    """Image (B, 1, H, W) at half size: binomial 5 x 5 filter, then every second pixel from the first."""
    line = image.new_tensor(_REDUCE)
    padded = functional.pad(image, (2, 2, 2, 2), mode="replicate")
    rows = functional.conv2d(padded, line.view(1, 1, 5, 1), stride=(2, 1))
    return functional.conv2d(rows, line.view(1, 1, 1, 5), stride=(1, 2))


def doubled(image: Tensor, shape: tuple[int, int]) -> Tensor:
    """Image back at twice the size, `shape`: bilinear, pixel i of the small one at pixel 2 i of the large one."""
    for dim, size in ((2, shape[0]), (3, shape[1])):
        between = (image.narrow(dim, 0, image.shape[dim] - 1) + image.narrow(dim, 1, image.shape[dim] - 1)) / 2
        last = image.narrow(dim, image.shape[dim] - 1, 1)
        pairs = torch.stack([image, torch.cat([between, last], dim)], dim + 1)
        image = pairs.flatten(dim, dim + 1).narrow(dim, 0, size)
    return image


def halo(measure: FocusMeasure, level: int, radius: int) -> int:
    """Pixels of the full image that a pixel's SF at pyramid level `level` (0 is full size) sees on each side."""
    seen = measure.halo + radius
    for _ in range(level):
        seen = 2 * (seen + 1) + 2
    return seen


def scale_sf(
    measure: FocusMeasure,
    image: Tensor,
    level: int,
    radii: Sequence[int],
    means: Sequence[Tensor] | None = None,
    *,
    half: bool = False,
) -> Tensor:
    """Squared SF of the deep features of an image at 1 / 2^level of its size, brought back to full or to half size.

    Parameters
    ----------
    measure : FocusMeasure
        An `Encoder`; of another measure the mean of its energy over the window takes the place of SF squared.
    image : Tensor, (B, 1, H, W)
        Grey, in [0, 1].
    level : int
        0 is full size, 1 half size and so on.
    radii : sequence of int
        r of Eq. 5-7, in pixels of the reduced image; one or more.
    means : sequence of Tensors, optional
        Channel means that freeze an encoder's gates.
    half : bool
        Give every second pixel only, from the first, for a decision head: beside SF the energy of the Laplacian; and at
        level 0 the SF of the encoder's first block, for a fraction of the time that all blocks take there.

    Returns
    -------
    Tensor, (B, len(radii), H, W); if `half`, of half the size, and two maps for each radius
    """
    shapes = []
    for _ in range(level):
        shapes.append((image.shape[2], image.shape[3]))
        image = reduced(image)
    energy = measure.shallow(image, means) if half and level == 0 else measure.energy(image, means)
    if half:
        energy = torch.cat([energy, laplacian_energy(image)], dim=1)
    step = 2 if half and level == 0 else 1
    sf = torch.cat([box_mean(energy, radius, step) for radius in radii], dim=1)
    for shape in reversed(shapes[1:] if half else shapes):
        sf = doubled(sf, shape)
    return sf


def scale_maps(
    measure: FocusMeasure,
    image: Tensor,
    scales: Sequence[tuple[int, int]],
    means: Sequence[Tensor] | None = None,
    *,
    half: bool = False,
) -> Tensor:
    """Energies (B, S, H, W) of an image (B, 1, H, W) on several (level, radius), levels rising; see `scale_sf`."""
    maps = []
    for level, of_level in groupby(scales, key=itemgetter(0)):
        maps.append(scale_sf(measure, image, level, [radius for _, radius in of_level], means, half=half))
    return torch.cat(maps, dim=1)
