"""Registering the slices of a focus stack: drift, rotation and the change of scale during focusing.

Neighbours in focus are alike, slices far apart are not. So each slice is registered to the next few (`fit`, on small
images), the pairs are reconciled over the whole stack and believed only if what is in focus agrees (`measure`), and the
slices are read anew where they lie (`transforms`). No file is known here, but for the one of `Transforms.save`.
"""

from napari_focusfuse.core.align.alignment import Alignment, iter_align
from napari_focusfuse.core.align.transforms import Transforms, load_transforms

__all__ = ["Alignment", "Transforms", "iter_align", "load_transforms"]
