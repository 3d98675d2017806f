"""Aligning the slices of a focus stack: drift, rotation and the change of scale that focusing brings.

Neighbours in focus are alike, slices far apart are not. So each slice is registered to the next few (`_fit`, on the
small images of `_looks`), the pairs are reconciled over the whole stack (`_chain`), what they found is believed only
if what is in focus agrees (`_measure`), and the slices are read anew where they lie (`_resample`). No file is known
here, but for the one of `Transforms.save`.
"""

from napari_focusfuse.core.align._alignment import Alignment, iter_align
from napari_focusfuse.core.align._transforms import Transforms, load_transforms

__all__ = ["Alignment", "Transforms", "iter_align", "load_transforms"]
