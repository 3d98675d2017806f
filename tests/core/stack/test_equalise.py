"""Slices at one brightness before they are fused."""

from pathlib import Path

import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse import io
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.equalise import Equalised, iter_factors
from napari_focusfuse.errors import StackError

LAMP = np.array([1.0, 0.7, 1.3, 0.9, 1.1, 0.8, 1.0])


@pytest.fixture(scope="module")
def steady() -> np.ndarray:
    """(7, 96, 128) float32 around a mean of 100."""
    scene = ff.simulate((96, 128), 7, surface="smooth", texture="grains", seed=3, noise=0.0)
    return (scene.stack / scene.stack.mean() * 100).astype(np.float32)


def flickering(stack: np.ndarray) -> np.ndarray:
    return stack * LAMP[:, None, None].astype(stack.dtype)


def factors(stack: np.ndarray) -> np.ndarray:
    return drain(iter_factors(Stack(stack)))


def test_the_lamp_is_found(steady: np.ndarray) -> None:
    found = factors(flickering(steady)) * LAMP
    np.testing.assert_allclose(found / np.median(found), 1, atol=0.02)


def test_empty_and_missing_parts_do_not_count(steady: np.ndarray) -> None:
    stack = flickering(steady)
    stack[1, 50:] = 0
    stack[4, :, :20] = np.nan
    stack[6] = 0
    found = factors(stack) * LAMP
    np.testing.assert_allclose(found[:6] / np.median(found[:6]), 1, atol=0.03)
    assert factors(stack)[6] == 1
    assert (factors(np.zeros((3, 8, 9))) == 1).all()
    assert factors(np.stack([steady[0], 100 * steady[1], steady[2]]))[1] == 0.25


def test_slices_are_multiplied_and_stay_in_their_type() -> None:
    stack = np.array([[[10, 200], [0, 1]], [[10, 200], [0, 1]]], np.uint8)
    bright = Equalised(stack, factors=[1.0, 1.5])
    assert bright[0].tolist() == [[10, 200], [0, 1]]
    assert bright[1].tolist() == [[15, 255], [0, 2]]
    assert bright.part(1, np.s_[:, 1:]).tolist() == [[255], [2]]
    rgba = Equalised(np.full((2, 3, 4, 4), 100, np.uint8), factors=[1, 0.5])
    assert rgba[1][0, 0].tolist() == [50, 50, 50, 100]
    for wrong in ([1.0], [1.0, 0.0], [1.0, np.nan]):
        with pytest.raises(StackError, match="factors for 2 slices"):
            Equalised(stack, factors=wrong)


@pytest.mark.parametrize("method", ["sesf", "lp"])
def test_what_flickered_is_one_image(steady: np.ndarray, method: str) -> None:
    wanted = ff.fuse(steady, method=method).image
    plain = ff.fuse(flickering(steady), method=method)
    result = ff.fuse(flickering(steady), method=method, equalise=True)
    told = result.info if result.decision is None else result.decision.info
    assert np.asarray(told["equalised"]) == pytest.approx(factors(flickering(steady)))
    assert "equalised" not in (plain.info if plain.decision is None else plain.decision.info)

    def error(image: np.ndarray) -> float:
        return float(np.abs(image * (wanted.mean() / image.mean()) - wanted).mean())

    assert error(result.image) < 0.1 * error(plain.image)
    again = ff.fuse(flickering(steady), method=method, equalise=told["equalised"])
    np.testing.assert_array_equal(again.image, result.image)


@pytest.mark.parametrize("edit", [False, True])
def test_it_is_made_again_by_its_recipe(tmp_path: Path, steady: np.ndarray, edit: bool) -> None:
    stack = flickering(steady)
    file = io.write_stack(tmp_path / "s.tif", stack)
    result = ff.fuse(ff.open_stack(file).data, method="sf", equalise=True)
    decision = result.decision
    assert decision is not None
    if edit:
        mask = np.zeros(stack.shape[1:], bool)
        mask[20:30, 40:60] = True
        decision = decision.with_edits(np.full(mask.shape, 2), mask)
        seen = Equalised(stack, factors=decision.info["equalised"])
        image = ff.blend(np.stack([seen[k] for k in range(len(stack))]), decision)
        result = type(result)(image, decision, result.summary, result.info)
    folder = ff.save_result(tmp_path / "out", result, inputs=[file])
    assert ff.check_replay(folder) == []
