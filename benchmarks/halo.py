"""Bright opaque spots before a dark ground, where fused images show halos: scenes, runs, and their table.

Out of focus a spot is spread over the ground beside it, in most slices brighter than the ground in focus: what is sharp
there is in no slice free of it. Spots and ground are two planes, each blurred by its own defocus: no simulator and no
model of ours. The spots hide the ground by as much as they cover it.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.contenders import Contender, Outcome
from benchmarks.page import bold_best, table
from benchmarks.provenance import sentence
from benchmarks.rows import NOTE, Row, Rows, Stored
from benchmarks.scenes import Split
from benchmarks.scoring import COSTS, cost
from benchmarks.simulated import iter_tasks
from benchmarks.statistics import interval
from napari_focusfuse.core.metrics.truth import psnr
from napari_focusfuse.core.progress import Progress

__all__ = ["KEYS", "VALUES", "ZONES", "Halo", "halo_cells", "halo_mean", "halo_section", "iter_halo", "render_halo"]

KEYS = ("edge", "ratio", "scene", "method")
#: Parts of the image: 2 px inside of the outline of spots, 6 px outside, and all of it.
ZONES = ("rim", "ring", "all")
VALUES = (*ZONES, *COSTS)
#: Softness of outlines (px), and how many times brighter than the ground spots are.
_EDGES, _RATIOS = (0.0, 0.7), (2, 5, 20, 100)
_SCENES = 3
_SHAPE, _SLICES, _SPOTS_AT, _GROUND_AT = (192, 256), 12, 2, 9
_BLUR, _NOISE, _COUNT, _RADII = 0.8, 0.002, 14, (3.0, 9.0)
_RIM, _RING = 2, 6
#: Counts of black and white.
_BLACK, _WHITE, _FULL = 1500, 61500, 65535

Floats = NDArray[np.float64]

_TITLES = {"rim": "Rim of the spots", "ring": "Ring around the spots", "all": "Whole image"}
_INTRODUCTION = """\
{slices} slices of {x} x {y} px: bright opaque spots in focus in one slice, a darker ground in another, each blurred by
.8 px (standard deviation) a slice, noise .002. PSNR in dB within 2 px of the spots' outline on their side (rim), up to
6 px beside them (ring), and of the whole image; means over {scenes} scenes, the best in bold."""


class Halo(NamedTuple):
    """A scene.

    Attributes
    ----------
    split : {"development", "report"}
    number : int
    edge : float
        Softness of outlines, px of standard deviation.
    ratio : int
        How many times brighter spots are than the ground.
    """

    split: Split
    number: int
    edge: float
    ratio: int


class Spots(NamedTuple):
    """Stack (Z, Y, X) uint16, truth (Y, X) in counts, and the zones to be measured in, each (Y, X) bool."""

    stack: NDArray[np.uint16]
    truth: Floats
    zones: dict[str, NDArray[np.bool_]]


class Task(NamedTuple):
    """A scene, and who still has to run on it."""

    halo: Halo
    contenders: tuple[Contender, ...]


def render_halo(halo: Halo) -> Spots:
    """Draw a scene; those of one split and number have the same spots and textures."""
    rng = np.random.default_rng(zlib.crc32(f"halo/{halo.split}/{halo.number}".encode()))
    whole = _spots(rng)
    cover = _blurred(whole, halo.edge)
    spots = cover * (0.7 + 0.25 * _texture(rng, 1.0))
    ground = 0.7 / halo.ratio * (0.5 + _texture(rng, 1.2))
    clean = np.empty((_SLICES, *_SHAPE))
    for k, image in enumerate(clean):
        near, far = _BLUR * abs(k - _SPOTS_AT), _BLUR * abs(k - _GROUND_AT)
        image[:] = _blurred(spots, near) + (1 - _blurred(cover, near)) * _blurred(ground, far)
    light = clean + _NOISE * rng.standard_normal(clean.shape)
    outside, inside = (ndimage.distance_transform_edt(part) for part in (cover <= 0.5, cover > 0.5))
    zones = {
        "rim": (inside > 0) & (inside <= _RIM),
        "ring": (outside > 0) & (outside <= _RING),
        "all": np.ones(_SHAPE, dtype=bool),
    }
    stack = np.clip(np.rint(_counts(light)), 0, _FULL).astype(np.uint16)
    return Spots(stack, _counts(spots + (1 - cover) * ground), zones)


def iter_halo(
    split: Split, scenes: int, contenders: Sequence[Contender], rows: Rows, jobs: int
) -> Generator[Progress, None, None]:
    """Run what `rows` does not hold yet, as `iter_simulated` does; at most three scenes of a kind."""
    tasks = []
    for halo in (Halo(split, n, e, r) for n in range(min(scenes, _SCENES)) for e in _EDGES for r in _RATIOS):
        missing = tuple(each for each in contenders if not rows.has(**_keys(halo, each)))
        if missing:
            tasks.append(Task(halo, missing))
    yield from iter_tasks(tasks, run_task, rows, jobs)


def halo_mean(rows: Iterable[Row], label: str, zone: str, cell: tuple[str, str]) -> tuple[float, int]:
    """Mean PSNR of a method in a zone over the scenes of a cell (softness of outlines, ratio), and their number."""
    values = [row[zone] for row in rows if (row["method"], row["edge"], row["ratio"]) == (label, *cell)]
    found = interval(values)
    return found.mean, found.n


def halo_section(rows: Rows | Stored, labels: Sequence[str], split: str) -> str:
    """A table for each zone in Markdown."""
    kept = [row for row in rows if row["method"] in labels]
    cells = halo_cells(kept)
    scenes = len({row["scene"] for row in kept})
    y, x = _SHAPE
    parts = [
        f"## Bright spots: {split} split, {scenes} scenes a cell",
        _INTRODUCTION.format(slices=_SLICES, y=y, x=x, scenes=scenes),
    ]
    for zone in ZONES:
        columns = [bold_best([halo_mean(kept, label, zone, cell) for label in labels], 1, scenes) for cell in cells]
        headings = ["method", *(f"edge {edge}, x {ratio}" for edge, ratio in cells)]
        body = [[label, *shown] for label, *shown in zip(labels, *columns, strict=True)]
        parts += [f"**{_TITLES[zone]}, dB**", table(headings, body)]
    notes = {row["method"]: row[NOTE] for row in kept if row[NOTE]}
    parts += [f"`{label}` failed: {note}" for label, note in notes.items()]
    return "\n\n".join([*parts, sentence(rows.made, rows.settings)])


def halo_cells(rows: Iterable[Row]) -> list[tuple[str, str]]:
    """Softness of outlines and ratio of each cell, in order."""
    return sorted({(row["edge"], row["ratio"]) for row in rows}, key=lambda cell: (float(cell[0]), float(cell[1])))


def run_task(task: Task) -> list[Row]:
    """Draw the scene, and run and score everyone who is to run on it."""
    scene, found = render_halo(task.halo), []
    for contender in task.contenders:
        outcome = contender.run(scene.stack)
        found.append({**_keys(task.halo, contender), **_scores(outcome, scene), **cost(outcome)})
    return found


def _keys(halo: Halo, contender: Contender) -> dict[str, str]:
    values = (f"{halo.edge:g}", str(halo.ratio), str(halo.number), contender.label)
    return dict(zip(KEYS, values, strict=True))


def _scores(outcome: Outcome, scene: Spots) -> dict[str, float]:
    if outcome.image is None:
        return {}
    image = outcome.image.astype(np.float64) / _FULL
    return {name: psnr(scene.truth[zone] / _FULL, image[zone]) for name, zone in scene.zones.items()}


def _spots(rng: np.random.Generator) -> Floats:
    """Round spots, 1 where they are."""
    y, x = np.ogrid[: _SHAPE[0], : _SHAPE[1]]
    cover = np.zeros(_SHAPE)
    for _ in range(_COUNT):
        radius = rng.uniform(*_RADII)
        centre = [rng.uniform(2 * radius, size - 2 * radius) for size in _SHAPE]
        cover[np.hypot(y - centre[0], x - centre[1]) < radius] = 1
    return cover


def _texture(rng: np.random.Generator, size: float) -> Floats:
    """Grain from 0 to 1."""
    grain = ndimage.gaussian_filter(rng.standard_normal(_SHAPE), size)
    return np.asarray((grain - grain.min()) / np.ptp(grain))


def _blurred(image: Floats, sigma: float) -> Floats:
    return np.asarray(ndimage.gaussian_filter(image, sigma, mode="nearest")) if sigma else image


def _counts(light: Floats) -> Floats:
    return _BLACK + (_WHITE - _BLACK) * light
