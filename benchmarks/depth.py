"""How far depth between slices is off on tilted planes, and which part of the estimate brings what.

    python -m benchmarks.depth [IMAGE...] [--blurs .35 1] [--noises 0 .02] [--psf gaussian] [--uneven] [--knees 1 2 3]

Scenes are simulated on the pictures, and on a computed texture. Depth is that of a parabola through the log odds of
three slices, of `vertex`, and of `vertex` and `iter_steady` together, as it is told. For each there is the RMSE in
slices over the pixels whose depth is known, without those that are more than a slice off, and where the confidence is
above .9; and the shares of pixels that are known and of those more than a slice off. `--knees` compares other values of
the constant in `napari_focusfuse.core.decide.depth` that was chosen by this, on pictures that nothing is reported on.
"""

import argparse
from collections.abc import Generator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.io import imread

import napari_focusfuse as ff
from napari_focusfuse.core.decide import depth
from napari_focusfuse.core.decide import pipeline as walk
from napari_focusfuse.core.stack.intensity import training_grey

Floats = NDArray[np.floating]
_UNEVEN = [0, 1, 2, 2.5, 4, 4.7, 6, 7, 8.5, 9, 10, 11]
#: Names that it imports are put in place of others here.
pipeline: Any = walk
_STEADY, _NEVER = pipeline.iter_steady, 1e9


def _left_alone(*_: Any) -> Generator[None, None, None]:
    yield from ()


def errors(scene: Any) -> tuple[Floats, Floats]:
    """Error of depth in mean distances of slices, and confidence, where depth is known."""
    decision = ff.decide(scene.stack, z=scene.z)
    known = np.isfinite(decision.depth)
    return ((decision.depth - scene.height) / scene.z_step)[known], decision.confidence[known]


def numbers(scene: Any) -> list[float]:
    """RMSE of all, of those not more than a slice off, of the sure ones; shares known and more than a slice off."""
    error, confidence = errors(scene)
    near, sure = np.abs(error) <= 1, confidence > 0.9
    rmse = [float(np.sqrt(np.mean(error[part] ** 2))) if part.any() else np.nan for part in (near | True, near, sure)]
    return [*rmse, error.size / scene.depth.size, 1 - float(near.mean())]


def parts(knees: list[float]) -> dict[str, tuple[float, Any]]:
    """What is compared: constant of `vertex`, and what follows on it."""
    own = {f"vertex, {knee:g}": (knee, _left_alone) for knee in knees or [depth.KNEE]}
    return {"parabola": (_NEVER, _left_alone), **own, "as told": (depth.KNEE, _STEADY)}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="*", type=Path, help="sharp pictures of at least 240 x 300 px")
    parser.add_argument("--blurs", nargs="+", type=float, default=[0.35, 0.7, 1.0, 1.4])
    parser.add_argument("--noises", nargs="+", type=float, default=[0.0, 0.02])
    parser.add_argument("--psf", default="gaussian")
    parser.add_argument("--uneven", action="store_true")
    parser.add_argument("--knees", nargs="*", type=float, default=[])
    options = parser.parse_args()
    torch.set_num_threads(1)
    textures: list[Any] = ["cloud", *(training_grey(imread(path)) for path in options.images)]
    compared = parts(options.knees)
    print("| blur, px a slice | noise | depth | RMSE | within a slice | confidence > .9 | known | a slice off |")
    print("|---|---|---|---|---|---|---|---|")
    for blur, noise in product(options.blurs, options.noises):
        told: dict[str, list[list[float]]] = {name: [] for name in compared}
        for seed, texture in enumerate(textures):
            settings: dict[str, Any] = {"z": _UNEVEN} if options.uneven else {}
            settings |= {"surface": "plane", "psf": options.psf, "blur": blur, "noise": noise}
            scene = ff.simulate((240, 300), 12, texture=texture, seed=seed, **settings)
            for name, (depth.KNEE, pipeline.iter_steady) in compared.items():
                told[name].append(numbers(scene))
        for name, rows in told.items():
            rmse, inner, sure, known, off = np.mean(rows, axis=0)
            print(
                f"| {blur:g} | {noise:g} | {name} | {rmse:.3f} | {inner:.3f} | {sure:.3f} | {known:.1%} | {off:.2%} |"
            )


if __name__ == "__main__":
    main()
