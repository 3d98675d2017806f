"""Sizes that are no lengths are refused in a sentence wherever they can be given, and nothing is written."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse import api
from napari_focusfuse.config.setting import check_sizes
from napari_focusfuse.core.progress import drain
from napari_focusfuse.errors import OutputError

WRONG = [-1.0, 0, math.nan, math.inf, "1 um", pytest.param(10**400, id="huge")]


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    stack = ff.simulate((24, 32), 4, seed=3).stack
    whole = ff.fuse_hyperstack(np.stack([stack, stack]), "TZYX", method="log")
    return {"result": ff.fuse(stack, method="log"), "stack": stack, "whole": whole}


def tasks(made: dict[str, Any], out: Path, sizes: dict[str, Any]) -> dict[str, Any]:
    """Everything that takes a pixel size and a z-step."""
    result, pixel = made["result"], {"pixel_size": sizes["pixel_size"]}
    return {
        "result": lambda: ff.save_result(out / "folder", result, **sizes),
        "no decision": lambda: ff.save_result(out / "folder", ff.fuse(made["stack"], method="max"), **sizes),
        "whole": lambda: drain(api.iter_save_hyperstack(out / "folder", made["whole"], **sizes)),
        "stack": lambda: api.save_stack(out / "a.tif", made["stack"], **sizes),
        "surface": lambda: ff.save_surface(out / "a.ply", ff.surface(result.decision, **sizes)),
        "export": lambda: api.export(result.decision, out / "a.tif", **sizes),
        "heights": lambda: ff.save_heights(out / "a.x3p", ff.heights(result.decision, z_step=sizes["z_step"]), **pixel),
        "image": lambda: api.save_image(out / "a.png", result.image.astype(np.uint8), **pixel),
    }


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("which", ["pixel_size", "z_step"])
@pytest.mark.parametrize("task", ["result", "no decision", "whole", "stack", "surface", "export", "heights", "image"])
def test_refused(tmp_path: Path, made: dict[str, Any], task: str, which: str, wrong: Any) -> None:
    if (task, which) == ("image", "z_step"):
        return
    sizes = {"pixel_size": (0.5, 0.5), "z_step": 2.0}
    sizes[which] = (0.5, wrong) if which == "pixel_size" else wrong
    with pytest.raises(OutputError, match=r"(pixel size|z-step) must be .*greater than 0, not .*in um"):
        tasks(made, tmp_path, sizes)[task]()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("task", ["result", "whole", "stack", "surface", "export", "heights", "image"])
def test_lengths_are_taken(tmp_path: Path, made: dict[str, Any], task: str) -> None:
    tasks(made, tmp_path, {"pixel_size": np.array([0.5, 1e-9]), "z_step": np.float32(2)})[task]()
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("pixel_size", [0.5, (0.5,), (1, 1, 1), "ab"])
def test_a_pixel_has_two_sides(pixel_size: Any) -> None:
    with pytest.raises(OutputError, match="a height and a width"):
        check_sizes(pixel_size)
