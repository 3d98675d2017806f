"""The architecture of Fig. 1 and the squeeze-and-excitation blocks against their definitions."""

import numpy as np
import pytest
import torch

from napari_focusfuse.core.encode.measures import difference_energy
from napari_focusfuse.core.encode.network import HALO, IMAGE_MEAN, IMAGE_STD, Encoder, SESFNet


def test_number_of_parameters_is_that_of_the_published_code():
    # 74,803 there; our last convolution has no batch norm (2 parameters).
    assert sum(p.numel() for p in SESFNet("cse").parameters()) == 74_801


@pytest.mark.parametrize("variant", ["cse", "sse", "scse", "none"])
def test_shapes(networks, variant):
    images = torch.rand(2, 1, 17, 23)
    assert networks[variant].encoder(images).shape == (2, 64, 17, 23)
    assert networks[variant](images).shape == images.shape


def test_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="variant"):
        Encoder("ese")


@pytest.mark.parametrize("variant", ["cse", "sse", "scse", "none"])
def test_blocks_are_densely_connected_and_gated(networks, variant):
    """The forward pass written out: conv -> ReLU -> batch norm, then the gates by their definitions."""
    encoder = networks[variant].encoder
    image = torch.rand(1, 1, 15, 14)
    features = []
    with torch.inference_mode():
        for block, gate in zip(encoder.blocks, encoder.gates, strict=True):
            inputs = torch.cat(features, 1) if features else (image - IMAGE_MEAN) / IMAGE_STD
            conv, _, norm = block
            padded = torch.nn.functional.pad(inputs, (1, 1, 1, 1), mode="replicate")
            out = torch.relu(torch.nn.functional.conv2d(padded, conv.weight, conv.bias)).numpy()[0]
            scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).numpy()
            out = (out - norm.running_mean.numpy()[:, None, None]) * scale[:, None, None] + norm.bias.numpy()[
                :, None, None
            ]
            gated = np.zeros_like(out) if variant != "none" else out
            if variant in ("cse", "scse"):
                first, _, second = gate.channel
                squeezed = np.maximum(first.weight.numpy() @ out.mean(axis=(1, 2)), 0)
                gated = gated + out / (1 + np.exp(-(second.weight.numpy() @ squeezed)))[:, None, None]
            if variant in ("sse", "scse"):
                projection = np.tensordot(gate.spatial.weight.numpy()[0, :, 0, 0], out, axes=1)
                gated = gated + out / (1 + np.exp(-projection))
            features.append(torch.from_numpy(gated)[None])
        torch.testing.assert_close(encoder(image), torch.cat(features, 1), rtol=1e-4, atol=1e-5)


def test_frozen_gates_make_pixels_local(networks):
    encoder = networks["cse"].encoder
    image = torch.rand(1, 1, 40, 40)
    with torch.inference_mode():
        means = []
        for _ in range(encoder.depth):
            means.append(encoder.ungated(image, means).mean(dim=(2, 3)))
        torch.testing.assert_close(encoder(image, means), encoder(image), rtol=1e-4, atol=1e-5)
        part = encoder(image[..., 10 - HALO : 20 + HALO, 12 - HALO : 30 + HALO], means)[..., HALO:-HALO, HALO:-HALO]
        torch.testing.assert_close(part, encoder(image, means)[..., 10:20, 12:30], rtol=1e-4, atol=1e-5)
        assert (encoder(image[..., :20, :20]) - encoder(image)[..., :20, :20]).abs().max() > 1e-4


def test_only_channel_gates_pool(networks):
    assert [networks[v].encoder.pools for v in ("cse", "sse", "scse", "none")] == [True, False, True, False]


@pytest.mark.parametrize("variant", ["cse", "sse", "scse", "none"])
@pytest.mark.parametrize("side", [20, 230])
def test_energy_is_that_of_the_features(networks, variant, side):
    """In fusion the encoder is folded into plain convolutions and cut into pieces: the same energy, borders too."""
    encoder = networks[variant].encoder
    images = torch.rand(2, 1, side, 17)
    means = [torch.rand(1, 16) for _ in range(encoder.depth)]
    with torch.inference_mode():
        expected = difference_energy(encoder(images, means))
        torch.testing.assert_close(encoder.energy(images, means), expected, rtol=1e-4, atol=1e-6)
