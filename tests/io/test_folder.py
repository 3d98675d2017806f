"""A folder of slices."""

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_focusfuse import io
from napari_focusfuse.errors import StackError


def png(path: Path, image: np.ndarray) -> Path:
    path.write_bytes(imagecodecs.png_encode(image))
    return path


def jpeg(path: Path, image: np.ndarray) -> Path:
    path.write_bytes(imagecodecs.jpeg_encode(image, level=95))
    return path


@pytest.fixture
def folder(tmp_path: Path, stack: np.ndarray) -> Path:
    """Slices z1..z12 (those of `stack` in turn) whose alphabetical order is not the natural one."""
    folder = tmp_path / "beads"
    folder.mkdir()
    for k in range(12):
        png(folder / f"z{k + 1}.png", stack[k % 5] + np.uint16(k))
    return folder


def test_natural_order(folder: Path, stack: np.ndarray) -> None:
    file = io.read_stack(folder)
    assert [path.name for path in file.inputs] == [f"z{k}.png" for k in range(1, 13)]
    np.testing.assert_array_equal(file.data, [stack[k % 5] + np.uint16(k) for k in range(12)])
    assert (file.axes, file.data.dtype, file.name, file.path) == ("ZYX", np.uint16, "beads", folder)
    assert (file.z_step, file.pixel_size) == (None, None)


def test_order_of_mixed_names(tmp_path: Path) -> None:
    names = ["A10.PNG", "a9.png", "b_2_10.png", "b_2_9.png", "b_10_1.png", "10.png", "9.png"]
    for name in names:
        png(tmp_path / name, np.zeros((2, 2), np.uint8))
    ordered = ["9.png", "10.png", "a9.png", "A10.PNG", "b_2_9.png", "b_2_10.png", "b_10_1.png"]
    assert [file.name for file in io.slice_files(tmp_path)] == ordered


def test_name_of_a_relative_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert io.read_stack(".").name == "beads"


def test_only_what_is_asked_for_is_decoded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def spy(path: Path) -> np.ndarray:
        read.append(path.name)
        return io.read_image(path)

    monkeypatch.setattr("napari_focusfuse.io.folder.read_image", spy)
    file = io.read_stack(folder)
    assert read == []
    np.asarray(file.focus_stack().data[3])
    assert read == ["z4.png"]


def test_other_files_are_left_out(folder: Path) -> None:
    for name in ("notes.txt", "meta.json", "Thumbs.db", ".hidden.png", "._z1.png"):
        (folder / name).write_text("no image")
    (folder / "more.png").mkdir()
    assert len(io.read_stack(folder).inputs) == 12


def test_sixteen_bit_colour_png_keeps_its_depth(tmp_path: Path, rgb: np.ndarray) -> None:
    for k, image in enumerate(rgb):
        png(tmp_path / f"{k}.png", image)
    file = io.read_stack(tmp_path)
    assert (file.axes, file.data.dtype) == ("ZYXS", np.uint16)
    np.testing.assert_array_equal(file.data, rgb)


def test_rgba_png(tmp_path: Path, rgb: np.ndarray) -> None:
    rgba = np.concatenate([rgb, rgb[..., :1]], axis=-1)
    for k, image in enumerate(rgba):
        png(tmp_path / f"{k}.png", image)
    np.testing.assert_array_equal(io.read_stack(tmp_path).data, rgba)


def test_jpeg_is_decoded_as_by_another_decoder(tmp_path: Path) -> None:
    smooth = np.linspace(0, 255, 12 * 17 * 3).reshape(12, 17, 3).astype(np.uint8)
    for k in range(2):
        jpeg(tmp_path / f"{k}.jpg", smooth)
    data = np.asarray(io.read_stack(tmp_path).data)
    np.testing.assert_array_equal(data[0], imagecodecs.jpeg_decode((tmp_path / "0.jpg").read_bytes()))
    assert np.abs(data[0].astype(int) - smooth).max() < 24


@pytest.mark.parametrize("compression", [None, "lzw", "packbits", "zlib"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_tiff_slices(tmp_path: Path, rgb: np.ndarray, compression: str | None, planar: str) -> None:
    for k, image in enumerate(rgb):
        data = image if planar == "contig" else np.moveaxis(image, -1, 0)
        tifffile.imwrite(
            tmp_path / f"{k}.tif", data, photometric="rgb", planarconfig=planar, compression=compression, metadata=None
        )
    file = io.read_stack(tmp_path)
    assert file.axes == "ZYXS"
    np.testing.assert_array_equal(file.data, rgb)


def test_tiff_slices_with_sizes(tmp_path: Path, stack: np.ndarray) -> None:
    for k, image in enumerate(stack):
        io.write_image(tmp_path / f"{k}.ome.tif", image, pixel_size=(0.5, 0.25))
    assert io.read_stack(tmp_path).pixel_size == pytest.approx((0.5, 0.25))


@pytest.mark.parametrize(
    ("mode", "shape", "dtype"),
    [("1", (6, 8), "bool"), ("P", (6, 8, 3), "uint8"), ("LA", (6, 8, 4), "uint8"), ("L", (6, 8), "uint8")],
)
def test_unusual_pictures(tmp_path: Path, mode: str, shape: tuple[int, ...], dtype: str) -> None:
    picture = Image.new("RGB" if mode == "P" else "RGBA", (8, 6), (200, 20, 20)).convert(mode)
    for k in range(2):
        picture.save(tmp_path / f"{k}.{'bmp' if mode == '1' else 'png'}")
    data = io.read_stack(tmp_path).data
    assert data.shape == (2, *shape)
    assert data.dtype == dtype
    assert np.asarray(data).any()


@pytest.mark.parametrize("size", [1, 3])
def test_tiny_slices(tmp_path: Path, size: int) -> None:
    for k in range(2):
        png(tmp_path / f"{k}.png", np.full((size, size), k, np.uint8))
    np.testing.assert_array_equal(io.read_stack(tmp_path).data[1], np.ones((size, size)))


def small(path: Path) -> None:
    png(path.with_name("z3.png"), np.zeros((11, 17), np.uint16))


def eight_bit(path: Path) -> None:
    png(path.with_name("z3.png"), np.zeros((12, 17), np.uint8))


def coloured(path: Path) -> None:
    png(path.with_name("z3.png"), np.zeros((12, 17, 3), np.uint16))


def no_image(path: Path) -> None:
    path.with_name("z3.png").write_text("this is no image")


def empty(path: Path) -> None:
    path.with_name("z3.png").write_bytes(b"")


def several_pages(path: Path) -> None:
    tifffile.imwrite(path.with_name("z3.tif"), np.zeros((4, 12, 17), np.uint16), photometric="minisblack")


def tiff_without_end(path: Path) -> None:
    file = path.with_name("z3.tif")
    tifffile.imwrite(file, np.zeros((12, 17), np.uint16))
    file.write_bytes(file.read_bytes()[:-30])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (small, "11 x 17.*12 x 17.*one size"),
        (eight_bit, "uint8 grey.*uint16 grey"),
        (coloured, "uint16 RGB.*uint16 grey"),
        (no_image, "cannot be read"),
        (empty, "cannot be read"),
        (several_pages, "4 images"),
        (tiff_without_end, "ends too early"),
    ],
)
def test_a_spoilt_slice_is_named_at_once(folder: Path, spoil: Callable[[Path], None], says: str) -> None:
    spoil(folder / "z3.png")
    with pytest.raises(StackError, match=rf"z3\.(png|tif).*{says}") as caught:
        io.read_stack(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_what_is_noticed_only_on_decoding_names_the_file_too(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(2).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    for k in range(3):
        path = tmp_path / f"z{k}.{suffix}"
        if suffix == "tif":
            tifffile.imwrite(path, noise, photometric="rgb", compression="zlib", metadata=None)
        else:
            {"png": png, "jpg": jpeg}[suffix](path, noise)
    good = (tmp_path / f"z1.{suffix}").read_bytes()
    half = len(good) // 2
    damaged = good[:half] + bytes(200) + good[half + 200 :] if suffix == "tif" else good[:half]
    (tmp_path / f"z1.{suffix}").write_bytes(damaged)
    file = io.read_stack(tmp_path)
    np.asarray(file.data[0])
    with pytest.raises(StackError, match=rf"z1\.{suffix} cannot be read"):
        np.asarray(file.data[1])


def test_a_slice_that_changes_after_opening(folder: Path) -> None:
    file = io.read_stack(folder)
    png(folder / "z2.png", np.zeros((3, 3), np.uint16))
    with pytest.raises(StackError, match=r"z2\.png holds"):
        np.asarray(file.data[1])


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"holds no images"):
        io.read_stack(tmp_path)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(StackError, match=r"holds no images"):
        io.read_stack(tmp_path)
    (tmp_path / "series_1").mkdir()
    with pytest.raises(StackError, match=r"holds folders and no images"):
        io.read_stack(tmp_path)
    with pytest.raises(StackError, match=r"no file or folder"):
        io.read_stack(tmp_path / "absent")
    with pytest.raises(StackError, match=r"notes\.txt is not a format"):
        io.read_stack(tmp_path / "notes.txt")
    with pytest.raises(StackError, match=r"absent cannot be read"):
        io.slice_files(tmp_path / "absent")


def test_one_picture_is_no_stack(tmp_path: Path) -> None:
    file = io.read_stack(png(tmp_path / "a.png", np.zeros((4, 5), np.uint8)))
    assert (file.axes, file.data.shape) == ("YX", (4, 5))
    with pytest.raises(StackError, match="contains one image"):
        file.focus_stack()


def test_cmyk_is_refused(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 6)).save(tmp_path / "a.jpg")
    with pytest.raises(StackError, match=r"a\.jpg is a CMYK picture"):
        io.read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize("samples", [(), (3,)])
def test_jpeg_2000_keeps_its_depth(tmp_path: Path, samples: tuple[int, ...]) -> None:
    images = np.random.default_rng(3).integers(0, 65535, (2, 32, 40, *samples), dtype=np.uint16)
    for k, image in enumerate(images):
        (tmp_path / f"{k}.jp2").write_bytes(imagecodecs.jpeg2k_encode(image, level=0, codecformat="jp2"))
    data = io.read_stack(tmp_path).data
    assert data.dtype == np.uint16
    np.testing.assert_array_equal(data, images)


def test_very_large_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's limit on pixels stops neither PNG, which it need not decode, nor is it an error without a hint."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    image = np.full((20, 30), 9, np.uint8)
    png(tmp_path / "a.png", image)
    png(tmp_path / "b.png", image)
    np.testing.assert_array_equal(io.read_stack(tmp_path).data[0], image)
    with pytest.raises(StackError, match=r"a\.jpg has too many pixels for its format: save it as TIFF or PNG"):
        io.read_stack(jpeg(tmp_path / "a.jpg", image))


def test_a_folder_with_a_stack_in_one_file_is_that_stack(tmp_path: Path, stack: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "beads.tif", stack, photometric="minisblack")
    assert io.is_stack_file(tmp_path)
    file = io.read_stack(tmp_path)
    np.testing.assert_array_equal(file.data, stack)
    assert [path.name for path in file.inputs] == ["beads.tif"]
