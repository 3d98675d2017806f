"""Learning a dictionary for sparse representation by K-SVD.

M. Aharon, M. Elad, A. Bruckstein, IEEE Trans. Signal Process. 54 (2006) 4311-4322; an atom is updated by one step of
the power method, as R. Rubinstein, M. Zibulevsky and M. Elad propose (2008).
"""

from collections.abc import Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core._types import Image
from napari_focusfuse.core.encode.sparse import Code, omp, represented
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.training import Crops, usable

__all__ = ["iter_learn_dictionary"]

#: Side of a patch, atoms, patches to learn from, from each crop, side of a crop, least standard deviation of a patch.
_SIDE, _ATOMS, _PATCHES, _EACH, _CROP, _FLAT = 8, 256, 16384, 32, 64, 0.02
#: Atoms for a patch while learning.
_SPARSITY = 5
_PROCEDURAL = 0.5

Floats = NDArray[np.floating]


def iter_learn_dictionary(
    images: Sequence[Image], rounds: int, seed: int = 0
) -> Generator[Progress, None, tuple[NDArray[np.float32], list[float]]]:
    """Learn a dictionary of patches of 8 x 8 pixels without their mean.

    Parameters
    ----------
    images : sequence of arrays (Y, X) float32
        Sharp grey images in [0, 1]; half of the patches are from computed textures.
    rounds : int
    seed : int

    Returns
    -------
    dictionary : (256, 64) float32
        Atoms of length 1 and mean 0.
    errors : list of float
        Root mean square of the residual of patches of length 1 after each round.
    """
    rng = np.random.default_rng(seed)
    patches = _drawn(Crops(usable(images, "training"), _PROCEDURAL, seed), rng)
    dictionary = patches[rng.choice(len(patches), _ATOMS, replace=False)]
    errors = []
    for done in range(rounds):
        yield Progress(done, rounds, f"round {done + 1} of {rounds}")
        code = omp(dictionary, patches, most=_SPARSITY)
        residual = patches - represented(dictionary, code)
        errors.append(float(np.sqrt((residual**2).sum(axis=1).mean())))
        for atom in range(_ATOMS):
            _update(dictionary, code, residual, patches, atom)
    yield Progress(rounds, rounds, "dictionary")
    return dictionary.astype(np.float32), errors


def _drawn(crops: Crops, rng: np.random.Generator) -> Floats:
    """Patches (P, 64) of length 1 without their mean."""
    found: list[Floats] = []
    while len(found) < _PATCHES:
        crop = crops.draw(rng, _CROP)
        for y, x in rng.integers(0, _CROP - _SIDE + 1, (_EACH, 2)):
            patch = crop[y : y + _SIDE, x : x + _SIDE].ravel().astype(np.float64)
            if patch.std() > _FLAT:
                found.append((patch - patch.mean()) / np.linalg.norm(patch - patch.mean()))
    return np.stack(found[:_PATCHES])


def _update(dictionary: Floats, code: Code, residual: Floats, patches: Floats, atom: int) -> None:
    """Fit an atom and its coefficients to what the others leave, in place; one that nobody uses begins anew."""
    users, places = np.nonzero((code.atoms == atom) & (code.coefficients != 0))
    if not len(users):
        worst = int((residual**2).sum(axis=1).argmax())
        dictionary[atom] = patches[worst]
        return
    coefficients = code.coefficients[users, places]
    wanted = residual[users] + coefficients[:, None] * dictionary[atom]
    fitted = wanted.T @ coefficients
    dictionary[atom] = fitted / max(float(np.linalg.norm(fitted)), 1e-12)
    code.coefficients[users, places] = wanted @ dictionary[atom]
    residual[users] = wanted - code.coefficients[users, places][:, None] * dictionary[atom]
