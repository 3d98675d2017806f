"""Fusing time points and channels, by the public functions."""

import dask.array as da
import numpy as np
import pytest
from scipy import ndimage

import napari_focusfuse as ff
from napari_focusfuse.core.progress import drain
from napari_focusfuse.errors import FocusFuseError, StackError

METHOD = {"method": "log"}  # quick, and decides


@pytest.fixture(scope="module")
def series() -> np.ndarray:
    """(T, C, Z, Y, X) = (2, 3, 5, 48, 56) uint16: bright, a dim copy, and noise alone; another scene at each time."""
    scenes = np.stack([ff.simulate((48, 56), 5, blur=1.5, seed=seed).stack for seed in (1, 2)])
    noise = np.random.default_rng(0).poisson(100, scenes.shape)
    return np.stack([scenes, scenes // 4 + noise, noise], axis=1).astype(np.uint16)


def test_one_channel_decides_for_all_at_each_time(series):
    steps = []
    result = ff.fuse_hyperstack(series, "TCZYX", decide_on=0, progress=steps.append, **METHOD)
    assert (result.image.shape, result.image.dtype, result.axes) == ((2, 3, 48, 56), np.uint16, "TCYX")
    assert (result.depth.shape, result.map_axes) == ((2, 48, 56), "TYX")
    for t in range(2):
        decision = ff.decide(series[t, 0], **METHOD)
        for name in ("index", "depth", "confidence", "flags"):
            np.testing.assert_array_equal(getattr(result, name)[t], getattr(decision, name))
        for c in range(3):
            np.testing.assert_array_equal(result.image[t, c], ff.blend(series[t, c], decision))
    assert steps[-1].done == steps[-1].total == 2
    assert [step.done / step.total for step in steps] == sorted(step.done / step.total for step in steps)
    assert steps[3].what.startswith("time point 1 of 2, ")
    assert (result.info["method"], result.info["decided_on"]) == ("log", 0)
    assert result.summary.startswith("5 slices at each of 2 time points x 3 channels: ")


def test_each_channel_decides_for_itself(series):
    with pytest.warns(ff.FocusFuseWarning, match="channel 2 is dark at T = 0.*decide on channel 0 or the sum"):
        result = ff.fuse_hyperstack(series, "TCZYX", decide_on="each", **METHOD)
    assert (result.map_axes, result.index.shape) == ("TCYX", (2, 3, 48, 56))
    own = ff.fuse(series[1, 1], **METHOD)
    np.testing.assert_array_equal(result.image[1, 1], own.image)
    np.testing.assert_array_equal(result.index[1, 1], own.decision.index)


def test_the_default_is_the_sum_which_noise_does_not_mislead(series):
    result = ff.fuse_hyperstack(series[:1], "TCZYX")
    assert result.info["decided_on"] == "sum"
    (weights,) = result.info["channel_weights"]
    assert weights[2] < 0.01
    assert sum(weights) == pytest.approx(1, abs=1e-3)
    alone = ff.decide(series[0, 0])
    assert (result.index[0] == alone.index).mean() > 0.9


def test_a_dark_channel_that_decides_is_warned_of_once(series):
    with pytest.warns(ff.FocusFuseWarning, match=r"channel 2 \(far red\) is dark at T = 0") as told:
        ff.fuse_hyperstack(series, "TCZYX", decide_on="far red", channels=("a", "b", "far red"), **METHOD)
    assert len(told) == 1


def test_what_is_no_focus_stack_is_warned_of(rng):
    """Independent images, as in a time-lapse taken for a focus stack."""
    frames = (ndimage.gaussian_filter(rng.random((1, 8, 64, 64)), (0, 0, 1.5, 1.5)) * 40000).astype(np.uint16)
    with pytest.warns(ff.FocusFuseWarning, match="does not rise and fall along T at Q = 0: this is not a focus stack"):
        ff.fuse_hyperstack(frames, "QTYX", axis="T")


def test_methods_without_decision_fuse_each_channel(series):
    result = ff.fuse_hyperstack(series, "TCZYX", method="max")
    np.testing.assert_array_equal(result.image, series.max(2))
    assert (result.index, result.map_axes) == (None, "")
    with pytest.raises(FocusFuseError, match="makes no decision map that channels could share"):
        ff.fuse_hyperstack(series, "TCZYX", method="max", decide_on=0)


def test_lazy_data_lists_and_other_orders_are_the_same(series):
    plain = ff.fuse_hyperstack(series[0], "CZYX", decide_on=1, **METHOD).image
    for data, axes in (
        (da.from_array(series[0], chunks=(1, 1, 48, 56)), "CZYX"),
        (list(series[0]), "CZYX"),
        (series[0].transpose(1, 0, 2, 3), "ZCYX"),
    ):
        np.testing.assert_array_equal(ff.fuse_hyperstack(data, axes, decide_on=1, **METHOD).image, plain)


def test_positions_come_one_by_one_and_nothing_is_kept(series):
    steps = list(ff.iter_positions(series, "TCZYX", decide_on=0, **METHOD))
    done = [step for step in steps if isinstance(step, ff.FusedPosition)]
    assert [step.where for step in done] == [{"T": 0}, {"T": 1}]
    assert done[0].images.shape == (3, 48, 56)
    assert len(done[0].decisions) == 1


def test_decisions_that_are_kept_carry_to_other_data(series):
    work = ff.iter_fuse_hyperstack(series[:, 0], "TZYX", keep_decisions=True, **METHOD)
    result = drain(work)
    assert sorted(result.decisions) == [(0,), (1,)]
    other = (series[:, 1] // 2).astype(np.uint8)
    carried = ff.carry(other, "TZYX", lambda where: result.decisions[where["T"],])
    assert (carried.image.shape, carried.image.dtype, carried.index) == ((2, 48, 56), np.uint8, None)
    np.testing.assert_array_equal(carried.image[1], ff.blend(other[1], ff.decide(series[1, 0], **METHOD)))


def test_one_decision_for_all_positions_and_what_does_not_fit(series):
    decision = ff.decide(series[0, 0], **METHOD)
    carried = ff.carry(series, "TCZYX", decision)
    np.testing.assert_array_equal(carried.image[1, 2], ff.blend(series[1, 2], decision))
    with pytest.raises(StackError, match="same geometry"):
        ff.carry(series[..., 1:], "TCZYX", decision)


def test_large_results_lie_on_the_disk(monkeypatch, series):
    from napari_focusfuse.io import limits

    monkeypatch.setattr(limits, "_IN_MEMORY", 1000)
    result = ff.fuse_hyperstack(series, "TCZYX", decide_on=0, **METHOD)
    assert isinstance(result.image, np.memmap)
    np.testing.assert_array_equal(result.image[0, 1], ff.blend(series[0, 1], ff.decide(series[0, 0], **METHOD)))


def test_channels_that_are_in_focus_at_another_depth(series):
    bright = series[0, 0]
    later = np.concatenate([bright[:1], bright[:-1]])
    result = ff.fuse_hyperstack([bright, later], "CZYX", decide_on=0, offsets=[0, 1], **METHOD)
    inside = result.index < 4
    np.testing.assert_array_equal(result.image[1][inside], result.image[0][inside])
    assert result.info["offsets"] == [0, 1]
    with pytest.raises(FocusFuseError, match="1 offsets for 2 channels"):
        ff.fuse_hyperstack([bright, later], "CZYX", offsets=[1], **METHOD)


def test_a_guess_is_warned_of_when_it_is_carried(rng):
    """Noise alone has no slice that is sharp."""
    dark = rng.poisson(100, (8, 64, 64)).astype(np.uint16)
    decision = ff.decide(dark)
    with pytest.warns(ff.FocusFuseWarning, match=r"the decision map is a guess.*decide on a brighter channel") as told:
        ff.carry([dark, dark], "TZYX", decision)
    assert len(told) == 1
