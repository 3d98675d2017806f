"""The examples in docstrings: each once, in a folder of its own, with nobody's own models."""

import pytest
import torch

from napari_focusfuse.models import FOLDER_VARIABLE


@pytest.fixture(autouse=True)
def _on_its_own(request: pytest.FixtureRequest) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        folder, patch = request.getfixturevalue("tmp_path"), request.getfixturevalue("monkeypatch")
        torch.set_num_threads(1)
        patch.setenv(FOLDER_VARIABLE, str(folder / "models"))
        patch.chdir(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the examples of `fuse`, which are those of `iter_fuse`."""
    seen = set()
    for item in list(items):
        if isinstance(item, pytest.DoctestItem):
            told = item.path, *(example.source for example in item.dtest.examples)
            if told in seen:
                items.remove(item)
            seen.add(told)
