"""Images and stacks to files."""

import os
import tracemalloc
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_focusfuse import io
from napari_focusfuse.errors import OutputError
from napari_focusfuse.io import write

TYPES = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 3), (6, 8, 4), (1, 1), (3, 3)])
def test_tiff_keeps_values_types_and_sizes(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    if dtype.startswith("float"):
        image = np.random.default_rng(0).normal(0, 3, shape).astype(dtype)
        image.flat[0] = np.nan
    else:
        limits = np.iinfo(dtype)
        image = np.random.default_rng(0).integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
    path = io.write_image(tmp_path / "a.tif", image, pixel_size=(0.5, 0.25))
    back = io.read_image(path)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, image)
    assert io.read_stack(path).pixel_size == pytest.approx((0.5, 0.25))


def test_bool_is_stored_as_0_and_1(tmp_path: Path) -> None:
    image = np.array([[True, False], [False, True]])
    back = io.read_image(io.write_image(tmp_path / "a.tif", image))
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, image)


def test_big_endian_and_strided(tmp_path: Path) -> None:
    image = np.arange(48, dtype=">u2").reshape(6, 8)[:, ::-2]
    np.testing.assert_array_equal(io.read_image(io.write_image(tmp_path / "a.tif", image)), image)
    np.testing.assert_array_equal(io.read_image(io.write_image(tmp_path / "a.png", image)), image)


def test_ome_metadata(tmp_path: Path, stack: np.ndarray) -> None:
    path = io.write_stack(tmp_path / "a.ome.tif", stack, z_step=1.5, pixel_size=(0.5, 0.25))
    with tifffile.TiffFile(path) as tif:
        pixels = tifffile.xml2dict(tif.ome_metadata)["OME"]["Image"]["Pixels"]
        page = tif.pages.first
        assert page.resolution == pytest.approx((1e4 / 0.25, 1e4 / 0.5))
        assert page.resolutionunit == tifffile.RESUNIT.CENTIMETER
    assert {f"PhysicalSize{a}": pixels[f"PhysicalSize{a}"] for a in "XYZ"} == {
        "PhysicalSizeX": 0.25,
        "PhysicalSizeY": 0.5,
        "PhysicalSizeZ": 1.5,
    }
    assert {pixels[f"PhysicalSize{a}Unit"] for a in "XYZ"} == {"µm"}
    file = io.read_stack(path)
    assert (file.axes, file.z_step, file.pixel_size) == ("ZYX", 1.5, (0.5, 0.25))
    np.testing.assert_array_equal(file.data, stack)


def test_colour_stack(tmp_path: Path, rgb: np.ndarray) -> None:
    file = io.read_stack(io.write_stack(tmp_path / "a.ome.tif", rgb, z_step=2, pixel_size=(1, 1))).focus_stack()
    assert (file.axes, file.z_step) == ("ZYXS", 2.0)
    np.testing.assert_array_equal(file.data, rgb)


def test_without_sizes_none_are_stated(tmp_path: Path, stack: np.ndarray) -> None:
    file = io.read_stack(io.write_stack(tmp_path / "a.ome.tif", stack))
    assert (file.z_step, file.pixel_size) == (None, None)


def test_same_pixels_same_bytes(tmp_path: Path, stack: np.ndarray) -> None:
    first, second, third = (tmp_path / name / "a.ome.tif" for name in "123")
    io.write_stack(first, stack, z_step=1.0)
    io.write_stack(second, stack.copy(), z_step=1.0)
    io.write_stack(third, stack + np.uint16(1), z_step=1.0)
    assert first.read_bytes() == second.read_bytes()
    uuids = [tifffile.xml2dict(tifffile.TiffFile(path).ome_metadata)["OME"]["UUID"] for path in (first, third)]
    assert uuids[0] != uuids[1]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 3), (6, 8, 4)])
def test_png(tmp_path: Path, dtype: type, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype)
    path = io.write_image(tmp_path / "a.png", image, pixel_size=(0.5, 0.25))
    back = io.read_image(path)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, image)
    with Image.open(path) as picture:
        picture.load()
        assert picture.info["dpi"] == pytest.approx((25400 / 0.25, 25400 / 0.5))
    np.testing.assert_array_equal(imagecodecs.png_decode(path.read_bytes()), image)


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint32", "bool"])
def test_what_png_cannot_hold(tmp_path: Path, dtype: str) -> None:
    with pytest.raises(OutputError, match=rf"cannot hold {dtype} values: use \.tif"):
        io.write_image(tmp_path / "a.png", np.zeros((2, 2), dtype))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.jpg", "a.xyz", "a"])
def test_unknown_suffix(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"unsupported suffix: use \.tif or \.png"):
        io.write_image(tmp_path / name, np.zeros((2, 2), np.uint8))
    assert not list(tmp_path.iterdir())


def test_unknown_shape(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\(2, 2, 2\) cannot be written"):
        io.write_image(tmp_path / "a.tif", np.zeros((2, 2, 2), np.uint8))
    with pytest.raises(OutputError, match="cannot hold a stack"):
        io.write_stack(tmp_path / "a.png", np.zeros((2, 2, 2), np.uint8))


def test_an_existing_file_is_kept_unless_overwriting_is_allowed(tmp_path: Path) -> None:
    path = io.write_image(tmp_path / "a.tif", np.zeros((2, 2), np.uint8))
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"a\.tif exists"):
        io.write_image(path, np.ones((2, 2), np.uint8))
    assert path.read_bytes() == before
    io.write_image(path, np.ones((2, 2), np.uint8), overwrite=True)
    np.testing.assert_array_equal(io.read_image(path), 1)
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]


def test_a_folder_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.tif").mkdir()
    with pytest.raises(OutputError, match="there is a folder of that name"):
        io.write_image(tmp_path / "a.tif", np.zeros((2, 2), np.uint8), overwrite=True)


def test_folders_are_made_and_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    io.write_image(tmp_path / "new" / "er" / "a.tif", np.zeros((2, 2), np.uint8))
    assert (tmp_path / "new" / "er" / "a.tif").is_file()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file is not a folder"):
        io.write_image(tmp_path / "file" / "a.tif", np.zeros((2, 2), np.uint8))


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("exists", [True, False])
def test_a_failure_in_the_middle_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, exists: bool
) -> None:
    path = tmp_path / "out" / "a.tif"
    if exists:
        io.write_image(path, np.zeros((2, 2), np.uint8))
    before = path.read_bytes() if exists else None

    def half(part: Path, *_: object, **__: object) -> None:
        part.write_bytes(b"half of it")
        raise failure

    monkeypatch.setattr(write, "imwrite", half)
    expected = OutputError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected, match=r"No space left" if isinstance(failure, OSError) else None):
        io.write_image(path, np.ones((2, 2), np.uint8), overwrite=True)
    if exists:
        assert path.read_bytes() == before
        assert len(list(path.parent.iterdir())) == 1
    else:
        assert not path.parent.exists()


def test_a_read_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="read-only"):
        io.check_image_target(tmp_path / "a.tif")
    assert not list(tmp_path.iterdir())


def test_a_stack_is_written_without_a_copy(tmp_path: Path) -> None:
    stack = np.zeros((16, 256, 256), np.uint16)
    tracemalloc.start()
    io.write_stack(tmp_path / "a.tif", stack)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < stack.nbytes / 2
