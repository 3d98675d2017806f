"""A focus stack with its ground truth."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.config import Camera, Flaws
from napari_focusfuse.core.simulate.camera import counts, exposed, finished
from napari_focusfuse.core.simulate.flaws import Motion, with_motion

__all__ = ["Scene", "counted"]


@dataclass(frozen=True, eq=False)
class Scene:
    """A simulated focus stack and its ground truth.

    Attributes
    ----------
    stack : (Z, Y, X) uint8 or uint16
        Slices, farthest plane of focus first.
    truth : (Y, X) uint8 or uint16
        All-in-focus image as recorded by the same camera without noise. What is the same in every slice (shading,
        dust, haze) is in it; what differs from slice to slice (drift, magnification, flicker) is as in the middle one.
    depth : (Y, X) float32
        Plane of best focus, in slices; below 0 or above Z - 1 where it is beyond the stack.
    height : (Y, X) float32
        The same in um, on the scale of `z`.
    index : (Y, X) int32
        The slice nearest to focus.
    z : (Z,) float64
        Position of each slice, um.
    z_step, pixel_size : float
        Mean distance of slices and of pixels, um.
    clean : (Z, Y, X) float32
        Light on the camera before any noise; 1 is full scale.
    sharp : (Y, X) float32
        The same of the all-in-focus image.
    motion : Motion
        Shift, magnification and brightness of each slice.
    missing : (Z, Y) bool
        Rows that are missing (black): ``stack[scene.missing] = np.nan`` where `stack` is made of float.
    spoiled : (Y, X) bool
        Pixels in a missing row, or crossed by a moving glint.
    camera : Camera
    flaws : Flaws
    seed : int
    """

    stack: NDArray[np.uint8] | NDArray[np.uint16]
    truth: NDArray[np.uint8] | NDArray[np.uint16]
    depth: NDArray[np.float32]
    height: NDArray[np.float32]
    index: NDArray[np.int32]
    z: NDArray[np.float64]
    z_step: float
    pixel_size: float
    clean: NDArray[np.float32] = field(repr=False)
    sharp: NDArray[np.float32] = field(repr=False)
    motion: Motion = field(repr=False)
    missing: NDArray[np.bool_] = field(repr=False)
    spoiled: NDArray[np.bool_] = field(repr=False)
    camera: Camera
    flaws: Flaws
    seed: int

    def exposed(self, camera: Camera) -> "Scene":
        """The same scene with another camera; `Camera(noise=.03)` is .03 of full scale of Gaussian noise."""
        stack, truth = counted(self.clean, self.sharp, self.missing, camera, self.flaws, self.seed)
        return replace(self, stack=stack, truth=truth, camera=camera)

    def true_slice(self, k: int) -> NDArray[np.float32]:
        """The all-in-focus image (Y, X) as it lies and shines in slice `k`, without noise; 1 is full scale."""
        return finished(with_motion(self.sharp, self.motion, k), self.flaws)


def counted(
    clean: NDArray[np.float32],
    sharp: NDArray[np.float32],
    missing: NDArray[np.bool_],
    camera: Camera,
    flaws: Flaws,
    seed: int,
) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], NDArray[np.uint8] | NDArray[np.uint16]]:
    """What the camera makes of slices and of the truth."""
    stack = exposed(clean, camera, _noise_source(seed), flaws)
    stack[missing] = 0
    return stack, counts(finished(sharp, flaws), camera)


def _noise_source(seed: int) -> np.random.Generator:
    """Draws of the camera: others than those of the scene, so that a scene stays the same through every camera."""
    return np.random.default_rng((seed, 1))
