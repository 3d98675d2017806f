"""Where a training stands, in a file: by any recipe it resumes from there as if it had not been interrupted."""

import json
import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from napari_focusfuse.config import RECIPES, RankConfig, Recipe, TrainConfig
from napari_focusfuse.core.encode.network import Encoder, SESFNet
from napari_focusfuse.core.files.schema import MismatchError, anything, entries, listed, mapped, maybe
from napari_focusfuse.core.training.autoencoder import EpochLog, TrainState
from napari_focusfuse.core.training.encoder import RankLog, RankState
from napari_focusfuse.core.training.recipes import AnyTrainState
from napari_focusfuse.errors import FocusFuseError, ModelError
from napari_focusfuse.models.weight_files import checked, header, header_of, module_of, packed, tensors_of, write

__all__ = ["CHECKPOINT", "checkpoint_recipe", "load_state", "save_state", "spared_by"]

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
