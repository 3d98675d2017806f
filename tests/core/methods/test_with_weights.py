"""Methods that come with weights: any kind of stack, what their papers say of them, and the weights themselves."""

from contextlib import nullcontext

import numpy as np
import pytest
import tifffile
import torch
from scipy import ndimage

import napari_focusfuse as ff
from napari_focusfuse.config import DenseFuseConfig
from napari_focusfuse.core.encode.compared import PATCH, DeepFuse, DenseFuse, FocusClassifier, filled_with
from napari_focusfuse.core.methods import METHODS
from napari_focusfuse.core.methods import cnn as cnn_module
from napari_focusfuse.core.methods.cnn import focus_map
from napari_focusfuse.core.result import Flag
from napari_focusfuse.errors import ModelError
from napari_focusfuse.models import compared, shipped_models
from napari_focusfuse.models.compared import load_weights, save_weights

NAMES = [method.name for method in METHODS.values() if "weights" in method.needs]
CPU = torch.device("cpu")


def filled(network, name):
    filled_with(network, load_weights(name)[0], CPU)
    return network


@pytest.fixture
def texture(rng):
    return ndimage.gaussian_filter(rng.random((64, 72)), 0.8).astype(np.float32)


@pytest.fixture
def trio(rng):
    """Three slices, each sharp in a third of the width."""
    sharp = ndimage.gaussian_filter(rng.random((40, 96)), 1)
    blurred, third = ndimage.gaussian_filter(sharp, 3), np.arange(96) // 32
    stack = np.stack([np.where(third == k, sharp, blurred) for k in range(3)])
    return (stack - stack.min()) / np.ptp(stack), third


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_three_slices_of_any_type(trio, name, dtype):
    stack, _ = trio
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    result = ff.fuse((stack * top).astype(dtype), method=name, device="cpu")
    assert (result.image.shape, result.image.dtype) == (stack.shape[1:], np.dtype(dtype))
    assert np.abs(result.image / top - stack.max(axis=0)).mean() < 0.2
    assert len(result.info["weights_sha256"]) == 64


@pytest.mark.parametrize("name", NAMES)
def test_colour_alpha_and_what_is_missing(trio, name):
    stack, _ = trio
    colour = np.stack([stack, stack / 2, stack / 3, np.ones_like(stack)], axis=-1).astype(np.float32)
    colour[1, 10:20, 40:50] = np.nan
    colour[:, 5, 5] = np.nan
    image = ff.fuse(colour, method=name, device="cpu").image
    assert image.shape == (40, 96, 4)
    assert np.isnan(image[5, 5, :3]).all()
    assert np.isfinite(image[..., :3]).sum() == 3 * (40 * 96 - 1)
    inside = image[8:, :, :3]
    assert np.median(inside[..., 1] / inside[..., 0]) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_slices_permuted_with_their_z_and_small_ones(trio, name):
    stack, _ = trio
    plain = ff.fuse(stack, method=name, z=[0, 1, 2], device="cpu").image
    np.testing.assert_array_equal(plain, ff.fuse(stack[[2, 0, 1]], method=name, z=[2, 0, 1], device="cpu").image)
    for shape in ((3, 4), (1, 20)):
        small = np.zeros((3, *shape), np.uint8)
        with pytest.warns(UserWarning, match="more slices") if min(shape) < 3 else nullcontext():
            assert ff.fuse(small, method=name, device="cpu").image.shape == shape


def test_cnn_finds_the_slice_and_says_where_there_is_nothing(trio):
    stack, third = trio
    decision = ff.decide(stack, method="cnn", device="cpu")
    assert (decision.index != third).mean() < 0.12
    assert np.isnan(decision.depth).all()
    flat = ff.decide(np.full((3, 40, 40), 7, np.uint8), method="cnn", device="cpu")
    assert (flat.confidence == 0).all()
    assert (flat.flags == Flag.NO_SIGNAL).all()
    assert (flat.index == 0).all()


def test_the_score_rises_with_sharpness_and_is_mirrored(texture):
    network = filled(FocusClassifier(), "cnn")
    first = torch.from_numpy(texture)[None, None]
    blurred = [ndimage.gaussian_filter(texture, sigma) for sigma in (0, 0.3, 0.5, 1, 2)]
    odds = [float(network(first, torch.from_numpy(image)[None, None]).mean()) for image in blurred]
    assert odds == sorted(odds)
    assert focus_map(network, texture, blurred[-1], CPU).mean() > 0.95
    there, back = focus_map(network, texture, blurred[1], CPU), focus_map(network, blurred[1], texture, CPU)
    np.testing.assert_allclose(back, 1 - there, atol=1e-5)
    np.testing.assert_array_equal(focus_map(network, texture, texture, CPU), 0.5)


def test_a_whole_image_is_classified_as_its_patches(texture):
    network, margin = filled(FocusClassifier(), "cnn"), FocusClassifier.margin
    pair = [torch.from_numpy(image)[None, None] for image in (texture, ndimage.gaussian_filter(texture, 1))]
    whole = network(*pair)[0, 0]
    side = PATCH + 2 * margin
    for y, x in ((0, 0), (10, 20), (18, 4)):
        patch = network(*(image[..., y : y + side, x : x + side] for image in pair))
        assert float(patch) == pytest.approx(float(whole[y // 2, x // 2]), abs=1e-3)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "sr"])
def test_a_tile_is_exactly_the_whole(trio, monkeypatch, name):
    from napari_focusfuse.core.methods import autoencoders

    stack = np.tile(trio[0], (1, 2, 1))
    whole = ff.fuse(stack, method=name, device="cpu").image
    for module in (cnn_module, autoencoders):
        monkeypatch.setattr(module, "_TILE", 40)
    np.testing.assert_allclose(ff.fuse(stack, method=name, device="cpu").image, whole, atol=1e-4)


def test_densefuse_gives_one_image_back(texture):
    network = filled(DenseFuse(), "densefuse")
    image = torch.from_numpy(ndimage.gaussian_filter(texture, 1))[None, None]
    assert float(((network(image) - image) ** 2).mean()) < 1e-3  # 30 dB


def test_the_strategies_of_densefuse(trio):
    stack, _ = trio
    equal = np.stack([stack[0]] * 3)
    one, other = (
        ff.fuse(equal, method="densefuse", config=DenseFuseConfig(strategy=name), device="cpu").image
        for name in ("add", "l1")
    )
    np.testing.assert_allclose(one, other, atol=1e-4)
    add, l1 = (
        ff.fuse(stack, method="densefuse", config=DenseFuseConfig(strategy=name), device="cpu").image
        for name in ("add", "l1")
    )
    assert (np.abs(add - l1) > 1e-3).any()


def test_deepfuse_is_symmetric_in_its_inputs(texture):
    network = filled(DeepFuse(), "deepfuse")
    a, b = (torch.from_numpy(image)[None, None] for image in (texture, texture[::-1].copy()))
    torch.testing.assert_close(network(a, b), network(b, a))
    torch.testing.assert_close(network(a, b, a, b), network(a, b))


@pytest.mark.parametrize("name", ["cnn", "sr"])
def test_a_saved_result_is_replayed(trio, tmp_path, name):
    file, stack = tmp_path / "stack.tif", (trio[0] * 255).astype(np.uint8)
    tifffile.imwrite(file, stack, photometric="minisblack")
    result = ff.fuse(stack, method=name, device="cpu")
    ff.save_result(tmp_path / "saved", result, inputs=[file])
    np.testing.assert_array_equal(ff.replay(tmp_path / "saved").image, result.image)


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_small_free_and_no_models(name):
    folder = compared._FOLDER / name
    assert (folder / "weights.safetensors").stat().st_size < 2e6
    card = (folder / "card.md").read_text()
    assert "**free for every use**" in card
    assert f"python -m benchmarks.train_compared {name} " in card
    assert name not in shipped_models()


def test_damaged_weights_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(compared, "_FOLDER", tmp_path)
    save_weights({"dictionary": torch.ones(2, 2)}, tmp_path / "sr", "card")
    assert load_weights("sr")[0]["dictionary"].shape == (2, 2)
    path = tmp_path / "sr" / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(ModelError, match="damaged"):
        load_weights("sr")


def test_cnn_takes_no_slice_where_it_has_a_hole(trio):
    """A hole in one slice concerns no other comparison."""
    stack, third = trio
    holed = stack.astype(np.float32)
    holed[1, 10:30, 38:58] = np.nan
    holed[2, 10:30, 70:90] = np.nan
    index = ff.decide(holed, method="cnn", device="cpu").index
    assert not (index[10:30, 38:58] == 1).any()
    assert not (index[10:30, 70:90] == 2).any()
    plain = ff.decide(stack, method="cnn", device="cpu").index
    left = third == 0
    left[26:] = False
    assert (index[:, left] == plain[:, left]).mean() > 0.99
