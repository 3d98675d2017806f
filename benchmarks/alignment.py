"""How well alignment finds drift, rotation and scale that were planted, and whether it leaves aligned stacks alone.

    python -m benchmarks.alignment [--side 512] [--slices 30] [--textures IMAGE...] [--fuse]

Scenes are simulated with a margin, so that a moved slice shows no black border, and each slice is moved by cubic
splines before flicker and noise are added. Planted are a drift that ends up to `--drift` px from the middle slice (a
curved path with a jitter of 1 px), and rotation and scale that run to 2 degrees and 2 % at the ends, with a jitter of
.05 degrees and .04 %. The residual is the RMS, over slices and the pixels that a slice shows, of the error of the
displacement from the middle slice, px; beside it that of the worst slice. Times are seconds of one core.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.io import imread

import napari_focusfuse as ff
from napari_focusfuse.core.stack.intensity import training_grey

Floats = NDArray[np.floating]
MARGIN, FLICKER = 64, 0.03
WHITE = 60000
SCENES: dict[str, dict[str, Any]] = {
    "beads, hills, fluorescence": {"surface": "smooth", "mode": "fluorescence", "texture": "beads", "blur": 0.4},
    "grains, hills, fluorescence": {"surface": "smooth", "mode": "fluorescence", "texture": "grains", "blur": 0.5},
    "cloud, steps, reflected": {"surface": "steps", "texture": "cloud", "psf": "disc", "blur": 0.4},
    "grains, fibres, reflected": {"surface": "fibres", "texture": "grains", "blur": 0.5},
    "grains, hills, reflected": {"surface": "smooth", "texture": "grains", "blur": 0.4},
}


class Light(NamedTuple):
    """A scene with its margin, 1 being full scale: slices (Z, Y, X), and all of it in focus (Y, X)."""

    name: str
    clean: Floats
    sharp: Floats


def planted(slices: int, side: int, drift: float, degrees: float, scale: float, seed: int) -> NDArray[np.float64]:
    """Transforms (N, 3, 3) from the middle slice to each, about the centre of images of `side` px."""
    rng = np.random.default_rng(seed)
    middle, share = slices // 2, bool(drift or degrees or scale)
    t = (np.arange(slices) - middle) / (slices - 1)
    way, centre = rng.uniform(0, 2 * np.pi), (side - 1) / 2
    path = np.stack(
        [np.cos(way) * t + 0.15 * np.sin(2 * np.pi * t + 1), np.sin(way) * t + 0.15 * np.cos(4 * np.pi * t)]
    )
    path -= path[:, [middle]]
    path *= drift / max(float(np.hypot(*path).max()), 1e-9)
    path += share * rng.standard_normal(path.shape)
    turn = np.deg2rad(2 * degrees * t + 0.05 * share * rng.standard_normal(slices))
    size = 1 + 2 * scale * t + 0.0004 * share * rng.standard_normal(slices)
    path, turn, size = path - path[:, [middle]], turn - turn[middle], size / size[middle]
    out = np.tile(np.eye(3), (slices, 1, 1))
    for k in range(slices):
        linear = size[k] * np.array([[np.cos(turn[k]), -np.sin(turn[k])], [np.sin(turn[k]), np.cos(turn[k])]])
        out[k, :2, :2], out[k, :2, 2] = linear, centre - linear @ (centre, centre) + path[:, k]
    return out


def moved(
    clean: Floats, matrices: NDArray[np.float64], noise: float, seed: int, flicker: float = FLICKER
) -> NDArray[np.uint16]:
    """Slices of a scene with its margin as a camera sees them, moved, without the margin."""
    rng = np.random.default_rng((seed, 1))
    slices, side = len(clean), clean.shape[1]
    grown = np.eye(3)
    grown[:2, 2] = MARGIN
    out = np.empty((slices, side - 2 * MARGIN, side - 2 * MARGIN), np.uint16)
    for k, image in enumerate(clean):
        back = np.linalg.inv(grown @ matrices[k] @ np.linalg.inv(grown))
        inner, offset = back[:2, :2][::-1, ::-1], back[:2, 2][::-1]
        there = ndimage.affine_transform(image, inner, offset, order=3, mode="mirror")[MARGIN:-MARGIN, MARGIN:-MARGIN]
        seen = there * np.exp(flicker * rng.standard_normal()) + noise * rng.standard_normal(there.shape)
        out[k] = np.clip(np.round(WHITE * seen), 0, 65535)
    return out


def residuals(found: Floats, true: Floats, side: int) -> Floats:
    """(N,) RMS error of the displacement over the pixels of the reference that each slice shows, px."""
    y, x = np.mgrid[:side:8, :side:8]
    points = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    there = (true @ points)[:, :2]
    shown = ((there >= 0) & (there <= side - 1)).all(axis=1)
    off = (((found - true) @ points)[:, :2] ** 2).sum(axis=1)
    return np.asarray(np.sqrt((off * shown).sum(axis=1) / shown.sum(axis=1)))


def scenes(side: int, slices: int, textures: Sequence[Path] = (), seed: int = 1) -> Iterator[Light]:
    """The scenes one by one."""
    shape = (side + 2 * MARGIN,) * 2
    for k, (name, options) in enumerate(SCENES.items()):
        scene = ff.simulate(shape, slices, seed=seed + k, **options)
        yield Light(name, scene.clean, scene.sharp)
    for k, path in enumerate(textures):
        texture = training_grey(imread(path))
        scene = ff.simulate(shape, slices, mode="brightfield", texture=texture, blur=0.5, seed=k)
        yield Light(f"{path.stem}, hills, brightfield", scene.clean, scene.sharp)


def seconds_of(work: Any) -> tuple[Any, float]:
    """What `work` returns, and the processor time it took."""
    begun = time.process_time()
    return work(), time.process_time() - begun


def main() -> None:
    """Measure all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--slices", type=int, default=30)
    parser.add_argument("--drift", type=float, default=40)
    parser.add_argument("--kind", default="similarity")
    parser.add_argument("--textures", type=Path, nargs="*", default=[], help="sharp images, larger than side + 128 px")
    parser.add_argument("--fuse", action="store_true", help="also time fusing")
    asked = parser.parse_args()
    config = ff.AlignConfig(kind=asked.kind)
    print("| scene | planted | noise | residual | worst slice | aligning, s |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for seed, (name, clean, _) in enumerate(scenes(asked.side, asked.slices, asked.textures)):
        stack: NDArray[Any] = clean[:0]
        for what, (drift, degrees, scale), noise in (
            ("nothing", (0, 0, 0), 0.01),
            ("drift, rotation, scale", (asked.drift, 2, 0.02), 0.01),
            ("drift, rotation, scale", (asked.drift, 2, 0.02), 0.03),
        ):
            true = planted(asked.slices, asked.side, drift, degrees, scale, seed)
            stack = moved(clean, true, noise, seed)
            done, seconds = seconds_of(lambda stack=stack: ff.align(stack, config=config))
            off = residuals(done.transforms.matrices, true, asked.side)
            numbers = f"{np.sqrt((off**2).mean()):.3f} | {off.max():.3f}"
            kept = " (untouched)" if done.stack is stack else ""
            print(f"| {name} | {what} | {noise} | {numbers}{kept} | {seconds:.1f} |", flush=True)
        if asked.fuse:
            _, fusing = seconds_of(lambda stack=stack: ff.fuse(stack))
            print(f"| {name} | fusing by default, s | | | | {fusing:.1f} |", flush=True)


if __name__ == "__main__":
    main()
