"""What is planted in a simulated stack can be found in it."""

import numpy as np
import pytest
from scipy import ndimage, stats
from skimage.registration import phase_cross_correlation

from napari_focusfuse.config import Camera, Flaws
from napari_focusfuse.core.decide.survey import block_means, gains, noise_level
from napari_focusfuse.core.simulate import simulate
from napari_focusfuse.core.simulate.flaws import movement
from napari_focusfuse.core.simulate.scene import exposed

FLAT = np.full((200, 200), 0.5, np.float32)


def flat(slices=3, **camera):
    return simulate((200, 200), slices, surface="plane", texture=FLAT, camera=Camera(**camera))


def test_gaussian_noise_has_the_given_strength():
    assert abs(flat(noise=0.02).stack.std() / 65535 - 0.02) < 0.0003


def test_noise_is_recovered_from_a_textured_stack():
    scene = simulate((200, 240), 8, noise=0.02, seed=1)
    found = noise_level([image / np.float32(65535) for image in scene.stack])
    assert found == pytest.approx(0.02, rel=0.1)


def test_photon_noise_follows_the_light():
    """Photon transfer: the variance rises with the mean by one electron an electron."""
    ramp = np.tile(np.linspace(0.1, 0.9, 200, dtype=np.float32), (200, 1))
    light = np.broadcast_to(ramp, (30, 200, 200))
    electrons = exposed(light, Camera(full_well=500), np.random.default_rng(1)) / 65535 * 500
    slope = np.polyfit(electrons.mean(axis=0).ravel(), electrons.var(axis=0, ddof=1).ravel(), 1)[0]
    assert slope == pytest.approx(1, abs=0.05)


def test_few_photons_are_distributed_as_poisson():
    light = np.full((1, 400, 400), 0.01, np.float32)
    for well in (200, 1000, 3000):
        counted = exposed(light, Camera(full_well=well), np.random.default_rng(1)) / 65535 * well
        found = np.bincount(np.round(counted).astype(int).ravel(), minlength=100)[:100] / counted.size
        np.testing.assert_allclose(found, stats.poisson.pmf(range(100), 0.01 * well), atol=0.004)


def test_a_difference_in_rounding_stays_where_it_is(rng):
    """Another machine's Fourier transform differs in the last digits."""
    light = np.where(rng.random((4, 80, 80)) < 0.3, 0, rng.random((4, 80, 80))).astype(np.float32)
    camera = Camera(bits=12, full_well=2000, read_noise=3, salt_pepper=0.01, noise=0.01)
    nearly = np.maximum(light + rng.choice([-1e-8, 1e-8], light.shape), 0).astype(np.float32)
    one, other = (exposed(image, camera, np.random.default_rng(3)).astype(int) for image in (light, nearly))
    assert (np.abs(one - other) > 1).mean() < 1e-3


def test_read_noise_is_counted_in_electrons():
    dark = simulate((200, 200), 3, texture=0 * FLAT, camera=Camera(full_well=1000, read_noise=5, black=0.1))
    assert dark.stack.std() / 65535 * 1000 == pytest.approx(5, rel=0.02)
    assert dark.stack.mean() / 65535 == pytest.approx(0.1, abs=1e-4)


def test_pixels_differ_the_same_way_in_every_slice():
    scene = flat(gain_spread=0.02, offset_spread=0.01)
    assert np.ptp(scene.stack.astype(int), axis=0).max() <= 1
    assert scene.stack[0].std() / 65535 == pytest.approx(np.hypot(0.5 * 0.02, 0.01), rel=0.03)


def test_hot_pixels_stay_and_salt_and_pepper_does_not():
    hot = flat(hot_pixels=0.01).stack > 40000
    assert hot[0].mean() == pytest.approx(0.01, abs=0.003)
    np.testing.assert_array_equal(hot[0], hot[1])
    struck = flat(salt_pepper=0.02).stack
    extreme = (struck == 0) | (struck == 65535)
    assert extreme.mean() == pytest.approx(0.02, abs=0.002)
    assert (extreme[0] & extreme[1]).mean() < 0.002


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (12, np.uint16), (16, np.uint16)])
def test_counts_are_clipped_at_black_and_white(bits, dtype):
    scene = simulate((60, 80), 4, camera=Camera(bits=bits, noise=0.5))
    assert scene.stack.dtype == scene.truth.dtype == dtype
    assert (scene.stack.min(), scene.stack.max()) == (0, 2**bits - 1)


def test_highlights_saturate_and_spread_when_out_of_focus():
    flaws = Flaws(highlights=0.01)
    scene = simulate((120, 160), 10, flaws=flaws, surface="plane", seed=2)
    left = np.s_[:, :40]
    assert (scene.truth[left] == 65535).mean() > 0.002
    assert scene.clean[0][left].max() > 1.5
    assert scene.clean[0][left].max() > scene.clean[9][left].max()


def test_dust_is_sharp_in_every_slice():
    scene = simulate((80, 100), 8, texture=FLAT, flaws=Flaws(dust=10, scratches=4), seed=1)
    dust = ndimage.gaussian_laplace(scene.sharp, 1)
    assert dust.std() > 0.005
    for image in scene.clean:
        np.testing.assert_allclose(ndimage.gaussian_laplace(image, 1), dust, atol=1e-4)


def test_planted_drift_is_found():
    scene = simulate((160, 200), 8, blur=0.5, texture="cloud", flaws=Flaws(drift=3), seed=5)
    assert np.abs(scene.motion.shift).max() > 3
    np.testing.assert_array_equal(scene.motion.shift[4], 0)
    for k in range(7):
        found, *_ = phase_cross_correlation(scene.clean[k], scene.clean[k + 1], upsample_factor=20)
        np.testing.assert_allclose(-found, scene.motion.shift[k + 1] - scene.motion.shift[k], atol=0.3)


def test_planted_magnification_is_found():
    """Without defocus, a slice brought back by its shift and magnification is the middle one again."""
    scene = simulate((101, 121), 7, blur=0.01, texture="cloud", flaws=Flaws(magnification=0.01, drift=1), seed=2)
    scale, shift = scene.motion.magnification[0], scene.motion.shift[0]
    assert scale == pytest.approx(0.97)
    centre = np.array([50, 60])
    back = ndimage.affine_transform(scene.clean[0], np.full(2, scale), centre + shift - scale * centre, order=3)
    there, here, before = (
        ndimage.gaussian_filter(a, 2)[20:-20, 20:-20] for a in (back, scene.clean[3], scene.clean[0])
    )
    assert np.abs(there - here).mean() < 0.01 * np.abs(before - here).mean()


def test_a_lamp_never_goes_out():
    for seed in range(10):
        assert movement(Flaws(flicker=0.5), 30, np.random.default_rng(seed)).brightness.min() > 0


def test_planted_flicker_is_found():
    scene = simulate((192, 256), 12, texture="cloud", blur=0.5, flaws=Flaws(flicker=0.1), seed=3)
    means = scene.clean.mean(axis=(1, 2))
    np.testing.assert_allclose(means / means[6], scene.motion.brightness, rtol=0.02)
    removed = gains([block_means(image) for image in scene.clean]) * scene.motion.brightness
    assert removed.std() / removed.mean() < 0.6 * scene.motion.brightness.std()
