"""The truth of the simulator is the truth."""

from typing import get_args

import numpy as np
import pytest
from scipy import ndimage

from napari_focusfuse.config import Camera, Flaws, Wave
from napari_focusfuse.core.simulate import Sample, sample_scene, simulate
from napari_focusfuse.errors import FocusFuseError

FLAT = np.full((50, 60), 0.5, np.float32)


def high_pass(image):
    return image - ndimage.gaussian_filter(image, 1.0)


@pytest.mark.parametrize("surface", ["smooth", "fibres"])
def test_the_same_seed_is_the_same_scene(surface):
    a, b = (simulate((40, 50), 4, noise=0.01, surface=surface, seed=2) for _ in range(2))
    np.testing.assert_array_equal(a.stack, b.stack)
    assert (simulate((40, 50), 4, noise=0.01, surface=surface, seed=3).stack != a.stack).any()


@pytest.mark.parametrize("surface", ["smooth", "steps", "plane", "fibres"])
@pytest.mark.parametrize("psf", ["gaussian", "disc", "wave"])
def test_shapes_types_and_depth(surface, psf):
    scene = simulate((40, 50), 6, surface=surface, psf=psf, z_step=2.5)
    assert scene.stack.shape == scene.clean.shape == (6, 40, 50)
    assert scene.stack.dtype == scene.truth.dtype == np.uint16
    assert scene.depth.min() >= 0
    assert scene.depth.max() <= 5
    assert scene.z.tolist() == [0, 2.5, 5, 7.5, 10, 12.5]
    np.testing.assert_allclose(scene.height, scene.depth * 2.5, rtol=1e-6)
    np.testing.assert_array_equal(scene.index, np.round(scene.depth))


def test_a_surface_may_lie_beyond_the_stack():
    scene = simulate((60, 80), 6, surface="beyond", seed=1)
    assert scene.depth.min() < -0.5
    assert scene.depth.max() > 5.5
    assert (scene.index.min(), scene.index.max()) == (0, 5)


def test_fibres_stand_out_from_the_ground():
    scene = simulate((120, 160), 10, surface="fibres", seed=1)
    assert 0.02 < (scene.depth > 3.5).mean() < 0.5
    assert np.abs(np.diff(scene.depth, axis=0)).max() > 2


def test_a_slice_in_focus_is_the_truth(scene):
    """Away from the borders between layers, a pixel in its own slice shows the truth."""
    checked = 0
    for k in range(len(scene.stack)):
        here = ndimage.binary_erosion(np.abs(scene.depth - k) < 0.12, iterations=2)
        error = np.abs(scene.stack[k].astype(int) - scene.truth.astype(int))[here]
        checked += error.size
        assert not error.size or error.max() < 0.02 * 65535
    assert checked > 100


@pytest.mark.parametrize(("psf", "limit"), [("gaussian", 0.001), ("disc", 0.001), ("wave", 0.02)])
@pytest.mark.parametrize("surface", ["smooth", "steps", "fibres"])
def test_far_from_focus_no_sharp_truth_is_left(surface, psf, limit):
    """A defocused layer lets nothing sharp shine through: the high-pass gain of the truth is below .1 %.

    Light waves turn the contrast of some detail round (spurious resolution), a flat plane gives up to 3 %. Beside what
    is in focus nothing is asked.
    """
    scene = simulate((112, 140), 12, surface=surface, psf=psf, texture="cloud", blur=1.0, seed=4)
    sharp = high_pass(scene.sharp)
    # Thin fibres have no inside: above their ground is looked at.
    for k in (11,) if surface == "fibres" else (0, 11):
        far = ndimage.minimum_filter(np.abs(scene.depth - k), 5) > 5
        gain = (high_pass(scene.clean[k]) * sharp)[far].sum() / (sharp[far] ** 2).sum()
        assert far.sum() > 800
        assert abs(gain) < limit


@pytest.mark.parametrize("psf", ["gaussian", "disc", "wave"])
def test_focus_curves_have_one_peak(psf):
    """Away from depth edges, sharpness rises to the slice in focus and falls behind it.

    Below a seventh of the peak, light waves make faint side lobes.
    """
    scene = simulate((112, 140), 10, surface="steps", psf=psf, texture="cloud", blur=0.7, seed=4)
    sharpness = np.sqrt([ndimage.uniform_filter(high_pass(image) ** 2, 15) for image in scene.clean])
    edges = ndimage.morphological_gradient(scene.depth, size=3) > 0
    inside = ndimage.distance_transform_edt(~edges) > 24
    curves = sharpness[:, inside] / sharpness[:, inside].max(axis=0)
    rises = np.diff(np.pad(np.where(curves > 0.15, curves, 0), ((1, 1), (0, 0))), axis=0) > 0
    peaks = (rises[:-1] & ~rises[1:]).sum(axis=0)
    assert inside.sum() > 100
    assert (peaks == 1).all()
    np.testing.assert_array_equal(curves.argmax(axis=0), scene.index[inside])


@pytest.mark.parametrize("psf", ["gaussian", "disc", "wave"])
@pytest.mark.parametrize("surface", ["smooth", "steps", "sheets"])
def test_a_flat_field_stays_flat(psf, surface):
    shape = {"surface": surface}
    if surface == "sheets":
        shape = {"surface": "smooth", "sheets": [(np.full((50, 60), 4.5), np.eye(50, 60, dtype=bool))]}
    scene = simulate((50, 60), 5, psf=psf, texture=FLAT, **shape)
    assert np.ptp(scene.stack.astype(int)) <= 1
    assert abs(int(scene.stack[0, 0, 0]) - 32768) <= 1


def test_light_that_is_emitted_stays_the_same_in_every_slice():
    """Blur moves light about; what is lost over one border comes back as the mirror image."""
    scene = simulate((80, 100), 6, surface="steps", mode="fluorescence", texture="beads", seed=2)
    totals = scene.clean.sum(axis=(1, 2))
    assert np.ptp(totals) < 0.03 * totals.mean()


def test_spherical_aberration_blurs_unevenly_through_focus():
    def ratio(spherical):
        """Sharpness three steps above focus over that three steps below."""
        scene = simulate((100, 120), 8, psf=Wave(spherical=spherical), surface=np.full((100, 120), 3), texture="cloud")
        k, there = 3, np.s_[20:-20, 20:-20]
        sharpness = [high_pass(image)[there].std() for image in scene.clean]
        assert np.argmax(sharpness) == k
        return sharpness[k + 3] / sharpness[k - 3]

    assert ratio(0.0) == pytest.approx(1, abs=0.1)
    assert ratio(0.15) < 0.8
    assert ratio(-0.15) > 1.25


def test_large_aberrations_fit_into_a_small_field():
    """The blur may reach farther on one side of focus than on the other, and farther than the field."""
    scene = simulate((12, 10), 6, psf=Wave(spherical=0.5), seed=1)
    assert np.isfinite(scene.clean).all()
    assert 0 <= scene.clean.min() <= scene.clean.max() <= 1


@pytest.mark.parametrize("relative", [0.3, 3.0])
def test_steps_from_a_third_of_the_depth_of_field_to_three_times_it(relative):
    """The next slice is nearly as sharp within the depth of field, and far from it beyond."""
    optics = Wave(na=0.5)
    scene = simulate(
        (96, 128), 4, psf=optics, z_step=relative * optics.depth_of_field, surface="steps", texture="cloud"
    )
    there = ndimage.binary_erosion(scene.index == 1, iterations=8)
    loss = high_pass(scene.clean[2])[there].std() / high_pass(scene.clean[1])[there].std()
    assert loss > 0.8 if relative < 1 else loss < 0.3


def test_a_phase_object_has_least_contrast_in_focus():
    scene = simulate((96, 128), 9, surface="steps", mode="phase", psf="wave", blur=0.5, texture="cloud", seed=3)
    k = 5
    here = ndimage.binary_erosion(scene.index == k, iterations=10)
    contrast = [high_pass(image)[here].std() for image in scene.clean]
    assert int(np.argmin(contrast)) == k


def test_brightfield_attenuates():
    clear = simulate((50, 60), 4, mode="brightfield", texture=np.ones((50, 60), np.float32))
    half = simulate((50, 60), 4, mode="brightfield", texture=FLAT, surface="plane", blur=0.2)
    assert clear.clean.min() > 0.999
    assert half.clean[:, :, 20:40].mean() == pytest.approx(0.5, abs=0.01)


def test_uneven_positions():
    scene = simulate((40, 60), 4, surface="plane", z=[10, 11, 13, 17])
    assert scene.z_step == pytest.approx(7 / 3)
    assert (scene.depth[0, 0], scene.depth[0, -1]) == (0, 3)
    np.testing.assert_allclose(np.interp(scene.depth, range(4), scene.z), scene.height, rtol=1e-5)


def test_another_camera_sees_the_same_scene():
    scene = simulate((60, 80), 4, seed=2)
    noisy = scene.exposed(Camera(noise=0.05))
    np.testing.assert_array_equal(noisy.stack, simulate((60, 80), 4, seed=2, noise=0.05).stack)
    np.testing.assert_array_equal(noisy.truth, scene.truth)
    assert noisy.clean is scene.clean


def test_what_is_the_same_in_every_slice_is_in_the_truth():
    flaws = Flaws(shading=0.3, dust=5, scratches=3, haze=0.2, highlights=0.01)
    scene = simulate((80, 100), 5, flaws=flaws, surface="steps", seed=1)
    for k in (0, 4):
        here = ndimage.binary_erosion(scene.index == k, iterations=4)
        np.testing.assert_allclose(scene.clean[k][here], scene.sharp[here], atol=0.02)


@pytest.mark.parametrize("name", get_args(Sample))
def test_samples_have_units_and_signal(name):
    scene = sample_scene(name)
    assert scene.z_step > 0
    assert scene.pixel_size > 0
    assert scene.stack.max() > 0.5 * (2**scene.camera.bits - 1)


def test_an_unknown_sample():
    with pytest.raises(FocusFuseError, match="no sample 'cheese'"):
        sample_scene("cheese")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"surface": "cave"}, "cave"),
        ({"surface": np.zeros((20, 21))}, "height map of"),
        ({"sheets": [(np.full((20, 20), np.nan), np.ones((20, 20), bool))]}, "finite height map"),
        ({"sheets": [(np.ones((20, 20)), np.ones((5, 20), bool))]}, "mask"),
        ({"mode": "xray"}, "xray"),
        ({"psf": "square"}, "square"),
        ({"texture": "tartan"}, "tartan"),
        ({"slices": 1}, "at least 2 slices"),
        ({"blur": 0}, "blur must be more"),
        ({"texture": np.zeros((10, 10), np.float32)}, "smaller than the scene"),
        ({"texture": np.full((20, 20), 255.0)}, "outside of 0 to 1"),
        ({"z": [0, 1, 1, 2], "slices": 4}, "4 rising positions"),
        ({"z": [0, 1, 2, np.inf], "slices": 4}, "4 rising positions"),
        ({"z": [0, 1, 2, 4], "slices": 4, "z_step": 2.0}, "leave z_step out"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"shape": (20.5, 20)}, "height must be a whole number"),
        ({"slices": 4.0}, "number of slices must be a whole number"),
        ({"blur": 30.0}, "blurred by 330 px"),
        ({"psf": "wave", "z_step": 500.0}, "give less blur"),
        ({"slices": 41, "flaws": Flaws(magnification=0.05)}, "give a smaller change"),
        ({"noise": 0.1, "camera": Camera()}, "one or the other"),
        ({"psf": Wave(), "pixel_size": 10.0}, "too large for an aperture"),
        ({"z_step": -1.0}, "more than 0"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(FocusFuseError, match=message):
        simulate(**{"shape": (20, 20), **options})


@pytest.mark.parametrize(
    ("settings", "values", "message"),
    [
        (Camera, {"bits": 17}, "bits"),
        (Camera, {"bits": 8.5}, "whole number"),
        (Camera, {"noise": -0.1}, "noise"),
        (Camera, {"read_noise": 3}, "full_well"),
        (Flaws, {"shading": 1}, "shading"),
        (Flaws, {"dust": 1.5}, "whole number"),
        (Flaws, {"jpeg": 101}, "jpeg"),
        (Flaws, {"gamma": 0}, "gamma"),
        (Wave, {"na": 1.2}, "refractive index"),
        (Wave, {"spherical": 2}, "spherical must be from -0.5 to 0.5"),
    ],
)
def test_settings_are_checked(settings, values, message):
    with pytest.raises(FocusFuseError, match=message):
        settings(**values)
