"""TIFFs that are not trusted: a few bytes that would never end, or fill the memory."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_focusfuse import io
from napari_focusfuse.core.files import checked
from napari_focusfuse.core.progress import drain
from napari_focusfuse.errors import StackError

IMAGE = np.arange(24 * 20, dtype=np.uint8).reshape(24, 20)
#: Size of an entry of a directory, and what the first page begins with.
ENTRY = 12
PLANE = '<TiffData FirstZ="{k}" IFD="{k}" PlaneCount="1"/>'
BOTH = PLANE.format(k=0) + PLANE.format(k=1)


def described(planes: str = BOTH, *, more: str = "", before: str = "", **sizes: int) -> str:
    stated = {"SizeX": 20, "SizeY": 24, "SizeZ": 2, "SizeC": 1, "SizeT": 1, **sizes}
    told = " ".join(f'{name}="{size}"' for name, size in stated.items())
    return (
        f'<?xml version="1.0"?>{before}<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        f'<Image ID="Image:0"><Pixels ID="P" DimensionOrder="XYZCT" Type="uint8" {told}>{planes}</Pixels></Image>'
        f"{more}</OME>"
    )


def written(path: Path, description: str, pages: int = 2) -> Path:
    with tifffile.TiffWriter(path) as tif:
        for k in range(pages):
            tif.write(IMAGE, description=None if k else description, metadata=None, contiguous=False)
    return path


def entries(data: bytes, at: int) -> dict[int, int]:
    """Where the entry of each tag of the directory at a place is."""
    (count,) = struct.unpack_from("<H", data, at)
    places = [at + 2 + k * ENTRY for k in range(count)]
    return {struct.unpack_from("<H", data, place)[0]: place for place in places}


def looped(path: Path) -> Path:
    """A page whose next one is itself."""
    tifffile.imwrite(path, IMAGE, metadata=None)
    data = bytearray(path.read_bytes())
    (at,) = struct.unpack_from("<I", data, 4)
    struct.pack_into("<I", data, at + 2 + ENTRY * len(entries(data, at)), at)
    path.write_bytes(data)
    return path


def sized(path: Path, side: int) -> Path:
    """A compressed page that states another size than it has."""
    tifffile.imwrite(path, IMAGE, metadata=None, compression="zlib")
    data = bytearray(path.read_bytes())
    places = entries(data, struct.unpack_from("<I", data, 4)[0])
    for tag in (256, 257, 278):
        struct.pack_into("<HII", data, places[tag] + 2, 4, 1, side)
    path.write_bytes(data)
    return path


def test_the_same_description_without_a_lie_is_read(tmp_path: Path) -> None:
    assert io.read_stack(written(tmp_path / "cells.ome.tif", described())).axes == "ZYX"


def test_pages_that_lead_back(tmp_path: Path) -> None:
    for k in range(2):
        looped(tmp_path / f"z{k}.tif")
    companion = '<TiffData FirstZ="1" IFD="0" PlaneCount="1"><UUID FileName="z0.tif">urn:uuid:1</UUID></TiffData>'
    linked = written(tmp_path / "a.ome.tif", described(PLANE.format(k=0) + companion), pages=1)
    for path in (tmp_path / "z0.tif", tmp_path, linked):
        with pytest.raises(StackError, match="its pages lead back to an earlier one"):
            io.read_stack(path)


@pytest.mark.parametrize(
    ("description", "told"),
    [
        (described(SizeZ=10**9), "states 1000000000 images"),
        (described(SizeZ=10**5, SizeT=10**5), "states 10000000000 images"),
        (described(SizeY=10**9), "its pages are others"),
        (described(SizeZ=0), "its pages are others"),
        (described('<TiffData IFD="0" PlaneCount="1000000000"/>'), "states 1000000000 images"),
        (described('<TiffData IFD="0" NumPlanes="1000000000"/>'), "states 1000000000 images"),
        (described('<TiffData FirstZ="900000000"/>'), "states 900000000 images"),
        (described(before='<!DOCTYPE x [<!ENTITY a "bbbb">]>', more="<a>&a;</a>"), "defines its own entities"),
        (
            described(
                more='<StructuredAnnotations><XMLAnnotation ID="A" Namespace="a/modulo"><Value><Modulo>'
                '<ModuloAlongZ Type="phase" Start="0" End="100000000000"/>'
                "</Modulo></Value></XMLAnnotation></StructuredAnnotations>"
            ),
            "states 99999999999 images|states 100000000000 images",
        ),
        ('{"shape": [1000000000, 24, 20]}', "states 1000000000 images"),
    ],
)
def test_sizes_are_checked_before_anything_is_made_of_them(tmp_path: Path, description: str, told: str) -> None:
    with pytest.raises(StackError, match=told):
        io.read_stack(written(tmp_path / "cells.ome.tif", description))


@pytest.mark.parametrize("name", ["../other.tif", "{folder}/other.tif", "/etc/hostname"])
def test_files_are_only_taken_from_the_folder(tmp_path: Path, name: str) -> None:
    folder, other = tmp_path / "cells", tmp_path / "other.tif"
    folder.mkdir()
    tifffile.imwrite(other, IMAGE)
    named = name.format(folder=tmp_path)
    second = f'<TiffData FirstZ="1" IFD="0" PlaneCount="1"><UUID FileName="{named}">urn:uuid:1</UUID></TiffData>'
    with pytest.raises(StackError, match="refers to a file outside its folder"):
        io.read_stack(written(folder / "a.ome.tif", described(PLANE.format(k=0) + second), pages=1))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    second = '<TiffData FirstZ="1" IFD="0" PlaneCount="1"><UUID FileName="pipe.tif">urn:uuid:1</UUID></TiffData>'
    linked = written(tmp_path / "a.ome.tif", described(PLANE.format(k=0) + second), pages=1)
    for name in ("pipe.tif", "z.png", "z.jpg"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(StackError, match="it is a pipe, not a file"):
        io.read_stack(linked)
    for name in ("pipe.tif", "z.png", "z.jpg"):
        with pytest.raises(StackError, match="it is a pipe, not a file"):
            io.read_image(tmp_path / name)
        with pytest.raises(StackError, match="it is a pipe, not a file"):
            io.read_files([linked, tmp_path / name])
    assert drain(io.iter_checksums([tmp_path / "pipe.tif", tmp_path])) == {tmp_path / "pipe.tif": None, tmp_path: None}


def test_more_pages_than_anybody_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "cells.tif", "", pages=7)
    monkeypatch.setattr("napari_focusfuse.io.tiff_pages.MOST_PAGES", 6)
    with pytest.raises(StackError, match="states 7 images, and no more than 6"):
        io.read_stack(path)
    monkeypatch.undo()
    assert io.read_stack(path).data.shape == (7, 24, 20)


def test_an_image_larger_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked, "memory", lambda: 2**30)
    for read in (io.read_image, io.read_stack):
        with pytest.raises(StackError, match=r"an image of 30000 x 30000 values, 0\.8 GiB, and more than 0\.5 GiB"):
            read(sized(tmp_path / "bomb.tif", 30_000))
