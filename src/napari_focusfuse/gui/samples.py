"""Sample data for File > Open Sample."""

from typing import TYPE_CHECKING, Any

from napari_focusfuse.core.simulate import sample_scene

if TYPE_CHECKING:
    from napari_focusfuse.core.simulate import Scene

__all__ = ["simulated_cells", "simulated_fibres", "simulated_stack", "simulated_stack_with_truth"]

LayerData = tuple[Any, dict[str, Any], str]


def simulated_stack() -> list[LayerData]:
    """A simulated focus stack of a rough surface, with z-step and pixel size in um."""
    return [_stack(sample_scene("surface"), "Simulated focus stack")]


def simulated_stack_with_truth() -> list[LayerData]:
    """The same, and under it the true all-in-focus image to measure fused images against."""
    scene = sample_scene("surface")
    return [_plane(scene, scene.truth, "Simulated truth"), _stack(scene, "Simulated focus stack")]


def simulated_fibres() -> list[LayerData]:
    """Simulated fibres over a ground, and under them the true height and the true all-in-focus image."""
    scene = sample_scene("fibres")
    height = _plane(scene, scene.height, "Simulated fibres height", colormap="viridis", visible=False)
    return [height, _plane(scene, scene.truth, "Simulated fibres truth"), _stack(scene, "Simulated fibres")]


def simulated_cells() -> list[LayerData]:
    """Simulated labelled cells in fluorescence, with photon noise and haze."""
    return [_stack(sample_scene("cells"), "Simulated cells")]


def _stack(scene: "Scene", name: str) -> LayerData:
    scale = (scene.z_step, scene.pixel_size, scene.pixel_size)
    return scene.stack, {"name": name, "scale": scale, "units": ("um",) * 3, "axis_labels": ("z", "y", "x")}, "image"


def _plane(scene: "Scene", image: Any, name: str, **options: Any) -> LayerData:
    place = {"scale": (scene.pixel_size,) * 2, "units": ("um", "um"), "axis_labels": ("y", "x")}
    return image, {"name": name, **place, **options}, "image"
