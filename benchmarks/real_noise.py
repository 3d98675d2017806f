"""How well decisions on real stacks stand noise: half of the light, and more noise than that, against the whole.

    python -m benchmarks.real_noise STACK... --models default sesf-cse -o scores.csv

There is no truth for a real stack, so each measure is compared with its own decision on the whole stack, at the pixels
where all classical measures agree on it (within a slice). The grey values are thinned: each count stays with a chance
of one half, which gives two independent halves with the photon noise of half the light. To each, noise is added until
the best classical measure agrees with itself on 80 % of those pixels or fewer; then all are compared. What needs no
decision at all is printed as a control: one label everywhere, and the brightest slice. The entropy of the labels tells
whether a measure agrees with itself only because it always says the same.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import napari_focusfuse as ff
from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.decide.pipeline import iter_decide
from napari_focusfuse.core.encode.measures import FocusMeasure, LoGEnergy, PixelSF
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.stack import Stack

#: Of the added noise, shares of the range of the stack.
STRENGTHS = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.11, 0.15, 0.2, 0.3, 0.4)
WANTED = 0.8

Labels = NDArray[np.integer[Any]]


def classical() -> dict[str, tuple[FocusMeasure, FusionConfig]]:
    """Classical measures at several sizes, on one scale and on three."""
    found: dict[str, tuple[FocusMeasure, FusionConfig]] = {}
    for radius in (3, 8, 17):
        for levels in (1, 3):
            config = FusionConfig(radius=radius, levels=levels)
            found[f"SF, r {radius}, {levels} scales"] = PixelSF(), config
            for sigma in (1.0, 2.0, 4.0):
                found[f"LoG {sigma:g}, r {radius}, {levels} scales"] = LoGEnergy(sigma), config
    return found


def decided(stack: NDArray[Any], measure: FocusMeasure, config: FusionConfig) -> Labels:
    """The best slice of each pixel."""
    return drain(iter_decide(Stack(stack), measure, config, torch.device("cpu"), {})).index


def agreement(one: Labels, other: Labels, where: NDArray[np.bool_]) -> float:
    """Share of the pixels `where` two decisions differ by a slice at most."""
    return float((np.abs(one.astype(int) - other) <= 1)[where].mean())


def entropy(labels: Labels, where: NDArray[np.bool_]) -> float:
    """Of the labels, bits."""
    share = np.bincount(labels[where]) / where.sum()
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())


def loaded(path: Path, largest: int) -> NDArray[np.uint16]:
    """A grey stack as counts; its middle, at most `largest` px a side."""
    data = np.asarray(ff.open_stack(path).data).astype(np.float64)
    grey = data[..., :3].mean(axis=-1) if data.ndim == 4 else data
    y, x = (max(side - largest, 0) // 2 for side in grey.shape[1:])
    return np.rint(grey[:, y : y + largest, x : x + largest]).astype(np.uint16)


def noisy(counts: NDArray[np.uint16], strength: float, half: int) -> NDArray[np.uint16]:
    """Half of the counts, one or the other, with noise."""
    kept = np.random.default_rng(7).binomial(counts, 0.5).astype(float)
    kept = kept if half == 0 else counts - kept
    spread = strength * float(np.ptp(counts)) / 2
    noise = np.random.default_rng((8, half)).standard_normal(counts.shape) * spread
    scale, offset = 32, 4 * spread
    return np.clip(np.rint((kept + noise + offset) * scale), 0, 65535).astype(np.uint16)


def compare(path: Path, models: list[str], side: int) -> list[dict[str, Any]]:
    """Rows of all measures for one stack."""
    counts = loaded(path, side)
    measures = classical()
    clean = {name: decided(counts, *measure) for name, measure in measures.items()}
    spread = np.ptp(np.stack(list(clean.values())).astype(int), axis=0)
    where = spread <= 1
    for strength in STRENGTHS:
        half = noisy(counts, strength, 0)
        best = max(agreement(decided(half, *measure), clean[name], where) for name, measure in measures.items())
        if best <= WANTED:
            break
    for name in models:
        measures[name] = ff.load_model(name).encoder, FusionConfig()
        clean[name] = decided(counts, *measures[name])
    case = {"stack": path.parent.name, "noise": strength, "pixels": f"{where.mean():.3f}"}
    rows = []
    for name, measure in measures.items():
        halves = [decided(noisy(counts, strength, half), *measure) for half in (0, 1)]
        rows.append({**case, "measure": name, **scores(halves, clean[name], where)})
    brightest = [noisy(counts, strength, half).argmax(axis=0) for half in (0, 1)]
    rows.append({**case, "measure": "brightest slice", **scores(brightest, counts.argmax(axis=0), where)})
    often = np.bincount(clean[next(iter(measures))][where]).argmax()
    same = np.full_like(clean[next(iter(measures))], often)
    constant = agreement(same, clean[next(iter(measures))], where)
    rows.append({**case, "measure": "one label", "first half": f"{constant:.4f}", "second half": f"{constant:.4f}"})
    return rows


def scores(halves: list[Labels], clean: Labels, where: NDArray[np.bool_]) -> dict[str, str]:
    """Agreement of the decisions on both halves with the clean one and with each other, and the entropy."""
    return {
        "first half": f"{agreement(halves[0], clean, where):.4f}",
        "second half": f"{agreement(halves[1], clean, where):.4f}",
        "between halves": f"{agreement(halves[0], halves[1], where):.4f}",
        "entropy": f"{entropy(halves[0], where):.2f}",
    }


def main() -> None:
    """Compare, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stacks", nargs="+", type=Path)
    parser.add_argument("--models", nargs="*", default=["default"])
    parser.add_argument("--side", type=int, default=256, help="px of the middle that is used")
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args()
    rows = [row for path in options.stacks for row in compare(path, options.models, options.side)]
    with options.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    print("| " + " | ".join(rows[0]) + " |\n" + "|---" * len(rows[0]) + "|")
    for row in rows:
        print("| " + " | ".join(str(row.get(name, "")) for name in rows[0]) + " |")


if __name__ == "__main__":
    main()
