"""The examples in docstrings: each once, in a folder of its own, with nobody's own models."""

from pathlib import Path

import pytest
import torch

from napari_focusfuse.models import FOLDER_VARIABLE


@pytest.fixture(autouse=True)
def _on_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the examples of `fuse`, which are those of `iter_fuse`."""
    seen = set()
    for item in list(items):
        if isinstance(item, pytest.DoctestItem):
            told = item.path, *(example.source for example in item.dtest.examples)
            if told in seen:
                items.remove(item)
            seen.add(told)
