"""Sparse representation: the pursuit, the dictionary and the rule."""

import numpy as np
import pytest
from scipy import ndimage

from napari_focusfuse.config import SRConfig
from napari_focusfuse.core.encode.sparse import omp, represented
from napari_focusfuse.core.methods.sr import iter_sr, patches_of
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.training import dictionary as dictionary_module
from napari_focusfuse.core.training.dictionary import iter_learn_dictionary
from napari_focusfuse.models.compared import load_weights


@pytest.fixture(scope="module")
def weights():
    return load_weights("sr")[0]


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def pursued(dictionary, signal, error, most):
    """One signal by least squares on the chosen atoms, as the pursuit is defined."""
    chosen, found, residual = [], np.zeros(0), signal
    while np.linalg.norm(residual) > error and len(chosen) < most:
        chosen.append(int(np.abs(dictionary @ residual).argmax()))
        found = np.linalg.lstsq(dictionary[chosen].T, signal, rcond=None)[0]
        residual = signal - found @ dictionary[chosen]
    return dict(zip(chosen, found, strict=True))


@pytest.mark.parametrize(("error", "most"), [(0.0, 6), (0.5, 30), (0.1, 30)])
def test_the_pursuit_is_that_of_its_definition(rng, error, most):
    dictionary, signals = unit(rng.standard_normal((100, 32))), rng.standard_normal((40, 32))
    code = omp(dictionary, signals, error, most)
    for atoms, coefficients, signal in zip(code.atoms, code.coefficients, signals, strict=True):
        wanted = pursued(dictionary, signal, error, most)
        used = np.flatnonzero(coefficients)
        assert atoms[used].tolist() == list(wanted)
        np.testing.assert_allclose(coefficients[used], list(wanted.values()), atol=1e-8)


def test_atoms_and_sums_of_few_come_back(rng, weights):
    dictionary = weights["dictionary"].numpy().astype(float)
    assert dictionary.shape == (256, 64)
    np.testing.assert_allclose(np.linalg.norm(dictionary, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(dictionary.sum(axis=1), 0, atol=1e-4)
    code = omp(dictionary, 3 * dictionary[:20], 1e-6)
    assert code.atoms[:, 0].tolist() == list(range(20))
    np.testing.assert_allclose(represented(dictionary, code), 3 * dictionary[:20], atol=1e-5)
    nothing = omp(dictionary, np.zeros((2, 64)), 0.1)
    assert not nothing.coefficients.any()


def test_the_dictionary_represents_an_edge_in_fewer_atoms_than_noise(rng, weights):
    dictionary = weights["dictionary"].numpy()
    edge = ndimage.gaussian_filter((np.arange(40) > 20) * np.ones((40, 1)), 1).astype(np.float32)
    atoms = {}
    for name, image in (("edge", edge), ("noise", rng.standard_normal((40, 40)).astype(np.float32))):
        patches = patches_of(image, 4)
        patches = unit(patches - patches.mean(axis=1, keepdims=True) + 1e-9)
        atoms[name] = (omp(dictionary, patches, 0.3, 32).coefficients != 0).sum(axis=1).mean()
    assert atoms["edge"] < 0.5 * atoms["noise"]


def test_learning_lowers_the_residual(rng, monkeypatch):
    monkeypatch.setattr(dictionary_module, "_PATCHES", 2048)
    images = [ndimage.gaussian_filter(rng.random((80, 80)), 1).astype(np.float32) for _ in range(2)]
    dictionary, errors = drain(iter_learn_dictionary(images, 2, seed=1))
    assert errors[1] < errors[0]
    np.testing.assert_allclose(np.linalg.norm(dictionary, axis=1), 1, atol=1e-5)


def test_patches_reach_the_end():
    plane = np.arange(130.0).reshape(10, 13)
    assert patches_of(plane, 1).shape == (3 * 6, 64)
    stepped = patches_of(plane, 4)
    assert stepped.shape == (2 * 3, 64)
    np.testing.assert_array_equal(stepped[-1].reshape(8, 8), plane[2:, 5:])


@pytest.mark.parametrize("step", [1, 3])
def test_equal_slices_come_back_to_the_residual(rng, weights, step):
    """Overlapping patches are averaged, each of which is off by at most the residual."""
    image = ndimage.gaussian_filter(rng.random((72, 25)), 2).astype(np.float32)  # more rows than are fused at once
    fused = drain(iter_sr(Stack(np.stack([image] * 3)), SRConfig(step=step, error=0.01), weights=weights))
    assert 0 < np.abs(fused - image).max() < 0.01 * np.ptp(image)


def test_the_sharp_patches_are_taken(rng, weights):
    sharp = ndimage.gaussian_filter(rng.random((48, 48)), 1.5)
    blurred, left = ndimage.gaussian_filter(sharp, 3), np.arange(48) < 24
    pair = np.stack([np.where(left, sharp, blurred), np.where(left, blurred, sharp)])
    fused = drain(iter_sr(Stack(pair), SRConfig(), weights=weights))
    inside = np.abs(np.arange(48) - 23.5) > 9
    assert np.abs(fused - sharp)[:, inside].mean() < 0.1 * np.abs(pair.mean(axis=0) - sharp)[:, inside].mean()
