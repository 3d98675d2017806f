"""`ff.measure`: what it takes, on which scale it measures, and what it refuses."""

import re

import dask.array
import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse import api
from napari_focusfuse.core.metrics.metric import likely_white
from napari_focusfuse.core.progress import drain

WITH_TRUTH = {"psnr", "ssim", "bias"}


@pytest.fixture(scope="module")
def small():
    """A scene of 4 slices, (4, 40, 48) uint16."""
    return ff.simulate((40, 48), 4, seed=3)


def test_without_names_it_measures_what_it_can(small):
    names = {metric.name for metric in ff.list_metrics()}
    assert ff.measure(small.stack, small.truth).keys() == names - WITH_TRUTH
    scores = ff.measure(small.stack, small.truth, truth=small.truth)
    assert scores.keys() == names
    assert (scores["psnr"], scores["ssim"], scores["bias"]) == (float("inf"), pytest.approx(1), 0)
    assert all(type(value) is float for value in scores.values())


def test_names_in_the_order_given_and_in_any_case(small):
    assert list(ff.measure(small.stack, small.truth, metrics=["Qm", "qg"])) == ["qm", "qg"]
    assert list(ff.measure(small.stack, small.truth, metrics="qg")) == ["qg"]


def test_stacks_of_every_kind(small):
    expected = ff.measure(small.stack, small.truth)
    for sources in (list(small.stack), tuple(small.stack), dask.array.from_array(small.stack, chunks=(1, 40, 48))):
        assert ff.measure(sources, small.truth) == expected


def test_integers_are_divided_by_the_largest_of_their_type(small):
    expected = ff.measure(small.stack, small.truth)
    as_float = ff.measure(small.stack / 65535, small.truth / 65535)
    assert as_float == pytest.approx(expected)
    assert ff.measure(small.stack.astype(float), small.truth.astype(float), data_range=65535) == pytest.approx(expected)
    assert ff.measure(small.stack, small.truth, data_range=4095)["ag"] == pytest.approx(expected["ag"] * 65535 / 4095)


@pytest.mark.parametrize("dtype", [np.int64, np.uint32, np.float32])
def test_images_on_another_scale_than_their_type_has_are_warned_about(small, dtype):
    stack, fused = small.stack.astype(dtype), small.truth.astype(dtype)
    with pytest.warns(
        ff.FocusFuseWarning, match=f"the true image is {stack.dtype} and reaches .* as data_range"
    ) as all_:
        ff.measure(stack, fused, truth=fused, metrics=["psnr", "ag"])
    assert len(all_) == 1
    with pytest.warns(ff.FocusFuseWarning, match="as white"):
        ff.quality_map(stack, fused)
    assert ff.measure(stack, fused, data_range=65535, metrics=["ag"]) == pytest.approx(
        ff.measure(small.stack, small.truth, metrics=["ag"])
    )


@pytest.mark.parametrize("factor", [1 / 65535, 1.5 / 65535])
def test_floats_that_exceed_1_a_little_are_not_warned_about(small, factor, recwarn):
    ff.measure(small.stack * factor, small.truth * factor, metrics=["ag"])
    assert not recwarn.list


@pytest.mark.parametrize(
    ("dtype", "top", "white"),
    [
        (np.uint8, 3, 255),
        (np.uint16, 3, 65535),
        (np.int16, 3, 32767),
        (bool, True, 1),
        (np.float32, 0.7, 1),
        (np.float64, 1.2, 255),
        (np.float32, 255, 255),
        (np.int64, 300, 4095),
        (np.uint32, 5000, 65535),
        (np.float32, 70000, 70000),
        (np.float32, np.nan, 1),
    ],
)
def test_white_is_told_by_type_or_by_pixels(dtype, top, white):
    assert likely_white(np.dtype(dtype), [np.zeros((2, 2), dtype), np.full((2, 2), top, dtype)]) == white


def test_colour_is_measured_as_grey(rng):
    a, b, fused = rng.random((3, 24, 32, 3))
    greys = [0.2125 * i[..., 0] + 0.7154 * i[..., 1] + 0.0721 * i[..., 2] for i in (a, b, fused)]
    expected = ff.measure(greys[:2], greys[2], truth=greys[0])
    assert ff.measure([a, b], fused, truth=a) == pytest.approx(expected)
    alpha = rng.random((3, 24, 32, 1))
    a, b, fused = np.concatenate([np.stack([a, b, fused]), alpha], axis=-1)
    assert ff.measure([a, b], fused, truth=a) == pytest.approx(expected)


def test_progress_names_the_metrics(small):
    steps = [step.what for step in ff.iter_measure(small.stack, small.truth, metrics=["qg", "qcb"])]
    assert steps == ["Qg", "Qcb", "measured"]


GREY = np.zeros((2, 24, 32), dtype=np.uint8)
COLOUR = np.zeros((2, 24, 32, 3), dtype=np.uint8)
HOLE = np.where(np.arange(32) == 3, np.nan, np.ones((24, 32)))


@pytest.mark.parametrize(
    ("sources", "fused", "options", "says"),
    [
        (GREY, GREY[0, 1:], {}, "the fused image is 23 x 32 px and the sources are 24 x 32 px"),
        (GREY, GREY[0] / 255, {}, "the fused image is float64 and the sources are uint8"),
        (GREY, COLOUR[0], {}, "the fused image is RGB and the sources are grey"),
        (COLOUR, GREY[0], {}, "the fused image is grey and the sources are RGB"),
        (GREY, GREY, {}, "the fused image has the shape (2, 24, 32)"),
        (GREY, GREY[0], {"truth": GREY[0, :, 1:]}, "the true image is 24 x 31 px"),
        (GREY, GREY[0], {"truth": COLOUR[0]}, "the true image is RGB"),
        ([GREY[0], GREY[1, 1:]], GREY[0], {}, "slice 1 has the shape (23, 32)"),
        ([GREY[0], GREY[1] / 255], GREY[0], {}, "slice 1 is float64"),
        ([GREY[0], COLOUR[1]], GREY[0], {}, "slice 1 has the shape"),
        (GREY[:1], GREY[0], {}, "at least two"),
        (GREY[0], GREY[0], {}, "3 axes"),
        (GREY.astype(complex), GREY[0], {}, "complex128"),
        ([HOLE, HOLE], np.ones((24, 32)), {}, "source 0 contains pixels that are not numbers"),
        (np.ones((2, 24, 32)), np.full((24, 32), 1e200), {}, "the fused image reaches 1e+200 times white"),
        (np.full((2, 24, 32), -1e80), np.ones((24, 32)), {}, "source 0 reaches 1e+80 times white"),
        (np.ones((2, 24, 32)), np.ones((24, 32)), {"data_range": 1e-310}, "the fused image reaches inf times white"),
        (np.ones((2, 24, 32)), HOLE, {}, "the fused image contains pixels that are not numbers"),
        (GREY, GREY[0], {"metrics": ["qx"]}, "there is no metric 'qx': choose from qg, qm"),
        (GREY, GREY[0], {"metrics": ["ssim"]}, "ssim compares with a true image"),
        (GREY, GREY[0], {"data_range": 0}, "data range must be greater than 0"),
        (GREY, GREY[0], {"data_range": float("nan")}, "data range must be greater than 0"),
        (GREY[:, :9], GREY[0, :9], {"metrics": ["qs"]}, "too small for qs: it needs 11 px"),
    ],
)
def test_wrong_input_is_one_sentence(sources, fused, options, says):
    with pytest.raises(ff.FocusFuseError, match=re.escape(says)) as error:
        ff.measure(sources, fused, **options)
    assert "\n" not in str(error.value)


def test_images_are_read_by_the_api(tmp_path, small):
    path = api.save_image(tmp_path / "fused.tif", small.truth)
    np.testing.assert_array_equal(api.open_image(path), small.truth)


def compare(*args, **options):
    return drain(ff.iter_compare(*args, **options))


def test_several_images_at_once_as_one_by_one(small):
    images = {"true": small.truth, "a slice": small.stack[1]}
    scores = compare(small.stack, images, truth=small.truth, metrics=["qg", "ssim"])
    assert list(scores) == list(images)
    for name, image in images.items():
        assert scores[name] == ff.measure(small.stack, image, truth=small.truth, metrics=["qg", "ssim"])


def test_images_may_be_lists(small):
    images = {"f": small.truth.tolist()}
    sources = {"a": small.stack[0].tolist(), "b": small.stack[1].tolist()}
    assert compare(sources, images, metrics=["qy"], data_range=65535)["f"]["qy"] > 0


def test_progress_names_metrics_and_images(small):
    steps = list(ff.iter_compare(small.stack, {"a": small.truth, "b": small.truth}, metrics=["qg", "qm"]))
    assert [step.what for step in steps] == ["Qg of 'a'", "Qm of 'a'", "Qg of 'b'", "Qm of 'b'", "measured"]
    assert [(step.done, step.total) for step in steps] == [(k, 4) for k in range(5)]


def test_sources_by_name_score_as_in_a_row(small):
    named = dict(zip("abcd", small.stack, strict=True))
    assert compare(named, {"f": small.truth}, metrics=["qg"]) == compare(
        small.stack, {"f": small.truth}, metrics=["qg"]
    )


NAMED = {"left": GREY[0], "right": GREY[1]}
CHECKED = [
    (NAMED, {"fused": GREY[0, 1:]}, {}, "'fused' is 23 x 32 px and the sources are 24 x 32 px"),
    (NAMED, {"ok": GREY[0], "fused": GREY[0] / 255}, {}, "'fused' is float64 and the sources are uint8"),
    (NAMED, {"fused": COLOUR[0]}, {}, "'fused' is RGB and the sources are grey"),
    ({"left": GREY[0], "right": GREY[1, 1:]}, {"f": GREY[0]}, {}, "'right' is 23 x 32 px and 'left' is 24 x 32 px"),
    ({"left": GREY[0], "right": COLOUR[1]}, {"f": GREY[0]}, {}, "'right' is RGB and 'left' is grey"),
    ({"left": GREY[0], "right": GREY[1] / 2}, {"f": GREY[0]}, {}, "'right' is float64 and 'left' is uint8"),
    (NAMED, {"f": GREY[0]}, {"truth": GREY[0, :, 1:]}, "the true image is 24 x 31 px"),
    (GREY[:, :9], {"f": GREY[0, :9]}, {}, "too small for qp"),
]


@pytest.mark.parametrize(("sources", "fused", "options", "says"), CHECKED)
def test_errors_name_the_image_before_anything_is_measured(sources, fused, options, says):
    work = ff.iter_compare(sources, fused, **options)
    with pytest.raises(ff.FocusFuseError, match=re.escape(says)):
        next(work)
    with pytest.raises(ff.FocusFuseError, match=re.escape(says)):
        api.check_images(sources, fused, **options)


def test_checking_reads_no_pixel(small):
    class Unread:
        def __init__(self, like):
            self.shape, self.dtype, self.ndim = like.shape, like.dtype, like.ndim

        def __getitem__(self, where):
            raise AssertionError("read")

        def __array__(self, dtype=None, copy=None):
            raise AssertionError("read")

    api.check_images(Unread(small.stack), {"f": Unread(small.truth)}, truth=Unread(small.truth))
    with pytest.raises(AssertionError, match="read"):
        next(ff.iter_compare(Unread(small.stack), {"f": Unread(small.truth)}))


def test_a_hole_in_a_named_source():
    with pytest.raises(ff.FocusFuseError, match="'right' contains pixels that are not numbers"):
        compare({"left": np.ones((24, 32)), "right": HOLE}, {"f": np.ones((24, 32))})


def test_a_hole_in_a_source_that_is_called_something():
    with pytest.raises(ff.FocusFuseError, match="the second contains pixels that are not numbers"):
        compare([np.ones((24, 32)), HOLE], {"f": np.ones((24, 32))}, names=["the first", "the second"])
    with pytest.raises(ff.FocusFuseError, match="the second contains pixels that are not numbers"):
        ff.quality_map([np.ones((24, 32)), HOLE], np.ones((24, 32)), names=["the first", "the second"])
