"""Training crops: drawn anew in every epoch, the same for the same seed."""

from collections.abc import Generator, Sequence

import numpy as np
import torch
from torch import Tensor

from napari_focusfuse.config import TrainConfig
from napari_focusfuse.core._types import Image

__all__ = ["crops"]


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
