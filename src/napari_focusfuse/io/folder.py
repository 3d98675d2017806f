"""Image files of a folder: the slices of one stack or of several, of one size and type, or pairs of photographs.

Pairs are named NAME_A and NAME_B, or NAME_1 and NAME_2, and NAME_GT where the ground truth is known.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_focusfuse.errors import StackError
from napari_focusfuse.io.facts import Channel, Facts, spaced
from napari_focusfuse.io.image import Header, is_image_file, read_header, read_image
from napari_focusfuse.io.limits import unreadable
from napari_focusfuse.io.micromanager import beside
from napari_focusfuse.io.names import columns_of
from napari_focusfuse.io.series import READ_ANYWAY, Series, by_name, few, in_given_order
from napari_focusfuse.io.stack_file import StackFile, gapped, lazy_planes, title

__all__ = [
    "Pair",
    "find_pairs",
    "in_order",
    "opened",
    "pairs_in",
    "pairs_of",
    "read_series",
    "read_slices",
    "slice_files",
]

_ENDING = re.compile(r"(?P<name>.+)[_-](?P<role>A|B|1|2|GT)", re.IGNORECASE)


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
    """Files in the order of their numbers, with signs and decimals, or in the natural order of their names."""
    return by_name(list(files))


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
        A file is damaged, no image, or differs from the others; the message names it.
    """
    return read_series(in_given_order(files), name, path)


def read_series(series: Series, name: str, path: Path) -> StackFile:
    """Open image files as their names order them; see `read_slices`."""
    headers = [read_header(file) for file in series.files]
    usual = _usual(headers)
    unlike = sum((header.shape, header.dtype) != (headers[usual].shape, headers[usual].dtype) for header in headers)
    for file, header in zip(series.files, headers, strict=True):
        _check_alike(file, header, series.files[usual], headers[usual], may_exclude=3 * unlike <= len(headers))
    noted = beside(series.files[: series.lengths[-1]], range(len(series.channels)))
    facts = _placed(series, _with(_agreed([header.facts for header in headers]), noted), headers[: series.lengths[-1]])
    series = _with_suspects(series, headers)
    facts = facts._replace(channels=_named(series.channels, noted), notes=(*facts.notes, *series.notes))
    return opened(series.files, headers[0], facts, name, path, series)


def _with_suspects(series: Series, headers: Sequence[Header]) -> Series:
    """With those files named that another camera or program has made than nearly all."""
    odd = [series.files[k] for k in sorted(few([header.made_by for header in headers]))]
    odd = [file for file in odd if file not in series.suspects]
    if not odd or series.axes != "Z":
        return series
    named = " and ".join(file.name for file in odd)
    note = f"holds {named}, which another camera or program has made than the other files: {READ_ANYWAY}"
    return series._replace(suspects=(*series.suspects, *odd), notes=(*series.notes, note))


def opened(
    files: Sequence[Path], header: Header, facts: Facts, name: str, path: Path, series: Series | None = None
) -> StackFile:
    """The files as planes of a series; without one `path` itself is one image, not a stack."""
    files = tuple(files)
    leading, letters = ((), "") if series is None else (series.lengths, series.axes)
    data = lazy_planes(partial(_file, files), leading, header.shape, header.dtype)
    return StackFile(
        data,
        letters + "YXS"[: len(header.shape)],
        facts.z_step,
        facts.pixel_size,
        name,
        path,
        files,
        z=facts.z,
        channels=facts.channels,
        notes=facts.notes,
        slots=None if series is None else series.slots,
        suspects=() if series is None else series.suspects,
    )


def _with(facts: Facts, more: Facts) -> Facts:
    """Facts, and what another source adds to them."""
    if more.z_step is None and more.pixel_size is None:
        return facts
    known = facts.z_step is not None
    return facts._replace(
        z_step=facts.z_step if known else more.z_step,
        z=facts.z if known else more.z,
        pixel_size=facts.pixel_size or more.pixel_size,
        notes=(*facts.notes, *more.notes),
    )


def _named(channels: tuple[Channel, ...], noted: Facts) -> tuple[Channel, ...]:
    """Channels by name where the files only count them and a note beside them names as many."""
    counted = all(re.fullmatch(r"[a-z]+\d+", channel.name or "") for channel in channels)
    names = [channel.name for channel in noted.channels if channel.name]
    return noted.channels if counted and len(names) == len(channels) else channels


def _usual(headers: Sequence[Header]) -> int:
    """Number of a file of the size and type that most have."""
    kinds = [(header.shape, header.dtype.str, header.pages) for header in headers]
    return kinds.index(Counter(kinds).most_common(1)[0][0])


def _placed(series: Series, facts: Facts, slices: Sequence[Header]) -> Facts:
    """With positions: those that the files state, or their names with a unit, or by the z-step and the gaps."""
    places = [header.facts.position for header in slices]
    stated = [place for place in places if place is not None]
    notes = list(facts.notes)
    if len(stated) == len(places):
        z_step, z = spaced(facts.z_step, [(place, "um") for place in stated], notes)
    elif series.um is not None:
        z_step, z = spaced(facts.z_step, [(place, "um") for place in series.um], notes)
    elif series.slots is not None:
        z_step, z, _ = gapped(facts.z, facts.z_step, series.slots)
    else:
        return facts
    return facts._replace(z_step=z_step, z=z, notes=tuple(notes))


def _check_alike(file: Path, header: Header, first: Path, wanted: Header, *, may_exclude: bool) -> None:
    settings = {"exclude": file.name} if may_exclude else None
    if header.pages > 1:
        raise StackError(
            f"{file} contains {header.pages} images, but a slice is one image: give the file itself if it is a stack"
        )
    if header.shape[:2] != wanted.shape[:2]:
        raise StackError(
            f"{file} is {_px(header.shape)}, {first.name} is {_px(wanted.shape)}: "
            "all slices must be of one size, crop it, exclude it or remove it from the folder",
            settings=settings,
        )
    if (header.shape, header.dtype) != (wanted.shape, wanted.dtype):
        raise StackError(
            f"{file} is {_kind(header.shape, header.dtype)}, {first.name} is {_kind(wanted.shape, wanted.dtype)}: "
            "all slices must be of one kind, convert it, exclude it or remove it from the folder",
            settings=settings,
        )


def _agreed(facts: Sequence[Facts]) -> Facts:
    """What all files say; of their own notes the first file's."""
    agreed = Facts(facts[0].z_step, facts[0].pixel_size, notes=facts[0].notes)
    if any(_differ(agreed.pixel_size, one.pixel_size) for one in facts):
        note = "has slices that state different pixel sizes: it is treated as unknown"
        agreed = agreed._replace(pixel_size=None, notes=(*agreed.notes, note))
    if any(_differ((agreed.z_step,), (one.z_step,)) for one in facts):
        note = "has slices that state different z-steps: it is treated as unknown"
        agreed = agreed._replace(z_step=None, notes=(*agreed.notes, note))
    return agreed


def _differ(one: tuple[Any, ...] | None, other: tuple[Any, ...] | None) -> bool:
    """Whether lengths differ by more than one in a hundred; a length and none do."""
    if one is None or other is None or None in one or None in other:
        return one != other
    return any(abs(a - b) > 0.01 * a for a, b in zip(one, other, strict=True))


def _file(files: tuple[Path, ...], number: int) -> tuple[Path, NDArray[Any]]:
    return files[number], read_image(files[number])


def _px(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} x {shape[1]} px (height x width)"


def _kind(shape: tuple[int, ...], dtype: Any) -> str:
    colours = {(): "grey", (3,): "RGB", (4,): "RGBA"}
    return f"{dtype} {colours[shape[2:]]}"


@dataclass(frozen=True)
class Pair:
    """Two photographs of a scene, and the true image if it is known."""

    name: str
    first: Path
    second: Path
    truth: Path | None = None

    def sources(self) -> list[NDArray[Any]]:
        """The two photographs."""
        return [read_image(self.first), read_image(self.second)]


def find_pairs(folder: Path, *, truth: bool = False, limit: int | None = None) -> list[Pair]:
    """The pairs of a folder, in the natural order of their names.

    Parameters
    ----------
    folder : Path
    truth : bool
        Each pair must have its true image.
    limit : int, optional
        Take only the first ones.

    Raises
    ------
    StackError
        There are none, or one is not complete.
    """
    return _found(slice_files(folder), folder, truth=truth)[:limit]


def _found(files: Sequence[Path], folder: Path, *, truth: bool = False) -> list[Pair]:
    found: dict[str, dict[str, Path]] = {}
    for file in files:
        match = _ENDING.fullmatch(title(file))
        if match:
            roles = found.setdefault(match["name"], {})
            role = {"1": "A", "2": "B"}.get(match["role"], match["role"].upper())
            if role in roles:
                raise StackError(f"{file} and {roles[role].name} are the same half of a pair: remove one")
            roles[role] = file
    if not found:
        raise StackError(f"{folder} contains no pairs: their names must end in _A and _B, or _1 and _2")
    wanted = ("A", "B", "GT") if truth else ("A", "B")
    for name, roles in found.items():
        missing = [role for role in wanted if role not in roles]
        if missing:
            raise StackError(f"{folder} holds no {name}_{missing[0]}: each pair needs {' and '.join(wanted)}")
    return [Pair(name, roles["A"], roles["B"], roles.get("GT")) for name, roles in found.items()]


def pairs_in(folder: Path) -> list[Pair]:
    """The pairs of a folder that holds nothing else; none if its files are the slices of one stack.

    Two files alone are both a pair and a stack: they count as a stack.

    Raises
    ------
    StackError
        The names are those of pairs, but one is not complete.
    """
    return pairs_of(slice_files(folder), folder)


def pairs_of(files: Sequence[Path], folder: Path) -> list[Pair]:
    """The same of some files of a folder; slices z01_1, z01_2, z02_1... are no pairs."""
    titles = [title(file) for file in files]
    matches = [_ENDING.fullmatch(name) for name in titles]
    halves = Counter(match["name"] for match in matches if match and match["role"].upper() != "GT")
    if not all(matches) or len(matches) < 3 or 2 not in halves.values():
        return []
    counted = any(column.axis == "Z" and column.numbers for column in columns_of(titles) or [])
    return [] if counted else _found(files, folder)
