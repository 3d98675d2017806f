"""Limits on the sizes that files may state: a few bytes can name a billion images."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from napari_focusfuse.core.files.machine import GIB, largest
from napari_focusfuse.errors import StackError

__all__ = ["MOST_PAGES", "check_count", "check_images", "check_room"]

#: Images in one TIFF, and in any file or folder.
MOST_PAGES, MOST_IMAGES = 100_000, 1_000_000


def check_room(path: Path, shape: Iterable[int], dtype: Any) -> None:
    """Refuse an image, or a chunk of one, that does not fit in memory.

    Raises
    ------
    StackError
        The message says how large it would be.
    """
    sides = [int(n) for n in shape]
    size, most = math.prod(sides) * np.dtype(dtype).itemsize, largest()
    if size > most:
        raise StackError(
            f"{path} states an image of {' x '.join(map(str, sides))} values, {size / GIB:.1f} GiB, and more than "
            f"{most / GIB:.1f} GiB would fill the memory of this machine: crop it, or check the file"
        )


def check_count(path: Path, images: int, most: int = MOST_IMAGES) -> None:
    """Refuse more images than anybody has in one file.

    Raises
    ------
    StackError
    """
    if images > most:
        raise StackError(f"{path} states {images} images, and no more than {most} are read: check the file")


def check_images(path: Path, counts: Iterable[int], *, pixels: Iterable[int], page: int) -> None:
    """Refuse an image of so many pixels a side for each of so many positions, if pages of `page` values cannot be it.

    Raises
    ------
    StackError
    """
    sides, images = list(pixels), math.prod(counts)
    check_count(path, images)
    if min(*sides, images) < 1 or math.prod(sides) * images > MOST_IMAGES * page:
        raise StackError(
            f"{path} states images of {' x '.join(map(str, sides))} px, and its pages are others: check the file"
        )
