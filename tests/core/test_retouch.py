"""Retouching: a part alone is the whole, the image follows the edit and nothing else."""

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_focusfuse.config import RetouchConfig
from napari_focusfuse.core.blend import iter_blend
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.result import Decision, Flag, FusionResult, load_decision
from napari_focusfuse.core.result.edits import REACH, bounds, seam
from napari_focusfuse.core.retouch import cut, iter_retouch, may_match, second_best
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.blocks import Blocks, Memory, NotReadError
from napari_focusfuse.core.stack.tiles import grown, within
from napari_focusfuse.errors import FocusFuseError

SHAPE = (30, 36)


def fused(kind="uint16", *, colours=0, axis=0, kept=3, seed=0):
    """A stack of random pixels, and its fusion by a random decision."""
    rng = np.random.default_rng(seed)
    values = rng.random((6, *SHAPE, *((colours,) if colours else ())))
    data = (values * 200).astype(kind) if kind != "float32" else values.astype(kind)
    stack = Stack(np.moveaxis(data, 0, axis), axis)
    labels = np.argsort(rng.random((6, *SHAPE)), axis=0)[:kept].astype(np.int16)
    weights = -np.sort(-rng.random((kept, *SHAPE)), axis=0)
    weights = (weights / weights.sum(axis=0)).astype(np.float32)
    depth, confidence = rng.random((2, *SHAPE), dtype=np.float32)
    decision = Decision(labels, weights, depth, confidence, np.zeros(SHAPE, np.uint16), stack.z, {"method": "x"})
    return stack, FusionResult(drain(iter_blend(stack, decision)), decision, "6 slices.", decision.info)


def edit(seed=0):
    """Some blots of some slices."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(SHAPE, bool)
    for y, x in rng.integers(0, 28, (4, 2)):
        mask[y : y + rng.integers(1, 6), x : x + rng.integers(1, 6)] = True
    return rng.integers(0, 6, SHAPE), mask


def same(one, two):
    np.testing.assert_array_equal(one.image, two.image)
    for name in ("labels", "weights", "depth", "confidence", "flags"):
        np.testing.assert_array_equal(getattr(one.decision, name), getattr(two.decision, name))


@pytest.mark.parametrize(
    ("kind", "colours", "axis", "kept"),
    [("uint16", 0, 0, 3), ("uint8", 3, 0, 2), ("uint8", 4, 0, 3), ("float32", 0, 2, 3), ("uint16", 0, 1, 1)],
)
def test_the_image_is_that_of_the_edited_decision(kind, colours, axis, kept):
    stack, result = fused(kind, colours=colours, axis=axis, kept=kept)
    retouched = drain(iter_retouch(stack, result, *edit()))
    whole = result.decision.with_edits(*edit())
    same(retouched, replace(result, image=drain(iter_blend(stack, whole)), decision=whole))
    assert not np.array_equal(retouched.image, result.image)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 25), st.integers(0, 25), st.integers(1, 12), st.booleans())
def test_a_part_alone_is_the_same_as_in_the_whole(seed, y, x, size, colour):
    stack, result = fused("uint8" if colour else "float32", colours=3 if colour else 0, seed=seed)
    index, mask = edit(seed)
    where = (slice(y, min(y + size, SHAPE[0])), slice(x, min(x + size, SHAPE[1])))
    outer = grown(where, REACH, SHAPE)
    part = drain(iter_retouch(*cut(stack, result, outer), index[outer], mask[outer]))
    whole = drain(iter_retouch(stack, result, index, mask))
    same(cut(stack, part, within(where, outer))[1], cut(stack, whole, where)[1])


def test_only_what_the_edit_reaches_changes():
    stack, result = fused()
    index, mask = np.full(SHAPE, 4), np.zeros(SHAPE, bool)
    mask[10:14, 10:20] = True
    retouched = drain(iter_retouch(stack, result, index, mask))
    np.testing.assert_array_equal(retouched.image[mask], stack[4][mask])
    far = np.ones(SHAPE, bool)
    far[grown(bounds(mask), REACH, SHAPE)] = False
    np.testing.assert_array_equal(retouched.image[far], result.image[far])
    np.testing.assert_array_equal(retouched.decision.weights[:, far], result.decision.weights[:, far])
    assert (retouched.decision.depth[mask] == 4).all()
    assert (retouched.decision.flags[mask] == Flag.EDITED).all()
    np.testing.assert_array_equal(retouched.decision.index[~mask], result.decision.index[~mask])
    assert retouched.info["edits"] == {"pixels": 40, "match_brightness": False}
    assert retouched.decision.info["edits"]["pixels"] == 40
    assert "40 pixels (3.70%) edited by hand." in retouched.summary
    assert "edits" not in result.info


def test_a_neighbour_that_mixes_the_painted_slice_goes_over_to_it():
    """Beside the edit a pixel that comes from the painted slice, mixed with others, comes more purely from it."""
    labels = np.stack([np.full(SHAPE, 2), np.full(SHAPE, 0)]).astype(np.int16)
    weights = np.stack([np.full(SHAPE, 0.6), np.full(SHAPE, 0.4)]).astype(np.float32)
    maps = (np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.uint16))
    mask = np.zeros(SHAPE, bool)
    mask[10, 10] = True
    edited = Decision(labels, weights, *maps, np.arange(3.0)).with_edits(np.full(SHAPE, 2), mask)
    lead = edited.weights[0, 10, 10:15]
    assert (lead[0], lead[3]) == (1, np.float32(0.6))
    assert lead[0] > lead[1] > lead[2] > lead[3]


def test_no_edit_is_the_same_result():
    stack, result = fused()
    assert drain(iter_retouch(stack, result, np.zeros(SHAPE, int), np.zeros(SHAPE, bool))) is result


def test_edits_are_saved_with_the_decision(tmp_path):
    stack, result = fused()
    retouched = drain(iter_retouch(stack, result, *edit()))
    retouched.decision.save(tmp_path / "d.npz")
    back = load_decision(tmp_path / "d.npz")
    same(retouched, replace(retouched, image=drain(iter_blend(stack, back)), decision=back))
    assert back.info["edits"]["pixels"] == edit()[1].sum()


def test_the_second_best_is_not_the_slice_next_door():
    labels = np.array([[[3, 3, 3]], [[4, 1, 2]], [[2, 2, 4]], [[0, 5, 2]]], np.int16)
    ones = np.ones((1, 3), np.float32)
    decision = Decision(labels, np.ones((4, 1, 3), np.float32) / 4, ones, ones, ones.astype(np.uint16), np.arange(6.0))
    np.testing.assert_array_equal(second_best(decision), [[0, 1, 2]])
    shuffled = replace(decision, z=np.array([5.0, 2, 1, 0, 4, 3]))
    np.testing.assert_array_equal(second_best(shuffled), [[4, 1, 4]])
    assert second_best(replace(decision, labels=labels[:1], weights=ones[None])) is None


def test_brightness_is_matched_on_request():
    """A slice at 60 % of the brightness of the others is painted without a step, and only where it was painted."""
    rng = np.random.default_rng(0)
    scene = rng.integers(800, 1200, SHAPE)
    stack = Stack(np.stack([scene, scene * 0.6, scene]).round().astype(np.uint16))
    ones = np.ones((1, *SHAPE), np.float32)
    maps = (ones[0], ones[0], np.zeros(SHAPE, np.uint16))
    decision = Decision(np.zeros((1, *SHAPE), np.int16), ones, *maps, stack.z)
    result = FusionResult(stack[0].copy(), decision, "3 slices.")
    mask = np.zeros(SHAPE, bool)
    mask[8:16, 8:20] = True
    index = np.ones(SHAPE, int)
    plain = drain(iter_retouch(stack, result, index, mask)).image
    retouched = drain(iter_retouch(stack, result, index, mask, RetouchConfig(match_brightness=True)))
    assert plain[mask].mean() == pytest.approx(0.6 * scene[mask].mean(), rel=0.01)
    assert retouched.image[mask].mean() == pytest.approx(scene[mask].mean(), rel=0.02)
    np.testing.assert_array_equal(retouched.image[~mask], result.image[~mask])
    assert retouched.image.dtype == np.uint16
    assert retouched.info["edits"]["match_brightness"]
    strict = replace(result, decision=replace(decision, info={"config": {"preset": "quantitative"}}))
    assert may_match(decision)
    assert not may_match(strict.decision)
    with pytest.raises(FocusFuseError, match="quantitative"):
        drain(iter_retouch(stack, strict, index, mask, RetouchConfig(match_brightness=True)))


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int32", "int64", "uint64", "float32"])
def test_brightness_matched_at_the_largest_value_stays_there(kind):
    """The largest 64-bit integers are no floats."""
    white = np.iinfo(kind).max if kind != "float32" else 1
    stack = Stack(np.stack([np.full(SHAPE, white, kind), np.full(SHAPE, white // 4 * 3 or 0.75, kind)]))
    ones, mask = np.ones((1, *SHAPE), np.float32), np.zeros(SHAPE, bool)
    mask[8:16, 8:20] = True
    maps = (ones[0], ones[0], np.zeros(SHAPE, np.uint16))
    result = FusionResult(stack[0].copy(), Decision(np.zeros((1, *SHAPE), np.int16), ones, *maps, stack.z), "2 slices.")
    retouched = drain(iter_retouch(stack, result, np.ones(SHAPE, int), mask, RetouchConfig(match_brightness=True)))
    np.testing.assert_allclose(retouched.image.astype(float), float(white), rtol=1e-2)
    assert retouched.image.dtype == kind


@pytest.mark.parametrize("colours", [3, 4])
def test_brightness_of_colours_is_matched_and_alpha_is_not(colours):
    stack, result = fused("uint8", colours=colours)
    dark = np.stack([stack[k] // (2 if k == 1 else 1) for k in range(6)])
    index, mask = np.ones(SHAPE, int), np.zeros(SHAPE, bool)
    mask[8:20, 8:20] = True
    retouched = drain(iter_retouch(Stack(dark), result, index, mask, RetouchConfig(match_brightness=True)))
    assert retouched.image[mask][:, :3].mean() == pytest.approx(result.image[mask][:, :3].mean(), rel=0.1)
    if colours == 4:
        np.testing.assert_array_equal(retouched.image[mask][:, 3], dark[1][mask][:, 3])


def test_a_result_without_a_decision_is_refused():
    stack, result = fused()
    with pytest.raises(FocusFuseError, match="no decision"):
        drain(iter_retouch(stack, replace(result, decision=None), *edit()))


def test_the_seam_is_what_is_near():
    mask = np.zeros((12, 12), bool)
    mask[0, 0] = mask[6, 6] = True
    at = seam(mask)
    near = np.zeros(mask.shape, np.float32)
    near[at.y, at.x] = at.near
    assert near[0, 0] == near[6, 6] == 1
    assert near[6, 8] == pytest.approx(1 / 3)
    assert near[6, 9] == 0
    assert mask[at.from_y, at.from_x].all()
    assert seam(np.zeros((4, 4), bool)).y.size == 0


@pytest.mark.parametrize("chunks", [(1, 30, 36), (4, 7, 11), (6, 30, 36)])
def test_blocks_are_read_once(chunks):
    data = np.random.default_rng(0).integers(0, 99, (6, *SHAPE))
    read = []

    def note(block):
        read.append(block.shape)
        return block

    lazy = da.from_array(data, chunks=chunks).map_blocks(note, dtype=data.dtype, meta=data[:0])
    blocks = Blocks(lazy)
    stack = Stack(blocks)
    where = (slice(3, 20), slice(8, 19))
    np.testing.assert_array_equal(stack.part(2, where), data[2][where])
    count = len(read)
    np.testing.assert_array_equal(stack.part(2, where), data[2][where])
    assert len(read) == count
    np.testing.assert_array_equal(blocks[:, 4:9, -1], data[:, 4:9, -1])
    np.testing.assert_array_equal(stack[5], data[5])
    with pytest.raises(IndexError):
        blocks[6]
    with pytest.raises(IndexError):
        blocks[::2]


def test_blocks_longest_out_of_use_are_forgotten():
    data = np.arange(24).reshape(4, 2, 3)
    blocks = Blocks(da.from_array(data, chunks=(1, 2, 3)), memory=Memory(2 * data[0].nbytes))
    for k in (0, 1, 0, 2, 3, 0):
        np.testing.assert_array_equal(blocks[k], data[k])
    assert blocks._memory.size() == 2 * data[0].nbytes


def test_all_stacks_together_remember_so_much():
    data, memory = np.arange(24).reshape(4, 2, 3), Memory(3 * 48)
    first, second = (Blocks(da.from_array(data, chunks=(1, 2, 3)), memory=memory) for _ in range(2))
    for blocks in (first, first, second, first, second):
        for k in (0, 1):
            np.testing.assert_array_equal(blocks[k], data[k])
            assert memory.size() <= 3 * 48
    with second.at_hand():
        np.testing.assert_array_equal(second[1], data[1])
    del first, blocks
    assert memory.size() == memory.size(second._number) > 0


def test_one_memory_serves_all_stacks():
    data = np.arange(24).reshape(4, 2, 3)
    assert Blocks(data)._memory is Blocks(data)._memory


def test_blocks_can_be_read_ahead_and_then_are_at_hand():
    data = np.arange(240).reshape(10, 4, 6)
    blocks = Blocks(da.from_array(data, chunks=(1, 4, 6)))
    with blocks.at_hand(), pytest.raises(NotReadError):
        np.asarray(blocks[3])
    blocks.warm()
    with blocks.at_hand():
        np.testing.assert_array_equal(blocks[3], data[3])
    few = Blocks(da.from_array(data, chunks=(1, 4, 6)), memory=Memory(4 * data[0].nbytes))
    few.warm()
    assert 0 < few._memory.size() <= few._memory.kept
