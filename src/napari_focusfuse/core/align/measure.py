"""The motion of all slices of a stack: each registered to its neighbours, and chained to the reference.

Each pair (i, j) says M_j = P_ij M_i. With more pairs than slices the M are those that contradict the pairs least, in px
at the corners, where a pair that contradicts the others counts less and less.
"""

from collections.abc import Generator, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import spsolve

from napari_focusfuse.config import AlignConfig, Kind
from napari_focusfuse.core.align.fit import Look, Pair, disagreement, look, register
from napari_focusfuse.core.align.transforms import Matrix, Transforms
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import StackError

__all__ = ["between", "chained", "iter_transforms", "reconciled", "unmoved", "usable"]

Pairs = Mapping[tuple[int, int], Pair]
#: Slices that correlate less than this have not been brought together.
_LIKE = 0.3
#: A change of scale and a rotation between neighbours that no focusing brings.
_SCALE, _TURN = 1.25, np.sin(np.deg2rad(20))
_ROUNDS = 6
#: Pairs may contradict each other this much, px.
_PRECISION = 0.05


def usable(pair: Pair) -> bool:
    """Whether a registration has come to an end that can be believed."""
    linear = pair.matrix[:2, :2]
    scale = np.sqrt(abs(np.linalg.det(linear)))
    return pair.likeness >= _LIKE and 1 / _SCALE < scale < _SCALE and bool(abs(linear[1, 0]) < _TURN * scale)


def chained(pairs: Pairs, slices: int, reference: int) -> tuple[Matrix, NDArray[np.bool_]]:
    """Follow usable pairs away from the reference; which slices could be reached."""
    matrices, known = np.tile(np.eye(3), (slices, 1, 1)), np.zeros(slices, dtype=bool)
    known[reference] = True
    good = sorted((pair for pair in pairs if usable(pairs[pair])), key=lambda pair: pair[1] - pair[0])
    grows = True
    while grows:
        grows = False
        for i, j in good:
            if known[i] != known[j]:
                step = pairs[i, j].matrix
                if known[i]:
                    matrices[j] = step @ matrices[i]
                else:
                    matrices[i] = np.linalg.inv(step) @ matrices[j]
                known[i] = known[j] = grows = True
                break
    return matrices, known


def reconciled(
    pairs: Pairs, matrices: Matrix, known: NDArray[np.bool_], reference: int, shape: tuple[int, int], kind: Kind
) -> Matrix:
    """The places of slices `known` that contradict the usable pairs least; `matrices` elsewhere."""
    good = [(i, j) for i, j in pairs if known[i] and known[j] and usable(pairs[i, j])]
    free = [int(k) for k in np.flatnonzero(known) if k != reference]
    if len(good) <= len(free):
        return matrices
    height, width = shape
    corners = np.array([[0, width, 0], [0, 0, height], [1, 1, 1]], np.float64)
    # In units of the image, so that the equations are well balanced.
    unit = np.diag([1 / width, 1 / height, 1.0])
    weight = np.ones(len(good))
    for _ in range(_ROUNDS):
        matrices = _solved([(i, j, pairs[i, j].matrix) for i, j in good], weight, matrices, free, corners, unit)
        off = [np.abs((pairs[i, j].matrix @ matrices[i] - matrices[j]) @ corners).max() for i, j in good]
        spread = max(1.5 * float(np.median(off)), _PRECISION)
        weight = 1 / (1 + (np.array(off) / (2 * spread)) ** 2)
    out = matrices.copy()
    out[free] = [_of_kind(matrices[k], kind, shape) for k in free]
    return out


def _solved(
    pairs: list[tuple[int, int, Matrix]],
    weight: Matrix,
    matrices: Matrix,
    free: list[int],
    corners: Matrix,
    unit: Matrix,
) -> Matrix:
    """Least squares for corrections X_k of M_k (2 x 3 each, on unit coordinates): (P M_i - M_j) + A X_i - X_j = 0."""
    place = {k: 6 * n for n, k in enumerate(free)}
    at = (unit @ corners).T
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    right = np.zeros(6 * len(pairs))
    for n, (i, j, step) in enumerate(pairs):
        factor = np.sqrt(weight[n])
        off = ((matrices[j] - step @ matrices[i]) @ corners)[:2]
        right[6 * n : 6 * n + 6] = factor * off.ravel()
        for k, turn in ((i, step[:2, :2]), (j, -np.eye(2))):
            if k not in place:
                continue
            block = factor * np.kron(turn, at)
            row, column = np.nonzero(block)
            rows += (6 * n + row).tolist()
            columns += (place[k] + column).tolist()
            values += block[row, column].tolist()
    system = sparse.csc_matrix((values, (rows, columns)), shape=(len(right), 6 * len(free)))
    found = spsolve((system.T @ system).tocsc(), system.T @ right).reshape(len(free), 2, 3)
    out = matrices.copy()
    out[free, :2] += found @ unit
    return out


def _of_kind(matrix: Matrix, kind: Kind, shape: tuple[int, int]) -> Matrix:
    """The nearest transform of a kind that moves the centre of the image to the same place."""
    if kind == "affine":
        return matrix
    centre = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    there = matrix[:2, :2] @ centre + matrix[:2, 2]
    a, b = (matrix[0, 0] + matrix[1, 1]) / 2, (matrix[1, 0] - matrix[0, 1]) / 2
    out = np.eye(3)
    if kind == "similarity":
        out[:2, :2] = [[a, -b], [b, a]]
    out[:2, 2] = there - out[:2, :2] @ centre
    return out


def between(matrices: Matrix, known: NDArray[np.bool_]) -> Matrix:
    """`matrices`, with those that are not known taken from the slices before and after that are."""
    at = np.flatnonzero(known)
    flat = matrices.reshape(len(matrices), 9)
    filled = np.stack([np.interp(np.arange(len(flat)), at, flat[at, n]) for n in range(9)], axis=1)
    return np.where(known[:, None, None], matrices, filled.reshape(matrices.shape))


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
    """Register each slice to the next ones, and return which part of the disagreement of in-focus detail is left."""
    pairs: dict[tuple[int, int], Pair] = {}
    held: dict[int, Look] = {}
    still: list[float] = []
    moved: list[float] = []
    for k in range(len(stack)):
        step = Progress(k, len(stack), f"registering slice {k + 1} of {len(stack)}")
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
        raise StackError("the slices cannot be aligned: they are flat or share no structure")
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
