"""The transforms of pairs of scales and directions: what their papers say of them."""

import numpy as np
import pytest
import pywt
from scipy import ndimage

from napari_focusfuse.core.methods.contourlets import Contourlets
from napari_focusfuse.core.methods.curvelets import Curvelets
from napari_focusfuse.core.methods.wavelets import DualTree

TRANSFORMS = [DualTree, Curvelets, Contourlets]


def energies(bands):
    return np.array([(np.abs(band) ** 2).sum() for band in bands])


def spread(energies):
    """How much energies (shift, band) depend on the shift, as a share of all."""
    return np.ptp(energies, axis=0).sum() / energies.mean(axis=0).sum()


def waves(frequency, slopes):
    """Gratings that fade towards the borders, with the slope of y over x in frequency, then of x over y."""
    y, x = np.mgrid[:128, :128] - 64.0
    fade = np.exp(-(x**2 + y**2) / 200)
    sums = [x + slope * y for slope in slopes] + [slope * x + y for slope in slopes]
    return [fade * np.cos(2 * np.pi * frequency * each) for each in sums]


@pytest.fixture
def edge():
    """A soft slanted edge of 64 x 64 pixels away from the borders, for any shift along x."""
    y, x = np.mgrid[:64, :64]
    return lambda shift: ndimage.gaussian_filter((x + 0.4 * y > 44 + shift).astype(float), 0.7)


@pytest.mark.parametrize("kind", TRANSFORMS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (5, 33), (64, 64), (71, 90)])
def test_perfect_reconstruction(kind, shape, rng):
    plane, transform = rng.random(shape), kind(shape, 4)
    rest, bands = transform.forward(plane)
    np.testing.assert_allclose(transform.inverse(rest, bands), plane, atol=1e-12)
    single = transform.inverse(*transform.forward(plane.astype(np.float32)))
    np.testing.assert_allclose(single, plane, atol=1e-6)


@pytest.mark.parametrize("kind", TRANSFORMS)
def test_detail_is_in_the_bands_and_a_constant_is_not(kind, rng):
    transform = kind((48, 56), 3)
    assert max(np.abs(band).max() for band in transform.forward(np.full((48, 56), 7.0))[1]) < 1e-12
    rest, bands = transform.forward(rng.random((48, 56)))
    smooth = transform.inverse(rest, [np.zeros_like(band) for band in bands])
    assert smooth.std() < 0.2 * np.sqrt(1 / 12)


def test_complex_wavelets_are_nearly_shift_invariant_where_plain_ones_are_not(edge):
    """Kingsbury 2001: the energy of each scale and direction as an edge moves over a period of the sampling."""
    transform = DualTree((64, 64), 3)
    complex_ones = np.array([energies(transform.forward(edge(shift))[1]) for shift in range(8)])
    plain = np.array(
        [
            energies([b for bands in pywt.wavedec2(edge(shift), "bior2.2", level=3)[1:] for b in bands])
            for shift in range(8)
        ]
    )
    coarse = slice(6, None)  # the filters of the finest scale are not a quarter of a sample apart
    assert spread(complex_ones[:, coarse]) < 0.1
    assert spread(plain[:, :6]) > 3 * spread(complex_ones[:, coarse])


def test_complex_wavelets_tell_six_directions_apart():
    """Gratings of +-15, +-45 and +-75 degrees are each in a band of its own; plain wavelets have three."""
    gratings = [*waves(0.17, (-1 / 3, 1 / 3)), *waves(0.17, (-1, 1))[:2]]
    found = [energies(DualTree((128, 128), 2).forward(grating)[1][6:12]) for grating in gratings]
    assert len({each.argmax() for each in found}) == 6
    assert all(np.sort(each)[-1] > 4 * np.sort(each)[-2] for each in found)


@pytest.mark.parametrize("shape", [(64, 64), (37, 50), (96, 61)])
def test_curvelets_are_a_tight_frame(shape, rng):
    """Candes et al. 2006: the energy of the coefficients is that of the image."""
    plane, transform = rng.random(shape), Curvelets(shape, 3, margin=0)
    rest, bands = transform.forward(plane)
    assert energies([rest, *bands]).sum() == pytest.approx((plane**2).sum(), rel=1e-12)
    np.testing.assert_allclose(transform.inverse(rest, bands), plane, atol=1e-12)


def test_curvelets_get_narrower_as_they_get_finer():
    """16, 32, 32 and 64 directions from the coarsest scale, half of which are kept of a real image."""
    assert [len(Curvelets((256, 256), levels).forward(np.ones((256, 256)))[1]) for levels in (1, 2, 4)] == [8, 24, 72]


def test_a_curvelet_lies_along_its_edge():
    """The band of most energy of a grating is the one that its direction falls into."""
    y, x = np.mgrid[:128, :128]
    for degrees in (10, 40, 75, 120, 160):
        angle = np.radians(degrees)
        grating = np.cos(2 * np.pi * 0.3 * (np.cos(angle) * x + np.sin(angle) * y))
        finest = energies(Curvelets((128, 128), 1).forward(grating)[1])
        position = np.interp(degrees, [0, 45, 135, 180], [0, 1, 3, 4])  # near enough on the square around 0
        assert abs((finest.argmax() + 0.5) / 2 - position) < 0.5


def test_contourlets_move_with_the_image(rng):
    plane, transform = rng.random((40, 54)), Contourlets((40, 54), 3, margin=0)
    rest, bands = transform.forward(plane)
    moved = transform.forward(np.roll(plane, (3, -7), (0, 1)))
    for before, after in zip([rest, *bands], [moved[0], *moved[1]], strict=True):
        np.testing.assert_allclose(np.roll(before, (3, -7), (0, 1)), after, atol=1e-12)


def test_contourlets_are_nearly_tight_and_as_many_as_published(rng):
    """Da Cunha et al. 2006: frames close to tight; 16, 8, 8 and 4 directions."""
    plane = rng.random((64, 64))
    rest, bands = Contourlets((64, 64), 4, margin=0).forward(plane)
    assert len(bands) == 36
    assert energies([rest, *bands]).sum() == pytest.approx((plane**2).sum(), rel=0.01)


def test_contourlets_tell_directions_apart():
    """16 gratings, each in the middle of a direction of the finest scale, are each in a band of its own."""
    transform = Contourlets((128, 128), 1)
    gratings = waves(0.29, (np.arange(-4, 4) + 0.5) / 4)
    assert len({energies(transform.forward(wave)[1]).argmax() for wave in gratings}) == 16
