"""Point spread functions: of sum 1, as wide as they should be, and whole."""

import numpy as np
import pytest

from napari_focusfuse.config import Wave
from napari_focusfuse.core.simulate import optics
from napari_focusfuse.core.simulate.optics import disc, gaussian, wave


def deviation(kernel):
    """Standard deviation along one axis, px."""
    offset = np.arange(len(kernel)) - len(kernel) // 2
    return np.sqrt((kernel.sum(axis=0) * offset**2).sum())


@pytest.mark.parametrize("family", [gaussian, disc])
@pytest.mark.parametrize("distance", [0.1, -0.2, 0.4, 0.75, 1.0, -2.0, 6.0, 11.0, -40.0])
def test_geometric_blur_grows_as_it_is_told(family, distance):
    """That of a fraction of a pixel, which is what tells depth between two slices, as well."""
    kernel = family(0.9).kernel(distance)
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert deviation(kernel) == pytest.approx(0.9 * abs(distance), rel=0.005)


def test_far_from_focus_waves_blur_as_rays_do():
    """The disc of the rim's rays; its deviation is half its radius, and at this aperture cos(theta) hardly matters."""
    optics = Wave(na=0.25)
    kernel = wave(optics, optics.critical_pixel, 10.0).kernel(6.0)
    radius = optics.slope * 60 / optics.critical_pixel
    assert deviation(kernel) == pytest.approx(radius / 2, rel=0.1)


def test_in_focus_waves_make_an_airy_disc():
    """Full width at half maximum: .51 wavelength / NA."""
    optics = Wave(na=0.5, wavelength=0.5)
    pixel = optics.critical_pixel / 8
    line = wave(optics, pixel, 1.0).kernel(0.0)
    line = line[len(line) // 2]
    width = 2 * np.interp(-0.5, -line[len(line) // 2 :] / line.max(), np.arange(len(line) // 2 + 1)) * pixel
    assert width == pytest.approx(0.51 * optics.wavelength / optics.na, rel=0.02)


@pytest.mark.parametrize("spherical", [0.0, 0.25, -0.5])
@pytest.mark.parametrize("distance", [-3.0, 3.0])
def test_kernels_hold_nearly_all_the_light(monkeypatch, spherical, distance):
    """A window and a grid twice as large hold little more: the far rings of diffraction."""
    lens = Wave(spherical=spherical)
    kernel = wave(lens, lens.critical_pixel, 3.0).kernel(distance)
    focus = optics.best_focus(lens, lens.critical_pixel)
    spread = optics._spread
    monkeypatch.setattr(optics, "_spread", lambda *args: 2 * spread(*args) + 8 * lens.critical_pixel)
    large = optics._wave(lens, lens.critical_pixel, 3.0, focus, distance)
    margin = (len(large) - len(kernel)) // 2
    assert margin > 0
    inner = large[margin:-margin, margin:-margin]
    assert inner.sum() > 0.96
    assert np.abs(inner - kernel * inner.sum()).sum() < 0.1


@pytest.mark.parametrize("spherical", [0.1, -0.4])
def test_in_focus_is_where_the_picture_is_sharpest(spherical):
    optics = Wave(spherical=spherical)
    model = wave(optics, optics.critical_pixel, 0.5 * optics.depth_of_field)
    sharpness = [(model.kernel(float(k)) ** 2).sum() for k in range(-16, 17)]
    assert np.argmax(sharpness) == 16


def test_large_pixels_gather_light():
    """A pixel four times as large sees the sum of sixteen small ones."""
    optics = Wave()
    fine = wave(optics, optics.critical_pixel / 2, 4.0).kernel(2.0)
    coarse = wave(optics, 5 * optics.critical_pixel / 2, 4.0).kernel(2.0)
    half = len(fine) // 2 // 5 * 5 - 3
    gathered = fine[
        len(fine) // 2 - half : len(fine) // 2 + half + 1, len(fine) // 2 - half : len(fine) // 2 + half + 1
    ]
    n = len(gathered) // 5
    gathered = gathered[: n * 5, : n * 5].reshape(n, 5, n, 5).sum(axis=(1, 3))
    inner = coarse[len(coarse) // 2 - n // 2 : len(coarse) // 2 + n // 2 + 1, :][
        :, len(coarse) // 2 - n // 2 : len(coarse) // 2 + n // 2 + 1
    ]
    assert n % 2 == 1
    assert np.abs(gathered - inner).sum() < 0.1
