"""Image files as the slices of one stack: in order, of one size and type, and what their names say."""

import os
import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_focusfuse.errors import StackError
from napari_focusfuse.io._facts import Facts
from napari_focusfuse.io._image import Header, is_image_file, read_header, read_image
from napari_focusfuse.io._stack import StackFile, lazy_planes, unreadable

__all__ = ["in_order", "opened", "read_slices", "slice_files"]

#: Marks in file names, such as img_t001_ch02_z05.
_MARK = re.compile(r"(?:^|(?<=[\W_]))(c|ch|channel|t|time|p|pos|xy)[-_]?(\d+)(?=[\W_]|z\d|$)", re.IGNORECASE)
_COUNTED = {"c": "channels", "t": "time points", "p": "positions", "x": "positions"}


def slice_files(folder: str | os.PathLike[str]) -> list[Path]:
    """Image files in a folder in the natural order of their names, z2 before z10; not hidden ones.

    Raises
    ------
    StackError
        There is no such folder.
    """
    try:
        files = [file for file in Path(folder).iterdir() if is_image_file(file) and not file.is_dir()]
    except OSError as error:
        raise unreadable(Path(folder), error) from error
    return in_order(files)


def in_order(files: Iterable[Path]) -> list[Path]:
    """Files in the natural order of their names."""
    return sorted(files, key=_natural)


def read_slices(files: Sequence[Path], name: str, path: Path) -> StackFile:
    """Open image files as the slices of one stack, in the order given.

    Parameters
    ----------
    files : sequence of Path
        One image each, of one size and type.
    name, path : str, Path
        What to call the stack, and where it is.

    Raises
    ------
    StackError
        A file is damaged, no image, or differs from the first; the message names it.
    """
    headers = [read_header(file) for file in files]
    for file, header in zip(files, headers, strict=True):
        _check_alike(file, header, files[0], headers[0])
    facts = _agreed([header.facts for header in headers])
    told = _told_by_names(files)
    return opened(files, headers[0], facts._replace(notes=(*facts.notes, *told)), name, path)


def opened(files: Sequence[Path], header: Header, facts: Facts, name: str, path: Path) -> StackFile:
    """The files as slices; `path` itself is one image, not a stack."""
    files = tuple(files)
    leading = () if files == (path,) else (len(files),)
    data = lazy_planes(partial(_file, files), leading, header.shape, header.dtype)
    axes = "Z" * len(leading) + "YXS"[: len(header.shape)]
    return StackFile(data, axes, facts.z_step, facts.pixel_size, name, path, files, notes=facts.notes)


def _check_alike(file: Path, header: Header, first: Path, wanted: Header) -> None:
    if header.pages > 1:
        raise StackError(
            f"{file} holds {header.pages} images, and a slice is one: give that file itself if it is a stack"
        )
    if header.shape[:2] != wanted.shape[:2]:
        raise StackError(
            f"{file} is {_px(header.shape)}, {first.name} is {_px(wanted.shape)}: "
            "all slices must be of one size, crop it or take it out of the folder"
        )
    if (header.shape, header.dtype) != (wanted.shape, wanted.dtype):
        raise StackError(
            f"{file} is {_kind(header.shape, header.dtype)}, {first.name} is {_kind(wanted.shape, wanted.dtype)}: "
            "all slices must be of one kind, convert it or take it out of the folder"
        )


def _agreed(facts: Sequence[Facts]) -> Facts:
    """What all files say; of their own notes the first file's."""
    agreed = Facts(facts[0].z_step, facts[0].pixel_size, notes=facts[0].notes)
    if any(_differ(agreed.pixel_size, one.pixel_size) for one in facts):
        note = "has slices that state different pixel sizes: it is taken as not known"
        agreed = agreed._replace(pixel_size=None, notes=(*agreed.notes, note))
    if any(_differ((agreed.z_step,), (one.z_step,)) for one in facts):
        note = "has slices that state different z-steps: it is taken as not known"
        agreed = agreed._replace(z_step=None, notes=(*agreed.notes, note))
    return agreed


def _differ(one: tuple[Any, ...] | None, other: tuple[Any, ...] | None) -> bool:
    """Whether lengths differ by more than one in a hundred; a length and none do."""
    if one is None or other is None or None in one or None in other:
        return one != other
    return any(abs(a - b) > 0.01 * a for a, b in zip(one, other, strict=True))


def _told_by_names(files: Sequence[Path]) -> list[str]:
    """A note where names count time points, channels or positions: such files are not all slices of one stack."""
    marks: dict[str, set[str]] = {}
    for file in files:
        for mark, number in _MARK.findall(file.stem):
            marks.setdefault(_COUNTED[mark[0].lower()], set()).add(number)
    counted = [f"{len(numbers)} {what}" for what, numbers in marks.items() if len(numbers) > 1]
    if not counted:
        return []
    return [f"has files whose names count {' and '.join(counted)}: a focus stack is one of each, check the folder"]


def _file(files: tuple[Path, ...], where: tuple[int, ...]) -> tuple[Path, NDArray[Any]]:
    path = files[where[0] if where else 0]
    return path, read_image(path)


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Sort key: runs of digits by their value, the rest without regard to case."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if i % 2 else (-1, part) for i, part in enumerate(parts)], path.name


def _px(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} x {shape[1]} px (height x width)"


def _kind(shape: tuple[int, ...], dtype: Any) -> str:
    colours = {(): "grey", (3,): "RGB", (4,): "RGBA"}
    return f"{dtype} {colours[shape[2:]]}"
