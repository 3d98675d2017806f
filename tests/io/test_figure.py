"""Figures: the scale bar, the panels, and what is refused."""

import imagecodecs
import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse.errors import FocusFuseError, OutputError
from napari_focusfuse.io.figure import Panel, _round_length, write_figure


@pytest.mark.parametrize(("longest", "length"), [(25, 20), (0.6, 0.5), (1, 1), (499, 200), (19.9, 10)])
def test_the_bar_has_a_round_length(longest, length):
    assert _round_length(longest) == pytest.approx(length)


def test_the_bar_is_as_long_as_it_says(tmp_path):
    dark = np.zeros((100, 200))
    write_figure(tmp_path / "a.png", [Panel(dark, (0, 1))], pixel_size=(0.5, 0.5))
    shown = imagecodecs.png_decode((tmp_path / "a.png").read_bytes())[..., 0]
    down, across = (np.flatnonzero((shown < 128).mean(axis=axis) > 0.6) for axis in (1, 0))
    inside = shown[down[0] + 5 : down[-1] - 5, across[0] + 5 : across[-1] - 5]
    # 100 um are wide, and 20 um is the greatest round length up to a quarter.
    assert (inside > 250).sum(axis=1).max() / len(across) == pytest.approx(0.2, abs=0.01)


def test_what_cannot_be_drawn_is_refused(tmp_path):
    image = np.zeros((10, 12))
    with pytest.raises(OutputError, match=r"ends in .png or .pdf, not in .tif"):
        ff.save_figure(tmp_path / "a.tif", image)
    with pytest.raises(OutputError, match="positive"):
        ff.save_figure(tmp_path / "a.png", image, pixel_size=(0, 1))
    with pytest.raises(FocusFuseError, match="needs an image or a depth map"):
        ff.save_figure(tmp_path / "a.png")
    with pytest.raises(FocusFuseError, match="the image is"):
        ff.save_figure(tmp_path / "a.png", image, image.T)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("colour", [False, True])
def test_the_same_figure_has_the_same_bytes(tmp_path, colour):
    image = np.random.default_rng(0).integers(0, 255, (10, 12, 3) if colour else (10, 12)).astype(np.uint8)
    for name in ("a.pdf", "b.pdf"):
        ff.save_figure(tmp_path / name, image, np.where(np.eye(10, 12), np.nan, 1.0))
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
