"""Speed and memory of fusing: the encoder against the plain module, time against pixels and slices, peak memory.

    python -m benchmarks.speed encoder
    python -m benchmarks.speed scaling --side 256 --slices 8 [--plot scaling.png]
    python -m benchmarks.speed memory --side 2048 --slices 20

Times of one machine mean little on another, and nothing on a busy one: read the ratios and exponents. Runs that are
compared take turns.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

import napari_focusfuse as ff
from napari_focusfuse.core.encode.measures import difference_energy

_ROUNDS = 5


class LazyStack:
    """A tilted plane of noise texture, uint16, whose slices are made when they are read."""

    dtype = np.dtype(np.uint16)
    ndim = 3

    def __init__(self, side: int, slices: int) -> None:
        self.shape = (slices, side, side)
        rng = np.random.default_rng(0)
        texture = ndimage.gaussian_filter(rng.standard_normal((side, side)), 1.0).astype(np.float32)
        blurred = ndimage.gaussian_filter(texture, 3.0)
        self._texture, self._blurred = texture / texture.std(), blurred / texture.std()
        self._depth = np.linspace(0, slices - 1, side, dtype=np.float32)[None]

    def __getitem__(self, k: int) -> NDArray[np.uint16]:
        share = np.exp(-np.abs(self._depth - k))
        grey = share * self._texture + (1 - share) * self._blurred
        return np.asarray(np.clip(30000 + 6000 * grey, 0, 65535), dtype=np.uint16)


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@torch.inference_mode()
def encoder(side: int) -> None:
    """The encoder as fusion runs it against the module as it is written, contiguous, in single precision."""
    plain, ours = (ff.load_model("sesf-focus").encoder for _ in range(2))
    image = torch.rand(1, 1, side, side)
    works = (lambda: plain(image), lambda: difference_energy(plain(image)), lambda: ours.energy(image))
    rounds = [[timed(work) for work in works] for _ in range(_ROUNDS + 1)]
    module, energy, folded = np.median(rounds[1:], axis=0)
    print(f"{side} x {side} px, seconds, medians of {_ROUNDS} rounds in turn")
    print(
        f"features by the plain module {module:.3f}, with their energy {energy:.3f}; folded, with energy {folded:.3f}"
    )
    print(f"ratio {energy / folded:.2f} with energy, {module / folded:.2f} against the features alone")


def scaling(side: int, slices: int) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """Time against slices and pixels over four doublings: what grows, pixels of the stacks, and seconds."""
    ff.fuse(LazyStack(64, 4))
    for what, stacks in (
        ("slices", [LazyStack(side, slices * 2**k) for k in range(5)]),
        ("pixels", [LazyStack(round(side * 2 ** (k / 2)), slices) for k in range(5)]),
    ):
        seconds = np.min([[timed(partial(ff.fuse, stack)) for stack in stacks] for _ in range(2)], axis=0)
        yield what, np.array([np.prod(stack.shape) for stack in stacks], float), seconds


def exponent(sizes: NDArray[np.float64], seconds: NDArray[np.float64]) -> float:
    """That of a power law."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def plot_scaling(found: list[tuple[str, NDArray[np.float64], NDArray[np.float64]]], out: Path) -> None:
    """Draw time against size; beside it how a straight proportion would grow."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.add_subplot()
    for what, sizes, seconds in found:
        line = axes.loglog(sizes / 1e6, seconds, "o-", label=f"more {what}: power {exponent(sizes, seconds):.2f}")[0]
        axes.loglog(sizes / 1e6, seconds[0] * sizes / sizes[0], ":", color=line.get_color(), lw=1)
    axes.set(xlabel="megapixels of the stack", ylabel="s", title="time to fuse (dotted: in proportion)")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("")
    axes.legend()
    figure.savefig(out, dpi=120)


def memory(side: int, slices: int) -> None:
    """Peak memory over that after the imports, and slices a second."""
    ff.fuse(LazyStack(64, 4))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stack = LazyStack(side, slices)
    seconds = timed(lambda: ff.fuse(stack))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    scale = 2**20 if sys.platform != "darwin" else 2**30
    print(f"{slices} slices of {side} x {side} px: {(peak - before) / scale:.2f} GiB over the baseline of "
          f"{before / scale:.2f} GiB, {slices / seconds:.2f} slices/s, {seconds:.0f} s")  # fmt: skip


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("encoder", "scaling", "memory"))
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--slices", type=int, default=8)
    parser.add_argument("--plot", type=Path, help="draw what scaling finds")
    asked = parser.parse_args()
    if asked.what == "encoder":
        encoder(asked.side)
    elif asked.what == "memory":
        memory(asked.side, asked.slices)
    else:
        found = []
        for what, sizes, seconds in scaling(asked.side, asked.slices):
            rows = ", ".join(f"{size / 1e6:.1f} MP {t:.2f} s" for size, t in zip(sizes, seconds, strict=True))
            print(f"{what}: exponent {exponent(sizes, seconds):.2f} ({rows})", flush=True)
            found.append((what, sizes, seconds))
        if asked.plot:
            plot_scaling(found, asked.plot)


if __name__ == "__main__":
    main()
