"""Simulated focus stacks with exact truth.

A scene is a surface over the field, cut into thin layers; each layer is blurred by the defocus it has in a slice, and
the layers are put together as light does it: what is nearer hides what is behind it, or attenuates or outshines it.
Larger z is nearer to the objective. The surface (`_surfaces`), what is drawn on it (`_textures`), the blur (`_optics`),
the putting together (`_layers`), what spoils the picture (`_flaws`) and the camera (`_camera`) are rooms of their own.
"""

from napari_focusfuse.core.simulate._scene import Sample, Scene, sample_scene, simulate

__all__ = ["Sample", "Scene", "sample_scene", "simulate"]
