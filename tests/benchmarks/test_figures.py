"""Figures of pairs: where they look, and that they are drawn."""

from pathlib import Path

import numpy as np
import pytest

import napari_focusfuse as ff
from benchmarks import figures
from napari_focusfuse import io


@pytest.fixture
def fused() -> figures.Fused:
    """A colour pair of four squares, fused by two methods."""
    scene = ff.simulate((72, 96), 2, blur=3, surface="steps", seed=1)
    sources = [np.repeat(image[..., None], 3, axis=2) for image in scene.stack]
    done = {method: ff.fuse(sources, method=method) for method in ("sf", "log", "mean")}
    decisions = {name: result.decision for name, result in done.items() if result.decision is not None}
    return figures.Fused("pair", sources, {name: result.image for name, result in done.items()}, decisions)


def test_the_place_where_images_differ_most() -> None:
    images = [np.zeros((100, 150), np.uint8) for _ in range(3)]
    images[1][30:40, 80:90] = 200
    images[2][30:40, 80:90] = 100
    y, x, side = figures.most_different(images)
    assert side == 16
    assert y <= 30
    assert y + side >= 40
    assert x <= 80
    assert x + side >= 90


@pytest.mark.parametrize("shape", [(9, 60), (8, 8), (5, 40)])
def test_the_place_lies_in_the_image(shape: tuple[int, int], rng: np.random.Generator) -> None:
    y, x, side = figures.most_different([rng.random(shape) for _ in range(3)])
    assert 0 <= y <= shape[0] - side
    assert 0 <= x <= shape[1] - side


def test_the_share_of_the_first_source(fused: figures.Fused) -> None:
    share = figures.share_of_first(fused.decisions["sf"])
    assert np.array_equal(share == 1, fused.decisions["sf"].index == 0)


def test_figures_are_drawn(fused: figures.Fused, tmp_path: Path) -> None:
    figures.draw_decision(fused, "log", tmp_path / "2.png")
    figures.draw_two_decisions(fused, "log", tmp_path / "3.png")
    figures.draw_insets(fused, tmp_path / "4.png")
    figures.draw_differences(fused, tmp_path / "5.png")
    for number in range(2, 6):
        image = io.read_image(tmp_path / f"{number}.png")
        assert min(image.shape[:2]) > 150
        assert np.ptp(image[..., :3]) > 200
