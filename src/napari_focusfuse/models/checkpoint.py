"""Files of tensors, a model's or where a training stands: safetensors with a header and a checksum.

They are written complete or not at all. A tensor's name begins with its group. Of a model these are ``encoder.`` and
``decoder.``, and the header's ``parts`` says which there are: "encoder", or "network" for both, as where it is missing.
A file with other parts was written by a later version, and is refused. From a checkpoint a training by any recipe
resumes as if it had not been interrupted.
"""

import hashlib
import json
import math
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from napari_focusfuse.config import RECIPES, RankConfig, Recipe, TrainConfig
from napari_focusfuse.core.encode.network import Encoder, SESFNet
from napari_focusfuse.core.files import write_whole
from napari_focusfuse.core.files.checked import MismatchError, anything, check_regular, entries, listed, mapped, maybe
from napari_focusfuse.core.training.autoencoder import EpochLog, TrainState
from napari_focusfuse.core.training.recipes import AnyTrainState
from napari_focusfuse.core.training.steps import RankLog, RankState
from napari_focusfuse.errors import FocusFuseError, ModelError

__all__ = [
    "CHECKPOINT",
    "checked",
    "checkpoint_recipe",
    "digest",
    "has_decoder",
    "header",
    "header_of",
    "load_state",
    "module_of",
    "packed",
    "put",
    "recipe_of",
    "save_state",
    "spared_by",
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


CHECKPOINT = "checkpoint.safetensors"
_PARTS = ("network", "best", "moments")
_MOMENT = re.compile(r"(\d{1,4})\.(?:exp_avg|exp_avg_sq|step)")


def _number(value: Any, where: str) -> None:
    """A number, which of losses may be none."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise MismatchError(f"{where} is not a number")


_TOLD = entries({"config": mapped(anything), "log": listed(mapped(_number)), "origin": maybe(listed(anything, 2, 2))})


def save_state(state: AnyTrainState, folder: Path, spared: str = "") -> None:
    """Write where a training stands to `folder`, so that it can go on.

    `spared` is the sha256 of the model of an earlier training in `folder`, which stays until this one is complete.
    """
    parts = {"network": tensors_of(state.trained), "best": state.best, "moments": state.moments}
    tensors = {f"{part}/{key}": value for part, values in parts.items() for key, value in values.items()}
    header = {**header_of(state.trained), "recipe": state.config.recipe}
    header["config"] = json.dumps(asdict(state.config))
    header["log"] = json.dumps([entry._asdict() for entry in state.log])
    header["origin"] = json.dumps([state.origin, state.start_loss if state.origin else None])
    header["spared"] = spared
    write(folder / CHECKPOINT, packed(tensors, header))


def spared_by(folder: Path) -> str:
    """The sha256 of the model that the training in `folder` leaves in place until it is complete; empty for none."""
    return header(_found(folder)).get("spared", "")


def checkpoint_recipe(folder: Path) -> Recipe:
    """The recipe that the training in `folder` was begun by.

    Raises
    ------
    ModelError
        There is nothing to resume, or of a recipe that this version does not know.
    """
    path = _found(folder)
    return _recipe(path, header(path))


def load_state(folder: Path) -> AnyTrainState:
    """Read back what `save_state` wrote.

    Raises
    ------
    ModelError
        There is nothing, or nothing that this version can go on with.
    """
    path = _found(folder)
    tensors, metadata = checked(path)
    recipe = _recipe(path, metadata)
    parts: dict[str, dict[str, Tensor]] = {part: {} for part in _PARTS}
    try:
        for key, value in tensors.items():
            part, _, name = key.partition("/")
            parts[part][name] = value
        told = {name: json.loads(metadata.get(name, "null")) for name in ("config", "log", "origin")}
        _TOLD(told, "the header")
        model = module_of(path, parts.pop("network"), metadata)
        _check_parts(model, parts["best"], parts["moments"])
        settings = RECIPES[recipe](**told["config"])
        origin, start_loss = told["origin"] or ("", None)
        known: dict[str, Any] = {
            **parts,
            "origin": origin,
            "start_loss": math.inf if start_loss is None else start_loss,
        }
        log = told["log"]
        if isinstance(model, Encoder) and isinstance(settings, RankConfig):
            return RankState(model, settings, log=[RankLog(**entry) for entry in log], **known)
        if isinstance(model, SESFNet) and isinstance(settings, TrainConfig):
            return TrainState(model, settings, log=[EpochLog(**entry) for entry in log], **known)
    except (FocusFuseError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise _unknown(path) from error
    raise _unknown(path)


def _check_parts(model: SESFNet | Encoder, best: dict[str, Tensor], moments: dict[str, Tensor]) -> None:
    """Refuse tensors that are not those of the model, and of an optimiser of it."""
    wanted = {name: value.shape for name, value in model.state_dict().items()}
    if {name: value.shape for name, value in best.items()} != wanted:
        raise MismatchError("the best weights are those of another network")
    shapes = {parameter.shape for parameter in model.parameters()}
    for name, value in moments.items():
        found = _MOMENT.fullmatch(name)
        if found is None or int(found[1]) >= len(wanted) or not (value.shape in shapes or value.ndim == 0):
            raise MismatchError("the state of the optimiser is that of another network")


def _found(folder: Path) -> Path:
    path = folder / CHECKPOINT
    if not path.is_file():
        raise ModelError(f"there is nothing to resume in {folder}: start the training without resuming")
    return path


def _recipe(path: Path, metadata: dict[str, str]) -> Recipe:
    """The recipe that a header names: that of the paper where it names none."""
    named = metadata.get("recipe", "paper")
    for known in RECIPES:
        if named == known:
            return known
    raise _unknown(path)


def _unknown(path: Path) -> ModelError:
    return ModelError(f"{path} is not a checkpoint that this version can resume: start the training again")
