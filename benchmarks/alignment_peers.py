"""Fused images of moved stacks, by our alignment and by that of external programs.

    python -m benchmarks.alignment_peers --peers benchmarks/alignment_peers.toml [--peer NAME=PATH] [--seeds 2]

Programs do not say how they aligned, so what is compared is the end: the fused image beside the simulator's truth. All
get the same slices (16-bit PNG; ours the same array), three times: as they were never moved, moved, and moved but
aligned by us before. The first column is what the fusion can do, the loss from there to the second is what its
alignment (or having none) costs, and the third says what ours would be worth to it.

A program may choose its reference, and crop: a similarity between the truth and its image is found first, from the
frames of the first, middle and last slice; the truth is read by cubic splines where the image shows it, and a gain is
allowed. Scored are PSNR (dB) and SSIM of a square in the middle, 60 % of a side, the fused image as it was written.
There is no flicker here, and scenes are blurred by .8 px first, as any lens does: otherwise a frame in which the truth
need not be read between its pixels would be ahead. Seconds are those of the clock, with starting the program and with
writing and reading its files.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

import napari_focusfuse as ff
from benchmarks.alignment import MARGIN, WHITE, moved, planted, scenes
from benchmarks.peers import Peer, read_peers
from napari_focusfuse.core.align.fit import look, register
from napari_focusfuse.core.align.transforms import resampled
from napari_focusfuse.core.metrics.truth import psnr, ssim

Image = NDArray[Any]
#: Side of the square that is scored, in sides of the truth.
_SCORED = 0.6
#: Blur of every scene, px.
_LENS = 0.8
_COLUMNS = ("never moved", "moved", "aligned by us before")


class Score(NamedTuple):
    """PSNR, SSIM, and the seconds that alignment and fusion took; NaN where nothing came."""

    psnr: float
    ssim: float
    seconds: float


def score(fused: Image, truth: Image, frames: Sequence[Image]) -> tuple[float, float]:
    """PSNR and SSIM of a fused image, of any size up to that of the truth; both with white 1.

    It lies about as the truth under one of the transforms `frames`, but for a shift.

    Raises
    ------
    ValueError
        It is larger, or does not show what is to be scored.
    """
    place = _found(truth, fused, frames)
    half = int(_SCORED * min(truth.shape) / 2)
    x, y, _ = place @ ((truth.shape[1] - 1) / 2, (truth.shape[0] - 1) / 2, 1)
    y0, x0 = round(float(y)) - half, round(float(x)) - half
    if min(y0, x0) < 0 or y0 + 2 * half > fused.shape[0] or x0 + 2 * half > fused.shape[1]:
        raise ValueError("the fused image does not show the middle of the truth")
    seen = fused[y0 : y0 + 2 * half, x0 : x0 + 2 * half].astype(np.float64)
    back = np.asarray(np.linalg.inv(place), np.float64)
    wanted = resampled(truth.astype(np.float64), back, (y0, y0 + 2 * half, x0, x0 + 2 * half))
    seen = seen * float((seen * wanted).sum() / (seen * seen).sum())
    return psnr(wanted, seen), ssim(wanted, seen)


def _found(truth: Image, fused: Image, frames: Sequence[Image]) -> NDArray[np.float64]:
    """(3, 3): where in the fused image lies what is at a pixel of the truth."""
    height, width = fused.shape
    if height > truth.shape[0] or width > truth.shape[1]:
        raise ValueError(f"the fused image has {height} x {width} px, more than the truth")
    whole = np.full(truth.shape, float(fused.mean()))
    whole[:height, :width] = fused
    seen, field = look(whole), (0, truth.shape[0], 0, truth.shape[1])
    tried = []
    for frame in frames:
        pair = register(look(resampled(truth, np.linalg.inv(frame), field)), seen, "similarity")
        tried.append((pair.likeness, pair.matrix @ frame))
    rough = max(tried, key=lambda pair: pair[0])[1]
    # Once more without the padding, beside what the truth shows there.
    there = resampled(truth, np.asarray(np.linalg.inv(rough), np.float64), (0, height, 0, width))
    return np.asarray(register(look(there), look(fused), "similarity").matrix @ rough)


def scored(work: Callable[[], Image | str], truth: Image, frames: Sequence[Image]) -> Score:
    """Score what `work` returns, an image with white `WHITE`, or why there is none."""
    begun = time.perf_counter()
    image = work()
    seconds = time.perf_counter() - begun
    if isinstance(image, str):
        print(f"<!-- {image} -->")
        return Score(np.nan, np.nan, np.nan)
    try:
        return Score(*score(image / WHITE, truth, frames), seconds)
    except ValueError as error:
        print(f"<!-- {error} -->")
        return Score(np.nan, np.nan, seconds)


def by_peer(peer: Peer, stack: Image) -> Image | str:
    """The fused image of a program, or why there is none."""
    outcome = peer.run(stack, any_size=True)
    return outcome.failure if outcome.image is None else outcome.image


def by_us(stack: Image, *, aligned: bool) -> Image:
    """Our fused image by default."""
    return np.asarray(ff.fuse(ff.align(stack).stack if aligned else stack).image)


def measured(
    inputs: list[Image], truth: Image, frames: Sequence[Image], peers: list[Peer]
) -> list[tuple[str, list[Score]]]:
    """Each way to fuse with its scores, one for each of the columns."""
    rows: list[tuple[str, Callable[[Image], Image | str]]] = [
        ("ours, unaligned", lambda stack: by_us(stack, aligned=False)),
        ("ours, aligned", lambda stack: by_us(stack, aligned=True)),
    ]
    rows += [(peer.label, partial(by_peer, peer)) for peer in peers]
    return [(name, [scored(partial(work, stack), truth, frames) for stack in inputs]) for name, work in rows]


def main() -> None:
    """Measure all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, help="command templates, see alignment_peers.toml")
    parser.add_argument("--peer", nargs="*", default=[], metavar="NAME=PATH", help="programs off the search path")
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--slices", type=int, default=12)
    parser.add_argument("--planted", type=float, nargs=3, default=(20, 1, 0.01), metavar=("PX", "DEGREES", "SCALE"))
    parser.add_argument("--seeds", type=int, default=2, help="scenes of each kind")
    parser.add_argument("--noise", type=float, default=0.01)
    asked = parser.parse_args()
    peers = read_peers(asked.peers, asked.peer)
    rows: dict[tuple[str, str], list[list[Score]]] = {}
    for seed in range(asked.seeds):
        for light in scenes(asked.side, asked.slices, seed=1 + 100 * seed):
            truth = ndimage.gaussian_filter(light.sharp, _LENS)[MARGIN:-MARGIN, MARGIN:-MARGIN]
            clean = np.stack([ndimage.gaussian_filter(image, _LENS) for image in light.clean])
            drift, degrees, scale = asked.planted
            still = planted(asked.slices, asked.side, 0, 0, 0, seed)
            there = planted(asked.slices, asked.side, drift, degrees, scale, seed)
            stacks = [moved(clean, matrices, asked.noise, seed, flicker=0) for matrices in (still, there)]
            inputs = [*stacks, np.asarray(ff.align(stacks[1]).stack)]
            for name, scores in measured(inputs, truth, list(there[[0, asked.slices // 2, -1]]), peers):
                rows.setdefault((light.name, name), []).append(scores)
    print("| scene | program, alignment |" + "".join(f" {name}, dB / SSIM |" for name in _COLUMNS) + " s (moved) |")
    print("| --- | --- |" + " ---: |" * 4)
    for (scene, name), found in rows.items():
        means = np.mean(found, axis=0)
        cells = " | ".join(f"{a:.2f} / {b:.4f}" for a, b, _ in means)
        print(f"| {scene} | {name} | {cells} | {means[1][2]:.1f} |")


if __name__ == "__main__":
    main()
