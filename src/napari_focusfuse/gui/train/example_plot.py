"""What a training makes of an image that it has not seen: given back, or the slice that is picked for each pixel."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSize

from napari_focusfuse.gui.common.plots import Colours, Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from napari.viewer import Viewer

    from napari_focusfuse.core.training.autoencoder import Example
    from napari_focusfuse.core.training.encoder import RankExample

__all__ = ["ExamplePlot"]

#: Differences are shown this much larger than they are.
_MAGNIFIED = 10
#: Gap between pictures, as a share of their width; height of the plot (px).
_GAP, _HEIGHT = 0.04, 140
#: The blurred slice that is shown beside the sharpest, from 0 on; and the colours of slices, as of a decision.
_BLURRED, _MAP = 3, "viridis"
#: Colours for how many slices a pixel is off: the last one is for all that are farther off.
_OFF = 5

Panels = list[tuple[str, NDArray[np.floating]]]


class ExamplePlot(Plot):
    """A few pictures side by side, with titles.

    Parameters
    ----------
    viewer : Viewer
        Its theme is followed.
    """

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__(viewer)
        self.setMinimumHeight(_HEIGHT)
        self._example: Example | RankExample | None = None
        self._score = ""

    def show_example(self, example: "Example | RankExample | None", score: str = "") -> None:
        """Show what is made of an image, and the score of all validation images."""
        self._example, self._score = example, score
        self.redraw()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Lower than the losses."""
        return QSize(0, _HEIGHT)

    def _draw(self, axes: "Axes", colours: Colours) -> None:
        from napari_focusfuse.core.training.encoder import RankExample

        axes.set_axis_off()
        if self._example is None:
            axes.text(0.5, 0.5, "after the first validation: how it does", ha="center", color=colours.text, fontsize=8)
            axes.set(xlim=(0, 1), ylim=(0, 1))
        elif isinstance(self._example, RankExample):
            _show(axes, colours, _decision(self._example))
            _key(axes, colours, self._example, self._score)
        else:
            _show(axes, colours, _given_back(self._example, self._score))


def _given_back(example: "Example", score: str) -> Panels:
    """An image, what the network makes of it, and the difference."""
    original, given_back = example
    difference = np.clip(0.5 + _MAGNIFIED * (given_back - original) / 2, 0, 1)
    return [
        ("not trained on", _stretched(original, original)),
        (f"given back, {score}", _stretched(given_back, original)),
        (f"difference x {_MAGNIFIED}", difference),
    ]


def _decision(example: "RankExample") -> Panels:
    """The sharpest slice, a blurred one, and the slice that is picked for each pixel beside the true one.

    Of a scene: the true image, two slices or the sharpest one of each pixel and the fusion, and how many slices each
    pixel is off.
    """
    from napari_focusfuse.core.training.candidate_head import CandidateExample
    from napari_focusfuse.core.training.decision_head import DecideExample

    slices, picked = example
    if isinstance(example, DecideExample):
        shown = (
            {"sharpest slice": 1, "fused": 2} if isinstance(example, CandidateExample) else {"a slice": 1, "another": 3}
        )
        return [
            ("true image", _stretched(slices[0], slices[0])),
            *((title, _stretched(slices[k], slices[0])) for title, k in shown.items()),
            ("slices off", _coloured(picked, _OFF)),
        ]
    return [
        ("slice 1, sharp", _stretched(slices[0], slices[0])),
        (f"slice {_BLURRED + 1}", _stretched(slices[_BLURRED], slices[0])),
        ("picked", _coloured(picked, len(slices))),
        ("truth", _coloured(np.zeros_like(picked), len(slices))),
    ]


def _stretched(image: NDArray[np.floating], reference: NDArray[np.floating]) -> NDArray[np.floating]:
    low, high = np.percentile(reference, (0.5, 99.5))
    stretched: NDArray[np.floating] = np.clip((image - low) / max(high - low, 1e-6), 0, 1)
    return stretched


def _coloured(picked: NDArray[np.integer], slices: int) -> NDArray[np.floating]:
    """Colours (Y, X, 3) of slices (Y, X)."""
    from matplotlib import colormaps

    colours: NDArray[np.floating] = np.asarray(colormaps[_MAP](picked / (slices - 1)))[..., :3]
    return colours


def _show(axes: "Axes", colours: Colours, panels: Panels) -> None:
    """Pictures of one size side by side."""
    from matplotlib.colors import to_rgb

    height, width = panels[0][1].shape[:2]
    gap = np.full((height, max(round(_GAP * width), 1), 3), to_rgb(colours.back))
    strip = []
    for k, (title, image) in enumerate(panels):
        strip += [gap, image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)]
        middle = k * (width + gap.shape[1]) + width / 2
        axes.text(middle, -0.04 * height, title, ha="center", va="bottom", color=colours.text, fontsize=8)
    axes.imshow(np.hstack(strip[1:]), interpolation="nearest")


def _key(axes: "Axes", colours: Colours, example: "RankExample", score: str) -> None:
    """Below the four pictures: the score, and the colours of the slices."""
    from matplotlib.patches import Rectangle

    from napari_focusfuse.core.training.decision_head import DecideExample

    off, (height, width) = isinstance(example, DecideExample), example.picked.shape
    count = _OFF if off else len(example.slices)
    labels = [*map(str, range(_OFF - 1)), f"{_OFF - 1}+"] if off else [str(k + 1) for k in range(count)]
    axes.text(0, 1.14 * height, f"validation: {score}", va="center", color=colours.text, fontsize=8)
    left, step = 2 * (1 + _GAP) * width, 2 * (1 + _GAP) * width / count
    for k, (label, colour) in enumerate(zip(labels, _coloured(np.arange(count), count), strict=True)):
        at = left + k * step
        square = Rectangle((at, 1.08 * height), 0.12 * width, 0.12 * height, facecolor=colour, clip_on=False)
        axes.add_patch(square)
        axes.text(at + 0.16 * width, 1.14 * height, label, va="center", color=colours.text, fontsize=8)
