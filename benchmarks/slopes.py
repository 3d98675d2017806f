"""Reflected light over gentle slopes, without the displacement that painting layer upon layer brings.

    python benchmarks/slopes.py      where a dot on a slope is found through focus

The simulator paints reflected light layer by layer, each over its blurred outline. On a slope the outlines of many
layers lie beside each other, each hides a part of what is below, and what is out of focus ends up downhill by about
one standard deviation of its blur, the more the thinner the layers are. Here every point shines through the whole
aperture, as it does where a surface is nowhere so steep that it stands in its own light. What leaves a point x' in the
direction u crosses the plane of focus at x = x' - u d, d being how far the point lies above it, and a matt surface is
equally bright from everywhere:

    I(x) = integral of L(x') (1 - u(x, x') . grad z(x')) K_d(x - x') dx'

K is the blur by defocus. The bracket is how far the slope is turned towards the ray; with it, a surface of one
brightness stays so in every slice. A point keeps its place through focus but for g^2 d grad z (g: growth of the
Gaussian blur, px a step), some hundredths of a px a step on the hills of the benchmark.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_focusfuse.core.simulate._field import Field
from napari_focusfuse.core.simulate._layers import rendered
from napari_focusfuse.core.simulate._optics import gaussian

__all__ = ["dot_on_slope", "matt"]

Image = NDArray[np.float32]
Depth = NDArray[np.floating]
Offsets = NDArray[np.float64]
#: Layers for each step of the stack, as in the simulator.
_LAYERS = 4
#: Half the width of the plane with a dot, px.
_HALF = 120


def matt(drawn: Image, depth: Depth, foci: Sequence[float], growth: float) -> Image:
    """Slices (Z, Y, X) of a matt surface.

    Parameters
    ----------
    drawn : (Y, X) float32
        Brightness.
    depth : (Y, X) array
        Where the surface is, in steps of the stack.
    foci : sequence of float
        Where each slice is focused, in steps.
    growth : float
        Growth of the Gaussian blur, px of standard deviation a step.
    """
    optics = gaussian(growth)
    steps = depth * _LAYERS
    levels = np.arange(np.floor(steps.min()), np.ceil(steps.max()) + 1) / _LAYERS
    farthest = max(abs(focus - level) for focus in (min(foci), max(foci)) for level in (levels[0], levels[-1]))
    field = Field(drawn.shape, len(optics.kernel(farthest)) // 2 + 1)
    slope = np.gradient(depth.astype(np.float64))
    spectra = [np.zeros_like(field.frequency, np.complex64) for _ in foci]
    known: dict[float, NDArray[np.complex64]] = {}
    for level in levels:
        # A point between two layers belongs to both, so that their seams do not show.
        here = drawn * np.maximum(1 - np.abs(steps - level * _LAYERS), 0)
        light = field.spectrum(here)
        turned = _divergence(field, [here * part for part in slope])
        for k, focus in enumerate(foci):
            distance = round(float(level - focus), 6)
            if abs(distance) not in known:
                known[abs(distance)] = field.transfer(optics.kernel(distance))
            spectra[k] += known[abs(distance)] * (light - np.float32(growth**2 * distance) * turned)
    return np.stack([field.image(spectrum) for spectrum in spectra])


def dot_on_slope(
    slope: float, growth: float, foci: Sequence[float], *, painted: bool
) -> tuple[Offsets, Offsets, Image]:
    """A bright dot at depth 0 on a grey plane that rises by `slope` steps a px along x.

    Returns
    -------
    (Z,) float64
        Light of the dot in each slice.
    (Z,) float64
        How far along x its centroid lies from its place, px.
    (Z, Y, X) float32
        The plane without it.
    """
    plane = np.full((_HALF, 2 * _HALF + 1), 0.4, np.float32)
    dot = plane.copy()
    dot[_HALF // 2, _HALF] = 1
    depth = np.tile((np.arange(2 * _HALF + 1.0) - _HALF) * slope, (_HALF, 1))
    seen, without = (
        rendered("reflected", drawn, depth, foci, gaussian(growth)) if painted else matt(drawn, depth, foci, growth)
        for drawn in (dot, plane)
    )
    added = seen.astype(np.float64) - without
    light = added.sum(axis=(1, 2))
    return light, (added.sum(axis=1) @ np.arange(2 * _HALF + 1)) / light - _HALF, without


def _divergence(field: Field, vector: Sequence[Image]) -> NDArray[np.complex64]:
    """Spectrum of the divergence of a vector field (y, x)."""
    down, across = (field.spectrum(part) for part in vector)
    y, x = fft.fftfreq(len(down))[:, None], field.frequency[:1]
    return np.asarray(2j * np.pi * (y * down + x * across), np.complex64)


def main() -> None:
    """Print where the dot is found."""
    foci = [-14, -10, -5, 0, 5, 10, 14]
    print("| slope, steps a px | seen | " + " | ".join(f"{focus:+d}" for focus in foci) + " |")
    print("| ---: | --- |" + " ---: |" * len(foci))
    for slope in (0.05, 0.1, 0.2):
        for painted in (True, False):
            off = dot_on_slope(slope, 0.4, foci, painted=painted)[1]
            print(f"| {slope} | {'painted' if painted else 'matt'} | {' | '.join(f'{x:+.2f}' for x in off)} |")


if __name__ == "__main__":
    main()
