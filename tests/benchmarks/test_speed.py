"""The stack of the speed benchmark is one that fuses, whatever its size."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import napari_focusfuse as ff


@pytest.fixture(scope="module")
def speed():
    path = Path(__file__).parents[2] / "benchmarks" / "speed.py"
    spec = importlib.util.spec_from_file_location("speed", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_its_stack_has_the_depth_it_says(speed):
    result = ff.fuse(speed.LazyStack(96, 5))
    expected = np.broadcast_to(np.linspace(0, 4, 96), (96, 96))
    inner = slice(16, -16)
    assert (np.abs(result.decision.index - expected)[inner, inner] <= 1).mean() > 0.95


def test_it_prints_ratios_and_exponents(speed, capsys, monkeypatch):
    monkeypatch.setattr(speed, "_ROUNDS", 1)
    speed.encoder(64)
    speed.memory(64, 3)
    told = capsys.readouterr().out
    assert "ratio" in told
    assert "3 slices of 64 x 64 px" in told
