"""Fusion of features, by hand, and through the decoder."""

import numpy as np
import pytest
import torch

from benchmarks.feature_fusion import MODES, fused_features, iter_decoded
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import FocusFuseError


@pytest.mark.parametrize("mode", MODES)
def test_identical_images_are_reconstructed(rng, networks, mode):
    image = rng.integers(0, 2**16, (24, 30), dtype=np.uint16)
    fused = drain(iter_decoded(Stack([image, image]), networks["cse"], mode))
    with torch.inference_mode():
        grey = torch.from_numpy((image / 65535).astype(np.float32))[None, None]
        alone = networks["cse"](grey)[0, 0].numpy().astype(np.float64)
    assert fused.dtype == np.uint16
    np.testing.assert_allclose(fused, np.clip(alone * 65535, 0, 65535), atol=1)
    assert np.ptp(fused) > 1000


def test_modes_by_hand():
    a, b = torch.tensor([[-3.0, 1.0], [2.0, 2.0]]), torch.tensor([[2.0, -1.0], [5.0, -4.0]])
    one, two = a[None, :, None, :], b[None, :, None, :]
    found = {mode: fused_features([one, two], mode)[0, :, 0] for mode in MODES}
    assert found["max"].tolist() == [[2, 1], [5, 2]]
    assert found["absmax"].tolist() == [[-3, 1], [5, -4]]
    assert found["average"].tolist() == [[-0.5, 0], [3.5, -1]]
    # l1-norms are (5, 3) and (7, 5), of which the box with replicated borders takes (13/3, 11/3) and (19/3, 17/3).
    weights = torch.tensor([13.0, 11.0]) / torch.tensor([32.0, 28.0])
    torch.testing.assert_close(found["l1_norm"], a * weights + b * (1 - weights))


def test_more_slices_than_two_are_one_by_one(rng):
    slices = [torch.from_numpy(rng.standard_normal((1, 3, 8, 9))) for _ in range(4)]
    stacked = torch.stack(slices)
    torch.testing.assert_close(fused_features(iter(slices), "max"), stacked.amax(0))
    torch.testing.assert_close(fused_features(slices, "average"), stacked.mean(0))


def test_all_channels_come_from_the_sharper_slice(rng):
    texture = torch.from_numpy(rng.standard_normal((1, 4, 20, 60)))
    blurred = torch.full_like(texture, 0.2)
    first, second = texture.clone(), texture.clone()
    first[..., 30:], second[..., :30] = blurred[..., 30:], blurred[..., :30]
    fused = fused_features([first, second], "sf")
    assert torch.equal(fused[..., :24], texture[..., :24])
    assert torch.equal(fused[..., 36:], texture[..., 36:])


def test_colours_are_decoded_one_by_one(rng, networks):
    images = rng.integers(0, 256, (2, 16, 18, 4), dtype=np.uint8)
    fused = drain(iter_decoded(Stack(images), networks["none"], "sf"))
    green = drain(iter_decoded(Stack(images[..., 1]), networks["none"], "sf"))
    assert fused.shape == (16, 18, 4)
    np.testing.assert_array_equal(fused[..., 1], green)
    np.testing.assert_array_equal(fused[..., 3], images[..., 3].max(axis=0))


def test_an_unknown_mode():
    with pytest.raises(FocusFuseError, match="no fusion mode 'mean': choose one of absmax"):
        fused_features([torch.zeros(1, 1, 2, 2)], "mean")
    with pytest.raises(FocusFuseError, match="no features"):
        fused_features([], "max")
