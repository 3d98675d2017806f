"""Files of tensors: safetensors with a header and a checksum, written complete or not at all.

A tensor's name begins with its group. Of a model these are ``encoder.`` and ``decoder.``, and the header's ``parts``
says which there are: "encoder", or "network" for both, as where it is missing. A file with other parts was written by
a later version, and is refused.
"""

import hashlib
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from napari_focusfuse.config import Recipe
from napari_focusfuse.core.encode.network import Encoder, SESFNet
from napari_focusfuse.core.files.parts import write_whole
from napari_focusfuse.core.files.regular import check_regular
from napari_focusfuse.errors import ModelError

__all__ = [
    "checked",
    "digest",
    "has_decoder",
    "header",
    "header_of",
    "module_of",
    "packed",
    "put",
    "recipe_of",
    "tensors_of",
    "write",
]

_ARCHITECTURE = "sesf-1"
_NETWORK, _ENCODER = "network", "encoder"
#: How the names of the tensors of a decision head and of a candidate head begin, in an encoder; and what the header
#: says of such heads.
_HEAD, _CANDIDATES, _LEARNED = "head.", "candidates.", "learned"
#: Types of tensors of networks and of optimisers, and letters of the header that a message shows.
_KINDS, _SHOWN = {"F32", "F64", "I64"}, 40


def digest(tensors: dict[str, Tensor]) -> str:
    """Checksum of names, shapes and values."""
    sha = hashlib.sha256()
    for key in sorted(tensors):
        sha.update(f"{key}{tuple(tensors[key].shape)}".encode())
        sha.update(tensors[key].contiguous().cpu().numpy().tobytes())
    return sha.hexdigest()


def header(path: Path) -> dict[str, str]:
    """What a file says of itself; its tensors are not read.

    Raises
    ------
    ModelError
        It cannot be read.
    """
    return _read(path, tensors=False)[1]


def _read(path: Path, *, tensors: bool = True) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        check_regular(path)
        with safe_open(path, framework="pt") as file:
            names = list(file.keys()) if tensors else []
            kinds = {str(file.get_slice(name).get_dtype()) for name in names}
            if other := sorted(kinds - _KINDS):
                raise ModelError(f"{path} holds weights of type {', '.join(other)}, not those of our networks")
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"the weights {path} cannot be read ({error}): get the file again") from error


def packed(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """A safetensors file of the tensors, their checksum in its header."""
    plain = {key: value.contiguous() for key, value in tensors.items()}
    content: bytes = save(plain, {**metadata, "sha256": digest(plain)})
    return content


def write(path: Path, content: bytes) -> None:
    """Write the file whole or not at all."""
    write_whole(path, lambda part: put(part, content), overwrite=True)


def put(path: Path, content: bytes) -> None:
    """Write bytes, and wait until they are on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def tensors_of(model: SESFNet | Encoder) -> dict[str, Tensor]:
    """The tensors of a model, by group and name."""
    if isinstance(model, SESFNet):
        return model.state_dict()
    return {f"{_ENCODER}.{key}": value for key, value in model.state_dict().items()}


def header_of(model: SESFNet | Encoder) -> dict[str, str]:
    """What the header of a model's file says besides its checksum."""
    if isinstance(model, SESFNet):
        return {"architecture": _ARCHITECTURE, "variant": model.encoder.variant}
    heads = {name: _LEARNED for name in ("head", "candidates") if getattr(model, name) is not None}
    return {"architecture": _ARCHITECTURE, "variant": model.variant, "parts": _ENCODER, **heads}


def recipe_of(metadata: dict[str, str]) -> Recipe:
    """The recipe that a model is trained further by: that which trains its last part."""
    if has_decoder(metadata):
        return "paper"
    if metadata.get("candidates") == _LEARNED:
        return "candidates"
    return "decide" if metadata.get("head") == _LEARNED else "focus"


def has_decoder(metadata: dict[str, str]) -> bool:
    """Whether a model has a decoder, by the header of its file."""
    return metadata.get("parts", _NETWORK) == _NETWORK


def checked(path: Path, architecture: str = _ARCHITECTURE) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and header of a file of this architecture that is intact."""
    tensors, metadata = _read(path)
    found = metadata.get("architecture")
    if found is None:
        raise ModelError(
            f"{path} does not say what it contains: it was not written by napari-focusfuse, give another one"
        )
    if found != architecture:
        kind, _, number = found.rpartition("-")
        ours, _, read = architecture.rpartition("-")
        newer = kind == ours and number[:_SHOWN].isdecimal() and int(number[:_SHOWN]) > int(read)
        hint = "update napari-focusfuse to use it" if newer else f"this version reads {architecture}"
        raise ModelError(f"{path} holds another architecture ({found[:_SHOWN]}): {hint}")
    if metadata.get("sha256") != digest(tensors):
        raise ModelError(f"the weights in {path} are damaged (their checksum does not fit): get the file again")
    parts = metadata.get("parts", _NETWORK)
    if parts not in (_NETWORK, _ENCODER):
        raise ModelError(f"{path} holds parts that are not known ({parts[:_SHOWN]}): update napari-focusfuse to use it")
    return tensors, metadata


def module_of(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> SESFNet | Encoder:
    """The model of a file, by tensors and header that are `checked`, in evaluation mode."""
    whole, variant = has_decoder(metadata), metadata.get("variant", "")
    try:
        bare = {_bare(key): value for key, value in tensors.items()}
        decides, judges = (any(key.startswith(part) for key in bare) for part in (_HEAD, _CANDIDATES))
        model = SESFNet(variant) if whole else Encoder(variant, decides=decides, judges=judges)  # type: ignore[arg-type]
        model.load_state_dict(tensors if whole else bare)
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{path} does not fit the architecture {_ARCHITECTURE}: get the file again") from error
    if not all(torch.isfinite(value).all() for value in tensors.values()):
        raise ModelError(f"{path} holds weights that are not numbers: its training failed, train it again")
    return model.eval()


def _bare(key: str) -> str:
    """Name of a tensor of an encoder without its group; others stay as they are, and fit nothing."""
    return key.removeprefix(f"{_ENCODER}.")
