"""Every contender on pairs of photographs."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from benchmarks.contenders import Contender, parse_methods
from benchmarks.rows import Row, Rows
from benchmarks.scoring import CALIBRATION, COHERENCE, COSTS, coherence_scores, cost, pair_scores
from napari_focusfuse import io
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.io import Pair, find_pairs

__all__ = [
    "KEYS",
    "PAPER",
    "PUBLISHED",
    "WITHOUT_TRUTH",
    "WITH_TRUTH",
    "Pair",
    "find_pairs",
    "iter_pairs",
    "values",
]

KEYS = ("pair", "method")
PAPER = ("qg", "qm", "qcb")
WITH_TRUTH = ("psnr", "ssim", "bias", *PAPER, CALIBRATION)
WITHOUT_TRUTH = (*PAPER, *COHERENCE)
#: Our method as published: always among the paper's, and what decisions without truth are held against.
PUBLISHED = "sesf:preset=paper"
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
        step = Progress(done, len(pairs), f"pair {done + 1} of {len(pairs)}")
        yield step
        missing = [c for c in contenders if not rows.has(pair=pair.name, method=c.label)]
        for row in _run_on(pair, missing, metrics, ready):
            rows.add([row])
            yield step
    rows.finish()
    yield Progress(len(pairs), len(pairs), "pairs")


def _run_on(pair: Pair, contenders: Sequence[Contender], metrics: Sequence[str], ready: set[str]) -> Iterator[Row]:
    """Rows of contenders that take their turn on a pair; those that are not `ready` run once on its corner before."""
    if not contenders:
        return
    sources = pair.sources()
    truth = io.read_image(pair.truth) if pair.truth and "psnr" in metrics else None
    of_image = [metric for metric in metrics if metric not in COHERENCE]
    published = parse_methods(PUBLISHED)[0].run(sources).decision if len(of_image) < len(metrics) else None
    for contender in contenders:
        if contender.label not in ready:
            contender.run([image[:_WARM_UP, :_WARM_UP] for image in sources])
            ready.add(contender.label)
        outcome = contender.run(sources)
        scores = {**pair_scores(outcome, sources, truth, of_image), **cost(outcome)}
        if published is not None:
            scores |= coherence_scores(outcome, published)
        yield {"pair": pair.name, "method": contender.label, **scores}
