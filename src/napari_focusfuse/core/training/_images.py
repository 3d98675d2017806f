"""The images that something can be learnt from."""

import warnings
from collections.abc import Sequence

from napari_focusfuse.core._types import Image
from napari_focusfuse.errors import FocusFuseWarning, TrainingError

__all__ = ["central", "usable"]


def central(image: Image, size: int) -> Image:
    """The middle of an image, at most `size` px along each side."""
    y, x = (max(side - size, 0) // 2 for side in image.shape)
    return image[y : y + size, x : x + size]


def usable(images: Sequence[Image], purpose: str, least: int = 1) -> list[Image]:
    """The images that something can be learnt from: at least `least` px a side, and not of one value.

    Raises
    ------
    TrainingError
        There are some, but none of that kind.
    """
    large = [image for image in images if min(image.shape) >= least]
    if images and not large:
        raise TrainingError(
            f"none of the {len(images)} {purpose} images is at least {least} x {least} px: "
            "give larger images or a smaller crop"
        )
    found = [image for image in large if image.max() > image.min()]
    if large and not found:
        raise TrainingError(f"there is nothing to learn from: all {len(large)} {purpose} images are of one value")
    reasons = {
        f"smaller than {least} x {least} px": len(images) - len(large),
        "of one value": len(large) - len(found),
    }
    said = " and ".join(f"{count} {reason}" for reason, count in reasons.items() if count)
    if said:
        warnings.warn(f"of {len(images)} {purpose} images {said} are left out", FocusFuseWarning, stacklevel=3)
    return found
