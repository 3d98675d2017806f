"""Training crops: drawn anew in every epoch, the same for the same seed."""

import warnings
from collections.abc import Generator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.core.config import TrainConfig
from napari_focusfuse.errors import FocusFuseWarning, TrainingError

__all__ = ["crops", "usable"]

Image = NDArray[np.float32]


def crops(images: Sequence[Image], config: TrainConfig, epoch: int) -> Generator[Tensor, None, None]:
    """Batches (B, 1, crop, crop) of native, randomly flipped and turned crops; the same for the same seed and epoch."""
    rng = np.random.default_rng((config.seed, epoch))
    order = rng.permutation(np.repeat(np.arange(len(images)), config.crops_of(len(images))))
    for start in range(0, len(order), config.batch):
        batch = []
        for i in order[start : start + config.batch]:
            image, size = images[i], config.crop
            y, x = (rng.integers(0, side - size + 1) for side in image.shape)
            crop = np.rot90(image[y : y + size, x : x + size], int(rng.integers(4)))
            batch.append(crop[:, ::-1] if rng.integers(2) else crop)
        yield torch.from_numpy(np.stack(batch)[:, None].astype(np.float32))


def usable(images: Sequence[Image], config: TrainConfig, purpose: str) -> list[Image]:
    """The images that something can be learnt from: as large as a crop, and not of one value.

    Raises
    ------
    TrainingError
        There is none.
    """
    large = [image for image in images if min(image.shape) >= config.crop]
    if not large:
        raise TrainingError(
            f"none of the {len(images)} {purpose} images is at least {config.crop} x {config.crop} px: "
            "give larger images or a smaller crop"
        )
    found = [image for image in large if image.max() > image.min()]
    if not found:
        raise TrainingError(f"there is nothing to learn from: all {len(large)} {purpose} images are of one value")
    reasons = {
        f"smaller than {config.crop} x {config.crop} px": len(images) - len(large),
        "of one value": len(large) - len(found),
    }
    said = " and ".join(f"{count} {reason}" for reason, count in reasons.items() if count)
    if said:
        warnings.warn(f"of {len(images)} {purpose} images {said} are left out", FocusFuseWarning, stacklevel=3)
    return found
