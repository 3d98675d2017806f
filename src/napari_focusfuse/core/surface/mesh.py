"""A depth map as a mesh of triangles that an image can be draped over."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.config import SurfaceConfig
from napari_focusfuse.config.setting import check_sizes
from napari_focusfuse.core._types import Map
from napari_focusfuse.core.result import Decision
from napari_focusfuse.core.surface import depth_um, filled
from napari_focusfuse.errors import FocusFuseError

__all__ = ["Surface", "eight_bits", "flipped", "heights", "surface"]


@dataclass(frozen=True, eq=False)
class Surface:
    """A mesh in um.

    Attributes
    ----------
    vertices : (V, 3) float32
        z, y, x in um: z is the depth, y and x count from the centre of the first pixel.
    faces : (F, 3) int32
        Triangles, as rows of `vertices`; seen from large z with y downwards they turn clockwise.
    texcoords : (V, 2) float32
        Where a vertex lies in the image: x / width and y / height, each 0 to 1 from the top left corner.
    colours : (V,) or (V, 3) uint8, optional
        Grey or RGB of each vertex.
    step : int
        Pixels between neighbouring vertices.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    texcoords: NDArray[np.float32]
    colours: NDArray[np.uint8] | None
    step: int


def surface(
    depth: "Decision | NDArray[np.floating]",
    *,
    pixel_size: tuple[float, float] | None,
    z_step: float | None = None,
    refractive_index: float = 1.0,
    texture: NDArray[np.generic] | None = None,
    flip: bool = False,
    config: SurfaceConfig | None = None,
) -> Surface:
    """Make a mesh of a decision or a depth map: one vertex per pixel, no triangles where depth is unknown.

    Without filling, vertices that belong to no 3 x 3 known ones are left out as well.

    Parameters
    ----------
    depth : Decision or (Y, X) array
        An array is in um already.
    pixel_size : (float, float)
        Height and width of a pixel, um.
    z_step : float, optional
        Distance between neighbouring slices, um; a decision needs it.
    refractive_index : float
        Depth of a decision is multiplied by it, see `save_result`.
    texture : (Y, X) or (Y, X, 3|4) array, optional
        Image that colours the vertices, such as the fused one.
    flip : bool
        Exchange hills and valleys, for stacks that begin at the top.
    config : SurfaceConfig, optional

    Returns
    -------
    Surface

    Raises
    ------
    FocusFuseError
        Pixel size or z-step is unknown or not positive, no depth was measured, or the texture has another size.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> decision = ff.decide(scene.stack, method="sf")
    >>> mesh = ff.surface(decision, pixel_size=(0.5, 0.5), z_step=1.0)
    >>> mesh.vertices.shape[1], mesh.faces.shape[1]
    (3, 3)
    """
    config = config or SurfaceConfig()
    if pixel_size is None:
        raise FocusFuseError("a surface in um needs the pixel size: give the height and width of a pixel in um")
    check_sizes(pixel_size)
    z = heights(depth, z_step=z_step, refractive_index=refractive_index, flip=flip, config=config)
    if texture is not None and texture.shape[:2] != z.shape:
        raise FocusFuseError(
            f"the texture is {texture.shape[0]} x {texture.shape[1]} px, the depth {z.shape[0]} x {z.shape[1]}: "
            "give an image of the same size"
        )
    step = max(math.ceil(math.sqrt(z.size / config.max_vertices)), 1)
    grid = _reduced(z, step)
    faces = _triangles(_patches(np.isfinite(grid)))
    if not len(faces):
        raise FocusFuseError("there is no surface: no three neighbouring pixels have a measured depth")
    used, faces = np.unique(faces, return_inverse=True)
    rows, columns = np.unravel_index(used, grid.shape)
    y, x = (step * at + (step - 1) / 2 for at in (rows, columns))
    vertices = np.stack([grid.ravel()[used], y * pixel_size[0], x * pixel_size[1]], axis=1).astype(np.float32)
    texcoords = np.stack([(x + 0.5) / z.shape[1], (y + 0.5) / z.shape[0]], axis=1).astype(np.float32)
    colours = None if texture is None else eight_bits(texture, step).reshape(grid.size, -1)[used].squeeze()
    return Surface(vertices, faces.reshape(-1, 3).astype(np.int32), texcoords, colours, step)


def heights(
    depth: "Decision | NDArray[np.floating]",
    *,
    z_step: float | None = None,
    refractive_index: float = 1.0,
    flip: bool = False,
    config: SurfaceConfig | None = None,
) -> Map:
    """Depth in um as (Y, X) float32, filled or with NaN for holes; see `surface`.

    Raises
    ------
    FocusFuseError
        Of a decision, the z-step is not known or is no length.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> decision = ff.decide(scene.stack, method="sf")
    >>> ff.heights(decision, z_step=1.0).shape
    (64, 64)
    """
    config = config or SurfaceConfig()
    if isinstance(depth, Decision):
        z, confidence = depth_um(depth, z_step, refractive_index), depth.confidence
    else:
        z = np.asarray(depth, dtype=np.float32)
        confidence = np.ones(z.shape, np.float32)
    if config.fill:
        z = filled(z, confidence, config.least_confidence)
    return flipped(z) if flip else z


def flipped(z: Map) -> Map:
    """Hills as valleys, between the same least and largest height."""
    finite = z[np.isfinite(z)]
    return finite.min() + finite.max() - z if finite.size else z


def _patches(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Known vertices without those that stand alone or in thin lines: around holes these are spikes."""
    opened: NDArray[np.bool_] = ndimage.binary_opening(np.pad(known, 1, mode="edge"), np.ones((3, 3)))[1:-1, 1:-1]
    return opened & known


def _reduced(z: Map, step: int) -> Map:
    """The median of each step x step pixels; NaN where half of them or more are NaN."""
    if step == 1:
        return z
    blocks = _blocks(z, step)
    known = np.isfinite(blocks).sum(axis=-1)
    some = np.where(known[..., None] > 0, blocks, 0)
    return np.where(2 * known > step * step, np.nanmedian(some, axis=-1), np.nan).astype(np.float32)


def _blocks(image: NDArray[np.generic], step: int) -> NDArray[np.generic]:
    """(Y / step, X / step, step * step) pixels; rows and columns that fill no block are left out."""
    rows, columns = (max(n // step, 1) for n in image.shape)
    blocks = image[: rows * step, : columns * step].reshape(rows, step, columns, step)
    return blocks.swapaxes(1, 2).reshape(rows, columns, step * step)


def _triangles(known: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Corners of the triangles, as flat indices: two a square of four known pixels, one of three."""
    index = np.arange(known.size).reshape(known.shape)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    ka, kb, kc, kd = known[:-1, :-1], known[:-1, 1:], known[1:, :-1], known[1:, 1:]
    corners = (
        (ka & kb & kc, (a, b, c)),
        (kb & kd & kc, (b, d, c)),
        (ka & kb & kd & ~kc, (a, b, d)),
        (ka & kd & kc & ~kb, (a, d, c)),
    )
    return np.concatenate([np.stack([corner[where] for corner in three], axis=1) for where, three in corners])


def eight_bits(texture: NDArray[np.generic], step: int = 1) -> NDArray[np.uint8]:
    """An image for the eye: (Y, X, 1|3) in 8 bits, alpha left out, the mean of each step x step pixels."""
    image = np.asarray(texture)[..., :3] if texture.ndim == 3 else np.asarray(texture)[..., None]
    if image.dtype != np.uint8:
        finite = image[np.isfinite(image)].astype(np.float64)
        low, high = np.percentile(finite, (0.1, 99.9)) if finite.size else (0, 1)
        shown = np.nan_to_num((image - low) / max(high - low, 1e-12), nan=0.0)
        image = np.rint(255 * np.clip(shown, 0, 1)).astype(np.uint8)
    if step == 1:
        return image
    means = np.stack([_blocks(image[..., k], step).mean(axis=-1) for k in range(image.shape[2])], axis=-1)
    return np.asarray(np.rint(means), dtype=np.uint8)
