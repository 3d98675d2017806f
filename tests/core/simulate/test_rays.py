"""Reflected light is what rays through the aperture make of it, to the closed form where there is one."""

import dataclasses

import numpy as np
import pytest

from napari_focusfuse.config import Wave
from napari_focusfuse.core.simulate import aperture, simulate
from napari_focusfuse.core.simulate.optics import Field, wave
from napari_focusfuse.core.simulate.rendering import Lens, reflected
from napari_focusfuse.core.simulate.surfaces import Relief, hanging

SHAPE = (60, 101)
CENTRE = 50
AWAY = np.arange(SHAPE[1]) - CENTRE
FAMILIES = ["gaussian", "disc", "ring"]


def seen(relief, drawn, foci, psf="disc", blur=1.0):
    return reflected(relief, drawn, foci, Lens(psf, blur, 1.0, 1.0))[0]


def sheet(columns, height, brightness):
    """Something without texture over some columns."""
    mask = np.tile(columns, (SHAPE[0], 1))
    return dataclasses.replace(hanging(np.full(SHAPE, height), mask), contrast=0.0, brightness=brightness)


def share_of_disc(t):
    """Share of the unit disc that lies left of t."""
    t = np.clip(t, -1, 1)
    return 0.5 + (np.arcsin(t) + t * np.sqrt(1 - t**2)) / np.pi


@pytest.mark.parametrize("psf", [*FAMILIES, Wave(), Wave(na=0.6, spherical=0.2)])
def test_a_plane_in_focus_is_the_truth(psf, rng):
    texture = rng.random((40, 50)).astype(np.float32)
    scene = simulate((40, 50), 3, surface=np.ones((40, 50)), texture=texture, psf=psf)
    np.testing.assert_allclose(scene.clean[1], scene.sharp, atol=4e-6)
    assert np.abs(scene.clean[0] - scene.sharp).max() > 0.01


@pytest.mark.parametrize("psf", FAMILIES)
@pytest.mark.parametrize("surface", ["smooth", "plane", "steps", "blocks", "spheres", "rough", "beyond"])
def test_a_flat_field_keeps_its_light_up_to_the_borders(psf, surface):
    scene = simulate((40, 48), 6, surface=surface, psf=psf, texture=np.full((40, 48), 0.5), blur=1.5)
    np.testing.assert_allclose(scene.clean, 0.5, atol=3e-6)


@pytest.mark.parametrize("psf", FAMILIES)
@pytest.mark.parametrize("rise", [0.0, 0.1, -0.2])
def test_a_spot_on_a_slope_keeps_its_place_and_light_through_focus(psf, rise):
    """Its light is seen from where it leans to a little more: by the slope times the variance of the aperture."""
    slope = np.tile(AWAY * rise, (SHAPE[0], 1))
    plane = np.full(SHAPE, 0.4, np.float32)
    spot = 0.6 * np.exp(-((np.arange(SHAPE[0]) - 30.0)[:, None] ** 2 + AWAY**2) / 2).astype(np.float32)
    foci, blur = np.array([-6.0, -2.0, 0.0, 2.0, 6.0]), 0.5
    added = seen(Relief(slope), plane + spot, foci, psf, blur) - seen(Relief(slope), plane, foci, psf, blur)
    light = added.sum(axis=(1, 2))
    np.testing.assert_allclose(light, spot.sum(), rtol=0.01)
    np.testing.assert_allclose(added.sum(axis=1) @ AWAY / light, -rise * blur**2 * foci, atol=0.03)
    np.testing.assert_allclose(added.sum(axis=2) @ np.arange(SHAPE[0]) / light, 30, atol=0.03)


@pytest.mark.parametrize("psf", FAMILIES)
def test_blur_is_px_of_standard_deviation_a_slice(psf):
    dot = np.zeros((81, 81), np.float32)
    dot[40, 40] = 1
    slices, offset = seen(Relief(np.zeros((81, 81))), dot, [0.0, 2.0, 4.0, 7.0], psf, 1.3), np.arange(81) - 40
    spread = np.sqrt([(image.sum(axis=0) * offset**2).sum() / image.sum() for image in slices])
    np.testing.assert_allclose(spread, [0, 2.6, 5.2, 9.1], rtol=0.02, atol=1e-3)


def test_a_thin_fibre_out_of_focus_hides_its_share_of_the_aperture_and_no_more():
    """Black, 3 px wide and 5 steps nearer than white ground: the disc of 10 px lacks a strip."""
    (over,) = seen(Relief(np.zeros(SHAPE), [sheet(abs(AWAY) <= 1, 5.0, 0.0)]), np.ones(SHAPE, np.float32), [0.0])
    hidden = share_of_disc((AWAY + 1.5) / 10) - share_of_disc((AWAY - 1.5) / 10)
    np.testing.assert_allclose(over.mean(axis=0), 1 - hidden, atol=0.015)


def test_a_fibre_that_shines_lights_its_share_of_the_slice_and_no_more():
    """In every slice the same light, 3 px of it, in front of a black ground."""
    fibre = Relief(np.zeros(SHAPE), [sheet(abs(AWAY) <= 1, 5.0, 1.0)])
    slices = seen(fibre, np.zeros(SHAPE, np.float32), [0.0, 2.0, 4.0, 5.0])
    np.testing.assert_allclose(slices.sum(axis=2), 3, rtol=0.01)
    np.testing.assert_allclose(slices[-1], np.tile(abs(AWAY) <= 1, (SHAPE[0], 1)), atol=1e-5)


def test_a_half_plane_veils_what_lies_beneath_as_geometry_says():
    """Its edge cuts off a segment of the disc, on either side of it."""
    (veiled,) = seen(Relief(np.zeros(SHAPE), [sheet(AWAY > 0, 5.0, 1.0)]), np.zeros(SHAPE, np.float32), [0.0])
    veil = share_of_disc((AWAY - 0.5) / 10)
    np.testing.assert_allclose(veiled[:, 15:-15], np.tile(veil, (SHAPE[0], 1))[:, 15:-15], atol=0.007)


@pytest.mark.parametrize("turned", [False, True])
def test_a_plateau_veils_the_ground_beside_it_as_geometry_says(turned):
    """With its walls, which nobody sees from the ground; in focus its last pixel is whole."""
    texture = np.tile((AWAY > 0).astype(np.float32), (SHAPE[1], 1))
    texture = texture.T.copy() if turned else texture
    below, above = seen(Relief(5.0 * texture), texture, [0.0, 5.0])
    below, above = (image.T if turned else image for image in (below, above))
    veil = share_of_disc((AWAY - 0.5) / 10)[15 : CENTRE + 1]
    np.testing.assert_allclose(below[:, 15 : CENTRE + 1], np.tile(veil, (SHAPE[1], 1)), atol=0.02)
    np.testing.assert_allclose(above[:, CENTRE + 1 : -15], 1, atol=0.005)


def test_slices_agree_with_a_thin_lens_that_is_traced_at_random(rng):
    """Hills so steep that they hide parts of themselves, drawn by formula."""

    def height(y, x):
        return 3 + 3 * np.sin(y / 5) * np.cos(x / 6)

    def brightness(y, x):
        return 0.5 + 0.3 * np.sin(y / 2.2 + x / 3) * np.cos(x / 4)

    shape, foci = (50, 60), [0.0, 2.0, 6.0]
    y, x = np.mgrid[: shape[0], : shape[1]]
    slices = seen(Relief(height(y, x)), brightness(y, x).astype(np.float32), foci, "disc", 1.0)
    places = rng.integers(18, np.array(shape) - 18, (25, 2))
    angle, radius = rng.uniform(0, 2 * np.pi, 2000), 2 * np.sqrt(rng.uniform(0, 1, 2000))
    a, b = radius * np.sin(angle), radius * np.cos(angle)
    for focus, image in zip(foci, slices, strict=True):
        for v, u in places:
            z, falling = np.full(2000, 6.0), np.ones(2000, bool)
            while falling.any():
                falling &= height(v + a * (z - focus), u + b * (z - focus)) < z
                z -= 0.03 * falling
            traced = brightness(v + a * (z - focus), u + b * (z - focus)).mean()
            assert image[v, u] == pytest.approx(traced, abs=0.025)


def test_more_points_of_the_aperture_change_little(monkeypatch):
    options = {"surface": "spheres", "blur": 1.2, "seed": 3}
    few = simulate((48, 56), 6, **options).clean
    monkeypatch.setattr(aperture, "_FEWEST", 600)
    monkeypatch.setattr(aperture, "_MOST", 600)
    many = simulate((48, 56), 6, **options).clean
    assert np.abs(few - many).max() < 0.04
    assert np.sqrt(np.mean((few - many) ** 2)) < 0.003


@pytest.mark.parametrize("optics", [Wave(), Wave(na=0.8, spherical=0.15)])
def test_waves_blur_a_plane_as_the_pupil_does(optics, rng):
    """Against convolution with the point spread function of the Fourier transform of the pupil."""
    texture = rng.random((70, 80)).astype(np.float32)
    scene = simulate((70, 80), 5, surface=np.full((70, 80), 2.0), texture=texture, psf=optics)
    model, inner = wave(optics, scene.pixel_size, scene.z_step), np.s_[12:-12, 12:-12]
    for k, image in enumerate(scene.clean):
        kernel = model.kernel(k - 2.0)
        field = Field(texture.shape, len(kernel) // 2)
        convolved = field.image(field.spectrum(texture) * field.transfer(kernel))
        assert (image - convolved)[inner].std() < 0.16 * convolved[inner].std()


def test_a_line_out_of_focus_is_two_lines_through_a_ring():
    line = np.tile((AWAY == 0).astype(np.float32), (SHAPE[0], 1))
    (ring,), (disc,) = (seen(Relief(np.zeros(SHAPE)), line, [5.0], psf) for psf in ("ring", "disc"))
    assert ring[30, CENTRE] < 0.6 * ring[30].max()
    assert disc[30, CENTRE] > 0.85 * disc[30].max()


def test_what_hangs_over_a_ground_has_its_place_in_depth_and_truth(rng):
    texture = rng.random((40, 50)).astype(np.float32)
    mask = np.zeros((40, 50), bool)
    mask[10:30, 20:40] = True
    mask[15:20, 25:30] = False
    scene = simulate((40, 50), 4, surface=np.zeros((40, 50)), sheets=[(np.full((40, 50), 3.0), mask)], texture=texture)
    np.testing.assert_array_equal(scene.depth, np.where(mask, 3, 0))
    np.testing.assert_allclose(scene.sharp, np.where(mask, texture[::-1, ::-1], texture), atol=1e-6)
    np.testing.assert_allclose(scene.clean[3][mask], scene.sharp[mask], atol=1e-5)


def test_the_nearer_of_two_crossing_sheets_is_on_top_wherever_it_is():
    """They swap places half-way; which one is named first does not matter."""
    flat, half = np.full(SHAPE, 2.0), np.ones(SHAPE, bool)
    rising = np.tile(np.linspace(0.5, 3.5, SHAPE[1]), (SHAPE[0], 1))
    texture = np.tile(np.linspace(0, 1, SHAPE[1], dtype=np.float32), (SHAPE[0], 1))
    depths = [
        simulate(SHAPE, 2, surface=np.zeros(SHAPE), sheets=order, texture=texture, blur=0.1).depth
        for order in ([(flat, half), (rising, half)], [(rising, half), (flat, half)])
    ]
    np.testing.assert_array_equal(depths[0], depths[1])
    np.testing.assert_allclose(depths[0], np.maximum(flat, rising), rtol=1e-6)
