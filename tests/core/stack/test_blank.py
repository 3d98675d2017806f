"""Slices that are empty where the others are not."""

import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse.core.stack.equalise import Watched, blank_part


def test_the_empty_border_of_an_image(rng: np.random.Generator) -> None:
    image = rng.integers(1, 200, (20, 30)).astype(np.uint8)
    assert blank_part(image) is None
    for part, said in (
        (np.s_[12:], ("below row 12", 0.4, "0")),
        (np.s_[:5], ("above row 5", 0.25, "0")),
        (np.s_[:, :3], ("left of column 3", 0.1, "0")),
        (np.s_[:, 24:], ("right of column 24", 0.2, "0")),
        (np.s_[:], ("everywhere", 1.0, "0")),
    ):
        empty = image.copy()
        empty[part] = 0
        assert blank_part(empty) == said
        colour = np.stack([image, image, image], -1)
        colour[part] = 7, 8, 9
        assert blank_part(colour) == (*said[:2], "7, 8, 9")


def test_missing_pixels_are_not_empty() -> None:
    assert blank_part(np.full((5, 6), np.nan)) is None


def stack(empty: dict[int, slice]) -> np.ndarray:
    values = np.random.default_rng(0).integers(1, 1000, (8, 40, 50)).astype(np.uint16)
    for k, rows in empty.items():
        values[k, rows] = 0
    return values


@pytest.mark.parametrize(
    ("empty", "says"),
    [
        ({}, None),
        ({5: np.s_[20:]}, "slice 5 contains only 0 below row 20: it may not"),
        ({5: np.s_[:]}, "slice 5 contains only 0 everywhere: it may not"),
        ({0: np.s_[:], 7: np.s_[:]}, "slice 0 contains only 0 everywhere, slice 7 contains"),
        ({5: np.s_[39:]}, None),  # a line of a sensor
        ({k: np.s_[: 1 + 3 * k] for k in range(8)}, None),  # as a registration leaves it
        (dict.fromkeys(range(8), np.s_[:]), None),
    ],
)
def test_what_is_told(empty: dict[int, slice], says: str | None) -> None:
    watched = Watched(stack(empty))
    assert watched.told() is None
    for k in range(8):
        np.testing.assert_array_equal(watched[k], stack(empty)[k])
    told = watched.told()
    assert (told is None) == (says is None)
    assert says is None or str(told).startswith(says)


@pytest.mark.parametrize("method", ["sesf", "sf", "lp", "mean"])
def test_a_slice_that_was_transferred_by_half_is_named(method: str) -> None:
    scene = ff.simulate((64, 72), 5, seed=3)
    broken = scene.stack.copy()
    broken[2, 40:] = 0
    with pytest.warns(ff.FocusFuseWarning, match="slice 2 contains only 0 below row 40"):
        ff.fuse(broken, method=method)
