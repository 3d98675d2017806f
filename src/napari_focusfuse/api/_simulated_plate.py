"""A simulated plate as OME-Zarr, to try batches on."""

from __future__ import annotations

import math
import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_focusfuse.core.progress import Progress, drained
from napari_focusfuse.errors import FocusFuseError

if TYPE_CHECKING:
    from napari_focusfuse.io import PlateVersion

__all__ = ["iter_simulate_plate", "simulate_plate"]

_COLOURS = ("00FF00", "FF00FF", "00FFFF", "FFFF00")
_MOST_ROWS = 26
#: Largest value of 16 bits.
_WHITE = 65535.0
_SPACE = "ZYX"


def iter_simulate_plate(
    path: str | os.PathLike[str],
    *,
    wells: int = 24,
    fields: int = 2,
    channels: int = 2,
    slices: int = 8,
    size: int = 256,
    version: str = "0.4",
    seed: int = 0,
) -> Generator[Progress, None, Path]:
    """Simulate a plate of focus stacks and write it as OME-Zarr, complete or not at all.

    Parameters
    ----------
    path : path
        A new folder whose name ends in ``.zarr``.
    wells, fields, channels, slices : int
        Wells, fields of each, channels and slices of each field. A channel has 1/2, 1/3... of the first one's signal.
    size : int
        Height and width of a field, px.
    version : str
        Of OME-Zarr, "0.4" or "0.5".
    seed : int
        Of the scenes; each field is another one.

    Returns
    -------
    Path
        The plate; its images are (C, Z, Y, X) uint16, with sizes in um.

    Raises
    ------
    FocusFuseError
        A number is less than 1, or the plate cannot be written.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> plate = ff.simulate_plate("plate.zarr", wells=2, fields=1, size=64, slices=3)
    >>> [done.state for done in ff.fuse_many(plate, "fused.zarr", method="sf")]
    ['done', 'done']
    """
    from napari_focusfuse import io

    if min(wells, fields, channels, slices) < 1 or size < 32:
        raise FocusFuseError("a plate has at least one well, field, channel and slice, and fields of 32 px")
    out, wanted = Path(path), io.plate_version(version)
    if out.suffix.lower() != ".zarr":
        raise FocusFuseError(f"{out} becomes a plate: give a name that ends in .zarr")
    io.check_zarr()
    plate = _plate(out, wells, fields, wanted)
    with io.whole_folder(out) as part:
        io.put_plate(part, plate, plate.wells, fused=False)
        places = [f"{well.path}/{field.name}" for well in plate.wells for field in well.fields]
        for k, place in enumerate(places):
            yield Progress(k, len(places), f"simulating {place}")
            io.put_stack(part / place, *_stack(size, slices, channels, seed + k, wanted), name=place)
    return out


simulate_plate = drained(iter_simulate_plate)


def _plate(out: Path, wells: int, fields: int, version: PlateVersion) -> Any:
    """As many wells, in rows half as long again as the columns."""
    from napari_focusfuse import io

    columns = math.ceil(math.sqrt(1.5 * wells))
    rows = math.ceil(wells / columns)
    if rows > _MOST_ROWS:
        raise FocusFuseError(f"{wells} wells need {rows} rows, and there are letters for {_MOST_ROWS}: take fewer")
    letters = tuple(chr(ord("A") + k) for k in range(rows))
    numbers = tuple(f"{k + 1:02d}" for k in range(columns))
    images = tuple(io.FieldImage(str(k), 0) for k in range(fields))
    made = tuple(io.Well(letters[k // columns], numbers[k % columns], images) for k in range(wells))
    run = {"id": 0, "name": "simulated", "maximumfieldcount": fields}
    return io.Plate(out, version, out.stem, letters, numbers, made, (run,))


def _stack(size: int, slices: int, channels: int, seed: int, version: PlateVersion) -> tuple[Any, Any]:
    """Focus stacks of the channels of a field, and what describes them."""
    from napari_focusfuse import io
    from napari_focusfuse.core.simulate import simulate

    scene = simulate((size, size), slices, seed=seed)
    data = np.stack([scene.stack // (c + 1) for c in range(channels)])
    scale = {"C": 1.0, "Z": float(scene.z_step), "Y": float(scene.pixel_size), "X": float(scene.pixel_size)}
    told = tuple(
        {
            "label": f"channel {c}",
            "color": _COLOURS[c % len(_COLOURS)],
            "window": {"min": 0.0, "max": _WHITE, "start": 0.0, "end": _WHITE / (c + 1)},
            "active": True,
        }
        for c in range(channels)
    )
    units = dict.fromkeys(_SPACE, "micrometer")
    return data, io.Described(version, f"C{_SPACE}", units, scale, {}, told)
