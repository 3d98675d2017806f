"""Simulated focus stacks with exact ground truth.

A scene is a surface over the field, and sheets above it. Opaque scenes in reflected light are a light field: rays
through every point of the aperture, followed to where they first meet the scene. Transparent and shining scenes are cut
into layers that add up, each blurred by its defocus. Larger z is nearer to the objective.

Shapes (`_surfaces`, `_relief`), what is drawn on them (`_textures`, `_drawing`), opaque scenes (`_aperture`, `_rays`,
`_hanging`, `_reflected`), transparent ones (`_optics`, `_layers`), what spoils the picture (`_flaws`, `_drawn_flaws`),
the camera (`_camera`) and its software (`_developing`) are rooms of their own.
"""

from napari_focusfuse.core.simulate._developing import developed
from napari_focusfuse.core.simulate._drawn_flaws import drawn_flaws
from napari_focusfuse.core.simulate._samples import Sample, sample_scene
from napari_focusfuse.core.simulate._scene import Scene
from napari_focusfuse.core.simulate._simulating import simulate

__all__ = ["Sample", "Scene", "developed", "drawn_flaws", "sample_scene", "simulate"]
