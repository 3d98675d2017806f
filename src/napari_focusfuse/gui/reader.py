"""Opens a folder of slices as one layer, in natural order and lazily."""

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["get_reader", "read_folder"]


def get_reader(path: str | Sequence[str]) -> Callable[[str], list[tuple[Any, dict[str, Any], str]]] | None:
    """Give `read_folder` for a folder that holds slices, else None.

    Parameters
    ----------
    path : str or sequence of str
        What is to be opened; several paths at once are left to other readers.
    """
    from napari_focusfuse import api

    return read_folder if isinstance(path, str) and api.is_stack_file(path) else None


def read_folder(path: str) -> list[tuple[Any, dict[str, Any], str]]:
    """Read a folder of slices as one image layer.

    Parameters
    ----------
    path : str
        A folder.

    Returns
    -------
    list of one layer data tuple

    Raises
    ------
    StackError
        The slices are not of one size, or a file cannot be read.
    """
    from napari_focusfuse import api

    stack = api.open_stack(path)
    axes = stack.axes.replace("S", "")
    spacing: dict[str, float] = {}
    if stack.z_step is not None:
        spacing["z"] = stack.z_step
    if stack.pixel_size is not None:
        spacing["y"], spacing["x"] = stack.pixel_size
    labels = axes.lower()
    arguments = {
        "name": stack.name,
        "rgb": "S" in stack.axes,
        "axis_labels": tuple(labels),
        "scale": tuple(spacing.get(label, 1.0) for label in labels),
        "units": tuple("um" if label in spacing else "pixel" for label in labels),
        "metadata": {"napari-focusfuse": {"inputs": [str(path) for path in stack.inputs]}},
    }
    return [(stack.data, arguments, "image")]
