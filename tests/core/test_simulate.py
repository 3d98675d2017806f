"""The truth of the simulator is the truth."""

import numpy as np
import pytest
from scipy import ndimage

from napari_focusfuse.core.simulate import sample_scene, simulate
from napari_focusfuse.errors import FocusFuseError


def test_the_same_seed_is_the_same_scene():
    a, b = (simulate((40, 50), 4, noise=0.01, seed=2) for _ in range(2))
    np.testing.assert_array_equal(a.stack, b.stack)
    assert (simulate((40, 50), 4, noise=0.01, seed=3).stack != a.stack).any()


@pytest.mark.parametrize("surface", ["smooth", "steps", "plane"])
def test_shapes_types_and_depth(surface):
    scene = simulate((40, 50), 6, surface=surface, z_step=2.5)
    assert scene.stack.shape == (6, 40, 50)
    assert scene.stack.dtype == scene.truth.dtype == np.uint16
    assert scene.depth.min() >= 0
    assert scene.depth.max() <= 5
    assert scene.z.tolist() == [0, 2.5, 5, 7.5, 10, 12.5]


def test_a_slice_in_focus_is_the_truth(scene):
    """Away from the borders between layers, a pixel in its own slice shows the truth."""
    for k in range(len(scene.stack)):
        here = ndimage.binary_erosion(scene.depth == k, iterations=4)
        if here.any():
            error = np.abs(scene.stack[k].astype(int) - scene.truth.astype(int))[here]
            assert error.max() < 0.02 * 65535


def test_far_from_focus_no_sharp_truth_is_left():
    """A defocused layer lets nothing sharp shine through: the high-pass gain of the truth is below 1 %."""
    scene = simulate((160, 200), 12, surface="steps", blur=1.0, seed=4)
    sharp = scene.truth / 65535 - ndimage.gaussian_filter(scene.truth / 65535, 1.0)
    for k in (0, 11):
        far = np.abs(scene.depth - k) > 5
        image = scene.stack[k] / 65535
        seen = image - ndimage.gaussian_filter(image, 1.0)
        gain = (seen * sharp)[far].sum() / (sharp[far] ** 2).sum()
        assert abs(gain) < 0.01


def test_a_flat_field_stays_flat():
    scene = simulate((50, 60), 5, surface="steps", texture=np.full((50, 60), 0.5, np.float32))
    assert np.ptp(scene.stack.astype(int)) <= 1


def test_noise_has_the_given_strength():
    flat = simulate((200, 200), 3, texture=np.full((200, 200), 0.5, np.float32), noise=0.02)
    assert abs(flat.stack.std() / 65535 - 0.02) < 0.0005


def test_sample_scene_has_units():
    scene = sample_scene()
    assert scene.z_step > 0
    assert scene.pixel_size > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"surface": "cave"}, "cave"),
        ({"slices": 1}, "at least 2 slices"),
        ({"texture": np.zeros((10, 10), np.float32)}, "smaller than the scene"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(FocusFuseError, match=message):
        simulate(**{"shape": (20, 20), **options})
