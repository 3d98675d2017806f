"""Activities against each other: settings and labels, tuning, and a small run of both splits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import activity_parts
from benchmarks.activities import VALUES, Activity, Grid, fixed, focus_measure, softened
from benchmarks.plan import Plan
from benchmarks.rows import Row, Rows
from benchmarks.run import iter_bench
from benchmarks.simulated import KEYS, STANDARD
from benchmarks.tuning import BEST, KINDS, TARGETS, tuned
from napari_focusfuse.core.encode.measures import LoGEnergy, PixelSF
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.simulate import Scene
from napari_focusfuse.errors import FocusFuseError, ModelError


@pytest.mark.parametrize("softness", [2.0, 30.0])
def test_another_softness_is_that_of_the_engine(noisy_scene: Scene, softness: float) -> None:
    decision = Activity("pixel-sf", levels=1).decide(noisy_scene.stack)
    other = Activity("pixel-sf", levels=1, softness=softness).decide(noisy_scene.stack)
    assert np.abs(other.weights - decision.weights).max() > 0.1
    np.testing.assert_allclose(softened(decision, softness).weights, other.weights, atol=1e-4)
    assert softened(decision, 0) is decision


def test_measures_by_name() -> None:
    assert isinstance(focus_measure("pixel-sf"), PixelSF)
    log = focus_measure("log-2.5")
    assert isinstance(log, LoGEnergy)
    assert log.sigma == 2.5
    image = torch.rand(1, 1, 20, 20)
    with torch.inference_mode():
        one, same, other = (focus_measure(name).energy(image) for name in ("random", "random-1", "random-2"))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_random_encoder_leaves_the_state_of_chance_alone() -> None:
    focus_measure.cache_clear()
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    focus_measure("random-9")
    assert torch.equal(torch.rand(3), wanted)


def test_labels_say_what_differs_from_the_engine() -> None:
    labels = [activity.label for activity in fixed("random,log-1.5:radius=8,levels=1")]
    assert labels == ["pixel-sf", "pixel-sf:levels=1", "random", "random:levels=1", "log-1.5:radius=8,levels=1"]
    assert Activity("/some/where/mine", radius=8).label == "mine:radius=8"
    for activity in Grid().activities():
        name, _, settings = activity.label.partition(":")
        assert Activity.of(name, settings.split(",")) == activity


@pytest.mark.parametrize(
    ("models", "says"),
    [
        ("log-thin", "names no sigma"),
        ("log-99", "sigma must be"),
        ("random:size=3", "no setting 'size'"),
        ("random:radius=wide", "must be a whole number"),
        ("random:softness=inf", "must be finite"),
        ("gone", "no model 'gone'"),
    ],
)
def test_wrong_activities(models: str, says: str) -> None:
    with pytest.raises((FocusFuseError, ModelError), match=says):
        fixed(models)


def row(label: str, scene: int, **scores: float) -> Row:
    keys = (STANDARD, "steps", "gaussian", "natural", "none", "gaussian", "0.03", str(scene), label)
    return {**dict(zip(KEYS, keys, strict=True)), **dict.fromkeys(TARGETS, 0.5), **scores}


def rows_of(path: Path, split: str, rows: list[Row]) -> Rows:
    found = Rows(path, KEYS, VALUES, {"split": split}, {})
    found.add(rows)
    return found


def test_the_best_of_each_kind_is_chosen_by_its_mean(tmp_path: Path) -> None:
    one, other, pyramid, sf = (
        "log-1:radius=3,levels=1",
        "log-2:radius=8,levels=1",
        "log-2:radius=8",
        "pixel-sf:radius=5",
    )
    rows = [
        *(row(one, k, wrong=wrong, psnr=30.0) for k, wrong in enumerate((0.1, 0.5))),
        *(row(other, k, wrong=0.2, psnr=29.0) for k in range(2)),
        *(row(pyramid, k, wrong=0.25, psnr=31.0) for k in range(2)),
        # Seen on an easy scene alone; a network; the engine's own setting: none of them is in the grid.
        row("log-3:radius=8,levels=1", 0, wrong=0.0),
        *(row(label, k, wrong=0.0, psnr=99.0) for k in range(2) for label in ("sesf-cse", "pixel-sf")),
        *(row(sf, k, wrong=0.3, psnr=28.0) for k in range(2)),
    ]
    choice, cell = tuned(rows_of(tmp_path / "rows.csv", "development", rows)), ("steps", "0.03")
    one_scale, pyramids = (name for name, (measure, _) in KINDS.items() if measure == "log")
    assert choice.label(one_scale, "wrong", cell) == other
    assert choice.label(one_scale, "psnr", cell) == one
    assert choice.label(pyramids, "wrong", cell) == pyramid
    assert (choice.label(BEST, "wrong", cell), choice.label(BEST, "psnr", cell)) == (other, pyramid)
    assert set(choice.labels(cell)) == {one, other, pyramid, sf}
    with pytest.raises(FocusFuseError, match="no settings were tuned for smooth 0"):
        choice.labels(("smooth", "0"))


def test_nothing_is_tuned_on_the_report_split(tmp_path: Path) -> None:
    with pytest.raises(FocusFuseError, match="on the development split alone"):
        tuned(rows_of(tmp_path / "rows.csv", "report", [row("log-1:radius=3", 0)]))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """A run with tiny stacks and few settings."""
    monkeypatch.setattr(activity_parts, "QUICK", Grid(sigmas=(1.0,), radii=(2, 5), softnesses=(0.0, 8.0)))
    tiny = {"shape": (32, 40), "slices": 4, "noises": (0.0, 0.03)}
    monkeypatch.setattr(activity_parts, "_QUICK_STACKS", activity_parts._STACKS | tiny)
    monkeypatch.setattr(activity_parts, "_MODELS", "log-2")

    def run(**options: Any) -> str:
        return drain(iter_bench(Plan(out=tmp_path / "out", activities=True, quick=True, scenes=1, jobs=1, **options)))

    return run


@pytest.mark.slow
def test_a_small_run(small: Callable[..., str], pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    with pytest.raises(FocusFuseError, match="no rows of the development split"):
        small(split="report")
    told = small()
    development = (out / "activities-development.csv").read_bytes()
    assert "the one that is shown" in told
    # Two measures, scales, radii and softnesses, on two surfaces and noises; and four of one setting.
    assert len(development.splitlines()) == 2 + (2 * 2 * 2 * 2 + 4) * 2 * 2
    told = small(split="report", families=True, pairs=(pairs,), limit=1)
    assert (out / "activities-development.csv").read_bytes() == development
    assert "the one that is shown" not in told
    assert "## Activities: report split, 1 scenes a cell" in told
    assert "**Families**" in told
    assert "## Pairs with truth: photos-activities, 1 pairs" in told
    for line in told.splitlines():
        if line.startswith("!["):
            assert (out / line.partition("(")[2].rstrip(")")).is_file()
    monkeypatch.setattr(activity_parts, "plot_activities", lambda *_: None)
    report = (out / "activities-report.csv").read_bytes()
    small(split="report", families=True)
    assert (out / "activities-report.csv").read_bytes() == report
    page = (out / "benchmarks.md").read_text()
    again = drain(iter_bench(Plan(out=out, report=True)))
    assert "nothing was run" in again
    assert [line for line in (out / "benchmarks.md").read_text().splitlines() if "Made on" not in line] == [
        line for line in page.splitlines() if "Made on" not in line
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"activities": True, "simulated": True}, "--activities is a run of its own: leave out --simulated"),
        ({"activities": True, "ablation": (Path("a"),)}, "leave out --ablation"),
        ({"activities": True, "methods": "log"}, "leave out --methods"),
        ({"ablation": (Path("a"),), "pairs": (Path("b"),)}, "--ablation is a run of its own: leave out --pairs"),
        ({"simulated": True, "models": "random"}, "--models goes with --activities or --ablation"),
        ({"report": True, "activities": True}, "--report runs nothing: leave out --activities"),
        ({"activities": True, "recorded": Path("r.csv")}, "--recorded goes with --paper"),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(FocusFuseError, match=says):
        Plan(out=tmp_path / "out", **options)
