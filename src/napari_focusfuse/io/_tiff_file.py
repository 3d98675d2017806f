"""An untrusted TIFF: checked once, before its metadata are used."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

from tifffile import TiffFile

from napari_focusfuse.core.files.regular import check_regular
from napari_focusfuse.errors import StackError
from napari_focusfuse.io._complete import check_complete
from napari_focusfuse.io._limits import check_count, check_images

__all__ = ["open_tiff"]


@contextmanager
def open_tiff(path: Path) -> Iterator[TiffFile]:
    """A TIFF whose pages end, and whose OME-XML states no more than can be and names files of its own folder alone.

    Raises
    ------
    StackError, OSError, EOFError, ValueError
        It is not so.
    """
    check_regular(path)
    with TiffFile(path) as tif:
        check_complete(tif)
        if tif.is_ome:
            _check_ome(tif, path)
        yield tif


def _check_ome(tif: TiffFile, path: Path) -> None:
    text = tif.ome_metadata or ""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("its OME-XML defines its own entities")
    try:
        root = ET.fromstring(text)  # noqa: S314 - what could grow was refused above
    except ET.ParseError:
        return  # it is told later that it is damaged
    for element in root.iter():
        name, stated = element.tag.rpartition("}")[2], element.attrib
        if name == "Pixels":
            sizes = [int(stated.get(f"Size{axis}", 1)) for axis in "XYZCT"]
            check_images(path, sizes[2:], pixels=sizes[:2], page=tif.pages.first.size)
        elif name == "TiffData":
            for key in ("IFD", "PlaneCount", "NumPlanes", "FirstZ", "FirstC", "FirstT"):
                check_count(path, int(stated.get(key, 0)))
        elif name.startswith("ModuloAlong") and "Start" in stated:
            start, end, step = (float(stated.get(key, 1)) for key in ("Start", "End", "Step"))
            check_count(path, abs(round((end - start) / step)))
        elif name == "UUID" and "FileName" in stated and element.text != root.attrib.get("UUID"):
            _check_companion(path, stated["FileName"])


def _check_companion(path: Path, name: str) -> None:
    """Refuse a file that is named and is not in the folder, or has no end of its own."""
    folder = path.absolute().parent
    other = Path(os.path.normpath(folder / name))
    if not other.is_relative_to(folder):
        raise StackError(f"{path} refers to a file outside its folder ({name}): put all its files into one folder")
    if other != path.absolute() and other.exists():
        check_regular(other)
        with TiffFile(other) as tif:
            check_complete(tif)
