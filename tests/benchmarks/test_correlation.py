"""The script that compares metrics with the truth."""

import numpy as np
import pytest
from skimage.io import imsave

from benchmarks import correlation


def test_agreement_is_the_mean_rank_correlation_of_scenes():
    rows = [
        {"group": "g", "scene": scene, "method": f"m{k}", "psnr": 20 + k, "good": k**3, "mixed": sign * k}
        for scene, sign in (("a", 1), ("b", 1), ("c", -1))
        for k in range(10)
    ]
    found = correlation.agreement(rows, ["good", "mixed"])["g"]
    assert found["good"] == pytest.approx((1, 1))
    assert found["mixed"] == pytest.approx((1 / 3, 1 / 3))
    assert "| `mixed` | 0.33 / 0.33 |" in correlation.table({"g": found}, ["good", "mixed"])


def test_the_best_are_the_seven_of_largest_psnr():
    values = [(k, -k if k > 2 else k) for k in range(10)]
    rows = [{"group": "g", "scene": "s", "method": str(k), "psnr": k, "m": value} for k, value in values]
    assert correlation.agreement(rows, ["m"])["g"]["m"][1] == pytest.approx(-1)


def test_pairs_are_spread_over_the_folder(tmp_path, rng):
    for name in ("p1", "p2", "p3"):
        for tag in ("A", "B", "GT"):
            size = 20 if (name, tag) == ("p2", "GT") else 16
            imsave(
                tmp_path / f"{name}_{tag}.png", rng.integers(0, 255, (size, 16), dtype=np.uint8), check_contrast=False
            )
    assert [scene.name for scene in correlation.pairs(tmp_path, 2)] == ["p1", "p3"]
    assert [scene.name for scene in correlation.pairs(tmp_path, 9)] == ["p1", "p3"]
    assert next(correlation.pairs(tmp_path, 1)).stack.shape == (2, 16, 16)


def test_a_scene_is_scored_by_every_method(monkeypatch):
    monkeypatch.setattr(correlation, "SHAPE", (24, 32))
    scene = next(correlation.simulated(1, None))
    rows = list(correlation.score(scene, ["qg"]))
    assert len({row["method"] for row in rows}) == len(rows) > 10
    assert all(np.isfinite([row["qg"], row["psnr"]]).all() for row in rows)
