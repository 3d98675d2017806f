"""Photographs: upright, white is bright, palettes and transparency, colour profile and camera settings go on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

import napari_focusfuse as ff
from napari_focusfuse import api, io
from napari_focusfuse.core.progress import drain
from napari_focusfuse.errors import StackError
from napari_focusfuse.io.image import read_header

#: (6, 8, 3), as it should be seen.
UPRIGHT = np.kron(np.arange(36, dtype=np.uint8).reshape(3, 4, 3) * 7, np.ones((16, 16, 1), np.uint8))
#: What a camera stores for each orientation of EXIF, from TIFF's definition: where row 0 and column 0 are.
STORED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.swapaxes(0, 1),
    6: np.rot90(UPRIGHT),
    7: UPRIGHT[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90(UPRIGHT, -1),
}
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def photograph(path: Path, image: np.ndarray, orientation: int = 1, **options: Any) -> Path:
    exif = Image.Exif()
    exif[274], exif[271], exif[306] = orientation, "Olympus", "2024:05:01 12:30:00"
    exif.get_ifd(34665).update({33434: 0.005, 34855: 400, 37386: 60.0, 37500: b"only for the maker"})
    lossless = {"lossless": True} if path.suffix == ".webp" else {"quality": 98, "subsampling": 0}
    save = {} if path.suffix == ".tif" else lossless
    Image.fromarray(np.ascontiguousarray(image)).save(path, exif=exif, **save, **options)
    return path


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", ["jpg", "webp", "tif"])
def test_upright(tmp_path: Path, suffix: str, orientation: int) -> None:
    photograph(tmp_path / f"1.{suffix}", STORED[1])
    photograph(tmp_path / f"2.{suffix}", STORED[orientation], orientation)
    data = np.asarray(io.read_stack(tmp_path).data)
    assert data.shape == (2, *UPRIGHT.shape)
    assert np.abs(data[1].astype(int) - UPRIGHT).mean() < (3 if suffix == "jpg" else 1e-9)
    assert data[1].flags.c_contiguous


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_is_none(tmp_path: Path, orientation: int) -> None:
    path = photograph(tmp_path / "1.tif", UPRIGHT, orientation)
    np.testing.assert_array_equal(io.read_image(path), UPRIGHT)


def test_pages_of_a_tiff_are_upright_but_not_those_of_a_microscope(tmp_path: Path) -> None:
    pages = np.arange(2 * 4 * 5, dtype=np.uint16).reshape(2, 4, 5)
    tags = [(274, 3, 1, 6, False)]
    tifffile.imwrite(tmp_path / "a.tif", pages, metadata=None, extratags=tags, photometric="minisblack")
    np.testing.assert_array_equal(io.read_stack(tmp_path / "a.tif").data, [np.rot90(page, -1) for page in pages])
    tifffile.imwrite(tmp_path / "b.ome.tif", pages, extratags=tags, photometric="minisblack")
    np.testing.assert_array_equal(io.read_stack(tmp_path / "b.ome.tif").data, pages)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "bool"])
def test_white_stays_white(tmp_path: Path, dtype: str) -> None:
    values = np.array([[[0, 1], [2, 3]], [[4, 5], [6, 255]]])
    stored = values.astype(dtype)
    white = 1 if dtype == "bool" else np.iinfo(dtype).max
    expected = (white - stored.astype(int)).astype(dtype)
    tifffile.imwrite(tmp_path / "s.tif", stored, photometric="miniswhite")
    files = [tmp_path / "s.tif", tmp_path / "slices"]
    files[1].mkdir()
    for k in range(2):
        tifffile.imwrite(files[1] / f"{k}.tif", stored[k], photometric="miniswhite", metadata=None)
    for path in files:
        file = io.read_stack(path)
        np.testing.assert_array_equal(file.data, expected)
        assert file.data.dtype == dtype
        assert [note for note in file.notes if "MINISWHITE" in note] == list(file.notes[-1:])


def test_grey_with_transparency(tmp_path: Path) -> None:
    image = np.arange(4 * 5 * 2, dtype=np.uint16).reshape(4, 5, 2)
    for planar, stored in (("contig", image), ("separate", np.moveaxis(image, -1, 0))):
        path = tmp_path / f"{planar}.tif"
        options: dict[str, Any] = {"photometric": "minisblack", "planarconfig": planar, "metadata": None}
        tifffile.imwrite(path, stored, extrasamples=["unassalpha"], **options)
        np.testing.assert_array_equal(io.read_image(path), image[..., [0, 0, 0, 1]])
        tifffile.imwrite(path, stored, extrasamples=["unspecified"], **options)
        with pytest.raises(StackError, match="2 samples"):
            io.read_image(path)


def test_a_stack_of_pages_with_a_palette(tmp_path: Path) -> None:
    table = np.random.default_rng(0).integers(0, 256, (3, 256)).astype(np.uint16) * 257
    pages = np.arange(2 * 4 * 5, dtype=np.uint8).reshape(2, 4, 5)
    tifffile.imwrite(tmp_path / "s.tif", pages, photometric="palette", colormap=table, metadata=None)
    file = io.read_stack(tmp_path / "s.tif")
    assert file.axes.endswith("YXS")
    np.testing.assert_array_equal(file.data, (table.T[pages] >> 8).astype(np.uint8))


def settings(path: Path) -> tuple[bytes, dict[int, Any], dict[int, Any]]:
    with Image.open(path) as picture:
        exif = picture.getexif()
        return picture.info.get("icc_profile", b""), dict(exif), dict(exif.get_ifd(34665))


@pytest.mark.parametrize("source", ["jpg", "tif"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".ome.tif"])
def test_profile_and_settings_go_on(tmp_path: Path, source: str, suffix: str) -> None:
    like = photograph(tmp_path / "a.jpg", UPRIGHT, 6, icc_profile=SRGB)
    if source == "tif":
        like = io.write_image(tmp_path / "a.tif", UPRIGHT, like=like)
    out = io.write_image(tmp_path / f"out{suffix}", UPRIGHT, like=like, pixel_size=(2.0, 2.0))
    profile, words, told = settings(out)
    assert profile == SRGB
    assert (words[271], words[306], words.get(274, 1)) == ("Olympus", "2024:05:01 12:30:00", 1)
    assert {key: float(value) for key, value in told.items()} == {33434: 0.005, 34855: 400, 37386: 60}
    np.testing.assert_array_equal(io.read_image(out), UPRIGHT)
    if suffix != ".png":
        assert read_header(out).facts.pixel_size == pytest.approx((2.0, 2.0))
    again = io.write_image(tmp_path / f"again{suffix}", UPRIGHT, like=like, pixel_size=(2.0, 2.0))
    assert again.read_bytes() == out.read_bytes()


def test_a_profile_of_colour_says_nothing_of_grey(tmp_path: Path) -> None:
    like = photograph(tmp_path / "a.jpg", UPRIGHT, icc_profile=SRGB)
    grey = io.write_image(tmp_path / "out.png", UPRIGHT[..., 0], like=like)
    assert settings(grey)[0] == b""


def test_what_cannot_be_carried_is_left(tmp_path: Path) -> None:
    plain = io.write_image(tmp_path / "plain.png", UPRIGHT)
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(photograph(tmp_path / "a.jpg", UPRIGHT).read_bytes()[:90])
    for k, like in enumerate((None, tmp_path / "gone.jpg", tmp_path, damaged, plain)):
        out = io.write_image(tmp_path / f"out{k}.png", UPRIGHT, like=like)
        assert out.read_bytes() == plain.read_bytes()


def test_a_saved_result_and_its_replay_have_them(tmp_path: Path) -> None:
    slices = tmp_path / "slices"
    slices.mkdir()
    for k in range(3):
        photograph(slices / f"{k}.jpg", UPRIGHT, icc_profile=SRGB)
    file = ff.open_stack(slices)
    result = ff.fuse(file.data, method="max")
    source = {"path": slices, "axis": None, "rgb": False}
    out = ff.save_result(tmp_path / "out", result, inputs=file.inputs, source=source)
    assert settings(out / "fused.ome.tif")[0] == SRGB
    assert ff.check_replay(out) == []
    assert json.loads((out / "recipe.json").read_text("utf-8"))["inputs"][0]["path"] == "../slices/0.jpg"


def test_so_do_results_of_all_positions(tmp_path: Path) -> None:
    for t, k in np.ndindex(2, 3):
        photograph(tmp_path / f"slices_t{t}_z{k}.jpg", UPRIGHT // (k + 1), icc_profile=SRGB)
    file = ff.open_hyperstack(tmp_path)
    out = tmp_path / "results" / "all"
    drain(api.iter_fuse_file(file, out, method="sf", pixel_size=(2.0, 2.0)))
    profile, words, told = settings(out / "fused.ome.tif")
    assert (profile, words[271], float(told[34855])) == (SRGB, "Olympus", 400)
    fused = io.read_stack(out / "fused.ome.tif")
    assert (fused.axes, fused.pixel_size) == ("TYXS", (2.0, 2.0))
    np.testing.assert_array_equal(fused.data, tifffile.imread(out / "fused.ome.tif"))
    assert settings(out / "index.ome.tif")[0] == b""
    assert ff.check_replay(out) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("DSC1.NEF", "is a camera raw file, which is not supported: develop all slices with the same settings"),
        ("DSC1.cr3", "is a camera raw file"),
        ("IMG_1.HEIC", "is HEIC, which is not supported: convert the slices to TIFF, PNG or JPEG"),
    ],
)
def test_formats_of_cameras_that_are_not_read(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / name).write_bytes(b"")
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(StackError, match=rf"{name} {says}"):
            io.read_stack(path)
