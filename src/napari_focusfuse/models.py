"""Models by name or folder: a folder holds ``model.safetensors`` and ``card.md``. Nothing is ever unpickled."""

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from napari_focusfuse.core.config import TrainConfig
from napari_focusfuse.core.network import Encoder, SESFNet
from napari_focusfuse.core.training import EpochLog, TrainState
from napari_focusfuse.errors import ModelError, OutputError

__all__ = [
    "ALIASES",
    "Model",
    "holds_model",
    "list_models",
    "load_model",
    "load_state",
    "model_card",
    "save_model",
    "save_state",
    "training_card",
]

WEIGHTS = Path(__file__).parent / "weights"
#: What "default" means; the benchmark decides.
ALIASES = {"default": "sesf-cse"}
_ARCHITECTURE = "sesf-1"
_FILE, _CARD, _CHECKPOINT = "model.safetensors", "card.md", "checkpoint.safetensors"


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


def list_models() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(folder.name for folder in WEIGHTS.iterdir() if (folder / _FILE).is_file())


def model_card(name: str) -> str:
    """Text of the model's card: data and its licence, command, seed, date, scores."""
    card = _folder(name) / _CARD
    return card.read_text(encoding="utf-8") if card.is_file() else f"{name} has no card."


def _folder(name: str | os.PathLike[str]) -> Path:
    folder = WEIGHTS / ALIASES.get(str(name), str(name))
    for candidate in (folder, Path(name)):
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
        part.write_bytes(content)
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
    if metadata.get("architecture") != _ARCHITECTURE:
        found = metadata.get("architecture", "none named")
        raise ModelError(f"{path} holds another architecture ({found}): this version reads {_ARCHITECTURE}")
    if metadata.get("sha256") != _digest(tensors):
        raise ModelError(f"the weights in {path} are damaged (their checksum does not fit): get the file again")
    return tensors, metadata


def _network(path: Path, tensors: dict[str, Tensor], variant: str) -> SESFNet:
    try:
        network = SESFNet(variant)  # type: ignore[arg-type]
        network.load_state_dict(tensors)
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{path} does not fit the architecture {_ARCHITECTURE}: get the file again") from error
    return network.eval()


def holds_model(folder: Path) -> bool:
    """Whether a folder holds a model or a checkpoint of one."""
    return (folder / _FILE).exists() or (folder / _CHECKPOINT).exists()


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
    """Write ``card.md`` and ``model.safetensors`` to `folder`."""
    _write(folder / _CARD, card.encode())
    _write(folder / _FILE, _packed(network.state_dict(), _header(network)))


def save_state(state: TrainState, folder: Path) -> None:
    """Write where a training stands to `folder`, so that it can go on."""
    parts = {"network": state.network.state_dict(), "best": state.best, "moments": state.moments}
    tensors = {f"{part}/{key}": value for part, values in parts.items() for key, value in values.items()}
    header = _header(state.network)
    header["config"] = json.dumps(asdict(state.config))
    header["log"] = json.dumps([entry._asdict() for entry in state.log])
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
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is no checkpoint that this version can resume: start the training anew") from error
    network = _network(path, parts["network"], config.variant)
    return TrainState(network, config, parts["best"], parts["moments"], log)


def training_card(
    config: TrainConfig,
    state: TrainState,
    images: Sequence[str],
    counts: tuple[int, int],
    scores: tuple[float, float],
    licence: str,
) -> str:
    """Card of a model that was just trained: recipe, data and its licence, scores, date and the log of the losses.

    Parameters
    ----------
    config : TrainConfig
    state : TrainState
        At the end of the training.
    images : sequence of str
        What it was trained on.
    counts : (int, int)
        Number of training and of validation images.
    scores : (float, float)
        PSNR (dB) and SSIM of the reconstruction of the validation images.
    licence : str
        Terms of the training images.
    """
    best = min(state.log, key=lambda entry: entry.val_total)
    settings = "\n".join(f"- {key}: {value}" for key, value in asdict(config).items())
    rows = "\n".join(
        f"| {e.epoch} | {e.learning_rate:.2e} | {e.train_total:.4f} | {e.train_pixel:.4f} | {e.train_ssim:.5f} "
        f"| {e.val_total:.4f} | {e.val_pixel:.4f} | {e.val_ssim:.5f} | {e.val_psnr:.2f} |"
        for e in state.log
    )
    return f"""# SESF encoder-decoder, {config.variant}

Encoder-decoder of SESF-Fuse (Ma et al. 2020), trained without labels to give grey images back.

- date: {date.today().isoformat()}
- software: napari-focusfuse {version("napari-focusfuse")}, torch {torch.__version__}
- training images: {counts[0]} ({", ".join(images)})
- licence of the training images: {licence or "not stated"}
- validation images, never trained on: {counts[1]}
- reconstruction of the whole validation images: PSNR {scores[0]:.2f} dB, SSIM {scores[1]:.4f}
- weights of epoch {best.epoch}, the one with the smallest validation loss

## Recipe

{settings}

## Losses

L = lambda L_ssim + L_p (Eq. 1-3), means over the batches of an epoch.

| epoch | learning rate | L | L_p | L_ssim | validation L | L_p | L_ssim | PSNR, dB |
|---|---|---|---|---|---|---|---|---|
{rows}
"""
