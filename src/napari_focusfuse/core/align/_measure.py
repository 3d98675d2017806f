"""Where the slices of a stack lie, measured; and whether that is to be believed."""

from collections.abc import Generator

import numpy as np

from napari_focusfuse.config import AlignConfig, Kind
from napari_focusfuse.core.align._chain import between, chained, reconciled, usable
from napari_focusfuse.core.align._fit import Pair, disagreement, register
from napari_focusfuse.core.align._looks import Look, look
from napari_focusfuse.core.align._transforms import Matrix, Transforms
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack.stack import Stack
from napari_focusfuse.errors import StackError

__all__ = ["iter_transforms", "unmoved"]

#: What is in focus must agree by this much better if slices are to be moved.
_BETTER = 0.85
_SHORTEST = 16
#: Slices are registered to those so far ahead, the nearest first.
_REACHES = (1, 2, 4)


def unmoved(stack: Stack, config: AlignConfig) -> Transforms:
    """Transforms that move nothing."""
    count = len(stack)
    return Transforms(
        np.tile(np.eye(3), (count, 1, 1)),
        stack.shape,
        config.reference_of(count),
        config.kind,
        np.ones(count, dtype=bool),
    )


def iter_transforms(stack: Stack, config: AlignConfig) -> Generator[Progress, None, tuple[Transforms, float]]:
    """Measure where the slices lie.

    Returns
    -------
    Transforms
        All of them the identity where there is nothing to align.
    float
        The largest displacement found, px, whether it was believed or not.

    Raises
    ------
    StackError
        The slices are too small or flat.
    """
    if min(stack.shape) < _SHORTEST:
        raise StackError(
            f"slices of {stack.shape[0]} x {stack.shape[1]} px are too small to be aligned: give {_SHORTEST} px or more"
        )
    nothing = unmoved(stack, config)
    pairs, gain = yield from _iter_pairs(stack, config.kind)
    anchor = _anchor(pairs, nothing.reference)
    matrices, known = chained(pairs, len(stack), anchor)
    matrices = reconciled(pairs, matrices, known, anchor, stack.shape, config.kind)
    matrices = between(matrices, known)
    if anchor != nothing.reference:
        matrices = matrices @ np.linalg.inv(matrices[nothing.reference])
        matrices[nothing.reference] = np.eye(3)
    found = Transforms(matrices, stack.shape, nothing.reference, config.kind, known)
    largest = found.largest()
    worst = float(largest[known].max())
    if worst <= config.tolerance or gain > _BETTER:
        matrices = nothing.matrices
    else:
        matrices = np.where((largest <= config.tolerance)[:, None, None], np.eye(3), matrices)
    return Transforms(matrices, stack.shape, nothing.reference, config.kind, known), worst


def _anchor(pairs: dict[tuple[int, int], Pair], reference: int) -> int:
    """The slice that the others are chained to: the reference, or the nearest one to it that can be told."""
    told = {k for pair in pairs if usable(pairs[pair]) for k in pair}
    return reference if reference in told or not told else min(told, key=lambda k: abs(k - reference))


def _iter_pairs(stack: Stack, kind: Kind) -> Generator[Progress, None, tuple[dict[tuple[int, int], Pair], float]]:
    """Register each slice to the next ones, and tell which part of the disagreement in what is in focus is left."""
    pairs: dict[tuple[int, int], Pair] = {}
    held: dict[int, Look] = {}
    still: list[float] = []
    moved: list[float] = []
    for k in range(len(stack)):
        step = Progress(k, len(stack), f"looking for slice {k + 1} of {len(stack)}")
        yield step
        held[k] = look(stack[k])
        held.pop(k - max(_REACHES) - 1, None)
        for other in (k - reach for reach in _REACHES if reach <= k):
            yield step
            pair = pairs[other, k] = _registered(held[other], held[k], kind, _guess(pairs, other, k))
            if other == k - 1 and usable(pair):
                still.append(disagreement(held[other], held[k], np.eye(3)))
                moved.append(disagreement(held[other], held[k], pair.matrix))
    if not moved:
        raise StackError("the slices show nothing that they could be aligned by: they are flat or share no structure")
    return pairs, float(np.nansum(moved) / max(np.nansum(still), 1e-12))


def _registered(first: Look, second: Look, kind: Kind, guess: Matrix | None) -> Pair:
    return Pair(np.eye(3), 0.0) if first.flat or second.flat else register(first, second, kind, guess)


def _guess(pairs: dict[tuple[int, int], Pair], first: int, last: int) -> Matrix | None:
    """What the pairs between say, if they are usable."""
    matrix = np.eye(3)
    for k in range(first, last):
        if (k, k + 1) not in pairs or not usable(pairs[k, k + 1]):
            return None
        matrix = pairs[k, k + 1].matrix @ matrix
    return matrix if last > first + 1 else None
