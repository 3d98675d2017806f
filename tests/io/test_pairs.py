"""Folders of pairs, told from folders of slices by the names."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_focusfuse import io
from napari_focusfuse.errors import StackError


def touch(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        (folder / name).write_bytes(b"")


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (("a_A.png", "a_B.png", "b_A.png", "b_B.png"), ["a", "b"]),
        (("lytro-01-A.jpg", "lytro-01-B.jpg", "lytro-10-A.jpg", "lytro-10-B.jpg"), ["lytro-01", "lytro-10"]),
        (("a_1.png", "a_2.png", "b_1.png", "b_2.png"), ["a", "b"]),
        (("a_a.ome.tif", "a_b.ome.tif", "b_A.tif", "b_B.tif"), ["a", "b"]),
        (("a_A.png", "a_B.png", "a_GT.png"), ["a"]),
        (("a_A.png", "a_B.png"), []),
        (("z_1.png", "z_2.png", "z_3.png"), []),
        (("a_1.png", "a_2.png", "b_1.png", "b_2.png", "b_3.png"), []),
        (("a_1.png", "b_2.png", "c_1.png"), []),
        (("z1.png", "z2.png", "z3.png"), []),
        ((), []),
    ],
)
def test_names(tmp_path: Path, names: Sequence[str], pairs: list[str]) -> None:
    touch(tmp_path, names)
    assert [pair.name for pair in io.pairs_in(tmp_path)] == pairs


def test_a_pair_that_is_not_complete_is_named(tmp_path: Path) -> None:
    touch(tmp_path, ("a_A.png", "a_B.png", "b_A.png"))
    with pytest.raises(StackError, match=r"holds no b_B: each pair needs A and B"):
        io.pairs_in(tmp_path)


def test_pairs_are_not_one_stack(tmp_path: Path) -> None:
    for name in ("a_A", "a_B", "b_A", "b_B"):
        tifffile.imwrite(tmp_path / f"{name}.tif", np.zeros((4, 5), np.uint8))
    with pytest.raises(StackError, match=r"holds 2 pairs \(a_A\.tif and a_B\.tif\.\.\.\), not one stack"):
        io.read_stack(tmp_path)
    pair = io.pairs_in(tmp_path)[1]
    assert io.read_files([pair.first, pair.second]).data.shape == (2, 4, 5)
    assert [image.shape for image in pair.sources()] == [(4, 5), (4, 5)]
