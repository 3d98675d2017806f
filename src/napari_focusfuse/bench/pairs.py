"""Pairs of photographs in a folder: NAME_A and NAME_B, or NAME_1 and NAME_2, and NAME_GT where the truth is known."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_focusfuse import io
from napari_focusfuse.bench.contenders import Contender
from napari_focusfuse.bench.rows import Rows
from napari_focusfuse.bench.scoring import COSTS, cost, pair_scores
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.errors import FocusFuseError

__all__ = ["KEYS", "PAPER", "WITH_TRUTH", "Pair", "find_pairs", "iter_pairs"]

KEYS = ("pair", "method")
PAPER = ("qg", "qm", "qcb")
WITH_TRUTH = ("psnr", "ssim", "bias", *PAPER)
_ENDING = re.compile(r"(?P<name>.+)_(?P<role>A|B|1|2|GT)", re.IGNORECASE)
_WARM_UP = 64


@dataclass(frozen=True)
class Pair:
    """Two photographs of a scene, and the true image if it is known."""

    name: str
    first: Path
    second: Path
    truth: Path | None = None

    def sources(self) -> list[NDArray[Any]]:
        """The two photographs."""
        return [io.read_image(self.first), io.read_image(self.second)]


def find_pairs(folder: Path, *, truth: bool = False, limit: int | None = None) -> list[Pair]:
    """The pairs of a folder, in the natural order of their names.

    Parameters
    ----------
    folder : Path
    truth : bool
        Each pair must have its true image.
    limit : int, optional
        Take only the first ones.

    Raises
    ------
    FocusFuseError
        There are none, or one is not complete.
    """
    found: dict[str, dict[str, Path]] = {}
    for file in io.slice_files(folder):
        match = _ENDING.fullmatch(file.stem)
        if match:
            roles = found.setdefault(match["name"], {})
            role = {"1": "A", "2": "B"}.get(match["role"], match["role"].upper())
            if role in roles:
                raise FocusFuseError(f"{file} and {roles[role].name} are the same half of a pair: remove one")
            roles[role] = file
    if not found:
        raise FocusFuseError(f"{folder} holds no pairs: their names must end in _A and _B, or _1 and _2")
    wanted = ("A", "B", "GT") if truth else ("A", "B")
    for name, roles in found.items():
        missing = [role for role in wanted if role not in roles]
        if missing:
            raise FocusFuseError(f"{folder} holds no {name}_{missing[0]}: each pair needs {' and '.join(wanted)}")
    return [Pair(name, roles["A"], roles["B"], roles.get("GT")) for name, roles in found.items()][:limit]


def values(metrics: Sequence[str]) -> tuple[str, ...]:
    """Columns of numbers for these metrics."""
    return (*metrics, *COSTS)


def iter_pairs(
    pairs: Sequence[Pair], contenders: Sequence[Contender], rows: Rows, metrics: Sequence[str]
) -> Generator[Progress, None, None]:
    """Run every contender on every pair; pair by pair, so that all share what else the machine does.

    Each runs once on a corner of the first pair before its time is taken.

    Parameters
    ----------
    pairs : sequence of Pair
    contenders : sequence of Contender
    rows : Rows
        Gets what it does not hold yet.
    metrics : sequence of str
        Those that need truth only with pairs that have it.
    """
    ready: set[str] = set()
    for done, pair in enumerate(pairs):
        yield Progress(done, len(pairs), f"pair {done + 1} of {len(pairs)}")
        missing = [c for c in contenders if not rows.has(pair=pair.name, method=c.label)]
        if not missing:
            continue
        sources = pair.sources()
        truth = io.read_image(pair.truth) if pair.truth and "psnr" in metrics else None
        for contender in missing:
            if contender.label not in ready:
                contender.run([image[:_WARM_UP, :_WARM_UP] for image in sources])
                ready.add(contender.label)
            outcome = contender.run(sources)
            scores = pair_scores(outcome, sources, truth, metrics)
            rows.add([{"pair": pair.name, "method": contender.label, **scores, **cost(outcome)}])
            yield Progress(done, len(pairs), f"pair {done + 1} of {len(pairs)}")
    rows.finish()
    yield Progress(len(pairs), len(pairs), "pairs")
