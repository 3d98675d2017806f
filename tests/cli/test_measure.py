"""``focusfuse measure``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

import napari_focusfuse as ff

Runs = Callable[..., Any]


@pytest.fixture
def fused(tmp_path: Path, stack: np.ndarray) -> Path:
    path = tmp_path / "fused.png"
    path.write_bytes(imagecodecs.png_encode(stack[1]))
    return path


def test_a_table(run: Runs, slices: Path, fused: Path, stack: np.ndarray) -> None:
    done = run("measure", fused, slices)
    assert (done.code, done.err) == (0, "")
    head, *rows = done.out.splitlines()
    assert head.split() == ["metric", "value", "best", "measures"]
    expected = ff.measure(stack, stack[1])
    assert [row.split()[0] for row in rows] == list(expected)
    assert [float(row.split()[1]) for row in rows] == pytest.approx(list(expected.values()), abs=1e-6)
    assert len({row.index(row.split()[3]) for row in rows}) == 1


def test_files_one_by_one_as_csv(run: Runs, slices: Path, fused: Path, stack: np.ndarray) -> None:
    pair = sorted(slices.iterdir())[:2]
    done = run("measure", fused, *pair, "--truth", pair[0], "--metrics", "qg, SSIM,bias", "--csv")
    assert (done.code, done.err) == (0, "")
    head, *rows = done.out.splitlines()
    assert head == "metric,value"
    expected = ff.measure(stack[:2], stack[1], truth=stack[0], metrics=["qg", "ssim", "bias"])
    assert {name: float(value) for name, value in (row.split(",") for row in rows)} == expected


def test_the_value_of_white(run: Runs, slices: Path, fused: Path, stack: np.ndarray) -> None:
    done = run("measure", fused, slices, "--metrics", "ag", "--data-range", "100", "--csv")
    expected = ff.measure(stack, stack[1], metrics=["ag"], data_range=100)
    assert done.out.split() == ["metric,value", f"ag,{expected['ag']!r}"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("fused.png",), "sources"),
        (("fused.png", "absent"), "absent"),
        (("absent.png", "beads"), "absent.png"),
        (("beads", "beads"), "beads"),
        (("fused.png", "fused.png"), "contains one image"),
        (("fused.png", "beads", "fused.png"), "is a folder"),
        (("fused.png", "beads", "--metrics", "qx"), "there is no metric 'qx'"),
        (("fused.png", "beads", "--metrics", "ssim"), "ssim compares with a true image"),
        (("fused.png", "beads", "--truth", "absent.png"), "absent.png"),
    ],
)
def test_wrong_input(
    run: Runs, slices: Path, fused: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(slices.parent)
    done = run("measure", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert says.lower() in done.err.lower()
