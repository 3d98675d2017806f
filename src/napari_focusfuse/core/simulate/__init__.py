"""Simulated focus stacks with exact ground truth.

A scene is a surface over the field, and sheets above it. Opaque scenes in reflected light are a light field: rays
through every point of the aperture, followed to where they first meet the scene. Transparent and shining scenes are cut
into layers that add up, each blurred by its defocus. Larger z is nearer to the objective.

`simulating` tells the walk: shapes and what is drawn on them (`surfaces`), what the objective makes of both
(`rendering`; `optics` for the blur, `aperture`, `rays` and `sheets` for opaque scenes), what spoils the picture
(`flaws`), and the camera with its software (`scene`).
"""

from napari_focusfuse.core.simulate.flaws import drawn_flaws
from napari_focusfuse.core.simulate.scene import Scene, developed
from napari_focusfuse.core.simulate.simulating import Sample, sample_scene, simulate

__all__ = ["Sample", "Scene", "developed", "drawn_flaws", "sample_scene", "simulate"]
