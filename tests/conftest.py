"""What all tests share."""

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from napari_focusfuse.cli import main
from napari_focusfuse.core.encode.network import SESFNet
from napari_focusfuse.core.simulate import Scene, simulate
from napari_focusfuse.models import FOLDER_VARIABLE


class Run(NamedTuple):
    """What the command line has said."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """The images are small: several threads would only wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _no_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No models of one's own: nobody's real ones are seen or touched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("models")))
        yield


@pytest.fixture(scope="session")
def processes() -> BaseContext:
    """Starts processes as "spawn" does, but where it can be had, torch is imported once for all of them."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    ours = ["core.training.autoencoder", "cli", "io", "io.zarr_store", "core.methods.windows"]
    others = ["dask.array", "torch._dynamo", "tqdm"]  # _dynamo: optimisers import it
    context.set_forkserver_preload([*(f"napari_focusfuse.{module}" for module in ours), *others])
    return context


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for models of one's own."""
    folder = tmp_path / "own models"
    folder.mkdir()
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture(scope="session")
def scene() -> Scene:
    """A small noise-free focus stack of hills, 7 slices."""
    return simulate((96, 128), 7, blur=1.5, seed=3)


@pytest.fixture(scope="session")
def noisy_scene() -> Scene:
    """A focus stack whose noise is strong enough that coarser scales are used."""
    return simulate((120, 150), 6, blur=1.5, noise=0.05, seed=5)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20200908)


@pytest.fixture(scope="session")
def networks() -> dict[str, SESFNet]:
    """Untrained networks of every variant, with batch-norm statistics that are not trivial."""
    out = {}
    for variant in ("cse", "sse", "scse", "none"):
        torch.manual_seed(1)
        network = SESFNet(variant)
        network.train()
        with torch.no_grad():
            for _ in range(20):
                network(torch.rand(4, 1, 24, 24))
        out[variant] = network.eval()
    return out


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Run the command line with some arguments."""

    def run(*args: object) -> Run:
        code = main([str(arg) for arg in args])
        return Run(code, *capsys.readouterr())

    return run
