"""Checksums of what a stack was read from: files, or all files in a Zarr folder."""

import os
from collections.abc import Generator, Iterable
from hashlib import sha256
from pathlib import Path

from napari_focusfuse.core.files.checked import check_regular
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.io.ome_zarr import is_zarr

__all__ = ["Checksums", "iter_checksums"]

#: Checksum of each path; None if it cannot be read any more.
Checksums = dict[Path, str | None]
_PIECE = 1 << 22


def iter_checksums(paths: Iterable[str | os.PathLike[str]]) -> Generator[Progress, None, Checksums]:
    """SHA-256 of files, or of all files in a Zarr folder with their names.

    Parameters
    ----------
    paths : paths

    Returns
    -------
    dict
        Checksum by path, in the order given; None for what cannot be read.
    """
    wanted = [Path(path) for path in paths]
    total = max(sum(_size(path) for path in wanted), 1)
    found: Checksums = {}
    done = 0
    for path in wanted:
        work = _iter_content(path)
        while True:
            try:
                done += next(work)
            except StopIteration as end:
                found[path] = end.value
                break
            except OSError:
                found[path] = None
                break
            yield Progress(min(done, total), total, f"checksum of {path.name}")
    return found


def _iter_content(path: Path) -> Generator[int, None, str]:
    return (yield from _iter_folder(path) if path.is_dir() else _iter_file(path))


def _iter_file(path: Path) -> Generator[int, None, str]:
    """Yield the bytes read at each step."""
    check_regular(path)
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            yield len(piece)
    return digest.hexdigest()


def _iter_folder(folder: Path) -> Generator[int, None, str]:
    if not is_zarr(folder):  # a recipe may name any folder, such as the root of a disk
        raise OSError(f"{folder} is no OME-Zarr")
    listing = ""
    for name in sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()):
        listing += f"{name} {yield from _iter_file(folder / name)}\n"
    return sha256(listing.encode()).hexdigest()


def _size(path: Path) -> int:
    try:
        if path.is_dir() and is_zarr(path):
            return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        return path.stat().st_size
    except OSError:
        return 0
