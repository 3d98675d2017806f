"""A depth map as a mesh."""

import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse.core.result import Decision
from napari_focusfuse.errors import FocusFuseError

PIXEL = (0.5, 0.25)


def decided(depth: np.ndarray, z: np.ndarray) -> Decision:
    shape = depth.shape
    return Decision(
        labels=np.zeros((1, *shape), np.int16),
        weights=np.ones((1, *shape), np.float32),
        depth=depth.astype(np.float32),
        confidence=np.ones(shape, np.float32),
        flags=np.zeros(shape, np.uint16),
        z=z,
    )


def test_positions_faces_and_colours() -> None:
    depth = np.arange(12, dtype=np.float32).reshape(3, 4)
    image = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    made = ff.surface(depth, pixel_size=PIXEL, texture=image)
    assert (made.vertices.shape, made.faces.shape, made.step) == ((12, 3), (12, 3), 1)
    np.testing.assert_allclose(made.vertices[6], [6, 1 * 0.5, 2 * 0.25])
    np.testing.assert_allclose(made.texcoords[6], [2.5 / 4, 1.5 / 3])
    np.testing.assert_array_equal(made.colours, image.reshape(-1, 3))
    _, y, x = made.vertices[made.faces].transpose(2, 0, 1)
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    np.testing.assert_allclose(area, 0.5 * 0.25)  # all turn the same way


def test_holes_have_no_triangles_and_no_vertices() -> None:
    depth = np.zeros((6, 6), np.float32)
    depth[2, 2] = np.nan
    depth[5, 5] = np.nan
    made = ff.surface(depth, pixel_size=PIXEL)
    assert len(made.vertices) == 34
    assert np.isfinite(made.vertices).all()
    # 25 squares; the four around the hole and the one at the corner have one triangle each.
    assert len(made.faces) == 2 * 25 - 5
    assert len(ff.surface(depth, pixel_size=PIXEL, config=ff.SurfaceConfig(fill=True)).faces) == 50


def test_a_decision_is_scaled_to_um() -> None:
    depth = np.tile(np.arange(4.0), (3, 1))
    made = ff.surface(decided(depth, np.arange(4.0)), pixel_size=PIXEL, z_step=2, refractive_index=1.5)
    np.testing.assert_allclose(made.vertices[:, 0].reshape(3, 4)[0], [0, 3, 6, 9])
    made = ff.surface(decided(depth, np.arange(4.0)), pixel_size=PIXEL, z_step=2, flip=True)
    np.testing.assert_allclose(made.vertices[:, 0].reshape(3, 4)[0], [6, 4, 2, 0])


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_large_maps_are_decimated(dtype: type) -> None:
    y, x = np.indices((41, 62))
    depth = (x + 100 * y).astype(np.float32)
    depth[:3, :2] = np.nan  # most of the first block
    made = ff.surface(
        depth, pixel_size=(1, 1), texture=(x * 100).astype(dtype), config=ff.SurfaceConfig(max_vertices=300)
    )
    assert made.step == 3
    assert len(made.vertices) == 13 * 20 - 1
    np.testing.assert_allclose(made.vertices[0], [4 + 100, 1, 4])
    assert made.colours is not None
    assert (made.colours.shape, made.colours.dtype) == ((259,), np.uint8)
    assert made.texcoords.min() > 0
    assert made.texcoords.max() < 1


def test_refusals() -> None:
    depth = np.zeros((4, 4), np.float32)
    with pytest.raises(FocusFuseError, match="needs the pixel size"):
        ff.surface(depth, pixel_size=None)
    with pytest.raises(FocusFuseError, match="need the z-step"):
        ff.surface(decided(depth, np.arange(3.0)), pixel_size=PIXEL)
    with pytest.raises(FocusFuseError, match="no surface"):
        ff.surface(np.full((4, 4), np.nan, np.float32), pixel_size=PIXEL)


def test_what_stands_alone_is_left_out() -> None:
    """It would stick out of the holes like a needle."""
    depth = np.full((12, 12), np.nan, np.float32)
    depth[:, :4] = 1
    depth[6, 4:9] = 1
    depth[2:4, 8:10] = 1
    made = ff.surface(depth, pixel_size=(1, 1))
    assert made.vertices[:, 2].max() == 3
    assert len(made.vertices) == 48


def test_a_texture_of_another_size_is_refused() -> None:
    with pytest.raises(FocusFuseError, match="the texture is 5 x 6 px, the depth 6 x 6"):
        ff.surface(np.zeros((6, 6), np.float32), pixel_size=PIXEL, texture=np.zeros((5, 6), np.uint8))
