"""Sample data for File > Open Sample."""

from typing import Any

__all__ = ["simulated_stack"]


def simulated_stack() -> list[tuple[Any, dict[str, Any], str]]:
    """A simulated focus stack of a rough surface, with z-step and pixel size in um."""
    from napari_focusfuse import api

    scene = api.sample_scene()
    arguments = {
        "name": "Simulated focus stack",
        "scale": (scene.z_step, scene.pixel_size, scene.pixel_size),
        "units": ("um", "um", "um"),
        "axis_labels": ("z", "y", "x"),
    }
    return [(scene.stack, arguments, "image")]
