"""What every method other than ours has to do: any kind of stack in, an image of its kind out."""

import warnings

import numpy as np
import pytest
from scipy import ndimage

from napari_focusfuse.core.methods import METHODS, iter_fuse
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.result import Flag
from napari_focusfuse.core.simulate import simulate
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import StackError

RIVALS = [method.name for method in METHODS.values() if not method.needs]
DECIDING = [name for name in RIVALS if METHODS[name].decides]
#: Their decisions are not always for one slice.
SOFT = ["dsift", "imf"]
#: They stay between the least and the greatest value of a pixel; the others may overshoot.
WITHIN = [*DECIDING, "max", "mean"]


def fuse(name, data, config=None, **options):
    return drain(iter_fuse(METHODS[name], Stack(data, **options), config, {"method": name}))


def psnr(image, truth):
    return 10 * np.log10(65535**2 / np.mean((image.astype(float) - truth) ** 2))


@pytest.fixture(scope="module", params=[("smooth", 0.0), ("steps", 0.03)], ids=["smooth", "noisy steps"])
def report_scene(request):
    surface, noise = request.param
    return simulate((160, 192), 10, surface=surface, noise=noise, seed=11)


def patches(slices, colour, dtype):
    """Slices that are each sharp in a strip of 32 columns, and the sharp image."""
    rng = np.random.default_rng(3)
    sharp = ndimage.gaussian_filter(rng.standard_normal((64, 32 * slices)), 0.7)
    sharp = (sharp - sharp.min()) / np.ptp(sharp)
    strip = np.arange(32 * slices) // 32 == np.arange(slices)[:, None, None]
    if colour:
        sharp, strip = sharp[..., None] * (0.9, 0.6, 0.4) + 0.05, strip[..., None]
    full = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    blurred = ndimage.gaussian_filter(sharp, (2.5, 2.5, 0)[: sharp.ndim])
    return (full * np.where(strip, sharp, blurred)).astype(dtype), full * sharp


@pytest.mark.parametrize("name", [name for name in RIVALS if name not in ("max", "mean")])
@pytest.mark.parametrize(
    ("slices", "colour", "dtype"),
    [(2, False, "uint8"), (2, True, "uint16"), (3, True, "uint8"), (2, False, "float32")],
    ids=["pair", "16-bit colour", "three slices", "float with NaN"],
)
def test_strips_are_taken_from_the_slice_that_is_sharp_there(name, slices, colour, dtype):
    """Less than half of the error of the mean and of any slice; a missing pixel is taken from another slice."""
    stack, truth = patches(slices, colour, dtype)
    if dtype == "float32":
        stack[0, 5, 5] = np.nan

    def error(image):
        return np.sqrt(np.nanmean((image.astype(float) - truth) ** 2))

    image = fuse(name, stack).image
    assert np.isfinite(image).all()
    assert error(image) < 0.5 * min(map(error, [*stack, np.nanmean(stack.astype(float), axis=0)]))


@pytest.mark.parametrize("name", [name for name in RIVALS if name not in ("max", "mean")])
def test_better_than_the_mean_projection(report_scene, name):
    image = fuse(name, report_scene.stack).image
    assert psnr(image, report_scene.truth) > psnr(fuse("mean", report_scene.stack).image, report_scene.truth) + 3


@pytest.mark.parametrize("name", [name for name in DECIDING if name != "block-sf"])
def test_decisions_find_the_slice(scene, name):
    decision = fuse(name, scene.stack).decision
    assert (np.abs(decision.index - scene.index) > 1).mean() < 0.06
    inside = ~np.isnan(decision.depth)
    assert inside.mean() > 0.5
    assert np.median(np.abs(decision.depth - scene.depth)[inside]) < 0.5
    if name not in SOFT:
        np.testing.assert_array_equal(decision.weights, 1)


@pytest.mark.parametrize("name", RIVALS)
def test_slices_permuted_with_their_z(noisy_scene, rng, name):
    order = rng.permutation(len(noisy_scene.stack))
    z = np.array([0.0, 1.0, 2.5, 3.0, 4.0, 5.5])
    plain, permuted = fuse(name, noisy_scene.stack, z=z), fuse(name, noisy_scene.stack[order], z=z[order])
    np.testing.assert_array_equal(plain.image, permuted.image)
    if plain.decision is not None:
        np.testing.assert_array_equal(plain.decision.depth, permuted.decision.depth)
        np.testing.assert_array_equal(plain.decision.index, order[permuted.decision.index])


@pytest.mark.parametrize(
    "dtype",
    ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64"],
)
@pytest.mark.parametrize("name", RIVALS)
def test_every_type(scene, name, dtype):
    unit = scene.stack[:, :40, :50] / 65535
    if dtype == "bool":
        data = unit > 0.5
    elif dtype.startswith("float"):
        data = (unit * 40).astype(dtype)
    else:
        data = np.minimum(unit, 1 - 2**-40) * float(np.iinfo(dtype).max)
        data = data.astype(dtype)
    image = fuse(name, data).image
    assert (image.shape, image.dtype) == ((40, 50), np.dtype(dtype))
    if name in WITHIN:
        assert (image >= data.min(axis=0)).all()
        assert (image <= data.max(axis=0)).all()
    if dtype not in ("bool", "int8", "float16"):
        truth, top = scene.truth[:40, :50] / 65535, 40 if dtype.startswith("float") else np.iinfo(dtype).max
        assert np.abs(image / float(top) - truth).mean() < 0.13


@pytest.mark.parametrize("name", RIVALS)
def test_integers_stay_in_their_range(name, rng):
    """Dots of black and white make what can overshoot overshoot: it is clipped, it does not wrap around."""
    white = rng.random((4, 32, 32)) > 0.5
    data = np.where(white, 245, 0).astype(np.uint8) + rng.integers(0, 10, white.shape, dtype=np.uint8)
    image = fuse(name, data.astype(np.uint16) * 257).image
    eight = fuse(name, data).image
    assert eight.dtype == np.uint8
    wide = fuse(name, data.astype(np.int16)).image
    if name != "rp":  # its dark offset goes with the type
        np.testing.assert_array_equal(eight, np.clip(wide, 0, 255))
    assert np.abs(image / 257 - eight).mean() < 2


@pytest.mark.parametrize("name", [name for name in RIVALS if name != "rp"])
def test_negative_values(scene, name):
    data = scene.stack.astype(np.float64)
    plain, lower = fuse(name, data).image, fuse(name, data - 40000).image
    assert np.mean(np.abs(plain - 40000 - lower)) < 10


def test_a_ratio_of_negative_values_is_refused(scene):
    with pytest.raises(StackError, match="not negative: add an offset, or choose the method lp"):
        fuse("rp", scene.stack.astype(float) - 40000)


@pytest.mark.parametrize("name", RIVALS)
def test_colour(scene, name):
    colour = np.stack([scene.stack, scene.stack // 2, scene.stack // 3], axis=-1)
    image = fuse(name, colour).image
    assert (image.shape, image.dtype) == ((*scene.truth.shape, 3), np.uint16)
    if METHODS[name].decides or name == "gf":
        return
    np.testing.assert_array_equal(image[..., 1], fuse(name, colour[..., 1]).image)


@pytest.mark.parametrize("name", RIVALS)
def test_alpha(scene, name):
    alpha = np.broadcast_to(np.arange(1, 8, dtype=np.uint16)[:, None, None], scene.stack.shape)
    colour = np.stack([scene.stack] * 3 + [alpha], axis=-1)
    result = fuse(name, colour)
    wanted = {"mean": 4}.get(name, 7) if result.decision is None else result.decision.index + 1
    np.testing.assert_array_equal(result.image[..., 3], wanted)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", RIVALS)
def test_what_is_missing_comes_from_other_slices(scene, name, value):
    data = scene.stack.astype(np.float32)
    data[3, 45:55, 55:65] = value
    data[:, 10, 10] = value
    data[6] = value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = fuse(name, data)
    assert np.isnan(result.image[10, 10])
    assert np.isfinite(result.image).sum() == result.image.size - 1
    assert np.nanmax(np.abs(result.image)) < 1.5 * 65535
    if result.decision is not None:
        assert not (result.decision.index[45:55, 55:65] == 3).any()
        assert not (result.decision.index == 6).any()


@pytest.mark.parametrize("name", RIVALS)
def test_missing_altogether_is_missing(name):
    assert np.isnan(fuse(name, np.full((3, 20, 24), np.nan)).image).all()


@pytest.mark.parametrize("name", RIVALS)
@pytest.mark.parametrize("value", [0, 77])
def test_a_constant_stack_comes_back(name, value):
    result = fuse(name, np.full((5, 40, 40), value, np.uint8))
    assert (result.image == value).all()
    if result.decision is not None:
        assert (result.decision.confidence == 0).all()
        assert np.isnan(result.decision.depth).all()
        assert (result.decision.flags == Flag.NO_SIGNAL).all()


@pytest.mark.parametrize("name", RIVALS)
def test_equal_slices_come_back_exactly(name, rng):
    image = rng.integers(0, 65536, (37, 50)).astype(np.uint16)
    np.testing.assert_array_equal(fuse(name, np.stack([image] * 5)).image, image)


@pytest.mark.parametrize("name", RIVALS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (1, 40), (5, 33)])
def test_tiny_images(name, rng, shape):
    data = rng.integers(0, 255, (3, *shape), dtype=np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        image = fuse(name, data).image
    assert (image.shape, image.dtype) == (shape, np.uint8)


@pytest.mark.parametrize("name", RIVALS)
def test_progress_rises_to_the_end_and_cancelling_is_stopping(scene, name):
    done = []
    drain(iter_fuse(METHODS[name], Stack(scene.stack), None, {}), lambda p: done.append(p.done / p.total))
    assert done == sorted(done)
    assert done[-1] == 1
    assert len(done) > len(scene.stack)
    work = iter_fuse(METHODS[name], Stack(scene.stack), None, {})
    next(work)
    work.close()


@pytest.mark.parametrize("name", ["sf", "log", "focusstack", "variance", "gf", "mwg"])
def test_a_tile_is_exactly_the_whole(scene, monkeypatch, name):
    from napari_focusfuse.core.methods import filters as gf
    from napari_focusfuse.core.methods import filters as mwg
    from napari_focusfuse.core.methods import shared as _choice

    whole = fuse(name, scene.stack).image
    monkeypatch.setattr(_choice, "_TILE", 32)
    monkeypatch.setattr(gf, "_TILE", 32)
    monkeypatch.setattr(mwg, "_TILE", 32)
    np.testing.assert_allclose(fuse(name, scene.stack).image.astype(int), whole.astype(int), atol=1)
