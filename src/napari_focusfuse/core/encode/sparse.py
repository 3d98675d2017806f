"""Sparse representation of many signals: orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad 1993)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Code", "omp", "represented"]

Floats = NDArray[np.floating]
#: Signals that are coded at once.
_CHUNK = 512
#: A squared residual below this is rounding.
_TINY = 1e-12
#: An atom that is closer to those before it adds nothing.
_LEAST = 1e-5


class Code(NamedTuple):
    """Atoms of signals and their coefficients, (P, K); unused places hold atom 0 with the coefficient 0."""

    atoms: NDArray[np.intp]
    coefficients: Floats


def omp(dictionary: Floats, signals: Floats, error: float = 0.0, most: int = 16) -> Code:
    """Represent signals by few atoms, the one that is most like the residual first.

    Parameters
    ----------
    dictionary : (A, D) float
        Atoms of length 1.
    signals : (P, D) float
    error : float
        Euclidean norm of the residual at which a signal is done.
    most : int
        Atoms for a signal at most.
    """
    parts = [_coded(dictionary, signals[i : i + _CHUNK], error, most) for i in range(0, len(signals), _CHUNK)]
    empty = Code(np.zeros((0, most), np.intp), np.zeros((0, most)))
    return Code(*(np.concatenate(pieces) for pieces in zip(*(parts or [empty]), strict=True)))


def _coded(dictionary: Floats, signals: Floats, error: float, most: int) -> Code:
    """Code signals by QR: an atom is made orthogonal to those before, and its part of the residual is taken away."""
    count, size = signals.shape
    code = Code(np.zeros((count, most), np.intp), np.zeros((count, most), signals.dtype))
    basis = np.zeros((count, most, size), signals.dtype)
    mixed, share = np.zeros((count, most, most), signals.dtype), np.zeros((count, most), signals.dtype)
    residual, open_ = signals.copy(), np.arange(count)
    for k in range(most + 1):
        done = (residual[open_] ** 2).sum(axis=1) <= max(error**2, _TINY)
        done |= k == most
        ended, open_ = open_[done], open_[~done]
        if k:
            # What a signal has is the basis times its shares, and an atom the basis times its column of `mixed`.
            solved = np.linalg.solve(mixed[ended, :k, :k], share[ended, :k, None])[..., 0]
            code.coefficients[ended, :k] = solved
        if not len(open_):
            break
        chosen = np.abs(residual[open_] @ dictionary.T).argmax(axis=1)
        atoms, before = dictionary[chosen], basis[open_, :k]
        along = np.matmul(before, atoms[..., None])[..., 0]
        new = atoms - np.matmul(along[:, None], before)[:, 0]
        length = np.linalg.norm(new, axis=1)
        new /= np.maximum(length, _LEAST)[:, None]
        code.atoms[open_, k], basis[open_, k] = chosen, new
        mixed[open_, :k, k], mixed[open_, k, k] = along, np.maximum(length, _LEAST)
        share[open_, k] = (new * residual[open_]).sum(axis=1)
        residual[open_] -= share[open_, k, None] * new
    return code


def represented(dictionary: Floats, code: Code) -> Floats:
    """The signals (P, D) that a code stands for."""
    out = np.zeros((len(code.atoms), dictionary.shape[1]), dictionary.dtype)
    for atoms, coefficients in zip(code.atoms.T, code.coefficients.T, strict=True):
        used = np.flatnonzero(coefficients)
        out[used] += coefficients[used, None] * dictionary[atoms[used]]
    return out
