"""Models by name or folder: a folder holds ``model.safetensors`` and ``card.md``. Nothing is ever unpickled.

Names are those of the models that come along, and of those in the user's own folder.
"""

import contextlib
import hashlib
import json
import math
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from platformdirs import user_data_path
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from napari_focusfuse.core.config import TrainConfig
from napari_focusfuse.core.network import Encoder, SESFNet
from napari_focusfuse.core.training import EpochLog, TrainState
from napari_focusfuse.errors import ModelError, OutputError
from napari_focusfuse.models._card import CardFacts, card_facts, training_card

__all__ = [
    "ALIASES",
    "FOLDER_VARIABLE",
    "CardFacts",
    "Model",
    "card_facts",
    "check_folder",
    "check_name",
    "holds_model",
    "list_models",
    "load_model",
    "load_state",
    "model_card",
    "save_model",
    "save_state",
    "shipped_models",
    "training_card",
    "user_folder",
]

WEIGHTS = Path(__file__).parent.parent / "weights"
#: Environment variable that names another folder for the user's own models.
FOLDER_VARIABLE = "FOCUSFUSE_MODELS"
#: What "default" means; the benchmark decides.
ALIASES = {"default": "sesf-cse"}
_ARCHITECTURE = "sesf-1"
_FILE, _CARD, _CHECKPOINT = "model.safetensors", "card.md", "checkpoint.safetensors"
#: What one system or another does not allow in the name of a folder.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]|^[. ]|[. ]$')


@dataclass(frozen=True)
class Model:
    """A trained encoder-decoder.

    Attributes
    ----------
    name : str
        Name in the registry, or of the folder.
    network : SESFNet
        In evaluation mode; fusion uses its encoder.
    sha256 : str
        Of the weights.
    """

    name: str
    network: SESFNet
    sha256: str

    @property
    def encoder(self) -> Encoder:
        """The part that fusion uses."""
        return self.network.encoder


def user_folder() -> Path:
    """Where the user's own models are: one folder each, in the place that the system has for a program's data."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else user_data_path("napari-focusfuse", appauthor=False) / "models"


def shipped_models() -> list[str]:
    """Names of the models that come with the package."""
    return _names(WEIGHTS)


def list_models() -> list[str]:
    """Names of the models there are: those that come with the package, then the user's own."""
    shipped = shipped_models()
    return [*shipped, *(name for name in _names(user_folder()) if not _taken(name))]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(found.name for found in folder.iterdir() if (found / _FILE).is_file())
    except OSError:
        return []


def _taken(name: str) -> bool:
    return name in ALIASES or name in shipped_models()


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a model of one's own.

    Raises
    ------
    ModelError
    """
    if not name or _FORBIDDEN.search(name):
        raise ModelError(f"{name!r} cannot be the name of a model: choose letters, digits and simple signs")
    if _taken(name):
        raise ModelError(f"{name!r} is the name of a model that comes along: choose another")


def model_card(name: str) -> str:
    """Text of the model's card: data and its licence, command, seed, date, scores."""
    card = _folder(name) / _CARD
    try:
        return card.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"{name} has no card."


def _folder(name: str | os.PathLike[str]) -> Path:
    shipped = WEIGHTS / ALIASES.get(str(name), str(name))
    for candidate in (shipped, user_folder() / name, Path(name)):
        if (candidate / _FILE).is_file():
            return candidate
    known = ", ".join(["default", *list_models()])
    raise ModelError(f"there is no model {str(name)!r}: choose one of {known}, or a folder that holds {_FILE}")


def _digest(tensors: dict[str, Tensor]) -> str:
    sha = hashlib.sha256()
    for key in sorted(tensors):
        sha.update(f"{key}{tuple(tensors[key].shape)}".encode())
        sha.update(tensors[key].contiguous().cpu().numpy().tobytes())
    return sha.hexdigest()


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"the weights {path} cannot be read ({error}): get the file again") from error


def _packed(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """A safetensors file of the tensors, their checksum in its header."""
    plain = {key: value.contiguous() for key, value in tensors.items()}
    content: bytes = save(plain, {**metadata, "sha256": _digest(plain)})
    return content


def _write(path: Path, content: bytes) -> None:
    """Write the file whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def _header(network: SESFNet) -> dict[str, str]:
    return {"architecture": _ARCHITECTURE, "variant": network.encoder.variant}


def _checked(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and header of a file of this architecture that is intact."""
    tensors, metadata = _read(path)
    found = metadata.get("architecture")
    if found is None:
        raise ModelError(f"{path} does not say what it holds: it was not written by napari-focusfuse, give another one")
    if found != _ARCHITECTURE:
        kind, _, number = found.rpartition("-")
        ours, _, read = _ARCHITECTURE.rpartition("-")
        newer = kind == ours and number.isdecimal() and int(number) > int(read)
        hint = "update napari-focusfuse to use it" if newer else f"this version reads {_ARCHITECTURE}"
        raise ModelError(f"{path} holds another architecture ({found}): {hint}")
    if metadata.get("sha256") != _digest(tensors):
        raise ModelError(f"the weights in {path} are damaged (their checksum does not fit): get the file again")
    return tensors, metadata


def _network(path: Path, tensors: dict[str, Tensor], variant: str) -> SESFNet:
    try:
        network = SESFNet(variant)  # type: ignore[arg-type]
        network.load_state_dict(tensors)
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{path} does not fit the architecture {_ARCHITECTURE}: get the file again") from error
    if not all(torch.isfinite(value).all() for value in tensors.values()):
        raise ModelError(f"{path} holds weights that are not numbers: its training failed, train it again")
    return network.eval()


def holds_model(folder: Path) -> bool:
    """Whether a folder holds a model or a checkpoint of one."""
    return (folder / _FILE).exists() or (folder / _CHECKPOINT).exists()


def check_folder(folder: Path) -> None:
    """Make the folder of a model and see that files can be written there.

    Raises
    ------
    OutputError
        They cannot.
    """
    probe = folder / f"{_FILE}.part"
    _write(probe, b"")
    probe.unlink()


def load_model(name: str | os.PathLike[str] = "default") -> Model:
    """Load a model.

    Parameters
    ----------
    name : str or path
        A name that `list_models` gives, "default", or a folder with ``model.safetensors``.

    Raises
    ------
    ModelError
        No such model, or its file is damaged or of another architecture.
    """
    folder = _folder(name)
    tensors, metadata = _checked(folder / _FILE)
    network = _network(folder / _FILE, tensors, metadata.get("variant", ""))
    return Model(folder.resolve().name, network, metadata["sha256"])


def save_model(network: SESFNet, folder: Path, card: str) -> None:
    """Write ``model.safetensors`` and ``card.md`` to `folder`, each whole or not at all."""
    _write(folder / _FILE, _packed(network.state_dict(), _header(network)))
    _write(folder / _CARD, card.encode())


def save_state(state: TrainState, folder: Path) -> None:
    """Write where a training stands to `folder`, so that it can go on."""
    parts = {"network": state.network.state_dict(), "best": state.best, "moments": state.moments}
    tensors = {f"{part}/{key}": value for part, values in parts.items() for key, value in values.items()}
    header = _header(state.network)
    header["config"] = json.dumps(asdict(state.config))
    header["log"] = json.dumps([entry._asdict() for entry in state.log])
    header["origin"] = json.dumps([state.origin, state.start_loss if state.origin else None])
    _write(folder / _CHECKPOINT, _packed(tensors, header))


def load_state(folder: Path) -> TrainState:
    """Read back what `save_state` wrote."""
    path = folder / _CHECKPOINT
    if not path.is_file():
        raise ModelError(f"there is nothing to resume in {folder}: start the training without resuming")
    tensors, metadata = _checked(path)
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "best": {}, "moments": {}}
    try:
        for key, value in tensors.items():
            part, _, name = key.partition("/")
            parts[part][name] = value
        config = TrainConfig(**json.loads(metadata["config"]))
        log = [EpochLog(**entry) for entry in json.loads(metadata["log"])]
        origin, start_loss = json.loads(metadata.get("origin", '["", null]'))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is no checkpoint that this version can resume: start the training anew") from error
    network = _network(path, parts["network"], config.variant)
    start_loss = math.inf if start_loss is None else start_loss
    return TrainState(network, config, parts["best"], parts["moments"], log, origin, start_loss)
