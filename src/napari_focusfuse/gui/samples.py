"""Sample data for File > Open Sample: simulated stacks, and photographs (licence in the folder ``sample_data``)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_focusfuse.core.simulate import sample_scene

if TYPE_CHECKING:
    from napari_focusfuse.core.simulate import Scene

__all__ = [
    "photographed_board",
    "photographed_leaf",
    "simulated_cells",
    "simulated_fibres",
    "simulated_stack",
    "simulated_stack_with_truth",
]

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


def photographed_leaf() -> list[LayerData]:
    """A leaf under a stereo microscope, six photographs of which the first two are out of focus.

    By Joseph Lewis III, MIT licence (github.com/josephlewis42/focus-stack).
    """
    return _photographs("leaf.tif", "Leaf")


def photographed_board() -> list[LayerData]:
    """A circuit board, seven photographs that drift and grow while the focus moves: they need alignment.

    By Petteri Aimonen, MIT licence (github.com/PetteriAimonen/focus-stack).
    """
    return _photographs("circuit_board.tif", "Circuit board")


def _photographs(file: str, name: str) -> list[LayerData]:
    from napari_focusfuse import api
    from napari_focusfuse.gui.layers.opened import layers_of

    ((data, arguments, kind),) = layers_of(api.open_file(Path(__file__).with_name("sample_data") / file))
    return [(data, {**arguments, "name": name}, kind)]


def _stack(scene: "Scene", name: str) -> LayerData:
    scale = (scene.z_step, scene.pixel_size, scene.pixel_size)
    return scene.stack, {"name": name, "scale": scale, "units": ("um",) * 3, "axis_labels": ("z", "y", "x")}, "image"


def _plane(scene: "Scene", image: Any, name: str, **options: Any) -> LayerData:
    place = {"scale": (scene.pixel_size,) * 2, "units": ("um", "um"), "axis_labels": ("y", "x")}
    return image, {"name": name, **place, **options}, "image"
