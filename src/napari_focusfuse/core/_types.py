"""Kinds of arrays that several rooms speak of."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Depth", "Grey", "Image", "Map", "Mask"]

#: A picture (Y, X), or several of them, (N, Y, X) or (C, Y, X).
Image = NDArray[np.float32]
#: A slice (Y, X) as luminance, in [0, 1].
Grey = NDArray[np.float32]
#: What is known of each pixel, (Y, X).
Map = NDArray[np.float32]
#: Which pixels, (Y, X).
Mask = NDArray[np.bool_]
#: Where the surface of a simulated scene lies, (Y, X).
Depth = NDArray[np.float64]
