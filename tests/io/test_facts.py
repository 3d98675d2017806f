"""What files state of sizes, positions and channels, and what contradicts it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_focusfuse import io
from napari_focusfuse.errors import StackError
from napari_focusfuse.io.facts import to_um, unit_um

PLANES = np.arange(12 * 6 * 7, dtype=np.uint16).reshape(12, 6, 7)


def ome(path: Path, inside: str = "", *, size: str = 'SizeZ="12" SizeC="1" SizeT="1"', **attributes: str) -> Path:
    """An OME-TIFF of PLANES with the XML that a test wants."""
    more = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0" '
        f'DimensionOrder="XYZCT" Type="uint16" SizeX="7" SizeY="6" {size} {more}>{inside}<TiffData/></Pixels></Image>'
        "</OME>"
    )
    tifffile.imwrite(path, PLANES, description=xml.encode(), metadata=None, photometric="minisblack")
    return path


def planes(positions: Sequence[float], unit: str | None = "µm") -> str:
    said = "" if unit is None else f'PositionZUnit="{unit}"'
    return "".join(f'<Plane TheZ="{k}" TheC="0" TheT="0" PositionZ="{z}" {said}/>' for k, z in enumerate(positions))


@pytest.mark.parametrize(
    ("unit", "um"),
    [
        ("Mm", 1e12), ("mm", 1e3), ("nm", 1e-3), ("µm", 1.0), ("μm", 1.0), ("um", 1.0), ("UM", 1.0), ("\\u00B5m", 1.0),
        ("micron", 1.0), ("Microns", 1.0), ("micrometre", 1.0), ("nanometers", 1e-3), ("Å", 1e-4), ("angstrom", 1e-4),
        ("in", 25400.0), ("thou", 25.4), ("m", 1e6), ("pixel", None), ("reference frame", None), ("s", None),
        ("", None),
    ],
)  # fmt: skip
def test_units(unit: str, um: float | None) -> None:
    assert unit_um(unit) == (None if um is None else pytest.approx(um))


@pytest.mark.parametrize("value", ["nan", "inf", 0, "", None, "wide"])
def test_what_is_no_length(value: object) -> None:
    assert to_um(value, "um") is None


@pytest.mark.parametrize(
    ("attributes", "z_step", "says"),
    [
        ({"PhysicalSizeZ": "500", "PhysicalSizeZUnit": "nm"}, 0.5, None),
        ({"PhysicalSizeZ": "0"}, None, "z-step of 0: it is treated as unknown"),
        ({"PhysicalSizeZ": "-0.5"}, 0.5, "z-step of -0.5: its sign is ignored"),
        ({"PhysicalSizeZ": "2", "PhysicalSizeZUnit": "pixel"}, None, None),
        (
            {"PhysicalSizeZ": "2", "PhysicalSizeZUnit": "furlong"},
            None,
            "z-step in 'furlong', which is not a known unit",
        ),
        ({"PhysicalSizeX": "0", "PhysicalSizeY": "1"}, None, "pixel width of 0"),
    ],
)
def test_sizes_that_cannot_be(
    tmp_path: Path, attributes: dict[str, str], z_step: float | None, says: str | None
) -> None:
    file = io.read_stack(ome(tmp_path / "s.ome.tif", **attributes))
    assert file.z_step == z_step
    assert file.pixel_size is None
    assert len(file.notes) == (says is not None)
    assert says is None or says in file.notes[0]


EVEN = [5 + 2 * k for k in range(12)]
UNEVEN = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16]


@pytest.mark.parametrize(
    ("positions", "unit", "stated", "z_step", "z", "says"),
    [
        (EVEN, "µm", None, 2.0, None, None),
        (EVEN, "µm", "2.01", 2.01, None, None),
        (EVEN, "mm", None, 2000.0, None, None),
        (EVEN, "µm", "1", 2.0, None, "z-step of 1 um and positions 2 um apart: the positions are used"),
        (EVEN[::-1], "µm", "2", 2.0, [22 - 2 * k for k in range(12)], None),
        (UNEVEN, "nm", None, 16 / 11 / 1e3, [z / 1e3 for z in UNEVEN], "slices 0.001 to 0.002 um apart"),
        (UNEVEN, None, "1", 1.0, None, "uneven positions without a unit"),
        (EVEN, None, "1", 1.0, None, None),
        ([7] * 12, "µm", "1", 1.0, None, None),
        ([0, 0, *range(1, 11)], "µm", "1", 1.0, None, "uneven positions and one for several slices"),
        (EVEN[:-1], "µm", "1", 1.0, None, None),
    ],
)
def test_positions_of_slices(
    tmp_path: Path,
    positions: Sequence[float],
    unit: str | None,
    stated: str | None,
    z_step: float,
    z: list[float] | None,
    says: str | None,
) -> None:
    attributes = {} if stated is None else {"PhysicalSizeZ": stated}
    file = io.read_stack(ome(tmp_path / "s.ome.tif", planes(positions, unit), **attributes)).focus_stack()
    assert file.z_step == pytest.approx(z_step)
    assert file.z == (None if z is None else pytest.approx(z))
    assert file.positions() == pytest.approx(z or [k * z_step for k in range(12)])
    assert file.positions(3.0) == pytest.approx([3.0 * k for k in range(12)])
    assert len(file.notes) == (says is not None)
    assert says is None or says in file.notes[0]


def test_positions_belong_to_the_z_axis_alone(tmp_path: Path) -> None:
    size = 'SizeZ="2" SizeC="1" SizeT="6"'
    file = io.read_stack(ome(tmp_path / "s.ome.tif", planes([3, 1]), size=size, PhysicalSizeZ="2"))
    assert file.axes == "TZYX"
    assert file.z == (2.0, 0.0)


def test_channels_have_names_and_colours(tmp_path: Path) -> None:
    channels = '<Channel ID="Channel:0:0" Name="DAPI" Color="65535"/><Channel ID="Channel:0:1" Color="-16776961"/>'
    path = ome(tmp_path / "s.ome.tif", channels, size='SizeZ="6" SizeC="2" SizeT="1"')
    assert io.read_stack(path).channels == (("DAPI", "#0000ff"), (None, "#ff0000"))
    tables = [
        np.outer((1, 0, 0), np.arange(256)).astype(np.uint8),
        np.outer((0, 1, 1), np.arange(256)).astype(np.uint8),
    ]
    metadata = {"axes": "ZCYX", "LUTs": tables, "mode": "composite"}
    tifffile.imwrite(tmp_path / "ij.tif", PLANES.reshape(6, 2, 6, 7), imagej=True, metadata=metadata)
    assert [channel.colour for channel in io.read_stack(tmp_path / "ij.tif").channels] == ["#ff0000", "#00ffff"]


def test_pages_that_the_metadata_do_not_describe(tmp_path: Path) -> None:
    file = io.read_stack(ome(tmp_path / "s.ome.tif", size='SizeZ="10" SizeC="1" SizeT="1"'))
    np.testing.assert_array_equal(file.data, PLANES[:10])
    assert file.notes == ("holds 12 pages, but its metadata describe 10: only these are read",)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}])
def test_images_that_are_described_and_not_there(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(StackError, match=r"holds 12 of the 14 images that its metadata describe"):
        io.read_stack(ome(tmp_path / "s.ome.tif", size='SizeZ="14" SizeC="1" SizeT="1"'))
    text = "ImageJ=1.53t\nimages=14\nslices=14\nunit=micron\nspacing=2.0\n"
    tifffile.imwrite(tmp_path / "ij.tif", PLANES, description=text, metadata=None, photometric="minisblack", **options)
    with pytest.raises(StackError, match=r"holds 12 of the 14 images"):
        io.read_stack(tmp_path / "ij.tif")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [("</OME>", "", "has damaged OME-XML"), ('SizeX="7"', 'SizeX="8"', "does not match its pages")],
)
def test_metadata_that_cannot_be_relied_on(tmp_path: Path, old: str, new: str, says: str) -> None:
    with tifffile.TiffFile(ome(tmp_path / "good.ome.tif", PhysicalSizeZ="2")) as tif:
        xml = (tif.ome_metadata or "").replace(old, new)
    tifffile.imwrite(tmp_path / "s.ome.tif", PLANES, description=xml, metadata=None, photometric="minisblack")
    file = io.read_stack(tmp_path / "s.ome.tif")
    assert file.z_step is None
    assert len(file.notes) == 1
    assert says in file.notes[0]
    np.testing.assert_array_equal(file.focus_stack().data, PLANES)


def test_pages_of_different_types(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "s.tif") as writer:
        writer.write(PLANES[0], metadata=None)
        writer.write(PLANES[1].astype(np.uint8), metadata=None)
    with pytest.raises(StackError, match=r"different types \(uint16, uint8\)"):
        io.read_stack(tmp_path / "s.tif")


@pytest.mark.parametrize("text", ["unit=pixel\nspacing=-2.0\n", "unit=\nspacing=2\n", "spacing=0\n"])
def test_imagej_that_is_not_calibrated(tmp_path: Path, text: str) -> None:
    tifffile.imwrite(
        tmp_path / "s.tif", PLANES, description=f"ImageJ=1.53t\nimages=12\nslices=12\n{text}", metadata=None,
        photometric="minisblack",
    )  # fmt: skip
    file = io.read_stack(tmp_path / "s.tif")
    assert (file.axes, file.z_step, file.pixel_size) == ("ZYX", None, None)


def test_slices_that_state_different_sizes(tmp_path: Path) -> None:
    for k in range(3):
        io.write_image(tmp_path / f"{k}.tif", PLANES[k], pixel_size=(0.5, 0.5 if k else 0.25))
    file = io.read_stack(tmp_path)
    assert file.pixel_size is None
    assert file.notes == ("has slices that state different pixel sizes: it is treated as unknown",)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("a_t1_z1", "a_t1_z2", "a_t2_z1"), "2 time points"),
        (("a_c0z1", "a_c1z1", "a_c0z2"), "2 channels"),
        (("t001", "t002", "t003"), "3 time points"),
        (("a_ch00", "a_ch01"), "2 channels"),
        (("a_xy1_t1", "a_xy2_t2"), "2 positions"),
        (("a_xy1_t1", "a_xy1_t2", "a_xy2_t1"), "2 positions and 2 time points"),
        (("a_t1_z1", "a_t1_z2", "a_t1_z3"), None),
        (("IMG_20240101_101112", "IMG_20240101_101113"), None),
        (("scan1", "scan2"), None),
        (("cut1", "cut2"), None),
    ],
)
def test_names_that_count_more_than_slices(tmp_path: Path, names: Sequence[str], says: str | None) -> None:
    for name in names:
        tifffile.imwrite(tmp_path / f"{name}.tif", PLANES[0], metadata=None)
    notes = io.read_stack(tmp_path).notes
    assert len(notes) == (says is not None)
    assert says is None or f"names with {says}" in notes[0]


def test_files_in_the_order_given(tmp_path: Path) -> None:
    for k in range(3):
        tifffile.imwrite(tmp_path / f"{k}.tif", PLANES[k], metadata=None)
    file = io.read_files([tmp_path / "2.tif", tmp_path / "0.tif"])
    np.testing.assert_array_equal(file.data, PLANES[[2, 0]])
    assert (file.axes, file.name) == ("ZYX", tmp_path.name)
    with pytest.raises(StackError, match="at least two slices"):
        io.read_files([tmp_path / "2.tif"])


def test_files_that_name_each_other_are_read_as_they_say(tmp_path: Path) -> None:
    """Two channels of three slices, a file for each plane: not a stack of six."""
    names = [f"a_c{c}_z{z}.ome.tif" for c in range(2) for z in range(3)]
    data = "".join(
        f'<TiffData FirstZ="{k % 3}" FirstC="{k // 3}" IFD="0" PlaneCount="1">'
        f'<UUID FileName="{name}">urn:uuid:{k}</UUID></TiffData>'
        for k, name in enumerate(names)
    )
    for k, name in enumerate(names):
        xml = (
            f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{k}"><Image ID="Image:0">'
            '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="7" SizeY="6" SizeZ="3" SizeC="2" '
            f'SizeT="1" PhysicalSizeZ="2">{data}</Pixels></Image></OME>'
        )
        tifffile.imwrite(tmp_path / name, PLANES[k], description=xml, metadata=None)
    file = io.read_stack(tmp_path)
    assert (file.axes, file.z_step, file.name, file.path) == ("CZYX", 2.0, tmp_path.name, tmp_path)
    np.testing.assert_array_equal(file.data, PLANES[:6].reshape(2, 3, 6, 7))


def linked(folder: Path, missing: Sequence[int] = (), *, companion: bool = False) -> Path:
    """Six files of one slice each whose OME-XML names them all, some left away; or of which a companion tells."""
    folder.mkdir()
    names = [f"{'abcdef'[-k - 1]}.ome.tif" for k in range(6)]  # names that say nothing of the order
    head = '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
    data = "".join(
        f'<TiffData FirstZ="{k}" IFD="0" PlaneCount="1"><UUID FileName="{name}">urn:uuid:{k}</UUID></TiffData>'
        for k, name in enumerate(names)
    )
    body = (
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="7" SizeY="6" SizeZ="6" '
        f'SizeC="1" SizeT="1" PhysicalSizeZ="0.5" PhysicalSizeX="2" PhysicalSizeY="2">{data}</Pixels></Image></OME>'
    )
    for k, name in enumerate(names):
        xml = f'{head} UUID="urn:uuid:{k}">{body}'
        if companion:
            xml = f'{head} UUID="urn:uuid:{k}"><BinaryOnly MetadataFile="s.companion.ome" UUID="urn:uuid:9"/></OME>'
        if k not in missing:
            tifffile.imwrite(folder / name, PLANES[k], description=xml, metadata=None)
    if companion:
        (folder / "s.companion.ome").write_text(f"{head}>{body}", "utf-8")
    return folder


def test_a_set_of_files_that_lacks_some(tmp_path: Path) -> None:
    np.testing.assert_array_equal(io.read_stack(linked(tmp_path / "whole")).data, PLANES[:6])
    file = io.read_stack(linked(tmp_path / "set", missing=(3,)))
    np.testing.assert_array_equal(file.data, PLANES[[0, 1, 2, 4, 5]])
    assert file.z == pytest.approx((0, 0.5, 1, 2, 2.5))
    assert (file.z_step, file.slots, file.pixel_size) == (pytest.approx(0.625), (0, 1, 2, 4, 5), (2, 2))
    assert file.notes[0] == "lacks c.ome.tif, which its OME-XML names"


def test_a_companion_that_tells_of_the_files_beside_it(tmp_path: Path) -> None:
    folder = linked(tmp_path / "set", companion=True)
    file = io.read_stack(folder)
    np.testing.assert_array_equal(file.data, PLANES[:6])
    assert (file.z_step, file.pixel_size, file.notes) == (0.5, (2, 2), ())
    (folder / "s.companion.ome").write_text("<OME", "utf-8")
    assert io.read_stack(folder).z_step is None


@pytest.mark.parametrize(("unit", "known"), [("µm", True), ("reference frame", False)])
def test_slices_that_state_where_they_lie(tmp_path: Path, unit: str, known: bool) -> None:
    heights = [0, 0.5, 1, 2, 4]
    for k, z in enumerate(heights):
        plane = {"PositionZ": [float(z)], "PositionZUnit": [unit]}
        tifffile.imwrite(tmp_path / f"z{k}.ome.tif", PLANES[k], metadata={"axes": "YX", "Plane": plane})
    file = io.read_stack(tmp_path)
    assert file.z == (pytest.approx(heights) if known else None)
    assert file.z_step == (pytest.approx(1.0) if known else None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('PlaneCount="1"', 'PlaneCount="1000000000"'),
        ('FileName="', 'FileName="../'),
        ("<OME ", '<!DOCTYPE a [<!ENTITY b "c">]><OME '),
        ('FirstZ="5"', 'FirstZ="-5"'),
    ],
)
def test_a_companion_that_is_not_to_be_trusted(tmp_path: Path, old: str, new: str) -> None:
    folder = linked(tmp_path / "set", companion=True)
    companion = folder / "s.companion.ome"
    companion.write_text(companion.read_text("utf-8").replace(old, new), "utf-8")
    assert io.read_stack(folder).data.shape == (6, 6, 7)
    companion.write_text(companion.read_text("utf-8").replace('SizeZ="6"', 'SizeZ="6000000000"'), "utf-8")
    if old == 'PlaneCount="1"':
        with pytest.raises(StackError, match="set states 6000000000 images"):
            io.read_stack(folder)
