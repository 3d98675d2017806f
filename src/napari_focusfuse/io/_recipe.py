"""How a result was made, as plain JSON: enough to make it again, and to see that the input is the same."""

import dataclasses
import os
from collections.abc import Iterable, Mapping
from hashlib import file_digest, sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_focusfuse.core.result import FusionResult

__all__ = ["make_recipe", "plain"]

_PACKAGES = ("napari-focusfuse", "numpy", "scipy", "torch", "tifffile", "imagecodecs")


def make_recipe(
    result: "FusionResult",
    *,
    inputs: Iterable[str | os.PathLike[str]] = (),
    pixel_size: tuple[float, float] | None = None,
    z_step: float | None = None,
) -> dict[str, Any]:
    """Describe how a result was made.

    Parameters
    ----------
    result : FusionResult
    inputs : paths
        Files, or Zarr folders, that the stack was read from; their contents are hashed, null if they are gone.
    pixel_size : (float, float), optional
        Size of a pixel along y and x, um.
    z_step : float, optional
        Distance of neighbouring slices, um.

    Returns
    -------
    dict
        JSON types only: what `FusionResult.info` says (version, method, configuration, model and its sha256), versions
        of the packages, inputs with their sha256, positions of the slices, sizes, and the summary.
    """
    decision = result.decision
    recipe = {
        "made by": dict(result.info if decision is None else decision.info),
        "versions": {name: _version(name) for name in _PACKAGES},
        "inputs": [{"path": os.fspath(path), "sha256": _sha256(Path(path))} for path in inputs],
        "z": decision.z if decision is not None else None,
        "z_step_um": z_step,
        "pixel_size_um": pixel_size,
        "summary": result.summary,
    }
    out: dict[str, Any] = plain(recipe)
    return out


def plain(value: Any) -> Any:
    """The same in JSON types: arrays become lists, NaN null, infinity a string, dataclasses mappings."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _sha256(path: Path) -> str | None:
    """Hash of a file, or of all files in a folder with their names; None if it cannot be read any more."""
    try:
        if not path.is_dir():
            with path.open("rb") as file:
                return file_digest(file, "sha256").hexdigest()
        files = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
        return sha256("".join(f"{name} {_sha256(path / name)}\n" for name in files).encode()).hexdigest()
    except OSError:
        return None
