"""Sample data for File > Open Sample: simulated stacks, and photographs (licence in the folder ``sample_data``)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

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

_FOLDER = Path(__file__).with_name("sample_data")
#: z-step and pixel size of the surface, um.
_SURFACE = 1.5, 0.65


def simulated_stack() -> list[LayerData]:
    """A simulated focus stack of a rough surface, with z-step and pixel size in um."""
    stack, _ = _surface()
    return [_laid(stack, _SURFACE, "Simulated focus stack")]


def simulated_stack_with_truth() -> list[LayerData]:
    """The same, and under it the true all-in-focus image to measure fused images against."""
    stack, truth = _surface()
    return [_flat(truth, _SURFACE[1], "Simulated truth"), _laid(stack, _SURFACE, "Simulated focus stack")]


def simulated_fibres() -> list[LayerData]:
    """Simulated fibres over a ground, and under them the true height and the true all-in-focus image."""
    from napari_focusfuse.core.simulate import sample_scene

    scene = sample_scene("fibres")
    height = _plane(scene, scene.height, "Simulated fibres height", colormap="viridis", visible=False)
    return [height, _plane(scene, scene.truth, "Simulated fibres truth"), _stack(scene, "Simulated fibres")]


def simulated_cells() -> list[LayerData]:
    """Simulated labelled cells in fluorescence, with photon noise and haze."""
    from napari_focusfuse.core.simulate import sample_scene

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

    ((data, arguments, kind),) = layers_of(api.open_file(_FOLDER / file))
    return [(data, {**arguments, "name": name}, kind)]


def _surface() -> tuple[Any, Any]:
    """Stack and true image of ``sample_scene("surface")``, from a file: simulating it takes seconds."""
    import tifffile

    pages = tifffile.imread(_FOLDER / "surface.tif")
    return pages[:-1], pages[-1]


def _stack(scene: "Scene", name: str) -> LayerData:
    return _laid(scene.stack, (scene.z_step, scene.pixel_size), name)


def _plane(scene: "Scene", image: Any, name: str, **options: Any) -> LayerData:
    return _flat(image, scene.pixel_size, name, **options)


def _laid(stack: Any, sizes: tuple[float, float], name: str) -> LayerData:
    scale = (sizes[0], sizes[1], sizes[1])
    return stack, {"name": name, "scale": scale, "units": ("um",) * 3, "axis_labels": ("z", "y", "x")}, "image"


def _flat(image: Any, pixel_size: float, name: str, **options: Any) -> LayerData:
    place = {"scale": (pixel_size,) * 2, "units": ("um", "um"), "axis_labels": ("y", "x")}
    return image, {"name": name, **place, **options}, "image"
