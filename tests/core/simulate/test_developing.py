"""What spoils a stack on its way to the file does what it says, and nothing else."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from napari_focusfuse.config import Camera, Flaws
from napari_focusfuse.core.simulate import developed, drawn_flaws, simulate
from napari_focusfuse.core.simulate.scene import exposed

FLAT = np.full((96, 120), 0.5, np.float32)


def scene(flaws, slices=3, **options):
    return simulate((96, 120), slices, **{"surface": "plane", "texture": FLAT, "blur": 0.3, "flaws": flaws, **options})


def light(counts):
    return counts / np.float64(65535)


def test_a_stack_without_flaws_is_left_alone(rng):
    image = rng.normal(0.5, 1, (20, 30)).astype(np.float32)
    assert developed(image, Flaws()) is image


def test_sharpening_is_that_of_an_unsharp_mask_and_in_the_truth_as_well():
    spoiled, plain = (scene(flaws, texture="cloud") for flaws in (Flaws(sharpened=0.5), Flaws()))
    for seen, image in zip([*spoiled.stack, spoiled.truth], [*plain.stack, plain.truth], strict=True):
        before = light(image)
        wanted = np.clip(before + 0.5 * (before - ndimage.gaussian_filter(before, 1)), 0, 1)
        np.testing.assert_allclose(light(seen), wanted, atol=1e-4)


def test_gamma_brightens_what_is_dark_and_is_in_the_truth_as_well():
    dark = scene(Flaws(gamma=0.5), texture=FLAT / 2)
    np.testing.assert_allclose(light(dark.stack), 0.5, atol=1e-4)
    np.testing.assert_allclose(light(dark.truth), 0.5, atol=1e-4)


def test_a_camera_smooths_noise_and_keeps_edges():
    halves = np.where(np.arange(120) < 60, 0.2, 0.8).astype(np.float32) * np.ones_like(FLAT)
    image = halves + np.random.default_rng(0).normal(0, 0.02, FLAT.shape).astype(np.float32)
    smooth = developed(image, Flaws(denoised=0.025))
    assert smooth[:, 10:50].std() < 0.4 * image[:, 10:50].std()
    assert (smooth[:, 60] - smooth[:, 59]).mean() == pytest.approx(0.6, abs=0.01)


def test_a_mosaic_loses_the_finest_detail_and_nothing_of_a_flat_field():
    stripes = (FLAT + 0.3 * (-1.0) ** np.arange(120)).astype(np.float32)
    np.testing.assert_allclose(developed(FLAT, Flaws(mosaic=True)), FLAT, atol=1e-6)
    assert np.abs(np.diff(developed(stripes, Flaws(mosaic=True)), axis=1)).mean() < 0.5 * 0.6


def test_jpeg_leaves_its_blocks_and_more_of_them_at_low_quality():
    image = scene(Flaws(), texture="cloud", noise=0.02).stack[0] / np.float32(65535)
    rough, fine = (developed(image, Flaws(jpeg=quality)) - image for quality in (70, 95))
    assert rough.std() > 2 * fine.std() > 0.002
    ramp = np.linspace(0.3, 0.6, 96 * 120, dtype=np.float32).reshape(120, 96).T
    steps = np.abs(np.diff(developed(ramp, Flaws(jpeg=20)), axis=0)).mean(axis=1)
    assert steps[7::8].mean() > 2 * np.delete(steps, np.s_[7::8]).mean()


def test_noise_varies_from_place_to_place_and_keeps_its_mean_strength():
    even = np.broadcast_to(FLAT, (60, *FLAT.shape))
    slices = light(exposed(even, Camera(noise=0.02), np.random.default_rng(0), Flaws(uneven_noise=0.8)))
    strength = ndimage.uniform_filter(slices.std(axis=0), 7)
    assert np.exp(np.log(strength).mean()) == pytest.approx(0.02, rel=0.05)
    assert np.log(strength).std() == pytest.approx(0.8, abs=0.1)


def test_another_camera_sees_the_same_flaws():
    flaws = Flaws(jpeg=80, missing=3, gamma=0.6)
    one = scene(flaws, texture="cloud", noise=0.03)
    other = scene(flaws, texture="cloud").exposed(Camera(noise=0.03))
    np.testing.assert_array_equal(one.stack, other.stack)


def test_every_second_row_of_every_second_slice_is_brighter():
    slices = light(scene(Flaws(interlaced=0.1), slices=4).stack)
    np.testing.assert_allclose(slices[0::2], 0.5, atol=1e-4)
    np.testing.assert_allclose(slices[1::2, 0::2], 0.5, atol=1e-4)
    np.testing.assert_allclose(slices[1::2, 1::2], 0.55, atol=1e-4)


def test_the_exposure_changes_once():
    stack = scene(Flaws(exposure=0.2), slices=7, seed=2)
    levels = light(stack.stack).mean(axis=(1, 2))
    changes = np.abs(np.diff(np.log(levels)))
    np.testing.assert_allclose(np.sort(changes), [0, 0, 0, 0, 0, 0.2], atol=1e-3)
    assert levels[3] == pytest.approx(0.5, abs=1e-4)


def test_glints_move_and_are_not_in_the_truth():
    with_glints, without = (scene(flaws, slices=5, seed=1) for flaws in (Flaws(glints=0.01), Flaws()))
    np.testing.assert_array_equal(with_glints.truth, without.truth)
    bright = with_glints.clean > 0.6
    assert 0.003 < bright[0].mean() < 0.03
    assert (bright[0] & ~bright[4]).sum() > 0.3 * bright[0].sum()
    clean = ~with_glints.spoiled
    assert 0.5 < clean.mean() < 1
    np.testing.assert_allclose(with_glints.clean[:, clean], without.clean[:, clean], atol=0.003)


def test_missing_rows_are_black_in_one_slice():
    stack = scene(Flaws(missing=5), slices=6)
    assert 3 <= stack.missing.sum() <= 5
    np.testing.assert_array_equal((stack.stack == 0).all(axis=2), stack.missing)
    np.testing.assert_array_equal(stack.spoiled, np.repeat(stack.missing.any(axis=0)[:, None], 120, axis=1))


def test_drawn_flaws_are_as_frequent_as_they_should_be_and_can_be_simulated():
    drawn = [drawn_flaws(np.random.default_rng(seed)) for seed in range(400)]
    shares = {
        field.name: np.mean([getattr(flaws, field.name) != field.default for flaws in drawn])
        for field in dataclasses.fields(Flaws)
    }
    assert 0.35 < shares["drift"] < 0.55
    assert all(0.02 < share < 0.55 for share in shares.values())
    assert 0.08 < np.mean([flaws == Flaws() for flaws in drawn]) < 0.25
    moved = [flaws.drift for flaws in drawn if flaws.drift]
    assert 0.1 <= min(moved) < 0.15
    assert 0.8 < max(moved) <= 1
    for flaws in drawn[:12]:
        assert simulate((24, 28), 3, flaws=flaws).stack.any()
