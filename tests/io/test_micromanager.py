"""Acquisitions of Micro-Manager: image stack files, NDTiff data sets, and single images with their notes."""

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_focusfuse import io
from napari_focusfuse.errors import StackError

SUMMARY = {
    "Prefix": "a",
    "z-step_um": 0.5,
    "PixelSize_um": 0.1,
    "ChNames": ["DAPI", "GFP"],
    "ChColors": [255, -16711936],
}
#: (Z, C, Y, X), each plane of its own value.
PLANES = (np.arange(8).reshape(4, 2, 1, 1) * 100 + np.arange(42).reshape(6, 7)).astype(np.uint16)
SLICES_FIRST = [(z, c) for c in range(2) for z in range(4)]
CHANNELS_FIRST = [(z, c) for z in range(4) for c in range(2)]
#: As a scan that goes up in one channel and down in the other.
THERE_AND_BACK = [*((z, 0) for z in range(4)), *((z, 1) for z in reversed(range(4)))]


def note_of(z: int, c: int, t: int = 0, **more: Any) -> dict[str, Any]:
    return {"SliceIndex": z, "ChannelIndex": c, "FrameIndex": t, "PositionIndex": 0, "ZPositionUm": 3 + 0.5 * z, **more}


def mmstack(
    path: Path, order: Sequence[tuple[int, int]], *, index: bool = True, summary: dict[str, Any] = SUMMARY, **more: Any
) -> Path:
    """The planes of `order` as a stack file: a TIFF with Micro-Manager's header behind the first eight bytes."""
    with tifffile.TiffWriter(path) as writer:
        for z, c in order:
            note = json.dumps(note_of(z, c, **more))
            writer.write(PLANES[z, c], metadata=None, extratags=[(51123, 2, 0, note, True)])
    with tifffile.TiffFile(path) as tif:
        offsets, size = [page.offset for page in tif.pages], tif.filehandle.size
    said = json.dumps(summary).encode()
    table = struct.pack("<II", 3453623, len(order))
    table += b"".join(struct.pack("<5I", c, z, 0, 0, offset) for (z, c), offset in zip(order, offsets, strict=True))
    # The header is in the place of the first page, which moves to the end.
    content = bytearray(path.read_bytes())
    head = struct.pack("<II", 54773648, size if index else 0) + struct.pack("<IIII", 483765892, 0, 99384722, 0)
    head += struct.pack("<II", 2355492, len(said)) + said
    return moved(path, content, head, table)


def moved(path: Path, content: bytearray, head: bytes, table: bytes) -> Path:
    """The same TIFF with room for a header: all offsets grow."""
    shift = len(head) + len(head) % 2

    def grown(at: int) -> None:
        struct.pack_into("<I", content, at, struct.unpack_from("<I", content, at)[0] + shift)

    at = struct.unpack_from("<I", content, 4)[0]
    grown(4)
    while at:
        (entries,) = struct.unpack_from("<H", content, at)
        for k in range(entries):
            tag, kind, count = struct.unpack_from("<HHI", content, at + 2 + 12 * k)
            if tag == 273 or count * {1: 1, 2: 1, 3: 2, 4: 4, 5: 8}[kind] > 4:
                grown(at + 2 + 12 * k + 8)
        end = at + 2 + 12 * entries
        (at,) = struct.unpack_from("<I", content, end)
        if at:
            grown(end)
    rows = [list(struct.unpack_from("<5I", table, 8 + 20 * k)) for k in range((len(table) - 8) // 20)]
    table = table[:8] + b"".join(struct.pack("<5I", *row[:4], row[4] + shift) for row in rows)
    (place,) = struct.unpack_from("<I", head, 4)
    head = head[:4] + struct.pack("<I", place + shift if place else 0) + head[8:]
    path.write_bytes(content[:8] + head + b"\0" * (shift - len(head)) + content[8:] + table)
    return path


@pytest.mark.parametrize("order", [SLICES_FIRST, CHANNELS_FIRST, THERE_AND_BACK])
@pytest.mark.parametrize("index", [True, False], ids=["index", "notes"])
def test_planes_are_in_their_places(tmp_path: Path, order: list[tuple[int, int]], index: bool) -> None:
    file = io.read_stack(mmstack(tmp_path / "a_MMStack_Pos0.ome.tif", order, index=index))
    assert file.axes == "ZCYX"
    np.testing.assert_array_equal(file.data, PLANES)
    assert (file.z_step, file.pixel_size, file.z) == (pytest.approx(0.5), (0.1, 0.1), None)
    assert [tuple(channel) for channel in file.channels] == [("DAPI", "#0000ff"), ("GFP", "#00ff00")]
    assert file.notes == ()


def test_an_acquisition_that_was_stopped(tmp_path: Path) -> None:
    file = io.read_stack(mmstack(tmp_path / "a_MMStack_Pos0.ome.tif", CHANNELS_FIRST[:-1]))
    np.testing.assert_array_equal(file.data, PLANES[:3])
    assert file.notes == ("lacks planes of slice 3: the slice is left out",)


def test_a_stage_that_stands_still(tmp_path: Path) -> None:
    """A piezo focuses, which only the summary knows."""
    path = mmstack(tmp_path / "a_MMStack_Pos0.ome.tif", [(z, 0) for z in range(4)], ZPositionUm=7)
    file = io.read_stack(path)
    assert (file.axes, file.z_step) == ("ZYX", 0.5)
    assert io.read_stack(mmstack(path, [(0, 0), (1, 0)], ZPositionUm=7, summary={})).z_step is None


def test_a_file_that_goes_on_in_another(tmp_path: Path) -> None:
    first = mmstack(tmp_path / "a_MMStack_Pos0.ome.tif", CHANNELS_FIRST[:5])
    second = mmstack(tmp_path / "a_MMStack_Pos0_1.ome.tif", CHANNELS_FIRST[5:])
    for path in (first, tmp_path):
        file = io.read_stack(path)
        np.testing.assert_array_equal(file.data, PLANES)
        assert file.inputs == (first, second)


def test_positions_are_files_of_one_folder(tmp_path: Path) -> None:
    for k in range(2):
        mmstack(tmp_path / f"a_MMStack_Pos{k}.ome.tif", [(z, 0) for z in range(4)], index=False, PositionIndex=k)
    file = io.read_stack(tmp_path)
    assert (file.axes, file.data.shape) == ("PZYX", (2, 4, 6, 7))
    assert io.read_stack(tmp_path / "a_MMStack_Pos1.ome.tif").axes == "ZYX"


def test_an_image_that_is_there_twice(tmp_path: Path) -> None:
    path = mmstack(tmp_path / "a_MMStack_Pos0.ome.tif", [(0, 0), (0, 0)], index=False)
    with pytest.raises(StackError, match="does not say which image is which slice"):
        io.read_stack(path)


def ndtiff(folder: Path, planes: dict[tuple[tuple[str, Any], ...], np.ndarray], *, note: bool = True) -> Path:
    """A data set of version 3: raw planes, and the index that says where they are."""
    folder.mkdir(exist_ok=True)
    said = json.dumps(SUMMARY).encode()
    content = bytearray(b"II*\0" + struct.pack("<7I", 8, 483729, 3, 3, 2355492, len(said), 0)[:24] + said)
    content[28:] = said
    index = b""
    for where, image in planes.items():
        axes = dict(where)
        beside = json.dumps({"ZPosition_um_Intended": 2.0 * axes.get("z", 0)} if note else {}).encode() + b"\0"
        offset = len(content)
        kind = 2 if image.ndim == 3 else image.dtype.itemsize - 1
        content += image.tobytes() + beside
        key, name = json.dumps(axes).encode(), b"a_NDTiffStack.tif"
        index += struct.pack("<I", len(key)) + key + struct.pack("<I", len(name)) + name
        sizes = (image.shape[1], image.shape[0], kind, 0)
        index += struct.pack("<IiiiiIii", offset, *sizes, offset + image.nbytes, len(beside), 0)
    (folder / "a_NDTiffStack.tif").write_bytes(content)
    (folder / "NDTiff.index").write_bytes(index)
    return folder


def test_ndtiff(tmp_path: Path) -> None:
    planes = {(("channel", c), ("z", z)): PLANES[z, k] for z in (2, 0, 3, 1) for k, c in enumerate(("DAPI", "GFP"))}
    ndtiff(tmp_path / "a", planes)
    for path in (tmp_path / "a", tmp_path / "a" / "a_NDTiffStack.tif"):
        file = io.read_stack(path)
        assert io.is_stack_file(path)
        assert file.axes == "ZCYX"
        np.testing.assert_array_equal(file.data, PLANES)
        assert (file.z_step, file.pixel_size) == (pytest.approx(2.0), (0.1, 0.1))  # as the stage says, not the summary
        assert [channel.name for channel in file.channels] == ["DAPI", "GFP"]


def test_ndtiff_in_a_folder_for_full_resolution(tmp_path: Path) -> None:
    ndtiff(tmp_path / "Full resolution", {(("z", z), ("time", t)): PLANES[z, t] for z in range(4) for t in range(2)})
    file = io.read_stack(tmp_path)
    assert (file.axes, file.path) == ("TZYX", tmp_path)
    np.testing.assert_array_equal(file.data, PLANES.swapaxes(0, 1))


def test_ndtiff_that_lacks_slices_keeps_their_gap(tmp_path: Path) -> None:
    ndtiff(tmp_path, {(("z", z),): PLANES[z, 0] for z in (0, 1, 3)}, note=False)
    file = io.read_stack(tmp_path)
    assert file.z == pytest.approx((0, 0.5, 1.5))
    assert file.z_step == pytest.approx(0.75)


def test_ndtiff_of_colour_and_of_other_axes(tmp_path: Path) -> None:
    rgb = np.arange(6 * 7 * 3, dtype=np.uint8).reshape(6, 7, 3)
    ndtiff(tmp_path / "rgb", {(("z", z),): rgb + z for z in range(2)})
    file = io.read_stack(tmp_path / "rgb")
    assert file.axes == "ZYXS"
    np.testing.assert_array_equal(file.data, [rgb, rgb + 1])
    ndtiff(tmp_path / "own", {(("focus", k),): PLANES[k, 0] for k in range(4)})
    assert io.read_stack(tmp_path / "own").focus_stack().data.shape == (4, 6, 7)


def test_ndtiff_that_is_damaged(tmp_path: Path) -> None:
    planes = {(("z", z),): PLANES[z, 0] for z in range(4)}
    ndtiff(tmp_path, planes)
    tif, index = tmp_path / "a_NDTiffStack.tif", tmp_path / "NDTiff.index"
    whole, table = tif.read_bytes(), index.read_bytes()
    tif.write_bytes(whole[:-200])
    with pytest.raises(StackError, match="ends too early"):
        io.read_stack(tmp_path)
    tif.write_bytes(whole)
    index.write_bytes(table.replace(b"a_NDTiffStack.tif", b"../_NDTiffStac.tif"[:17]))
    with pytest.raises(StackError, match="names a file in another folder"):
        io.read_stack(tmp_path)
    index.write_bytes(b"")
    with pytest.raises(StackError, match="names no image"):
        io.read_stack(tmp_path)
    tif.unlink()
    index.write_bytes(table)
    with pytest.raises(StackError, match="a_NDTiffStack"):
        io.read_stack(tmp_path)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("noted", ["in the image", "metadata.txt"])
def test_single_images(tmp_path: Path, version: int, noted: str) -> None:
    """Version 1 names channels, version 2 counts them."""
    names = [
        f"img_000000000_{('DAPI', 'GFP')[c]}_{z:03d}.tif"
        if version == 1
        else f"img_channel{c:03d}_position000_time000000000_z{z:03d}.tif"
        for z, c in CHANNELS_FIRST
    ]
    heights = [0.0, 0.5, 1.0, 3.0]
    for name, (z, c) in zip(names, CHANNELS_FIRST, strict=True):
        note = json.dumps({"ZPositionUm": heights[z], "PixelSizeUm": 0.25})
        tags = [(51123, 2, 0, note, True)] if noted == "in the image" else []
        tifffile.imwrite(tmp_path / name, PLANES[z, c], metadata=None, extratags=tags)
    if noted == "metadata.txt":
        told = {"Summary": {"z-step_um": 0.5, "PixelSize_um": 0.25, "ChNames": ["DAPI", "GFP"]}}
        for name, (z, c) in zip(names, CHANNELS_FIRST, strict=True):
            key = f"FrameKey-0-{c}-{z}" if version == 1 else f"Metadata-Default/{name}"
            told[key] = {"FileName": name, "ZPositionUm": heights[z]} if version == 1 else {"ZPositionUm": heights[z]}
            told |= {} if version == 1 else {f"Coords-Default/{name}": {"z": z, "channel": c}}
        (tmp_path / "metadata.txt").write_text(json.dumps(told), "utf-8")
    file = io.read_stack(tmp_path)
    assert file.axes == "CZYX"
    np.testing.assert_array_equal(file.data, PLANES.swapaxes(0, 1))
    assert file.z == pytest.approx(heights)
    assert file.pixel_size == (0.25, 0.25)
    if version == 1 or noted == "metadata.txt":
        assert [channel.name for channel in file.channels] == ["DAPI", "GFP"]


def test_notes_that_cannot_be_read_change_nothing(tmp_path: Path) -> None:
    for k in range(3):
        tifffile.imwrite(tmp_path / f"z{k}.tif", PLANES[k, 0], metadata=None)
    for text in ("", "[1, 2]", '{"Summary": 3}', '{"a": 4}', "{" * 2000):
        (tmp_path / "metadata.txt").write_text(text)
        assert io.read_stack(tmp_path).z_step is None
    (tmp_path / "metadata.txt").write_text('{"Summary": {"z-step_um": 0.5}}')
    assert io.read_stack(tmp_path).z_step == 0.5


@pytest.mark.parametrize("axes", [("time", "z", "a", "b"), ("z",)])
def test_an_index_that_states_more_than_can_be(tmp_path: Path, axes: tuple[str, ...]) -> None:
    """Two hundred entries on four axes make an array of 200 to the fourth; a number of a billion makes no billion."""
    tiny = np.zeros((2, 3), np.uint8)
    ndtiff(tmp_path, {tuple((axis, 10**9 * k) for axis in axes): tiny for k in range(200)})
    if len(axes) == 1:
        assert io.read_stack(tmp_path).data.shape == (200, 2, 3)
        return
    with pytest.raises(StackError, match="states 1600000000 images"):
        io.read_stack(tmp_path)
