"""Processing of an image by the camera software."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from scipy import ndimage

from napari_focusfuse.config import Flaws

__all__ = ["developed", "finished"]

Image = NDArray[np.float32]
#: Shares of red, green and blue in a grey value, and where in a square of four pixels the Bayer mosaic has them.
_COLOURS = ((0.299, ((0, 0),)), (0.587, ((0, 1), (1, 0))), (0.114, ((1, 1),)))
#: Blur of the unsharp mask, px, and side of the square in which a camera tells noise from detail, px.
_MASK, _SQUARE = 1.0, 5


def developed(image: Image, flaws: Flaws) -> Image:
    """An image (Y, X) after the processing of a camera, from the sensor image; 1 is full scale.

    Parameters
    ----------
    image : (Y, X) array
    flaws : Flaws
        `mosaic`, `denoised`, `sharpened`, `gamma` and `jpeg` are done, in that order.

    Returns
    -------
    (Y, X) float32
        Unchanged where nothing was done.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_focusfuse import Flaws
    >>> from napari_focusfuse.core.simulate import developed
    >>> float(developed(np.full((8, 8), 0.25, np.float32), Flaws(gamma=0.5))[0, 0])
    0.5
    """
    if flaws.mosaic:
        image = _mosaicked(image)
    if flaws.denoised:
        image = _smoothed(image, flaws.denoised)
    image = finished(image, flaws)
    return _compressed(image, flaws.jpeg) if flaws.jpeg else image


def finished(image: Image, flaws: Flaws) -> Image:
    """What is done to a true picture as well: sharpening and gamma."""
    if flaws.sharpened:
        image = image + np.float32(flaws.sharpened) * (image - ndimage.gaussian_filter(image, _MASK))
    return np.clip(image, 0, 1) ** np.float32(flaws.gamma) if flaws.gamma != 1 else image


def _mosaicked(image: Image) -> Image:
    """Grey from three colours, each seen at every second or fourth pixel and filled in from its neighbours."""
    grey = np.zeros_like(image)
    near = np.array([1, 2, 1], np.float32) / 2
    for share, places in _COLOURS:
        seen, there = np.zeros_like(image), np.zeros_like(image)
        for y, x in places:
            seen[y::2, x::2], there[y::2, x::2] = image[y::2, x::2], 1
        filled, weight = (
            ndimage.correlate1d(ndimage.correlate1d(a, near, 0, mode="constant"), near, 1, mode="constant")
            for a in (seen, there)
        )
        grey += np.float32(share) * np.where(there > 0, seen, filled / np.maximum(weight, 1e-6))
    return grey


def _smoothed(image: Image, noise: float) -> Image:
    """Lee's filter: less of what departs from the mean around it, the less it stands out of the noise."""
    mean = ndimage.uniform_filter(image, _SQUARE)
    variance = np.maximum(ndimage.uniform_filter(image**2, _SQUARE) - mean**2, 1e-12)
    kept: Image = np.maximum(variance - np.float32(noise**2), 0) / variance
    return np.asarray(mean + kept * (image - mean), dtype=np.float32)


def _compressed(image: Image, quality: int) -> Image:
    file = BytesIO()
    Picture.fromarray(np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Picture.open(file), dtype=np.float32) / np.float32(255)
