"""What the names of files in a folder tell: order, gaps, channels, and what does not belong to the slices."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_focusfuse import io
from napari_focusfuse.errors import StackError

#: Two channels of three slices, as programs of microscopes and people name them; {n} is the channel's dye.
CHANNELS = {
    "ZEN": "Experiment-01_z{z:02d}c{c}_ORG",
    "NIS": "t0001xy1z{z:02d}c{c}",
    "CellVoyager": "Plate_B03_T0001F001L01A01Z{z:02d}C{c:02d}",
    "Operetta": "r01c01f01p{z:02d}-ch{c}sk1fk1fl1",
    "MetaMorph": "exp_w{c}{n}_z{z}",
    "Micro-Manager 1.4": "img_000000000_{n}_{z:03d}",
    "Micro-Manager 2": "img_channel{c:03d}_position000_time000000000_z{z:03d}",
    "IN Cell": "A - 01(fld 1 wv {n} - {n} z {z:02d})",
    "EVOS": "scan_Plate_TR_p00_0_A01f00d{c}_z{z:02d}",
    "Leica": "Series001_z{z:02d}_ch{c:02d}",
    "dye behind": "z{z:02d}-{n}",
    "number behind": "cell_z{z:02d}_{c}",
    "no mark of the slice": "{n}_{z}",
}


def write(folder: Path, names: Sequence[str], suffix: str = ".tif") -> None:
    """Images of the value k: that of the k-th name."""
    folder.mkdir(exist_ok=True)
    for k, name in enumerate(names):
        tifffile.imwrite(folder / f"{name}{suffix}", np.full((4, 5), k, np.uint8), metadata=None)


def values(file: io.StackFile) -> list[int]:
    return [int(k) for k in np.asarray(file.data)[..., 0, 0].ravel()]


@pytest.mark.parametrize("dyes", [("DAPI", "GFP"), ("Alexa 488", "Cy5")])
@pytest.mark.parametrize("pattern", CHANNELS.values(), ids=CHANNELS)
def test_channels_are_never_one_stack(tmp_path: Path, pattern: str, dyes: tuple[str, str]) -> None:
    write(tmp_path, [pattern.format(z=z, c=c, n=n) for c, n in enumerate(dyes, start=1) for z in range(9, 12)])
    assert io.pairs_in(tmp_path) == []
    file = io.read_stack(tmp_path)
    assert (file.axes, file.data.shape) == ("CZYX", (2, 3, 4, 5))
    assert values(file) == [0, 1, 2, 3, 4, 5]
    assert len(file.channels) == 2
    if "{n}" in pattern and " - " not in pattern:
        assert [channel.name for channel in file.channels] == list(dyes)
    with pytest.raises(StackError, match=r"C = 2, Z = 3.*choose one channel"):
        file.focus_stack()
    second = io.at_channel(file, 1)
    assert values(second.focus_stack()) == [3, 4, 5]
    assert second.inputs == file.inputs[3:]
    assert io.at_channel(file, str(second.channels[0].name)).inputs == second.inputs


def test_what_is_only_taken_for_channels_is_told(tmp_path: Path) -> None:
    write(tmp_path / "told", [f"cell_z{z}_{c}" for c in (1, 2) for z in range(3)])
    assert io.read_stack(tmp_path / "told").notes == (
        "has files whose names differ in 1, 2: these are read as channels",
    )
    write(tmp_path / "sure", [f"cell_z{z}_ch{c}" for c in (1, 2) for z in range(3)])
    assert io.read_stack(tmp_path / "sure").notes == ()


def test_time_points_and_positions(tmp_path: Path) -> None:
    names = [f"t{t}_xy{p}_z{z}_c{c}" for t in (1, 2) for p in (1, 2) for c in (0, 1) for z in (1, 2, 10)]
    write(tmp_path, names)
    file = io.read_stack(tmp_path)
    assert (file.axes, file.data.shape[:4]) == ("TPCZ" + "YX", (2, 2, 2, 3))
    assert values(file) == list(range(24))
    at = io.at_position(file, {"T": 1, "P": 0, "C": 1}).focus_stack()
    assert [path.stem for path in at.inputs] == ["t2_xy1_z1_c1", "t2_xy1_z2_c1", "t2_xy1_z10_c1"]


def test_a_channel_that_lacks_a_slice(tmp_path: Path) -> None:
    write(tmp_path, [f"z{z}_ch{c}" for c in (0, 1) for z in range(6) if (z, c) != (2, 1)])
    file = io.read_stack(tmp_path)
    assert (file.axes, file.data.shape[:2]) == ("CZYX", (2, 5))
    assert file.slots == (0, 1, 3, 4, 5)
    assert len(file.notes) == 2
    assert "lacks number 2" in file.notes[0]
    assert "lacks files of slice 2 by their names: the others of the same slice (1) are left out" in file.notes[1]


@pytest.mark.parametrize(
    "names",
    [
        [f"z{k}" for k in range(-2, 10)],
        [f"z{k:+d}um" for k in range(-3, 4)],
        [f"z{k:g}" for k in np.arange(0, 6, 0.5)],
        [f"slice_{k:g}um" for k in np.arange(0, 3, 0.25)],
        [f"focus_{k}nm" for k in (500, 750, 1000, 1250)],
        ["a1.9", "a1.10", "a1.11"],
        ["IMG-8", "IMG-9", "IMG-10"],
        ["2024.05.09", "2024.05.10", "2024.06.01"],
    ],
)
def test_order_of_numbers(tmp_path: Path, names: list[str]) -> None:
    write(tmp_path, names)
    file = io.read_stack(tmp_path)
    assert [path.stem for path in file.inputs] == names
    assert io.in_order(reversed(file.inputs)) == list(file.inputs)
    assert file.notes == ()


def test_a_camera_counter_that_starts_again(tmp_path: Path) -> None:
    names = [f"DSC_{k:04d}" for k in (9998, 9999, *range(1, 5))]
    write(tmp_path, names)
    file = io.read_stack(tmp_path)
    assert [path.stem for path in file.inputs] == names
    assert file.slots is None
    assert file.notes == ("has a counter that starts again at 0001: 9998 is read as the first slice",)


def test_positions_in_names_are_used(tmp_path: Path) -> None:
    write(tmp_path / "even", ["z0.5um", "z0.75um", "z1um"])
    file = io.read_stack(tmp_path / "even")
    assert (file.z_step, file.z, file.notes) == (pytest.approx(0.25), None, ())
    write(tmp_path / "uneven", ["z-200nm", "z0nm", "z700nm"])
    file = io.read_stack(tmp_path / "uneven")
    assert file.z == pytest.approx((0, 0.2, 0.9))
    assert "slices 0.2 to 0.7 um apart" in file.notes[0]
    write(tmp_path / "unknown", ["z1px", "z2px"])
    assert io.read_stack(tmp_path / "unknown").z_step is None


@pytest.mark.parametrize(
    ("names", "slots", "lacking"),
    [
        (["z000", "z001", "z002", "z005", "z006"], (0, 1, 2, 5, 6), "numbers 3, 4"),
        (["z00", "z10", "z20", "z40"], (0, 1, 2, 4), "number 30"),
        (["z0", "z0.5", "z1", "z2"], (0, 1, 2, 4), "number 1.5"),
        (["DSC_0012", "DSC_0013", "DSC_0015"], (0, 1, 3), "number 14"),
        (["z1", "z5"], None, ""),
        (["IMG_101158", "IMG_101159", "IMG_101200"], None, ""),
        (["z1", "z2", "z4", "z8", "z16"], None, ""),
    ],
)
def test_missing_slices_are_named_and_keep_their_gap(
    tmp_path: Path, names: list[str], slots: tuple[int, ...] | None, lacking: str
) -> None:
    write(tmp_path, names)
    file = io.read_stack(tmp_path).focus_stack()
    assert file.slots == slots
    if slots is None:
        assert file.notes == ()
        return
    assert file.notes == (f"lacks {lacking} in the names of its slices: the gap is kept in z",)
    assert file.positions() == [float(slot) for slot in slots]
    assert file.positions(2.0) == [2.0 * slot for slot in slots]
    assert file.mean_step(2.0) == pytest.approx(2.0 * slots[-1] / (len(slots) - 1))
    assert file.mean_step() is None


@pytest.mark.parametrize(
    "names",
    [
        [f"P{1010001 + k}" for k in range(7)],
        [f"C{k:04d}" for k in range(7)],
        [f"scan_2024-05-01_T12{k:02d}00" for k in range(7)],
        [f"s{k:03d}" for k in range(7)],
        [f"w{k}" for k in range(3)],
        [f"z{k}_2024050112{k:02d}31" for k in range(4)],
        ["near", "middle", "far"],
        ["bottom", "top"],
    ],
)
def test_no_false_alarm(tmp_path: Path, names: list[str]) -> None:
    write(tmp_path, names)
    file = io.read_stack(tmp_path)
    assert (file.axes, file.data.shape[0], file.notes) == ("ZYX", len(names), ())


@pytest.mark.parametrize("foreign", ["mac_pcb_7", "3_fused", "result", "z03 copy"])
def test_a_foreign_picture_is_named(tmp_path: Path, foreign: str) -> None:
    write(tmp_path, ["1", "2", "3", "4", foreign])
    file = io.read_stack(tmp_path)
    assert len(file.inputs) == 5
    assert file.suspects == (tmp_path / f"{foreign}.tif",)
    assert file.notes == (
        f"holds {foreign}.tif, unlike the other files by name: read as a slice, exclude it if it is not one",
    )
    left = io.read_stack(tmp_path, exclude=[f"{foreign}.*"])
    assert [path.stem for path in left.inputs] == ["1", "2", "3", "4"]
    assert left.notes == ()


def test_what_is_excluded_must_be_there(tmp_path: Path) -> None:
    write(tmp_path, ["1", "2"])
    with pytest.raises(StackError, match="contains no image 'fused' to exclude"):
        io.read_stack(tmp_path, exclude=["fused"])


def test_a_foreign_picture_of_another_size_is_named_wherever_it_stands(tmp_path: Path) -> None:
    write(tmp_path, ["1", "2", "3"])
    tifffile.imwrite(tmp_path / "0.tif", np.zeros((7, 5), np.uint8), metadata=None)
    with pytest.raises(StackError, match=r"0\.tif is 7 x 5.*, 1\.tif is 4 x 5.*exclude it") as caught:
        io.read_stack(tmp_path)
    assert caught.value.settings == {"exclude": "0.tif"}
    assert io.read_stack(tmp_path, exclude=["0.tif"]).data.shape == (3, 4, 5)


def test_of_one_shot_in_two_formats_one_is_read(tmp_path: Path) -> None:
    write(tmp_path, ["IMG_1", "IMG_2", "IMG_3"])
    for k in (1, 2, 3):
        (tmp_path / f"IMG_{k}.jpg").write_bytes(b"")
    file = io.read_stack(tmp_path)
    assert [path.name for path in file.inputs] == ["IMG_1.tif", "IMG_2.tif", "IMG_3.tif"]
    assert file.notes == ("contains slices twice: .tif are read, not .jpg",)


def test_files_that_were_picked(tmp_path: Path) -> None:
    """In the order given they are one stack, with a word; by their names they are channels."""
    write(tmp_path, [f"z{z}_ch{c}" for z in range(3) for c in (0, 1)])
    picked = sorted(tmp_path.iterdir())[::-1]
    file = io.read_files(picked)
    assert (file.axes, file.inputs) == ("ZYX", tuple(picked))
    assert "names with 2 channels" in file.notes[0]
    named = io.read_files(picked, by_name=True)
    assert (named.axes, values(named)) == ("CZYX", [0, 2, 4, 1, 3, 5])


def test_some_slices(tmp_path: Path) -> None:
    write(tmp_path, [f"z{k}" for k in range(9)])
    file = io.read_stack(tmp_path).focus_stack()
    some = io.some_slices(file, slice(2, 8, 2))
    assert values(some) == [2, 4, 6]
    assert [path.stem for path in some.inputs] == ["z2", "z4", "z6"]
    assert some.positions() == [0, 2, 4]
    assert some.positions(0.5) == [0, 1, 2]
    assert some.mean_step(0.5) == 1.0
    assert io.some_slices(file, slice(3, 6)).slots is None
    for wrong in (slice(3, 4), slice(None, None, -1), slice(9, 20)):
        with pytest.raises(StackError, match="has 9 slices: the selected ones are fewer than two"):
            io.some_slices(file, wrong)


def test_any_slices_by_their_numbers(tmp_path: Path) -> None:
    write(tmp_path, [f"z{k}" for k in range(9)])
    file = io.read_stack(tmp_path).focus_stack()
    some = io.some_slices(file, [0, 1, 5, 8])
    assert (values(some), [path.stem for path in some.inputs]) == ([0, 1, 5, 8], ["z0", "z1", "z5", "z8"])
    assert some.positions(0.5) == [0, 0.5, 2.5, 4]
    assert io.slices_of(io.told_slices([0, 5]) or {}) == [0, 5]
    assert io.slices_of(io.told_slices(slice(1, 5, 2)) or {}) == slice(1, 5, 2)
    for wrong in ([3], [5, 3], [3, 3], [-1, 2], [2, 9]):
        with pytest.raises(StackError, match="or not there"):
            io.some_slices(file, wrong)
