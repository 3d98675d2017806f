"""Plates: each field of each well is a stack to fuse, and the results are a plate again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_focusfuse.errors import OutputError, StackError

if TYPE_CHECKING:
    from napari_focusfuse.api._stack_jobs import StackTask
    from napari_focusfuse.io import Plate, PlateVersion, StackFile

__all__ = ["FieldPlace", "PlateWork", "check_field", "files_of", "groups_of", "plate_work"]

#: What fields of a plate cannot have; the rest of what is saved they have always.
_NOT_SAVED = {"refractive_index": "a refractive index", "fill_depth": "a filled depth map"}


class FieldPlace(NamedTuple):
    """Where a field is in a plate of results: its path there, such as "B/03/0", and the version of OME-Zarr."""

    path: str
    version: PlateVersion


class PlateWork(NamedTuple):
    """A plate to be fused.

    Attributes
    ----------
    plate : Plate
    out : Path
    version : str
        Of OME-Zarr, of what is written.
    """

    plate: Plate
    out: Path
    version: PlateVersion

    def places(self) -> list[tuple[Path, Path, FieldPlace]]:
        """Source, target and place of each field; of a well whose fields are not known one, which will fail."""
        paths = [
            path
            for well in self.plate.wells
            for path in [f"{well.path}/{field.name}" for field in well.fields] or [well.path]
        ]
        return [(self.plate.path / path, self.out / path, FieldPlace(path, self.version)) for path in paths]


def groups_of(work: PlateWork | None, *, dry_run: bool) -> AbstractContextManager[None]:
    """Write the groups of a plate while the block runs, and in the end which fields there are."""
    from napari_focusfuse import io

    return nullcontext() if work is None or dry_run else io.plate_files(work.out, work.plate, work.version)


def plate_work(inputs: Sequence[Path], out: Path, task: StackTask, version: str | None) -> PlateWork | None:
    """What there is to do where the input is a plate; None where it is none.

    `version` of OME-Zarr is that of the plate if it is None.

    Raises
    ------
    FocusFuseError
        The plate cannot be read, or not be written as asked for.
    """
    from napari_focusfuse import io

    if version is not None:
        io.plate_version(version)
    plates = [path for path in inputs if io.is_plate(path)]
    if not plates:
        return None
    if len(inputs) > 1:
        raise OutputError(f"{plates[0]} is a plate, and becomes one of its own: fuse it alone")
    if out.suffix.lower() != ".zarr":
        raise OutputError(f"{plates[0]} is a plate, and becomes one: give a target whose name ends in .zarr")
    if asked := " and ".join(words for name, words in _NOT_SAVED.items() if task.saving.get(name)):
        raise OutputError(f"the images of a plate cannot have {asked}: leave that out, or fuse one field by its path")
    io.check_zarr()
    plate = io.read_plate(plates[0])
    wanted = io.plate_version(version or plate.version)
    io.check_plate_target(out, plate.path, wanted, replace=task.resume or task.overwrite)
    return PlateWork(plate, out, wanted)


def check_field(source: Path) -> None:
    """Refuse what a plate names and does not have."""
    from napari_focusfuse import io

    if not io.is_zarr_folder(source):
        raise StackError(f"{source} is named by the plate, but there is no image: restore it, or do without it")


def files_of(file: StackFile, place: FieldPlace, sizes: tuple[float, float] | None) -> Any:
    """What writes the files of a field, for `iter_fuse_file`; `sizes` stand in for the pixel size of the file."""
    from napari_focusfuse import io

    channel = file.channels[0].name if len(file.channels) == 1 else None
    how: dict[str, Any] = {"version": place.version, "axis": io.stack_letter(file), "sizes": sizes, "channel": channel}
    return partial(io.FieldFiles, source=io.described(file.path), **how)
