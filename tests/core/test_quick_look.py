"""Sharpness, drift and foreign images by a quick look."""

import numpy as np
import pytest
from scipy import ndimage

import napari_focusfuse as ff


@pytest.fixture(scope="module")
def scene() -> ff.Scene:
    return ff.simulate((192, 224), 8, surface="steps", blur=0.8, seed=3)


def test_nothing_is_said_of_a_plain_stack(scene: ff.Scene) -> None:
    found = ff.quick_look(scene.stack)
    assert (found.drift, found.foreign, found.blurred) == (0.0, {}, ())
    assert found.numbers.tolist() == list(range(8))
    assert found.thumbnails.shape[0] == 8
    assert max(found.thumbnails.shape[1:]) <= 192


@pytest.mark.parametrize("drift", [6, 20])
def test_drift_is_that_which_alignment_corrects(scene: ff.Scene, drift: float) -> None:
    moved = np.stack(
        [ndimage.shift(image, (drift * k / 7, 0), order=1, mode="mirror") for k, image in enumerate(scene.stack)]
    )
    largest = ff.align(moved).transforms.largest().max()
    assert ff.quick_look(moved).drift == pytest.approx(largest, abs=1.5)
    assert ff.quick_look(moved, drift=False).drift == 0


@pytest.mark.parametrize("place", [0, 4, 8])
def test_a_finished_picture_and_another_scene_are_foreign_wherever_they_stand(scene: ff.Scene, place: int) -> None:
    other = ff.simulate((192, 224), 3, surface="steps", blur=0.8, seed=9).stack[1]
    finished = np.insert(scene.stack, place, scene.truth, axis=0)
    assert ff.quick_look(finished).foreign == {place: "is in focus everywhere, like a fused image"}
    strange = np.insert(scene.stack, place, other, axis=0)
    assert ff.quick_look(strange).foreign == {place: "shows another scene"}


def test_a_flickering_lamp_and_a_flat_specimen_are_no_false_alarm(scene: ff.Scene) -> None:
    lamp = np.linspace(0.5, 1, 8)[:, None, None]
    assert ff.quick_look((scene.stack * lamp).astype(scene.stack.dtype)).foreign == {}
    flat = np.stack([ndimage.gaussian_filter(scene.truth.astype(float), s) for s in (4, 3, 2, 1, 0.5, 0)])
    assert ff.quick_look(flat).foreign == {}


def test_slices_without_anything_in_focus_are_blurred(scene: ff.Scene) -> None:
    bad = scene.stack.copy()
    bad[3] = ndimage.gaussian_filter(bad[3], 6)
    found = ff.quick_look(bad)
    assert found.blurred == (3,)
    assert found.sharpness.argmin() == 3


def test_of_many_slices_some_are_looked_at(scene: ff.Scene) -> None:
    many = np.repeat(scene.stack, 20, axis=0)
    found = ff.quick_look(many, drift=False)
    assert (len(found.numbers), found.numbers[0], found.numbers[-1]) == (100, 0, 159)
    assert len(found.sharpness) == 100


def test_noise_does_not_drift() -> None:
    for seed in range(3):
        noise = np.random.default_rng(seed).integers(0, 4000, (6, 16, 20)).astype(np.uint16)
        assert ff.quick_look(noise).drift == 0
        wide = np.random.default_rng(seed).integers(0, 4000, (6, 64, 80)).astype(np.uint16)
        assert ff.quick_look(wide).drift == 0


def test_flat_and_tiny_stacks_say_nothing() -> None:
    for stack in (np.zeros((4, 40, 40), np.uint8), np.full((3, 4, 4), 7, np.uint16)):
        found = ff.quick_look(stack)
        assert (found.drift, found.foreign, found.blurred) == (0.0, {}, ())
