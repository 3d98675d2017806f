"""From stack to result: the paper preset on a known mask, exact tiling, invariances, and every kind of input."""

import warnings

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.blend import iter_blend
from napari_focusfuse.core.decide import pipeline, verification
from napari_focusfuse.core.decide.pipeline import iter_decide, iter_fuse
from napari_focusfuse.core.decide.statistics import iter_statistics
from napari_focusfuse.core.decide.verification import GUIDED_RADIUS
from napari_focusfuse.core.progress import Progress, drain
from napari_focusfuse.core.result import Flag
from napari_focusfuse.core.stack import Stack

CPU = torch.device("cpu")
PAPER = FusionConfig(preset="paper")


@pytest.fixture
def fuse(networks):
    def run(data, config=None, variant="cse", **options):
        stack = Stack(data, **options)
        return drain(iter_fuse(stack, networks[variant].encoder, config or FusionConfig(), CPU, {"method": "sesf"}))

    return run


@pytest.fixture
def pair(rng):
    """Two images focused left and right of a wavy border: stack, truth, mask of the first."""
    truth = rng.random((100, 140))
    blurred = ndimage.gaussian_filter(truth, 2)
    y, x = np.mgrid[:100, :140]
    first = x < 70 + 8 * np.sin(y / 12)
    stack = np.stack([np.where(first, truth, blurred), np.where(first, blurred, truth)])
    return (255 * stack).astype(np.uint8), first


def _near(mask, distance):
    """Pixels within `distance` px of the border of a mask."""
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return (inside + outside) <= distance


def test_the_paper_preset_finds_a_known_mask(fuse, pair):
    stack, first = pair
    result = fuse(stack, PAPER)
    np.testing.assert_array_equal(np.unique(result.decision.index), [0, 1])
    wrong = (result.decision.index == 0) != first
    assert not (wrong & ~_near(first, 5)).any()
    assert np.isnan(result.decision.depth).all()
    far = ~_near(first, 5 + 2 * GUIDED_RADIUS)
    np.testing.assert_array_equal(result.image[far], np.where(first, stack[0], stack[1])[far])


@pytest.mark.parametrize("variant", ["cse", "sse", "scse", "none"])
def test_every_variant_finds_it(fuse, pair, variant):
    stack, first = pair
    assert ((fuse(stack, variant=variant).decision.index == 0) == first).mean() > 0.93


def test_the_weights_of_two_are_d_and_1_minus_d(fuse, pair):
    decision = fuse(pair[0], PAPER).decision
    assert decision.labels.shape[0] == 2
    np.testing.assert_allclose(decision.weights.sum(axis=0), 1, atol=1e-6)
    assert ((decision.weights[0] > 0.5) | (decision.weights[0] == decision.weights[1])).all()


def test_a_stack_of_hills(fuse, scene):
    result = fuse(scene.stack)
    decision = result.decision
    inside = ~np.isnan(decision.depth)
    assert (np.abs(decision.index - scene.depth) > 1).mean() < 0.02
    assert np.sqrt(np.mean((decision.depth - scene.depth)[inside] ** 2)) < 0.35
    assert result.image.dtype == np.uint16
    error = (result.image.astype(float) - scene.truth) / 65535
    plain = (scene.stack.mean(axis=0) - scene.truth) / 65535
    assert (error**2).mean() < 0.2 * (plain**2).mean()
    assert "7 slices" in result.summary


def test_ends_of_the_stack_are_told(fuse, scene):
    cut = fuse(scene.stack[2:]).decision
    below = scene.depth < 1
    assert ((cut.flags[below] & Flag.NOT_BRACKETED) > 0).mean() > 0.9
    assert np.isnan(cut.depth[(cut.flags & Flag.NOT_BRACKETED) > 0]).all()


@pytest.mark.parametrize("config", [FusionConfig(), PAPER, FusionConfig(softness=np.inf, min_region=0.005)])
@pytest.mark.parametrize("which", ["scene", "noisy_scene"])
def test_a_tile_is_exactly_the_whole(fuse, request, config, which):
    from dataclasses import replace

    stack = request.getfixturevalue(which).stack
    whole, tiled = (fuse(stack, replace(config, tile=tile)) for tile in (512, 64))
    np.testing.assert_array_equal(whole.decision.labels[0], tiled.decision.labels[0])
    np.testing.assert_allclose(whole.decision.depth, tiled.decision.depth, atol=1e-4)
    np.testing.assert_allclose(whole.decision.weights, tiled.decision.weights, atol=1e-4)
    assert np.abs(whole.image.astype(int) - tiled.image).max() <= 2


def test_verification_in_tiles_is_that_of_the_whole(fuse, scene, monkeypatch):
    whole = fuse(scene.stack, PAPER)
    monkeypatch.setattr(verification, "_TILE", 32)
    tiled = fuse(scene.stack, PAPER)
    np.testing.assert_allclose(whole.decision.weights, tiled.decision.weights, atol=1e-5)


def test_slices_permuted_with_their_z(fuse, noisy_scene, rng):
    order = rng.permutation(len(noisy_scene.stack))
    z = np.array([0.0, 1.0, 2.5, 3.0, 4.0, 5.5])
    plain, permuted = fuse(noisy_scene.stack, z=z), fuse(noisy_scene.stack[order], z=z[order])
    np.testing.assert_array_equal(plain.image, permuted.image)
    np.testing.assert_array_equal(plain.decision.depth, permuted.decision.depth)
    np.testing.assert_array_equal(plain.decision.confidence, permuted.decision.confidence)
    np.testing.assert_array_equal(plain.decision.index, order[permuted.decision.index])


def test_reversed_z_gives_the_same_depth(fuse, scene):
    z = np.arange(7) * 0.5
    np.testing.assert_array_equal(
        fuse(scene.stack, z=z).decision.depth, fuse(scene.stack[::-1], z=z[::-1]).decision.depth
    )


def test_noise_brings_in_coarser_scales_and_softer_weights(networks, scene, noisy_scene):
    calm, noisy = (
        drain(iter_statistics(Stack(s.stack), networks["cse"].encoder, FusionConfig(), CPU))
        for s in (scene, noisy_scene)
    )
    assert calm.noise.typical < 0.01 < noisy.noise.typical
    assert calm.level_weights[0] > noisy.level_weights[0]
    assert calm.softness > noisy.softness
    assert abs(sum(noisy.level_weights) - 1) < 1e-6


def test_a_tenth_of_the_range_is_as_good_as_all_of_it(fuse, scene):
    dim = (scene.stack / 10 + 3000).astype(np.uint16)
    assert (fuse(dim).decision.index != fuse(scene.stack).decision.index).mean() < 0.01


def test_a_brighter_slice_does_not_win(fuse, scene):
    """Lamps flicker: the gain of each slice changes little of the decision and nothing of the range of the pixels."""
    gain = np.array([1.0, 1.3, 0.8, 1.05, 0.9, 1.4, 1.0])[:, None, None]
    stack = scene.stack / 2.0
    plain, flickering = fuse(stack), fuse(stack * gain)
    assert (plain.decision.index != flickering.decision.index).mean() < 0.05
    taken = np.take_along_axis(stack * gain, flickering.decision.labels.astype(int), 0)
    assert (flickering.image >= taken.min(axis=0)).all()
    assert (flickering.image <= taken.max(axis=0)).all()


def test_linear_in_intensity(fuse, scene):
    stack = scene.stack.astype(np.float64)
    plain, other = fuse(stack), fuse(3 * stack + 1000)
    assert (plain.decision.index != other.decision.index).mean() < 0.002
    assert np.mean(np.abs(3 * plain.image + 1000 - other.image)) < 1e-3 * stack.max()


def test_one_by_one_in_series(fuse, scene):
    result = fuse(scene.stack, FusionConfig(preset="paper", series=True))
    assert (np.abs(result.decision.index - scene.depth) > 1).mean() < 0.1
    np.testing.assert_allclose(result.decision.weights.sum(axis=0), 1, atol=1e-6)


def test_a_series_of_two_is_the_pair(fuse, pair):
    series, native = fuse(pair[0], FusionConfig(preset="paper", series=True)), fuse(pair[0], PAPER)
    np.testing.assert_array_equal(series.image, native.image)


def test_colour_decides_on_luminance_and_blends_all_channels(fuse, scene):
    colour = np.stack([scene.stack, scene.stack // 2, scene.stack // 3], axis=-1)
    result = fuse(colour)
    assert result.image.shape == (*scene.truth.shape, 3)
    grey = Stack(colour[..., 1])
    np.testing.assert_array_equal(result.image[..., 1], drain(iter_blend(grey, result.decision)))


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float64"]
)
@pytest.mark.parametrize("config", [FusionConfig(), PAPER])
def test_every_type(fuse, scene, dtype, config):
    unit = scene.stack[:, :40, :50] / 65535
    if dtype == "bool":
        data = unit > 0.5
    elif dtype.startswith("float"):
        data = (unit * 40 - 20).astype(dtype)
    else:
        data = (unit * np.iinfo(dtype).max).astype(dtype)
    result = fuse(data, config)
    assert result.image.dtype == np.dtype(dtype)
    assert (result.image >= data.min(axis=0)).all()
    assert (result.image <= data.max(axis=0)).all()
    if dtype not in ("bool", "int8"):
        assert (np.abs(result.decision.index - scene.depth[:40, :50]) > 1).mean() < 0.1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("config", [FusionConfig(), PAPER, FusionConfig(preset="paper", series=True)])
@pytest.mark.parametrize("size", [1, 10])
def test_missing_pixels_come_from_other_slices(fuse, scene, value, config, size):
    data = scene.stack.astype(np.float32)
    hole = np.s_[50 : 50 + size, 60 : 60 + size]
    best = fuse(data, config).decision.index[50, 60]
    data[best][hole] = value
    result = fuse(data, config)
    assert np.isfinite(result.image).all()
    others = np.delete(data, best, axis=0)[:, *hole]
    assert (result.image[hole] >= others.min(axis=0)).all()
    assert (result.image[hole] <= others.max(axis=0)).all()


def test_a_hole_changes_nothing_far_from_it(fuse, noisy_scene):
    data = noisy_scene.stack.astype(np.float32)
    plain = fuse(data)
    data[0, 20:30, 20:30] = np.nan
    holed = fuse(data)
    assert (plain.decision.info["level_weights"][1]) > 0.1
    ring = np.zeros(noisy_scene.truth.shape, dtype=bool)
    ring[:50, :50] = True
    ring[18:32, 18:32] = False
    more = (holed.decision.index[ring] == 0).mean() - (plain.decision.index[ring] == 0).mean()
    assert more < 0.02


def test_an_outlier_is_no_catastrophe(fuse, scene):
    data = scene.stack.astype(np.float32)
    data[2, 40:44, 40:44] = 1e30
    result = fuse(data)
    assert np.isfinite(result.image).all()
    np.testing.assert_allclose(result.decision.weights.sum(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("value", "which", "size"),
    [(1e30, 0, 1), (-1e30, 2, 2), (1e4, slice(None), 1), (np.nan, slice(None), 2), (np.inf, 2, 1)],
)
def test_a_wild_or_dead_pixel_decides_nothing(fuse, scene, value, which, size):
    """It used to draw all around it into its slice, or to silence it, or to put the slices out of order."""
    data = scene.stack.astype(np.float32) / 65535
    plain = fuse(data)
    data[which, 40 : 40 + size, 60 : 60 + size] = value
    spoilt = fuse(data)
    assert (spoilt.decision.index == plain.decision.index).mean() > 0.995
    assert (spoilt.decision.flags == plain.decision.flags).mean() > 0.995
    assert "order" not in spoilt.summary


@pytest.mark.parametrize("offset", [2.0**40, 1e9])
def test_a_large_offset_does_not_matter(fuse, scene, offset):
    data = scene.stack.astype(np.float64)
    plain, lifted = fuse(data), fuse(data + offset)
    assert (plain.decision.index != lifted.decision.index).mean() < 0.002
    assert np.abs(plain.image + offset - lifted.image).max() < 0.01 * np.ptp(data)


@pytest.mark.parametrize("slices", [3, 20])
def test_pure_noise_has_no_signal(networks, rng, slices):
    stack = Stack((0.5 + 0.02 * rng.standard_normal((slices, 150, 150))).astype(np.float32))
    decision = drain(iter_decide(stack, networks["cse"].encoder, FusionConfig(), CPU, {}))
    assert ((decision.flags & Flag.NO_SIGNAL) > 0).mean() > 0.95
    assert np.isnan(decision.depth).mean() > 0.95


def test_a_specimen_on_an_empty_field_is_judged_by_itself(networks, scene, rng):
    """The empty field around it does not call for coarser scales."""
    wide = np.full((7, 400, 500), scene.stack.mean(), np.float64)
    wide[:, 150:246, 180:308] = scene.stack
    wide += 200 * rng.standard_normal(wide.shape)
    statistics = drain(iter_statistics(Stack(wide), networks["cse"].encoder, FusionConfig(), CPU))
    assert statistics.level_weights[0] > 0.3


def test_missing_everywhere_is_missing(fuse, scene):
    data = scene.stack.astype(np.float32)
    data[:, 10, 10] = np.nan
    image = fuse(data).image
    assert np.isnan(image[10, 10])
    assert np.isnan(image).sum() == 1


@pytest.mark.parametrize("config", [FusionConfig(), PAPER, FusionConfig(preset="paper", series=True)])
@pytest.mark.parametrize("value", [0, 77])
def test_a_constant_stack_comes_back(fuse, config, value):
    data = np.full((5, 40, 40), value, np.uint8)
    result = fuse(data, config)
    assert (result.image == value).all()
    assert (result.decision.confidence == 0).all()
    assert np.isnan(result.decision.depth).all()
    assert (result.decision.flags == Flag.NO_SIGNAL).all()


@pytest.mark.parametrize("config", [FusionConfig(), PAPER])
@pytest.mark.parametrize("side", [1, 3])
def test_tiny_images(fuse, rng, config, side):
    data = rng.integers(0, 255, (3, side, side), dtype=np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        image = fuse(data, config).image
    assert image.shape == (side, side)
    assert (image >= data.min(axis=0)).all()
    assert (image <= data.max(axis=0)).all()


def test_equal_slices_come_back_exactly(fuse, rng):
    image = rng.random((30, 40)).astype(np.float32)
    np.testing.assert_array_equal(fuse(np.stack([image] * 5)).image, image)


def test_many_slices_keep_few_maps(fuse, rng):
    decision = fuse(rng.random((30, 32, 40)).astype(np.float32)).decision
    assert decision.labels.shape[0] == 4


def test_cancelling_is_stopping_to_iterate(networks, scene):
    work = iter_decide(Stack(scene.stack), networks["cse"].encoder, FusionConfig(), CPU, {})
    steps = [next(work) for _ in range(3)]
    work.close()
    assert all(0 <= step.done <= step.total for step in steps)
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()


def test_progress_rises_to_the_end(networks, scene):
    done = []
    drain(
        iter_fuse(Stack(scene.stack), networks["none"].encoder, PAPER, CPU, {}), lambda p: done.append(p.done / p.total)
    )
    assert done == sorted(done)
    assert done[-1] == 1


def test_info_is_plain(fuse, scene):
    import json

    for config in (FusionConfig(), PAPER):
        info = fuse(scene.stack[:3], config).decision.info
        assert json.loads(json.dumps(info, allow_nan=False)) == info


def test_short_graphics_memory_makes_smaller_tiles_and_then_the_processor_does_it(networks, rng, monkeypatch):
    """As on a card: the same work there, which runs out of memory in whatever tiles."""
    really, tried = pipeline._iter_decide, []

    def short(stack, encoder, config, device, info):
        tried.append((device.type, config.tile))
        yield Progress(0, 1, "begun")
        if device.type != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return (yield from really(stack, encoder, config, device, info))

    monkeypatch.setattr(pipeline, "_iter_decide", short)
    stack, config, told = Stack(rng.random((3, 40, 50))), FusionConfig(), []
    card = torch.device("cuda")
    work = iter_decide(stack, networks["none"].encoder, config, card, {"device": "cuda"})
    made = drain(work, lambda progress: told.append(progress.what))
    assert tried == [("cuda", 512), ("cuda", 256), ("cpu", 256)]
    assert made.info["device"] == "cpu"
    assert told[1] == "graphics memory is short: again in tiles of 256 px"
    assert "graphics memory is short: again on the processor" in told


def test_other_errors_of_torch_are_not_swallowed(networks, rng, monkeypatch):
    def broken(*_):
        yield Progress(0, 1, "begun")
        raise RuntimeError("device-side assert triggered")

    monkeypatch.setattr(pipeline, "_iter_decide", broken)
    with pytest.raises(RuntimeError, match="assert"):
        drain(iter_decide(Stack(rng.random((3, 40, 50))), networks["none"].encoder, PAPER, torch.device("cuda"), {}))
