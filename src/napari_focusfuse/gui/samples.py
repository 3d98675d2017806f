"""Sample data for File > Open Sample."""

from typing import Any

__all__ = ["simulated_stack", "simulated_stack_with_truth"]


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


def simulated_stack_with_truth() -> list[tuple[Any, dict[str, Any], str]]:
    """The same, and under it the true all-in-focus image to measure fused images against."""
    from napari_focusfuse import api

    (stack,) = simulated_stack()
    _, arguments, _ = stack
    place = {name: arguments[name][1:] for name in ("scale", "units", "axis_labels")}
    return [(api.sample_scene().truth, {"name": "Simulated truth", **place}, "image"), stack]
