"""Results of a hyperstack, plane by plane."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_focusfuse import io
from napari_focusfuse.errors import OutputError

SHAPE, U16 = (2, 3, 20, 24), np.dtype(np.uint16)


def fill(target: Path, values: np.ndarray, **options: object) -> Path:
    with io.hyperstack_files(target, channels=("a", "b", "c"), pixel_size=(0.5, 0.25), **options) as files:
        array = files.empty("fused", "TCYX", SHAPE, U16)
        for t in range(2):
            array[t] = values[t]
        files.write_recipe({})
    return target


@pytest.fixture
def values(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 60000, SHAPE).astype(np.uint16)


@pytest.mark.parametrize("name", ["out", "out.ome.tif"])
def test_what_is_written_is_read_again_with_names_and_sizes(tmp_path: Path, values: np.ndarray, name: str) -> None:
    target = fill(tmp_path / name, values)
    path = target / "fused.ome.tif" if target.is_dir() else target
    file = io.read_stack(path)
    assert (file.axes, file.pixel_size) == ("TCYX", (0.5, 0.25))
    np.testing.assert_array_equal(file.data, values)
    assert [channel.name for channel in file.channels] == ["a", "b", "c"]
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_the_same_pixels_give_the_same_bytes_and_others_another_identifier(tmp_path: Path, values: np.ndarray) -> None:
    first, second, other = (fill(tmp_path / f"{k}.tif", values + np.uint16(k == 2)).read_bytes() for k in range(3))
    assert first == second
    assert b"urn:uuid:00000000-" not in first
    assert tifffile.xml2dict(tifffile.TiffFile(tmp_path / "0.tif").ome_metadata)["OME"]["UUID"].encode() not in other


@pytest.mark.parametrize("error", [ValueError("odd"), OSError(28, "No space left on device")])
def test_what_fails_leaves_nothing(tmp_path: Path, values: np.ndarray, error: Exception) -> None:
    fill(tmp_path / "out", values)
    before = sorted(path.read_bytes() for path in (tmp_path / "out").iterdir())

    def fail() -> None:
        with io.hyperstack_files(tmp_path / "out", overwrite=True) as files:
            files.empty("fused", "TCYX", SHAPE, U16)
            raise error

    with pytest.raises((ValueError, OutputError)):
        fail()
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert sorted(path.read_bytes() for path in (tmp_path / "out").iterdir()) == before


def test_a_disk_that_is_too_small_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_focusfuse.io import limits, planes

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(planes, "reserve", full)
    monkeypatch.setattr(limits, "reserve", full)
    monkeypatch.setattr(limits, "_IN_MEMORY", 10)
    with (
        pytest.raises(OutputError, match=r"cannot write .*No space left"),
        io.hyperstack_files(tmp_path / "a") as files,
    ):
        files.empty("fused", "TCYX", SHAPE, U16)
    with pytest.raises(OutputError, match="there is not enough space for"):
        io.room("fused", "TCYX", SHAPE, U16)


def test_refused_before_any_work(tmp_path: Path, values: np.ndarray) -> None:
    with pytest.raises(OutputError, match=r"can hold one image only.*use \.tif"):
        io.check_hyperstack_target(tmp_path / "a.png")
    fill(tmp_path / "out", values)
    with pytest.raises(OutputError, match="exists"):
        io.check_hyperstack_target(tmp_path / "out")
    io.check_hyperstack_target(tmp_path / "out", overwrite=True)


def test_bool_and_colour(tmp_path: Path, rng: np.random.Generator) -> None:
    mask, colours = rng.integers(0, 2, (2, 8, 9)).astype(bool), rng.integers(0, 255, (2, 8, 9, 3)).astype(np.uint8)
    with io.hyperstack_files(tmp_path / "out") as files:
        files.empty("flags", "TYX", mask.shape, mask.dtype)[:] = mask
        files.empty("fused", "TYXS", colours.shape, colours.dtype)[:] = colours
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out" / "flags.ome.tif"), mask)
    assert io.read_stack(tmp_path / "out" / "fused.ome.tif").axes == "TYXS"
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out" / "fused.ome.tif"), colours)
