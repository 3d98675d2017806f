"""The decision head, and the two ways to combine scales."""

import copy

import numpy as np
import pytest
import torch

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.decide.pipeline import iter_decide
from napari_focusfuse.core.decide.statistics import iter_statistics
from napari_focusfuse.core.encode import reduced, scale_maps, scale_sf
from napari_focusfuse.core.encode.head import INPUTS, SCALES, FocusHead, Learned, Weighted
from napari_focusfuse.core.encode.measures import box_mean, difference_energy, fine_energy, laplacian_energy
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.stack import Stack

CPU = torch.device("cpu")


@pytest.fixture
def decider(networks):
    """An untrained encoder with a head that looks around."""
    encoder = copy.deepcopy(networks["none"].encoder)
    torch.manual_seed(3)
    encoder.head = FocusHead()
    return encoder


def decided(stack, encoder, config=None):
    return drain(iter_decide(stack, encoder, config or FusionConfig(), CPU, {}))


def test_maps_of_several_scales_are_those_of_each(networks, rng):
    image = torch.from_numpy(rng.random((1, 1, 70, 90), dtype=np.float32))
    encoder = networks["none"].encoder
    with torch.inference_mode():
        maps = scale_maps(encoder, image, SCALES)
        for i, (level, radius) in enumerate(SCALES):
            torch.testing.assert_close(maps[:, i : i + 1], scale_sf(encoder, image, level, [radius]), rtol=0, atol=0)


def test_maps_at_half_size_are_every_second_pixel_with_the_laplacian_beside(networks, rng):
    """At full size the first block stands for all."""
    image = torch.from_numpy(rng.random((1, 1, 71, 90), dtype=np.float32))
    encoder, scales = networks["none"].encoder, ((0, 2), (1, 2), (2, 1))
    with torch.inference_mode():
        half, full = (scale_maps(encoder, image, scales, half=half) for half in (True, False))
        fine = [box_mean(energy(image), 2) for energy in (encoder.shallow, laplacian_energy)]
        coarse = box_mean(laplacian_energy(reduced(image)), 2)
    assert half.shape == (1, 6, 36, 45)
    torch.testing.assert_close(half[:, :2], torch.cat(fine, dim=1)[..., ::2, ::2])
    torch.testing.assert_close(half[:, 2:5:2], full[:, 1:, ::2, ::2])
    torch.testing.assert_close(half[:, 3:4], coarse)


@pytest.mark.parametrize("variant", ["none", "cse", "scse"])
def test_the_shallow_energy_is_that_of_the_first_block(networks, rng, variant):
    image = torch.from_numpy(rng.random((1, 1, 20, 30), dtype=np.float32))
    encoder = networks[variant].encoder.eval()
    means = [torch.full((1, 16), 0.3)] * encoder.depth
    with torch.inference_mode():
        features = encoder(image, means)[:, :16]
        torch.testing.assert_close(encoder.shallow(image, means), difference_energy(features), rtol=1e-4, atol=1e-6)


def test_more_energy_on_every_scale_is_more_activity_at_the_start():
    """The plain part of a head is a weighted sum of logarithms, and what comes on top begins small."""
    head = FocusHead()
    with torch.no_grad():
        for parameter in head.out.parameters():
            parameter.zero_()
        squared = torch.full((1, INPUTS, 8, 8), 1e-2)
        floors = torch.full((INPUTS,), 1e-4)
        noise = torch.full((8, 8), 1.0)
        once, twice = head(squared, floors, noise), head(4 * squared, floors, noise)
    torch.testing.assert_close(twice, 2 * once, rtol=1e-4, atol=0)


def test_the_head_sees_no_farther_than_its_reach(rng):
    head = FocusHead()
    squared = torch.from_numpy(rng.random((1, INPUTS, 64, 64), dtype=np.float32))
    floors = torch.full((INPUTS,), 1e-3)
    changed = squared.clone()
    changed[..., 32, 32] *= 50
    with torch.no_grad():
        noise = torch.ones(64, 64)
        moved = (head.score(squared, floors, noise) != head.score(changed, floors, noise))[0, 0].nonzero() - 32
    assert 2 * moved.abs().max() + 2 == head.reach


def test_noise_is_as_large_for_grey_values_as_for_their_laplacian(rng):
    noise = torch.from_numpy(rng.normal(0.4, 0.02, (1, 1, 200, 200)).astype(np.float32))
    assert fine_energy(noise).mean().item() == pytest.approx(4096 * 0.02**2, rel=0.05)
    assert laplacian_energy(noise).mean().item() == pytest.approx(4096 * 0.02**2, rel=0.1)


def test_more_noise_at_a_place_is_less_excess_there(rng):
    head = FocusHead()
    squared = torch.from_numpy(rng.random((1, INPUTS, 64, 64), dtype=np.float32))
    noise = torch.full((64, 64), 0.01)
    noise[:, 40:] = 1.0
    with torch.no_grad():
        calm, uneven = (head.score(squared, torch.full((INPUTS,), 0.1), n) for n in (noise[:, :1], noise))
    torch.testing.assert_close(calm[..., :24], uneven[..., :24])
    assert (calm[..., 40:] != uneven[..., 40:]).all()


def test_the_weighted_mean_of_two_scales():
    combine = Weighted(4, (0.75, 0.0, 0.25), (0.0, 0.0, 0.0))
    assert combine.scales == ((0, 4), (2, 4))
    squared = torch.tensor([4.0, 256.0]).view(1, 2, 1, 1)
    assert combine(squared, squared).item() == pytest.approx(2**0.75 * 16**0.25, rel=1e-5)


@pytest.mark.parametrize("height", [128, 115])
def test_a_tile_is_exactly_the_whole(decider, noisy_scene, height):
    stack = Stack(noisy_scene.stack[:, :height])
    whole, tiled = (decided(stack, decider, FusionConfig(tile=size)) for size in (512, 64))
    np.testing.assert_array_equal(whole.labels, tiled.labels)
    np.testing.assert_allclose(whole.weights, tiled.weights, atol=1e-5)


def test_a_head_decides_where_nothing_else_is_asked_for(decider, scene):
    stack = Stack(scene.stack)
    for config, own in ((FusionConfig(), True), (FusionConfig(scales="window", radius=3), False)):
        statistics = drain(iter_statistics(stack, decider, config, CPU))
        assert isinstance(statistics.combine, Learned if own else Weighted)
        assert bool(statistics.level_weights) is not own
    paper = drain(iter_statistics(stack, decider, FusionConfig(preset="paper"), CPU))
    assert paper.combine == Weighted(5, (1.0,), (0.0,))


def test_where_there_is_nothing_there_is_no_activity(decider):
    combine = Learned(decider.head, torch.zeros(INPUTS))
    squared = torch.zeros(1, INPUTS, 8, 8)
    squared[..., 4:] = 1e-4
    activity = combine(squared, torch.zeros(8, 8))
    assert (activity[..., :4] == 0).all()
    assert (activity[..., 4:] > 0).all()


def test_the_softness_that_was_asked_for(decider, scene):
    statistics = drain(iter_statistics(Stack(scene.stack), decider, FusionConfig(softness=7), CPU))
    assert statistics.softness == 7
    assert isinstance(statistics.combine, Learned)


def test_what_a_decision_tells_of_itself(decider, scene):
    info = decided(Stack(scene.stack), decider).info
    assert info["level_weights"] == []
    assert info["noise"] > 0
