"""Whether confidence is what it says: among pixels of confidence p a share p shall be right to within one slice.

    python benchmarks/reliability.py IMAGES -o reliability.png

Scenes are simulated with textures from a folder of sharp images, for every surface, kind of blur and strength of noise,
and fused with default settings. A pixel is right if its slice is at most one from the one nearest to its depth. The
expected calibration error is the mean distance of confidence and share over fifteen bins of equal width, weighted by
their pixels. Pixels without signal have confidence 0 and are left out.
"""

import argparse
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from skimage.io import imread

import napari_focusfuse as ff
from napari_focusfuse.core.config import PSF
from napari_focusfuse.core.intensity import training_grey

_BINS = 15
_SHAPE, _SLICES, _NOISES = (240, 320), 12, (0.0, 0.01, 0.03, 0.06)
_SURFACES = ("smooth", "steps", "fibres")

Floats = NDArray[np.floating]


def judged(texture: Floats, surface: str, psf: str, noise: float, seed: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Confidence of the pixels of a scene that have a signal, and which of them are right."""
    blur = float(np.random.default_rng(seed).uniform(0.7, 1.4))
    scene = ff.simulate(_SHAPE, _SLICES, surface=surface, psf=psf, blur=blur, noise=noise, texture=texture, seed=seed)
    decision = ff.decide(scene.stack)
    told = decision.flags & (ff.Flag.NO_SIGNAL | ff.Flag.SATURATED) == 0
    right = np.abs(decision.index - scene.index) <= 1
    return decision.confidence[told], right[told]


def reliability(confidence: Floats, right: NDArray[np.bool_]) -> tuple[float, Floats]:
    """Expected calibration error; and of each bin its mean confidence, the share that is right, and its pixels."""
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    count = np.bincount(bins, minlength=_BINS)
    mean = np.bincount(bins, confidence, _BINS) / np.maximum(count, 1)
    share = np.bincount(bins, right, _BINS) / np.maximum(count, 1)
    return float((count * np.abs(mean - share)).sum() / count.sum()), np.stack([mean, share, count])


def plot(table: Floats, error: float, out: Path) -> None:
    """Draw the reliability diagram."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 4.2), layout="constrained")
    axes = figure.add_subplot()
    there = table[2] > 0
    axes.plot([0, 1], [0, 1], color="0.6", lw=1)
    axes.plot(table[0, there], table[1, there], "o-")
    axes.set(xlabel="confidence", ylabel="share within one slice", title=f"expected calibration error {error:.3f}")
    figure.savefig(out, dpi=120)


def main() -> None:
    """Simulate, fuse, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, help="folder of sharp images, at least 320 x 240 px")
    parser.add_argument("-o", "--out", type=Path, default=Path("reliability.png"))
    parser.add_argument("--scenes", type=int, default=2, help="of each kind")
    parser.add_argument("--skip", type=int, default=0, help="images to leave out at the start")
    asked = parser.parse_args()
    greys = [training_grey(imread(file)) for file in sorted(asked.images.iterdir())[asked.skip :]]
    textures = [grey for grey in greys if grey.shape[0] >= _SHAPE[0] and grey.shape[1] >= _SHAPE[1]]
    everything, seed = [], 0
    print(
        "| surface | blur | noise | confidence | right | calibration error |\n| --- | --- | ---: | ---: | ---: | ---: |"
    )
    for surface in _SURFACES:
        for psf in get_args(PSF):
            for noise in _NOISES:
                scenes = []
                for _ in range(asked.scenes):
                    scenes.append(judged(textures[seed % len(textures)], surface, psf, noise, seed))
                    seed += 1
                confidence, right = (np.concatenate(parts) for parts in zip(*scenes, strict=True))
                error, _ = reliability(confidence, right)
                print(f"| {surface} | {psf} | {noise} | {confidence.mean():.3f} | {right.mean():.3f} | {error:.3f} |")
                everything.append((confidence, right))
    error, table = reliability(*(np.concatenate(parts) for parts in zip(*everything, strict=True)))
    print(f"| all | | | | | {error:.3f} |")
    plot(table, error, asked.out)


if __name__ == "__main__":
    main()
