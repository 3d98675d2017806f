"""Multi-page TIFF, ImageJ TIFF and OME-TIFF."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_focusfuse import io
from napari_focusfuse.errors import StackError


def tiff(path: Path, data: np.ndarray, **options: Any) -> Path:
    tifffile.imwrite(path, data, **({"photometric": "minisblack"} | options))
    return path


@pytest.mark.parametrize("compression", [None, "lzw", "packbits", "zlib", "zstd"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_pages_are_the_stack(tmp_path: Path, stack: np.ndarray, compression: str | None, byteorder: str) -> None:
    path = tiff(tmp_path / "s.tif", stack, compression=compression, byteorder=byteorder, metadata=None)
    file = io.read_stack(path)
    assert file.data.dtype == np.uint16
    assert file.data.dtype.isnative
    assert file.data.chunks[0] == (1,) * 5
    np.testing.assert_array_equal(file.focus_stack().data, stack)
    assert file.focus_stack().axes == "ZYX"


def test_jpeg_pages(tmp_path: Path) -> None:
    smooth = np.linspace(0, 255, 3 * 32 * 48 * 3).reshape(3, 32, 48, 3).astype(np.uint8)
    path = tiff(tmp_path / "s.tif", smooth, photometric="rgb", compression="jpeg", compressionargs={"level": 95})
    file = io.read_stack(path).focus_stack()
    assert file.axes == "ZYXS"
    np.testing.assert_array_equal(file.data, tifffile.imread(path))
    assert np.abs(np.asarray(file.data).astype(int) - smooth).max() < 24


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "int16", "int32", "int64", "uint8", "uint32", "uint64", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_types(tmp_path: Path, dtype: str, compression: str | None) -> None:
    data = (np.arange(3 * 4 * 6).reshape(3, 4, 6) % 7 - (0 if dtype[0] in "ub" else 3)).astype(dtype)
    file = io.read_stack(tiff(tmp_path / "s.tif", data, compression=compression, metadata=None))
    assert file.data.dtype == dtype
    np.testing.assert_array_equal(file.data, data)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("samples", [3, 4])
def test_colour_is_the_last_axis(tmp_path: Path, rgb: np.ndarray, planar: str, samples: int) -> None:
    data = np.concatenate([rgb, rgb[..., :1]], axis=-1)[..., :samples]
    stored = data if planar == "contig" else np.moveaxis(data, -1, 1)
    path = tiff(tmp_path / "s.tif", stored, photometric="rgb", planarconfig=planar)
    file = io.read_stack(path).focus_stack()
    assert file.axes == "ZYXS"
    np.testing.assert_array_equal(file.data, data)


def test_only_the_page_that_is_asked_for_is_read(
    tmp_path: Path, stack: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tiff(tmp_path / "s.tif", stack, compression="zlib", metadata=None)
    pages: list[int] = []
    original = tifffile.TiffPage.asarray

    def spy(page: tifffile.TiffPage, **options: Any) -> np.ndarray:
        pages.append(page.index)
        return original(page, **options)

    monkeypatch.setattr(tifffile.TiffPage, "asarray", spy)
    file = io.read_stack(path)
    assert pages == []
    np.testing.assert_array_equal(file.data[3], stack[3])
    assert pages == [3]


def test_only_the_bytes_of_a_plane_are_read(tmp_path: Path, stack: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiff(tmp_path / "s.tif", stack, imagej=True)
    counts: list[int] = []
    original = np.fromfile

    def spy(path: Path, dtype: np.dtype, count: int, **options: Any) -> np.ndarray:
        counts.append(count)
        return original(path, dtype, count, **options)

    monkeypatch.setattr(np, "fromfile", spy)
    file = io.read_stack(path)
    np.testing.assert_array_equal(file.data[3], stack[3])
    assert counts == [12 * 17]


def test_ome_sizes(tmp_path: Path, stack: np.ndarray) -> None:
    sizes = {"PhysicalSizeX": 250, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}
    metadata = {"axes": "ZYX", "PhysicalSizeZ": 0.002, "PhysicalSizeZUnit": "mm", **sizes}
    file = io.read_stack(tiff(tmp_path / "s.ome.tif", stack, metadata=metadata))
    assert file.axes == "ZYX"
    assert file.z_step == pytest.approx(2.0)
    assert file.pixel_size == pytest.approx((0.5, 0.25))
    assert file.name == "s"


def test_ome_unit_is_um_where_it_is_left_out(tmp_path: Path, stack: np.ndarray) -> None:
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 3}
    file = io.read_stack(tiff(tmp_path / "s.ome.tif", stack, metadata=metadata))
    assert (file.z_step, file.pixel_size) == (3.0, (0.5, 0.5))


@pytest.mark.parametrize(
    ("unit", "factor"), [("um", 1), ("micron", 1), ("\\u00B5m", 1), ("nm", 1e-3), ("mm", 1e3), ("cm", 1e4)]
)
def test_imagej_sizes(tmp_path: Path, stack: np.ndarray, unit: str, factor: float) -> None:
    metadata = {"axes": "ZYX", "spacing": 1.5, "unit": unit}
    path = tiff(tmp_path / "s.tif", stack, imagej=True, resolution=(4, 2), metadata=metadata)
    file = io.read_stack(path)
    assert file.axes == "ZYX"
    assert file.z_step == pytest.approx(1.5 * factor)
    assert file.pixel_size == pytest.approx((0.5 * factor, 0.25 * factor))
    np.testing.assert_array_equal(file.data, stack)


def test_imagej_without_unit_has_no_size(tmp_path: Path, stack: np.ndarray) -> None:
    path = tiff(tmp_path / "s.tif", stack, imagej=True, resolution=(1, 1), metadata={"axes": "ZYX", "spacing": 1.5})
    file = io.read_stack(path)
    assert (file.z_step, file.pixel_size) == (None, None)


@pytest.mark.parametrize(
    ("resolution", "unit", "pixel"),
    [
        ((20000, 40000), "centimeter", (0.25, 0.5)),
        ((50800, 50800), "inch", (0.5, 0.5)),
        ((72, 72), "inch", None),
        ((300, 300), "inch", None),
        ((118.11, 118.11), "centimeter", None),
        ((2, 2), "none", None),
    ],
)
def test_resolution_tags(
    tmp_path: Path, stack: np.ndarray, resolution: tuple[float, float], unit: str, pixel: tuple[float, float] | None
) -> None:
    file = io.read_stack(tiff(tmp_path / "s.tif", stack, resolution=resolution, resolutionunit=unit, metadata=None))
    assert file.z_step is None
    assert file.pixel_size == (pixel if pixel is None else pytest.approx(pixel))


def test_several_ome_files_are_one_stack(tmp_path: Path, stack: np.ndarray) -> None:
    """Plane k lies in file k, as some microscopes write it."""
    names = [f"plane{k}.ome.tif" for k in range(3)]
    planes = "".join(
        f'<TiffData FirstZ="{k}" IFD="0" PlaneCount="1"><UUID FileName="{name}">urn:uuid:{k}</UUID></TiffData>'
        for k, name in enumerate(names)
    )
    for k, name in enumerate(names):
        xml = (
            f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{k}"><Image ID="Image:0">'
            '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="17" SizeY="12" SizeZ="3" SizeC="1" '
            'SizeT="1" PhysicalSizeZ="2"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
            f"{planes}</Pixels></Image></OME>"
        )
        tiff(tmp_path / name, stack[k], description=xml, metadata=None)
    file = io.read_stack(tmp_path / names[0])
    np.testing.assert_array_equal(file.data, stack[:3])
    assert sorted(path.name for path in file.inputs) == names
    np.testing.assert_array_equal(io.read_stack(tmp_path).data, stack[:3])
    (tmp_path / names[2]).unlink()
    with pytest.raises(StackError, match=r"plane 3 of .*plane0\.ome\.tif is missing"):
        io.read_stack(tmp_path / names[0])


def test_lookup_tables_are_intensities_and_indexed_colour_is_resolved(tmp_path: Path) -> None:
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    green = np.zeros((3, 256), np.uint16)
    green[1] = np.arange(256) * 257
    tiff(tmp_path / "lut.tif", image, photometric="palette", colormap=green)
    np.testing.assert_array_equal(io.read_image(tmp_path / "lut.tif"), image)
    wild = np.random.default_rng(0).integers(0, 65536, (3, 256)).astype(np.uint16)
    tiff(tmp_path / "indexed.tif", image, photometric="palette", colormap=wild)
    np.testing.assert_array_equal(io.read_image(tmp_path / "indexed.tif"), wild.T[image])
    tiff(tmp_path / "eight.tif", image, photometric="palette", colormap=(wild >> 8) * 257)
    np.testing.assert_array_equal(io.read_image(tmp_path / "eight.tif"), (wild.T[image] >> 8).astype(np.uint8))


def test_thumbnails_are_not_slices(tmp_path: Path, stack: np.ndarray) -> None:
    for k in range(2):
        with tifffile.TiffWriter(tmp_path / f"{k}.tif") as writer:
            writer.write(stack[k], metadata=None)
            writer.write(stack[k, ::4, ::4], subfiletype=1, metadata=None)
    np.testing.assert_array_equal(io.read_stack(tmp_path).data, stack[:2])


def test_pages_of_unequal_size(tmp_path: Path, stack: np.ndarray) -> None:
    path = tmp_path / "s.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(stack[0], metadata=None)
        writer.write(stack[1, :5], metadata=None)
    with pytest.raises(StackError, match=r"pages of .*s\.tif are of unequal size \(12 x 17, 5 x 17 px\)"):
        io.read_stack(path)


def test_several_images_in_a_file(tmp_path: Path, stack: np.ndarray) -> None:
    path = tmp_path / "s.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(stack, metadata={"axes": "ZYX"}, photometric="minisblack")
        writer.write(stack[:3], metadata={"axes": "ZYX"}, photometric="minisblack")
    with pytest.raises(StackError, match=r"s\.ome\.tif contains 2 separate images"):
        io.read_stack(path)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("options", [{"metadata": None}, {"ome": True, "metadata": {"axes": "ZYX"}}])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_truncated(
    tmp_path: Path, stack: np.ndarray, options: dict[str, Any], compression: str | None, share: float
) -> None:
    path = tiff(tmp_path / "s.tif", np.tile(stack, (1, 4, 4)), compression=compression, **options)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(StackError, match=r"s\.tif cannot be read"):
        np.asarray(io.read_stack(path).data)


def test_truncated_imagej(tmp_path: Path, stack: np.ndarray) -> None:
    path = tiff(tmp_path / "s.tif", stack, imagej=True)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(StackError, match=r"s\.tif cannot be read \(the file ends too early\)"):
        io.read_stack(path)


def test_not_a_tiff(tmp_path: Path) -> None:
    for content in (b"", b"this is no image at all"):
        (tmp_path / "s.tif").write_bytes(content)
        with pytest.raises(StackError, match=r"s\.tif cannot be read"):
            io.read_stack(tmp_path / "s.tif")


def test_damage_inside_is_noticed_on_reading_the_page(tmp_path: Path, stack: np.ndarray) -> None:
    path = tiff(tmp_path / "s.tif", stack, compression="zlib", metadata=None)
    with tifffile.TiffFile(path) as tif:
        page = tif.pages[2]
        start, count = page.dataoffsets[0], page.databytecounts[0]
    whole = bytearray(path.read_bytes())
    whole[start : start + count // 2] = bytes(count // 2)
    path.write_bytes(whole)
    file = io.read_stack(path)
    np.testing.assert_array_equal(file.data[1], stack[1])
    with pytest.raises(StackError, match=r"s\.tif cannot be read"):
        np.asarray(file.data[2])


def test_a_file_that_shrinks_after_opening(tmp_path: Path, stack: np.ndarray) -> None:
    path = tiff(tmp_path / "s.tif", stack, imagej=True)
    file = io.read_stack(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(StackError, match=r"s\.tif cannot be read"):
        np.asarray(file.data[4])


@pytest.mark.parametrize("planar", ["separate", "contig"])
def test_samples_that_are_no_colour_are_refused(tmp_path: Path, stack: np.ndarray, planar: str) -> None:
    """Four channels are not taken for RGBA."""
    data = stack[:4] if planar == "separate" else np.moveaxis(stack[:4], 0, -1)
    path = tiff(tmp_path / "s.tif", data, planarconfig=planar, metadata=None)
    with pytest.raises(StackError, match=r"s\.tif has unsupported pixels .*\(4 samples, minisblack, 16 bits\)"):
        io.read_stack(path)


def test_a_page_that_states_another_size_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged height of 33 million rows was filled with zeros first (4 GB at the peak), and refused then."""
    path = tiff(tmp_path / "s.tif", np.zeros((3, 24, 20, 3), np.uint8), photometric="rgb", compression="zlib")
    with tifffile.TiffFile(path) as tif:
        place = tif.pages[2].tags["ImageLength"].valueoffset
    with path.open("r+b") as file:
        file.seek(place)
        file.write(np.uint32(24_000_000).astype("<u4").tobytes())
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda page, **_: pytest.fail(f"{page.shape} was read"))
    with pytest.raises(StackError, match="one size"):
        io.read_stack(path).data[2].compute()
