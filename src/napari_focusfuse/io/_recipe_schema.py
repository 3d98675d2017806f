"""What a recipe must contain to be replayed."""

from pathlib import PurePath
from typing import Any, get_args

from napari_focusfuse.config import Edges
from napari_focusfuse.core.files.schema import (
    Check,
    MismatchError,
    anything,
    entries,
    flag,
    listed,
    mapped,
    maybe,
    number,
    text,
    whole,
)
from napari_focusfuse.core.methods import method_named

__all__ = ["EDITS", "check_recipe"]

#: Names of the map of edits, which lies beside the recipe and nowhere else.
EDITS = ("edits.ome.tif", "edits.ome.zarr")
_LENGTH = number(0, above=True)
_MOST_THREADS = 1024


def _is_path(path: str) -> bool:
    return bool(path) and "\0" not in path and bool(PurePath(path).name)


def _are_axes(axes: str) -> bool:
    return axes.isascii() and axes.isupper() and len(set(axes)) == len(axes) and {"Y", "X"} <= set(axes)


_MADE: dict[str, Check] = {
    "config": mapped(anything),
    "model": text(),
    "model_sha256": text(),
    "device": text(),
    "threads": maybe(whole(1, _MOST_THREADS)),
    "axes": text(fits=_are_axes),
    "channels": maybe(listed(text())),
    "decided_on": maybe(lambda value, where: (whole(0) if isinstance(value, int) else text())(value, where)),
    "offsets": maybe(listed(whole())),
    "edits": maybe(entries({"match_brightness": flag})),
    "equalised": anything,
}
_SOURCE: dict[str, Check] = {
    "path": maybe(text(fits=_is_path)),
    "axis": maybe(text()),
    "rgb": maybe(flag),
    "position": maybe(mapped(whole(0))),
    "axes": maybe(mapped(text())),
    "channel": text(),
    "slices": listed(maybe(whole(0)), 3, 3),
    "exclude": listed(text()),
}
_NEEDED: dict[str, Check] = {
    "made by": entries({"method": text()}, _MADE),
    "inputs": listed(entries({"path": text(fits=_is_path), "sha256": maybe(text())})),
    "source": entries({}, _SOURCE),
    "z": maybe(listed(number(), 1)),
    "z_step_um": maybe(_LENGTH),
    "refractive_index": number(1, 5),
    "pixel_size_um": maybe(listed(_LENGTH, 2, 2)),
    "transforms": maybe(entries({"edges": text(*get_args(Edges))})),
    "fill_depth": flag,
    "zarr": flag,
}
_KNOWN: dict[str, Check] = {
    "edits": maybe(entries({"path": text(*EDITS), "sha256": text()})),
    "depth_unit": text(),
}


def check_recipe(recipe: Any) -> None:
    """Refuse a recipe that cannot be followed.

    Raises
    ------
    MismatchError
        It lacks something, or holds what its place does not ask for; the message says which.
    FocusFuseError
        There is no such method.
    """
    entries(_NEEDED, _KNOWN)(recipe, "the recipe")
    made, method = recipe["made by"], method_named(recipe["made by"]["method"])
    if "equalised" in made:  # of several positions it is measured again
        (flag if "axes" in made else listed(_LENGTH))(made["equalised"], "the recipe.made by.equalised")
    needed = [
        *(["model", "model_sha256"] if method.deep else []),
        *([] if method.config is None else ["config"]),
        *(["channels", "decided_on"] if "axes" in made and method.decides else []),
    ]
    for name in needed:
        if made.get(name) is None:
            raise MismatchError(f"the recipe.made by has no {name}")
