"""The second look of the shipped model: at edges in depth, in tiles, and what is said of pixels that cannot be told."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_focusfuse.config import Camera, FusionConfig
from napari_focusfuse.core.decide.pipeline import iter_fuse
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.result import Flag
from napari_focusfuse.core.simulate import simulate
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import FocusFuseError, ModelError
from napari_focusfuse.models import load_model

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def encoder():
    return load_model().encoder


@pytest.fixture(scope="module")
def steps():
    """Plateaus that hide each other's edges."""
    return simulate((110, 130), 8, surface="steps", blur=1.2, texture="cloud", seed=4)


@pytest.fixture(scope="module")
def fuse(encoder):
    def run(data, config=None, **options):
        return drain(iter_fuse(Stack(data, **options), encoder, config or FusionConfig(), CPU, {}))

    return run


@pytest.fixture(scope="module")
def fused(fuse, steps):
    return fuse(steps.stack)


def _wrong(decision, scene):
    """Share of the pixels that are more than one slice off."""
    return (np.abs(decision.index - scene.depth) > 1.5).mean()


@pytest.mark.parametrize(("surface", "bound"), [("blocks", 0.9), ("fibres", 0.7)])
def test_edges_are_found_better_than_by_activity_alone(fuse, surface, bound):
    """Fewer pixels from wrong slices and a smaller error, most of all on thin fibres, which are edges only."""
    scene = simulate((110, 130), 8, surface=surface, blur=1.2, texture="cloud", seed=4)
    plain = load_model().encoder
    plain.candidates = None
    with_edges, without = fuse(scene.stack), drain(iter_fuse(Stack(scene.stack), plain, FusionConfig(), CPU, {}))
    assert _wrong(with_edges.decision, scene) < 0.9 * _wrong(without.decision, scene)
    error = [np.square(image.astype(float) - scene.sharp * 65535).mean() for image in (with_edges.image, without.image)]
    assert error[0] < bound * error[1]


def test_a_tile_is_exactly_the_whole(fuse, fused, steps):
    tiled = fuse(steps.stack, FusionConfig(tile=64)).decision
    np.testing.assert_array_equal(tiled.labels, fused.decision.labels)
    np.testing.assert_allclose(tiled.weights, fused.decision.weights, atol=1e-4)
    np.testing.assert_allclose(tiled.depth, fused.decision.depth, atol=1e-5)
    np.testing.assert_allclose(tiled.confidence, fused.decision.confidence, atol=1e-4)


def test_a_stack_in_reverse_is_decided_alike(fuse, fused, steps):
    z = np.arange(8.0)
    turned = fuse(steps.stack[::-1], z=z[::-1])
    np.testing.assert_array_equal(turned.decision.depth, fused.decision.depth)
    mirrored = fuse(steps.stack[::-1]).decision
    assert (7 - mirrored.index == fused.decision.index).mean() > 0.999


def test_weights_are_convex_and_the_chosen_slice_comes_first(fused):
    decision = fused.decision
    assert decision.weights.min() >= 0
    np.testing.assert_allclose(decision.weights.sum(axis=0), 1, atol=1e-5)
    assert (np.sort(decision.labels, axis=0)[1:] > np.sort(decision.labels, axis=0)[:-1]).all()


def test_the_preset_quantitative_leaves_pixels_untouched(fuse, fused, steps):
    result = fuse(steps.stack, FusionConfig(preset="quantitative"))
    np.testing.assert_array_equal(result.decision.index, fused.decision.index)
    taken = np.take_along_axis(steps.stack, result.decision.index[None].astype(int), axis=0)[0]
    np.testing.assert_array_equal(result.image, taken)


def test_slices_out_of_order_tell_no_depth(fuse, steps):
    result = fuse(steps.stack[[5, 0, 7, 2, 4, 1, 6, 3]])
    assert np.isnan(result.decision.depth).all()
    assert result.decision.confidence.max() == 0
    assert (result.decision.flags & Flag.UNORDERED > 0).all()
    assert "not in the order of focus" in result.summary


def test_flags_of_two_peaks_are_near_edges(fused, steps):
    near = np.ptp([np.roll(steps.depth, shift, axis) for shift in (-6, 6) for axis in (0, 1)], axis=0) > 1
    two = fused.decision.flags & Flag.TWO_PEAKS > 0
    assert 0 < two.mean() < 0.2
    assert two[near].mean() > 5 * two[~near].mean()
    doubt = 1 - fused.decision.confidence
    assert doubt[two].mean() > 5 * doubt[~two].mean()


def test_a_broad_curve_has_no_second_depth_but_is_in_doubt(fuse):
    """Hardly any blur from slice to slice: many are as sharp as the best one, but for the noise."""
    result = fuse(simulate((90, 100), 24, blur=0.05, noise=0.05, seed=2).stack)
    assert (result.decision.flags & Flag.TWO_PEAKS > 0).mean() < 0.05
    doubtful = float((result.decision.confidence < 0.5).mean())
    assert doubtful > 0.9
    assert result.summary.startswith(f"24 slices: {1 - doubtful:.1%} sure, {doubtful:.1%} unsure")


def test_saturated_pixels_are_not_trusted(fuse):
    scene = simulate((90, 100), 6, blur=1.2, seed=1, camera=Camera(bits=8))
    result = fuse(np.minimum(scene.stack.astype(int) * 1.6, 255).astype(np.uint8))
    burnt = result.image == 255
    assert 0.001 < burnt.mean() < 0.5
    assert (result.decision.flags[burnt] & Flag.SATURATED > 0).all()
    assert result.decision.confidence[burnt].max() == 0
    assert np.isnan(result.decision.depth[burnt]).all()


def test_white_paper_is_not_a_saturated_camera(fuse, rng):
    """A picture of two grey values has many pixels of the larger one."""
    print_ = np.where(rng.random((5, 64, 64)) < 0.5, 50, 200).astype(np.uint8)
    assert not (fuse(print_).decision.flags & Flag.SATURATED).any()


def test_a_pair_is_not_said_to_end_too_early(fuse, steps):
    pair = fuse(steps.stack[[1, 6]])
    assert not (pair.decision.flags & Flag.NOT_BRACKETED).any()
    assert np.isnan(pair.decision.depth).all()
    assert 0 <= pair.decision.confidence.min() <= pair.decision.confidence.max() <= 1


def test_an_edit_stays_convex_where_the_first_slice_is_not_the_heaviest(fused):
    decision = fused.decision
    weights = np.broadcast_to(np.float32([0.3, 0.5, 0.2, 0])[:, None, None], decision.weights.shape)
    odd = replace(decision, weights=weights)
    mask = np.zeros(decision.shape, dtype=bool)
    mask[40:60, 50:70] = True
    edited = odd.with_edits(np.full(decision.shape, 3), mask)
    assert edited.weights.min() >= 0
    np.testing.assert_array_equal(edited.index, np.where(mask, 3, odd.index))


def test_confidence_is_about_the_share_that_is_right(fused, steps):
    confidence, right = fused.decision.confidence, np.abs(fused.decision.index - steps.depth) <= 1.5
    assert abs(confidence.mean() - right.mean()) < 0.05


def _with_frame(stack, rows, value):
    framed = stack.astype(np.float32)
    framed[:, :rows] = value
    return framed


@pytest.mark.parametrize("value", [np.nan, 0])
def test_a_missing_row_spoils_itself_alone(fuse, fused, steps, value):
    """As registration leaves it, with NaN or with 0 in place of what is not known."""
    result = fuse(_with_frame(steps.stack, 1, value))
    beyond = np.s_[12:]
    assert (result.decision.index[beyond] == fused.decision.index[beyond]).mean() > 0.99
    changed = np.abs(result.image[beyond].astype(float) - fused.image[beyond])
    assert (changed > 0.02 * 65535).mean() < 0.01


def test_where_some_slice_has_values_the_image_is_no_fill(fuse, steps):
    """Slices that were moved, and filled up with 0; one of which half is lacking as well."""
    moved = steps.stack.copy()
    for k in range(8):
        moved[k, : 3 * k] = 0
    moved[4, 60:] = 0
    covered = (moved > 0).any(axis=0)
    image = fuse(moved).image
    assert steps.stack.min() > 1000
    assert (image[covered] < 1000).mean() < 0.002


def test_a_dark_ground_is_no_fill(fuse, rng):
    """Bright spots on nothing: 0 around them is what the camera has seen."""
    scene = simulate((90, 100), 6, mode="fluorescence", texture="beads", seed=3)
    dark = np.clip(scene.stack.astype(int) - 5000, 0, None).astype(np.uint16)
    assert (dark[:, 0] == 0).mean() > 0.4
    result = fuse(dark)
    without_zeros = fuse(dark + 200)
    lit = scene.sharp > 0.2
    assert (result.decision.index == without_zeros.decision.index)[lit].mean() > 0.98


@pytest.mark.parametrize("slices", [2, 3, 5])
def test_a_black_object_at_the_frame_is_no_fill(fuse, rng, slices):
    """Sharp in one slice, where it is 0 up to its rim, and grey at the rim in the others."""
    ground = ndimage.gaussian_filter(rng.random((96, 120)), 0.8)
    ground = 60 + 150 * (ground - ground.min()) / np.ptp(ground)
    ground[30:70, :40] = 0
    stack = np.stack([ndimage.gaussian_filter(ground, 2.0 * k) for k in range(slices)]).astype(np.uint8)
    result = fuse(stack)
    assert np.abs(result.image[25:75, :45].astype(float) - stack[0, 25:75, :45]).max() < 60


def test_a_flag_of_saturation_is_of_the_picture(fuse):
    scene = simulate((90, 100), 6, blur=1.2, seed=1, camera=Camera(bits=8))
    burnt = np.minimum(scene.stack.astype(int) * 1.6, 255).astype(np.uint8)
    result = fuse(burnt, FusionConfig(preset="quantitative"))
    np.testing.assert_array_equal(result.decision.flags & Flag.SATURATED > 0, result.image == 255)


def test_of_two_layers_the_nearer_or_the_farther_one(fuse):
    """Two textures, one seen through the other; without a preference each pixel takes the sharper one."""
    textures = [ndimage.gaussian_filter(np.random.default_rng(k).standard_normal((64, 72)), 1) for k in range(2)]
    planes = []
    for k in range(9):
        seen = [ndimage.gaussian_filter(t / t.std(), 0.15 + abs(k - z)) for t, z in zip(textures, (1, 7), strict=True)]
        planes.append(8000 + 800 * sum(seen))
    stack = np.array(planes).astype(np.uint16)
    z = np.arange(9.0)[::-1]  # larger z is nearer, whatever the order of the slices
    done = {prefer: fuse(stack, FusionConfig(prefer=prefer), z=z) for prefer in ("sharper", "nearer", "farther")}
    first = {prefer: (result.decision.index < 4).mean() for prefer, result in done.items()}
    assert 0.2 < first["sharper"] < 0.8
    assert (first["nearer"] > 0.85, first["farther"] < 0.15) == (True, True)
    sharp = {prefer: stack[1 if prefer == "nearer" else 7].astype(float) for prefer in ("nearer", "farther")}
    for prefer, other in (("nearer", "farther"), ("farther", "nearer")):
        image, where = done[prefer].image.astype(float), (done["nearer"].decision.index < 4)
        where = where & (done["farther"].decision.index > 4)
        assert np.abs(image - sharp[prefer])[where].mean() < 0.5 * np.abs(image - sharp[other])[where].mean()
        decision = done[prefer].decision
        swapped = (decision.index < 4) != (done["sharper"].decision.index < 4)
        told = (decision.flags & Flag.TWO_PEAKS > 0) | (
            decision.confidence < 0.5
        )  # or for the sake of its surroundings
        assert told[swapped].mean() > 0.9
        np.testing.assert_allclose(decision.weights.sum(0), 1, atol=1e-5)


def test_a_preference_decides_where_two_depths_compete_and_nowhere_else(fuse, fused, steps):
    nearer = fuse(steps.stack, FusionConfig(prefer="nearer")).decision
    other = np.abs(nearer.index - fused.decision.index) > 1
    assert 0 < other.mean() < 0.04
    assert (nearer.index[other] > fused.decision.index[other]).mean() > 0.95
    assert _wrong(nearer, steps) < _wrong(fused.decision, steps) + 0.02


@pytest.mark.parametrize("others", [{"scales": "window"}, {"softness": np.inf}, {"preset": "paper"}])
def test_a_preference_needs_odds(others):
    with pytest.raises(FocusFuseError, match="prefer 'nearer' compares odds"):
        FusionConfig(prefer="nearer", **others)


def test_a_preference_needs_a_model_that_knows_candidates(fuse):
    plain = load_model("sesf-cse").encoder
    with pytest.raises(ModelError, match="does not compare two depths"):
        drain(iter_fuse(Stack(np.zeros((3, 32, 32))), plain, FusionConfig(prefer="nearer"), CPU, {}))
