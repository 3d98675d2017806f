"""The command that trains what the compared methods come with."""

import numpy as np
import pytest
import tifffile

from benchmarks.train_compared import train
from napari_focusfuse.core.training import compared as networks
from napari_focusfuse.core.training import dictionary
from napari_focusfuse.models import compared


@pytest.mark.slow
@pytest.mark.parametrize(("method", "told"), [("sr", "residual of five atoms"), ("densefuse", "validation loss")])
def test_weights_and_a_card_are_written(tmp_path, monkeypatch, rng, method, told):
    monkeypatch.setattr(dictionary, "_PATCHES", 512)
    monkeypatch.setattr(networks, "_VALIDATED", 1)
    images = tmp_path / "images"
    images.mkdir()
    for k in range(2):
        tifffile.imwrite(images / f"{k}.tif", rng.integers(0, 255, (96, 96), dtype=np.uint8))
    train(method, [images], out=tmp_path / method, steps=1, licence="our own")
    card = (tmp_path / method / "card.md").read_text()
    assert f"`python -m benchmarks.train_compared {method} images -o {method} --steps 1 --seed 0`" in card
    assert "licence of the training images: our own" in card
    assert told in card
    monkeypatch.setattr(compared, "_FOLDER", tmp_path)
    tensors, sha = compared.load_weights(method)
    shipped = {name: value.shape for name, value in tensors.items()}
    monkeypatch.undo()
    assert shipped == {name: value.shape for name, value in compared.load_weights(method)[0].items()}
    assert len(sha) == 64
