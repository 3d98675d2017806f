"""Scenes: drawn from their number alone, the two splits apart."""

from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from benchmarks.contenders import Outcome
from benchmarks.scenes import (
    BLACK_BORDER,
    DEAD_SLICE,
    FLAWS,
    NO_FLAW,
    PSFS,
    Case,
    Exposure,
    Shot,
    render,
    texture_files,
)
from benchmarks.scoring import shot_scores
from napari_focusfuse.config import PSF
from napari_focusfuse.errors import FocusFuseError

CASE = Case(
    split="development", number=3, surface="smooth", psf="gaussian", texture="procedural", shape=(60, 70), slices=4
)


@pytest.fixture
def textures(tmp_path: Path) -> Path:
    """Five images, each of one brightness, upright and lying, smaller than the scene."""
    folder = tmp_path / "textures"
    folder.mkdir()
    for k in range(5):
        image = np.full((50, 90) if k % 2 else (90, 50), 50 * (k + 1), np.uint8)
        (folder / f"t{k}.png").write_bytes(imagecodecs.png_encode(image))
    return folder


def test_noise_is_what_was_asked_for() -> None:
    rendered = render(CASE)
    clean, noisy = rendered.shot(Exposure("gaussian", 0.0)), rendered.shot(Exposure("gaussian", 0.03))
    assert clean.stack.shape == (4, 60, 70)
    assert np.abs(clean.stack / 65535 - clean.clean).max() < 1e-5
    assert np.array_equal(noisy.clean, clean.clean)
    assert np.array_equal(render(replace(CASE, surface="steps")).shot(Exposure("gaussian", 0.0)).truth, clean.truth)
    assert np.array_equal(noisy.truth, clean.truth)
    inside = (clean.clean > 0.2) & (clean.clean < 0.8)
    assert np.std((noisy.stack / 65535 - clean.clean)[inside]) == pytest.approx(0.03, rel=0.05)


def test_a_camera_has_that_noise_at_half_of_full_scale() -> None:
    shot = render(replace(CASE, shape=(150, 200))).shot(Exposure("camera", 0.03))
    off = shot.stack / 65535 - shot.clean
    assert np.std(off[np.abs(shot.clean - 0.5) < 0.03]) == pytest.approx(0.03, rel=0.05)
    assert np.std(off[shot.clean < 0.3]) < np.std(off[shot.clean > 0.6])


@pytest.mark.parametrize("psf", PSFS)
def test_every_kind_of_blur(psf: PSF) -> None:
    shots = [render(replace(CASE, psf=kind)).shot(Exposure("gaussian", 0.0)) for kind in ("gaussian", psf)]
    assert np.array_equal(shots[0].depth, shots[1].depth)
    assert np.array_equal(shots[0].stack, shots[1].stack) == (psf == "gaussian")


def spoilt_by(flaw: str) -> Shot:
    return render(replace(CASE, shape=(120, 160), slices=3, flaw=flaw)).shot(Exposure("gaussian", 0.01))


@pytest.fixture(scope="module")
def whole() -> Shot:
    return spoilt_by(NO_FLAW)


@pytest.mark.parametrize("flaw", [flaw for flaw in FLAWS if flaw != NO_FLAW])
def test_every_flaw_spoils_the_stack_and_leaves_the_depth(whole: Shot, flaw: str) -> None:
    spoilt = spoilt_by(flaw)
    assert not np.array_equal(whole.stack, spoilt.stack)
    assert np.array_equal(whole.depth, spoilt.depth)


def test_what_is_lost_is_not_judged_by() -> None:
    dead, black = (render(replace(CASE, flaw=f)).shot(Exposure("gaussian", 0)) for f in (DEAD_SLICE, BLACK_BORDER))
    (gone,) = np.flatnonzero(dead.stack.max(axis=(1, 2)) == 0)
    assert dead.lost is not None
    assert np.array_equal(dead.lost, np.rint(dead.depth) == gone)
    assert black.lost is not None
    assert 0 < black.lost.mean() < 0.5
    assert np.array_equal((black.stack == 0).any(axis=0), black.lost)
    for shot in (dead, black):
        image = np.where(shot.lost, 0, shot.truth + np.uint16(655))
        assert shot_scores(Outcome(image), shot, ["psnr"])["psnr"] == pytest.approx(40, abs=4)


def test_a_scene_is_the_same_every_time_and_others_are_not() -> None:
    exposure = Exposure("gaussian", 0.02)
    stacks = [render(case).shot(exposure).stack for case in (CASE, CASE, replace(CASE, number=4))]
    assert np.array_equal(stacks[0], stacks[1])
    assert not np.array_equal(stacks[0], stacks[2])
    other = render(replace(CASE, split="report")).shot(exposure)
    assert not np.array_equal(other.truth, render(CASE).shot(exposure).truth)


def test_surfaces_share_texture(textures: Path) -> None:
    case = replace(CASE, texture="natural", folder=textures)
    truths = [render(replace(case, surface=s)).shot(Exposure("gaussian", 0)).truth for s in ("smooth", "steps")]
    assert np.array_equal(*truths)


def test_textures_are_mirrored_to_size(textures: Path) -> None:
    shot = render(replace(CASE, texture="natural", folder=textures)).shot(Exposure("gaussian", 0.0))
    assert shot.truth.shape == (60, 70)
    assert np.ptp(shot.truth) == 0
    assert shot.truth.max() > 0


def test_the_splits_share_no_texture(textures: Path) -> None:
    development, report = (set(texture_files(textures, split)) for split in ("development", "report"))
    assert not development & report
    assert len(development | report) == 5


def test_too_few_textures(tmp_path: Path) -> None:
    with pytest.raises(FocusFuseError, match="fewer than 2 images"):
        render(replace(CASE, texture="natural", folder=tmp_path))
    with pytest.raises(FocusFuseError, match="--textures"):
        render(replace(CASE, texture="natural"))
