"""Sample data for File > Open Sample."""

from typing import Any

from napari_focusfuse import api

__all__ = ["simulated_cells", "simulated_fibres", "simulated_stack"]

LayerData = tuple[Any, dict[str, Any], str]


def simulated_stack() -> list[LayerData]:
    """A simulated focus stack of a rough surface, with z-step and pixel size in um."""
    return [_stack(api.sample_scene("surface"), "Simulated focus stack")]


def simulated_fibres() -> list[LayerData]:
    """Simulated fibres over a ground, with the true all-in-focus image and the true height beside them."""
    scene = api.sample_scene("fibres")
    truth = (scene.truth, _plane(scene, "Simulated fibres truth"), "image")
    height = (scene.height, {**_plane(scene, "Simulated fibres true height"), "colormap": "viridis"}, "image")
    return [height, truth, _stack(scene, "Simulated fibres")]


def simulated_cells() -> list[LayerData]:
    """Simulated labelled cells in fluorescence, with photon noise and haze."""
    return [_stack(api.sample_scene("cells"), "Simulated cells")]


def _stack(scene: Any, name: str) -> LayerData:
    arguments = {
        "name": name,
        "scale": (scene.z_step, scene.pixel_size, scene.pixel_size),
        "units": ("um", "um", "um"),
        "axis_labels": ("z", "y", "x"),
    }
    return scene.stack, arguments, "image"


def _plane(scene: Any, name: str) -> dict[str, Any]:
    size = (scene.pixel_size, scene.pixel_size)
    return {"name": name, "scale": size, "units": ("um", "um"), "axis_labels": ("y", "x"), "visible": False}
