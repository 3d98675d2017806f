"""How far the metrics without truth rank fusion methods as the truth does.

    python -m benchmarks.correlation --pairs FOLDER... --simulated 24 --textures FOLDER -o scores.csv

Each scene is fused by every method and scored by every metric. A metric's agreement is the Spearman correlation, over
the methods, of its scores with the true PSNR; it is averaged over scenes, once over all methods and once over the seven
that are truly best in the scene, which is the harder task. Pairs are images NAME_A, NAME_B and NAME_GT in one folder.
Results are appended to the CSV as they come, and scenes that it holds are not done again. Prints a table in Markdown.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from skimage.color import rgb2gray
from skimage.io import imread

import napari_focusfuse as ff
from napari_focusfuse.config import Surface, Texture

SHAPE = (256, 320)
SURFACES: tuple[Surface, ...] = ("smooth", "steps")
NOISES = (0.0, 0.01, 0.03)
#: Blur growth (px a slice) and number of slices of the simulated scenes of a cell, in turn.
BLURS, SLICES = (0.7, 1.0, 1.4, 0.85), (6, 12)
BEST = 7


class Scene(NamedTuple):
    """A stack with its true image, and the set that it belongs to."""

    group: str
    name: str
    stack: NDArray[Any]
    truth: NDArray[Any]


def pairs(folder: Path, limit: int) -> Iterator[Scene]:
    """Pairs with truth, `limit` of them spread evenly over the folder; those of unequal sizes are left out."""
    firsts = sorted(path for path in folder.iterdir() if path.stem.endswith("_A"))
    for k in np.unique(np.linspace(0, len(firsts) - 1, min(limit, len(firsts))).astype(int)):
        name = firsts[k].stem[:-2]
        a, b, truth = (imread(firsts[k].with_stem(f"{name}_{tag}")) for tag in ("A", "B", "GT"))
        if a.shape == b.shape == truth.shape:
            yield Scene(folder.name, name, np.stack([a, b]), truth)


def simulated(count: int, textures: Path | None) -> Iterator[Scene]:
    """Simulated stacks over surfaces and noise; of each cell the first is procedural, the others are of `textures`."""
    images = sorted(textures.iterdir()) if textures else []
    cells = product(SURFACES, NOISES, range(-(-count // (len(SURFACES) * len(NOISES)))))
    for seed, (surface, noise, turn) in enumerate(cells, start=1):
        texture: Texture | NDArray[Any] = "grains"
        if turn and images:
            texture = rgb2gray(imread(images[7 * seed % len(images)]))[: SHAPE[0], : SHAPE[1]]
        scene = ff.simulate(
            SHAPE,
            SLICES[turn % len(SLICES)],
            surface=surface,
            noise=noise,
            blur=BLURS[turn % len(BLURS)],
            texture=texture,
            seed=1000 + seed,
        )
        yield Scene(f"simulated, noise {noise:g}", f"{surface}-{noise:g}-{turn}", scene.stack, scene.truth)


def score(scene: Scene, metrics: list[str]) -> Iterator[dict[str, Any]]:
    """A row of scores for every method."""
    for method in ff.list_methods():
        fused = ff.fuse(scene.stack, method=method.name).image
        values = ff.measure(scene.stack, fused, truth=scene.truth, metrics=[*metrics, "psnr"])
        yield {"group": scene.group, "scene": scene.name, "method": method.name, **values}


def agreement(rows: list[dict[str, Any]], metrics: list[str]) -> dict[str, dict[str, tuple[float, float]]]:
    """For each group and metric the mean correlation with PSNR, over all methods and over the best."""
    scenes = defaultdict(list)
    for row in rows:
        scenes[row["group"], row["scene"]].append(row)
    found: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for (group, _), of_scene in scenes.items():
        ranked = sorted(of_scene, key=lambda row: -float(row["psnr"]))
        for metric in metrics:
            found[group][metric].append((_correlation(ranked, metric), _correlation(ranked[:BEST], metric)))
    return {
        group: {metric: tuple(np.nanmean(values, axis=0)) for metric, values in of_metric.items()}
        for group, of_metric in found.items()
    }


def _correlation(rows: list[dict[str, Any]], metric: str) -> float:
    values = np.array([(float(row[metric]), float(row["psnr"])) for row in rows])
    return float(spearmanr(values[:, 0], values[:, 1]).statistic)


def table(result: dict[str, dict[str, tuple[float, float]]], metrics: list[str]) -> str:
    """The agreement in Markdown: all methods / the best."""
    lines = ["| metric | " + " | ".join(result) + " |", "|---" * (len(result) + 1) + "|"]
    for metric in metrics:
        cells = ("{:.2f} / {:.2f}".format(*of_metric[metric]) for of_metric in result.values())
        lines.append(f"| `{metric}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Score what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, nargs="*", default=[], help="folders of NAME_A, NAME_B, NAME_GT")
    parser.add_argument("--limit", type=int, default=40, help="pairs of each folder")
    parser.add_argument("--simulated", type=int, default=0, help="simulated stacks")
    parser.add_argument("--textures", type=Path, help="folder of images for the simulated stacks")
    parser.add_argument("-o", "--out", type=Path, required=True, help="CSV of all scores, continued if it is there")
    options = parser.parse_args()
    metrics = [metric.name for metric in ff.list_metrics() if not metric.needs_truth]
    rows: list[dict[str, Any]] = list(csv.DictReader(options.out.open())) if options.out.exists() else []
    done = {(row["group"], row["scene"]) for row in rows}
    sources = [*(pairs(folder, options.limit) for folder in options.pairs)]
    for scene in (scene for each in [*sources, simulated(options.simulated, options.textures)] for scene in each):
        if (scene.group, scene.name) in done:
            continue
        new = list(score(scene, metrics))
        rows += new
        with options.out.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(new[0]))
            if file.tell() == 0:
                writer.writeheader()
            writer.writerows(new)
    print(table(agreement(rows, metrics), metrics))


if __name__ == "__main__":
    main()
