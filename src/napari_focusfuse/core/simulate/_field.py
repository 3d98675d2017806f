"""Convolution by the Fourier transform."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_focusfuse.core._types import Image

__all__ = ["Field", "Spectrum"]

Spectrum = NDArray[np.complex64]


class Field:
    """Convolution by the Fourier transform, on a field that goes on as its mirror image beyond its borders."""

    def __init__(self, shape: tuple[int, ...], margin: int) -> None:
        self._shape, self._margin = shape, margin
        self._size = [fft.next_fast_len(n + 2 * margin, real=True) for n in shape]
        #: Frequencies along y and x, cycles a pixel, and their distance from zero.
        self.frequencies = fft.fftfreq(self._size[0])[:, None], fft.rfftfreq(self._size[1])[None]
        self.frequency = np.hypot(*self.frequencies).astype(np.float32)

    def spectrum(self, image: NDArray[np.floating]) -> Spectrum:
        around = [(self._margin, size - n - self._margin) for n, size in zip(image.shape, self._size, strict=True)]
        return np.asarray(fft.rfft2(np.pad(image.astype(np.float32), around, mode="symmetric")))

    def transfer(self, kernel: Image) -> Spectrum:
        """Spectrum of a kernel that is centred on the first pixel."""
        whole = np.zeros(self._size, np.float32)
        whole[: len(kernel), : len(kernel)] = kernel
        half = len(kernel) // 2
        return np.asarray(fft.rfft2(np.roll(whole, (-half, -half), (0, 1))))

    def image(self, spectrum: Spectrum) -> Image:
        """Back to an image, without the margin."""
        y, x = self._shape
        whole = fft.irfft2(spectrum, self._size)
        return np.asarray(whole[self._margin : self._margin + y, self._margin : self._margin + x])
