"""Bright spots before a dark ground."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import halo
from benchmarks.contenders import Contender, Outcome, parse_methods
from benchmarks.halo import KEYS, VALUES, ZONES, Halo, halo_section, iter_halo, render_halo
from benchmarks.rows import Rows
from napari_focusfuse.core.progress import drain

HALO = Halo("development", 0, 0.0, 20)
MADE = ("date", "version", "commit", "command", "cpu", "cores", "threads", "torch", "numpy", "python")


class Truthful:
    """Gives the true image, 655.35 counts (40 dB) too bright."""

    label = "truthful"

    def run(self, stack: object) -> Outcome:
        assert stack is not None
        return Outcome(np.asarray(render_halo(HALO).truth) + 655.35)


@pytest.fixture
def _one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halo, "_EDGES", (0.0,))
    monkeypatch.setattr(halo, "_RATIOS", (20,))


def test_spots_are_sharp_where_they_are_in_focus_and_spill_where_not() -> None:
    scene = render_halo(HALO)
    light = (scene.stack.astype(float) - 1500) / 60000
    spot, ring = scene.zones["rim"], scene.zones["ring"]
    near, far = light[2], light[9]
    assert np.median(near[spot]) > 10 * np.median(near[ring])
    assert np.abs((scene.truth - scene.stack[2])[spot]).max() < 60000 * 0.002 * 6
    # In focus on the ground, the ring is brighter than the ground by the light of the spots.
    assert far[ring].mean() > 2 * ((scene.truth - 1500) / 60000)[ring].mean()
    away = ~(ring | spot) & (light[2] < 0.2)
    assert np.median(np.abs(scene.truth - scene.stack[9])[away]) < 60000 * 0.01


def test_zones_and_ratio() -> None:
    scene, paler = render_halo(HALO), render_halo(HALO._replace(ratio=2))
    assert not (scene.zones["rim"] & scene.zones["ring"]).any()
    assert scene.zones["all"].all()
    ground = scene.zones["ring"]
    assert np.allclose((paler.truth - 1500)[ground], 10 * (scene.truth - 1500)[ground])
    assert np.array_equal((paler.truth)[scene.zones["rim"]], scene.truth[scene.zones["rim"]])
    soft = render_halo(HALO._replace(edge=0.7)).truth
    assert np.abs(np.diff(soft, axis=1)).max() < 0.8 * np.abs(np.diff(scene.truth, axis=1)).max()


@pytest.mark.usefixtures("_one_kind")
def test_scores_by_hand_and_going_on(tmp_path: Path) -> None:
    rows = Rows(tmp_path / "rows.csv", KEYS, VALUES, {}, dict.fromkeys(MADE, "?"))
    everyone: list[Contender] = [Truthful(), *parse_methods("log")]
    drain(iter_halo("development", 1, everyone, rows, 1))
    found = {row["method"]: row for row in rows}
    assert [found["truthful"][zone] for zone in ZONES] == pytest.approx([40, 40, 40], abs=0.001)
    text = halo_section(rows, ["truthful", "log"], "development")
    assert "## Bright spots: development split, 1 scenes a cell" in text
    assert "| method | edge 0, x 20 |" in text
    assert f"| log | {'**' * (found['log']['rim'] > 40)}{found['log']['rim']:.1f}" in text
    before = (tmp_path / "rows.csv").read_text()
    drain(iter_halo("development", 1, everyone, rows, 1))
    assert (tmp_path / "rows.csv").read_text() == before
