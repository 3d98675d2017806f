"""Every contender on pairs of photographs."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from napari_focusfuse import io
from napari_focusfuse.bench.contenders import Contender
from napari_focusfuse.bench.rows import Rows
from napari_focusfuse.bench.scoring import COSTS, cost, pair_scores
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.io import Pair, find_pairs

__all__ = ["KEYS", "PAPER", "WITH_TRUTH", "Pair", "find_pairs", "iter_pairs", "values"]

KEYS = ("pair", "method")
PAPER = ("qg", "qm", "qcb")
WITH_TRUTH = ("psnr", "ssim", "bias", *PAPER)
_WARM_UP = 64


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
