"""Alignment finds what was planted, and leaves alone what lies right."""

from dataclasses import replace
from typing import Any

import dask.array as da
import numpy as np
import pytest
from scipy import ndimage

import napari_focusfuse as ff
from napari_focusfuse.core.align.fit import Pair, from_level, shrinkings, to_level
from napari_focusfuse.core.align.measure import between, chained, reconciled
from napari_focusfuse.core.align.transforms import resampled, valid_area

SHAPE, MARGIN, SLICES = (128, 144), 24, 7


def planted(kind: str) -> np.ndarray:
    """Transforms (N, 3, 3) on slices of `SHAPE`, the middle one the identity."""
    centre = np.array([(SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2])
    out = np.tile(np.eye(3), (SLICES, 1, 1))
    for k in range(SLICES):
        t = k - SLICES // 2
        turn, scale = (np.deg2rad(0.3 * t), 1 + 0.004 * t) if kind != "translation" else (0, 1)
        linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        if kind == "affine":
            linear = linear @ [[1, 0.004 * t], [0, 1]]
        out[k, :2, :2] = linear
        out[k, :2, 2] = centre - linear @ centre + np.array([2.3 * t, -1.4 * t + 0.2 * t * t])
    return out


def moved(clean: np.ndarray, matrices: np.ndarray, noise: float = 0.01) -> np.ndarray:
    """Slices as a camera would see them whose place is `matrices`: (N, *SHAPE) uint16, with flicker and noise."""
    rng = np.random.default_rng(0)
    out = np.empty((len(clean), *SHAPE), np.uint16)
    grown = np.eye(3)
    grown[:2, 2] = MARGIN
    for k, image in enumerate(clean):
        back = np.linalg.inv(grown @ matrices[k] @ np.linalg.inv(grown))
        seen = ndimage.affine_transform(image, back[:2, :2][::-1, ::-1], back[:2, 2][::-1], order=3, mode="mirror")
        seen = seen[MARGIN:-MARGIN, MARGIN:-MARGIN] * (1 + 0.03 * rng.standard_normal())
        out[k] = np.clip(60000 * (seen + noise * rng.standard_normal(SHAPE)), 0, 65535).round()
    return out


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    """Light without noise, (N, Y, X) float32, with a margin."""
    shape = tuple(n + 2 * MARGIN for n in SHAPE)
    return ff.simulate(shape, SLICES, surface="steps", blur=0.6, seed=2).clean


@pytest.fixture(scope="module")
def shifted(clean: np.ndarray) -> np.ndarray:
    """A stack whose slices lie at `planted("translation")`, read-only."""
    stack = moved(clean, planted("translation"))
    stack.flags.writeable = False
    return stack


@pytest.fixture(scope="module")
def unshifted(shifted: np.ndarray) -> Any:
    """The same, aligned by translations."""
    return ff.align(shifted, config=ff.AlignConfig(kind="translation"))


def residual(found: np.ndarray, true: np.ndarray) -> float:
    """RMS of the difference in displacement over the image, px."""
    y, x = np.mgrid[: SHAPE[0] : 8, : SHAPE[1] : 8]
    points = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    return float(np.sqrt((((found - true) @ points)[:, :2] ** 2).sum(axis=1).mean()))


@pytest.mark.parametrize("kind", ["translation", "similarity", "affine"])
def test_what_was_planted_is_found(clean, kind):
    true = planted(kind)
    done = ff.align(moved(clean, true), config=ff.AlignConfig(kind=kind))
    assert residual(done.transforms.matrices, true) < 0.3
    assert done.transforms.measured.all()
    assert not done.untouched
    y0, y1, x0, x1 = done.valid
    assert done.stack.shape == (SLICES, y1 - y0, x1 - x0)
    assert done.stack.dtype == np.uint16
    assert done.summary.startswith("6 of 7 slices moved, up to ")


def test_aligned_slices_lie_on_those_that_never_moved(clean):
    still = moved(clean, np.tile(np.eye(3), (SLICES, 1, 1)), 0.0)
    done = ff.align(moved(clean, planted("similarity"), 0.0))
    y0, y1, x0, x1 = done.valid
    for k in range(SLICES):
        assert np.corrcoef(done.stack[k].ravel(), still[k, y0:y1, x0:x1].ravel())[0, 1] > 0.99


@pytest.mark.parametrize("surface", ["smooth", "steps"])
def test_an_aligned_stack_is_the_same_object(surface):
    stack = ff.simulate((96, 112), 6, surface=surface, blur=0.8, noise=0.01, seed=4).stack
    before = stack.copy()
    done = ff.align(stack)
    assert done.stack is stack
    assert done.untouched
    assert np.array_equal(stack, before)
    assert "no correction needed" in done.summary
    assert done.valid == (0, 96, 0, 112)


def test_lazy_stacks_colour_and_other_axes_give_the_same(shifted, unshifted):
    stack, done = shifted, unshifted
    config = ff.AlignConfig(kind="translation")
    lazy = ff.align(da.from_array(stack, chunks=(1, -1, -1)), config=config)
    assert np.array_equal(lazy.stack, done.stack)
    last = ff.align(np.moveaxis(stack, 0, 2), config=config, axis=2)
    assert np.array_equal(np.moveaxis(last.stack, 2, 0), done.stack)
    coloured = ff.align(np.stack([stack] * 3, axis=-1), config=config)
    assert coloured.stack.shape[-1] == 3
    assert np.abs(coloured.stack[..., 1].astype(int) - done.stack).max() <= 300


@pytest.mark.parametrize("power", [1000, 500, 100, -30, -100, -900])
def test_units_do_not_matter(shifted, unshifted, power):
    """Nor do numbers whose squares are none."""
    stack = shifted.astype(np.float64)
    other = ff.align(np.ldexp(stack, power), config=ff.AlignConfig(kind="translation"))
    done = ff.align(stack, transforms=unshifted.transforms)
    np.testing.assert_array_equal(other.transforms.matrices, done.transforms.matrices)
    np.testing.assert_allclose(other.stack, np.ldexp(done.stack, power), rtol=1e-9)


def test_transforms_that_move_nothing_are_told_so(shifted):
    still = ff.align(shifted, config=ff.AlignConfig(kind="none")).transforms
    done = ff.align(shifted, transforms=still)
    assert done.untouched
    assert done.summary == "the transforms given move no slice: the stack is left unchanged"


def test_transforms_of_one_channel_move_another(clean):
    stack = moved(clean, planted("similarity"))
    done = ff.align(stack)
    other = ff.align(stack[::, ::, ::] // 2, transforms=done.transforms)
    assert other.stack.shape == done.stack.shape
    assert np.abs(other.stack.astype(int) - done.stack // 2).max() <= 2
    with pytest.raises(ff.FocusFuseError, match="7 slices of 128 x 144 px, this stack has 7 of 100 x 144"):
        ff.align(stack[:, :100], transforms=done.transforms)


def test_edges_are_filled_with_nan_where_asked(shifted):
    stack = shifted
    done = ff.align(stack, config=ff.AlignConfig(edges="nan"))
    assert done.stack.shape == stack.shape
    assert done.stack.dtype == np.float32
    y0, y1, x0, x1 = done.valid
    assert np.isfinite(done.stack[:, y0:y1, x0:x1]).all()
    assert np.isnan(done.stack[0]).any()
    assert np.array_equal(done.stack[SLICES // 2], stack[SLICES // 2])


def test_a_reference_that_shows_nothing_lies_as_its_neighbours_do(clean):
    true = planted("similarity")
    stack = moved(clean, true)
    stack[3] = 0
    done = ff.align(stack)
    assert done.summary.endswith("slice 3 could not be measured and is moved with its neighbours")
    np.testing.assert_array_equal(done.transforms.matrices[3], np.eye(3))
    others = [0, 1, 2, 4, 5, 6]
    assert residual(done.transforms.matrices[others], true[others]) < 1


@pytest.mark.parametrize("spoilt", ["black", "noise"])
def test_a_slice_that_cannot_be_measured_is_named(shifted, spoilt):
    stack = shifted.copy()
    stack[5] = 0 if spoilt == "black" else np.random.default_rng(1).integers(0, 60000, SHAPE)
    done = ff.align(stack)
    assert done.summary.endswith("slice 5 could not be measured and is moved with its neighbours")
    assert done.transforms.measured.tolist() == [True] * 5 + [False, True]
    true = planted("translation")
    keep = [0, 1, 2, 3, 4, 6]
    assert residual(done.transforms.matrices[keep], true[keep]) < 0.3


@pytest.mark.parametrize(
    ("stack", "words"),
    [
        (np.zeros((4, 32, 32), np.uint8), "flat"),
        (np.ones((4, 10, 32), np.float32), "too small"),
        (np.ones((1, 32, 32), np.float32), "at least two slices"),
        ([np.ones((32, 32)), np.ones((32, 30))], "one size"),
    ],
)
def test_what_cannot_be_aligned_is_said_in_a_sentence(stack, words):
    with pytest.raises(ff.FocusFuseError, match=words):
        ff.align(stack)


def test_kind_none_does_nothing(shifted):
    done = ff.align(shifted, config=ff.AlignConfig(kind="none"))
    assert done.stack is shifted
    assert "kind of transform is none" in done.summary


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "warp"}, "choose one of none, translation"),
        ({"edges": "mirror"}, "choose one of crop, nan"),
        ({"reference": "first"}, "give 'middle'"),
        ({"tolerance": -1}, "at least 0"),
    ],
)
def test_settings_are_checked(options, words):
    with pytest.raises(ff.FocusFuseError, match=words):
        ff.AlignConfig(**options)


def test_the_reference_must_be_there(shifted):
    with pytest.raises(ff.FocusFuseError, match="no slice 9 in a stack of 7"):
        ff.align(shifted, config=ff.AlignConfig(reference=9))


def test_the_reference_stays(shifted):
    done = ff.align(shifted, config=ff.AlignConfig(reference=1, edges="nan"))
    assert np.array_equal(done.stack[1], shifted[1])


def test_transforms_are_kept(clean, tmp_path):
    transforms = ff.align(moved(clean, planted("similarity"))).transforms
    again = ff.load_transforms(transforms.save(tmp_path / "t.json"))
    assert np.array_equal(again.matrices, transforms.matrices)
    assert (again.shape, again.reference, again.kind) == (transforms.shape, transforms.reference, transforms.kind)
    assert [path.name for path in tmp_path.iterdir()] == ["t.json"]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"matrices": "x"}', '{"format": "other"}'])
def test_other_files_are_no_transforms(tmp_path, text):
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(ff.FocusFuseError, match="contains no transforms"):
        ff.load_transforms(path)
    with pytest.raises(ff.FocusFuseError, match="cannot read"):
        ff.load_transforms(tmp_path / "none.json")


def test_motions_and_displacement_are_those_of_the_matrices(clean):
    transforms = replace(ff.align(clean[:2]).transforms, matrices=planted("similarity")[:2], shape=SHAPE)
    motions = transforms.motions()
    np.testing.assert_allclose(motions.dx, [-6.9, -4.6])
    np.testing.assert_allclose(motions.rotation, [-0.9, -0.6])
    np.testing.assert_allclose(motions.scale, [0.988, 0.992])
    field = transforms.displacement(0)
    x, y = 5, 100
    np.testing.assert_allclose(field[:, y, x], (transforms.matrices[0] @ (x, y, 1))[:2] - (x, y))
    assert transforms.largest()[0] == pytest.approx(np.hypot(*field).max())


def test_resampling_keeps_type_range_and_what_is_not_finite():
    image = np.zeros((20, 24), np.float32)
    image[:, 12:] = 1
    shift = np.eye(3)
    shift[0, 2] = 0.5
    whole = (0, 20, 0, 24)
    out = resampled(image, shift, whole)
    assert (out.dtype, out.min(), out.max()) == (np.float32, 0, 1)
    image[3, 4] = np.nan
    out = resampled(image, shift, whole)
    assert np.isnan(out).sum() == 2
    for dtype in (np.uint8, np.int16, np.uint64, np.int64, bool):
        limit = 1 if dtype is bool else np.iinfo(dtype).max
        high = np.where(np.arange(24) < 12, 0, limit).astype(dtype) * np.ones((20, 1), dtype)
        out = resampled(high, shift, whole)
        assert out.dtype == dtype
        assert (out.min(), out.max()) == (0, limit)


def test_the_valid_area_lies_in_all_slices():
    matrices = planted("similarity")
    transforms = ff.Transforms(matrices, SHAPE, 3, "similarity", np.ones(SLICES, bool))
    y0, y1, x0, x1 = valid_area(transforms)
    for x in (x0, x1 - 1):
        for y in (y0, y1 - 1):
            at = (matrices @ (x, y, 1))[:, :2]
            assert (at >= -1e-6).all()
            assert (at <= (SHAPE[1] - 1 + 1e-6, SHAPE[0] - 1 + 1e-6)).all()
    assert (y1 - y0) * (x1 - x0) > 0.6 * SHAPE[0] * SHAPE[1]
    matrices[0, 0, 2] = 500
    with pytest.raises(ff.FocusFuseError, match="hardly any area"):
        valid_area(transforms)


def test_pairs_are_reconciled_and_the_wrong_one_counts_little():
    true = planted("similarity")
    pairs = {}
    for i in range(SLICES):
        for j in range(i + 1, min(i + 4, SLICES)):
            pairs[i, j] = Pair(true[j] @ np.linalg.inv(true[i]), 0.9)
    wrong = pairs[2, 3].matrix.copy()
    wrong[0, 2] += 6
    pairs[2, 3] = Pair(wrong, 0.9)
    matrices, known = chained(pairs, SLICES, 3)
    assert residual(matrices, true) > 3
    assert residual(reconciled(pairs, matrices, known, 3, SHAPE, "similarity"), true) < 0.2


def test_slices_out_of_reach_lie_between_those_that_are_known():
    matrices = planted("translation")
    known = np.array([True, True, False, True, True, True, False])
    out = between(matrices, known)
    np.testing.assert_allclose(out[2], (matrices[1] + matrices[3]) / 2)
    np.testing.assert_allclose(out[6], matrices[5])


@pytest.mark.parametrize("shrunk", [1, 2, 4])
def test_levels_are_there_and_back(shrunk):
    matrix = planted("similarity")[0]
    np.testing.assert_allclose(from_level(to_level(matrix, shrunk), shrunk), matrix, atol=1e-12)
    # The first pixel of a level covers the first pixels of the image.
    shift = np.eye(3)
    shift[0, 2] = 8
    assert to_level(shift, shrunk)[0, 2] == pytest.approx(8 / shrunk)


def test_large_images_are_looked_at_small():
    assert shrinkings((512, 512)) == [8, 4, 2]
    assert shrinkings((3000, 4000)) == [16, 8, 4]
    assert shrinkings((40, 48)) == [1]
