"""The default beside classical measures and the paper, on small scenes of kinds that differ: it may not fall behind.

Exact light fields with and without noise, and pairs with the flaws of photographs. What is asked here is less than what
the benchmark measures; it is fast, and fails when the decision rule loses its sense for one of the kinds.
"""

import numpy as np
import pytest
from skimage import measure

import napari_focusfuse as ff

MARGIN = np.s_[10:-10, 10:-10]
#: Kind -> settings of the scene.
SCENES = {
    "hills": {"surface": "smooth", "texture": "cloud", "seed": 1},
    "hills, noise": {"surface": "smooth", "texture": "cloud", "seed": 2, "noise": 0.02},
    "blocks": {"surface": "blocks", "texture": "leaves", "seed": 3, "psf": "disc"},
    "blocks, noise": {"surface": "blocks", "texture": "cloud", "seed": 4, "psf": "disc", "noise": 0.02},
    "spheres": {"surface": "spheres", "texture": "leaves", "seed": 5, "psf": "disc"},
    "spheres, noise": {"surface": "spheres", "texture": "cloud", "seed": 6, "noise": 0.03},
    "fibres": {"surface": "fibres", "texture": "cloud", "seed": 7, "psf": "disc"},
    "fibres, noise": {"surface": "fibres", "texture": "cloud", "seed": 8, "noise": 0.02},
}
#: PSNR that the default may be behind the best of the others, dB, and pixels that may be wrong for each of theirs. On
#: textures that are rich everywhere, as here, `mwg` is ahead; where flat lies beside rich, ours is: see the benchmark.
BEHIND, WRONG = 1.2, 2.1


def _psnr(image, scene):
    return -10 * np.log10(np.mean((image.astype(float) - scene.truth)[MARGIN] ** 2) / 65535**2)


def _wrong(result, scene):
    return float((np.abs(result.decision.index - scene.depth) > 1)[MARGIN].mean())


@pytest.fixture(scope="module", params=list(SCENES))
def case(request):
    scene = ff.simulate((120, 136), 8, blur=0.9, **SCENES[request.param])
    paper = ff.FusionConfig(preset="paper")
    others = [ff.fuse(scene.stack, method=name) for name in ("log", "mwg")] + [ff.fuse(scene.stack, config=paper)]
    return request.param, scene, ff.fuse(scene.stack), others


def test_the_image_is_not_behind(case):
    _, scene, ours, others = case
    lead = _psnr(ours.image, scene) - max(_psnr(other.image, scene) for other in others)
    assert lead > -BEHIND


def test_few_pixels_are_wrong(case):
    _, scene, ours, others = case
    assert _wrong(ours, scene) <= WRONG * min(_wrong(other, scene) for other in others) + 0.002


def test_the_confidence_is_about_the_share_that_is_right(case):
    _, scene, ours, _ = case
    heard = (ours.decision.flags & ff.Flag.NO_SIGNAL == 0)[MARGIN]
    right = (np.abs(ours.decision.index - scene.depth) <= 1)[MARGIN][heard].mean()
    assert abs(ours.decision.confidence[MARGIN][heard].mean() - right) < 0.1


def _islands(index):
    regions = measure.label(index, background=-1, connectivity=1)
    areas = np.bincount(regions.ravel())
    return float((areas[regions] < 20).mean())


@pytest.mark.parametrize("seed", [11, 12])
def test_a_pair_of_photographs_has_a_coherent_map(seed):
    """Two slices, misregistered, sharpened and compressed, of blocks at two depths: two regions, and no specks."""
    height = np.where(np.add.outer(np.arange(144), np.arange(160)) < 150, 0.0, 1.0) * 5
    flaws = ff.Flaws(drift=0.5, sharpened=0.8, jpeg=80)
    camera = ff.Camera(noise=0.008, bits=8)
    options = {"surface": height, "texture": "leaves", "psf": "disc", "blur": 0.7, "flaws": flaws, "camera": camera}
    scene = ff.simulate((144, 160), 6, seed=seed, **options)
    pair = scene.stack[[0, 5]]
    ours, paper = ff.fuse(pair), ff.fuse(pair, config=ff.FusionConfig(preset="paper"))
    truth = height > 2
    assert _islands(ours.decision.index) <= 0.002
    assert (ours.decision.index != truth)[MARGIN].mean() < 0.9 * (paper.decision.index != truth)[MARGIN].mean()
    scores, of_paper = (ff.measure(pair, result.image, metrics=["qg", "qcb"]) for result in (ours, paper))
    assert scores["qg"] > of_paper["qg"] - 0.01
    assert scores["qcb"] > of_paper["qcb"] - 0.01
