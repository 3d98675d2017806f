"""Training a decision head."""

import copy

import numpy as np
import pytest
import torch

from napari_focusfuse import models
from napari_focusfuse.config import DecideConfig
from napari_focusfuse.core.encode.head import INPUTS, FocusHead
from napari_focusfuse.core.progress import Returning
from napari_focusfuse.core.training import _scenes
from napari_focusfuse.core.training.decision_head import (
    Part,
    Scenes,
    accuracy,
    decide_loss,
    iter_learn_decision,
    part_scores,
    whole,
)
from napari_focusfuse.core.training.steps import RankState, best_encoder
from napari_focusfuse.errors import FocusFuseError, TrainingError

SMALL = DecideConfig(steps=8, crop=48, validate_every=4, scene_steps=4, learning_rate=1e-2)


@pytest.fixture(scope="module", autouse=True)
def _small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scenes, "side", 64)
        patch.setattr(_scenes, "_SLICES", (5, 7))
        patch.setattr("napari_focusfuse.core.training.decision_head.Validation.count", 2)
        yield


@pytest.fixture(scope="module")
def done(networks):
    """State and reports of a training."""
    return trained(RankState(copy.deepcopy(networks["none"].encoder), SMALL, origin="a model"))


def trained(state, config=SMALL):
    steps = Returning(iter_learn_decision([], [], config, state))
    reports = list(steps)
    return steps.result, reports


def test_a_scene_is_the_same_again(networks):
    encoder = networks["none"].encoder
    one, other, another = (Scenes([], SMALL, encoder, 0)[k] for k in (3, 3, 4))
    torch.testing.assert_close(one.squared, other.squared, rtol=0, atol=0)
    torch.testing.assert_close(one.depth, other.depth, rtol=0, atol=0)
    assert one.squared.shape == (len(one.squared), INPUTS, *(side // 2 for side in one.depth.shape))
    assert not torch.equal(one.depth, another.depth)


def test_the_loss_is_least_for_the_truth(networks):
    scene, head = Scenes([], SMALL, networks["none"].encoder, 0)[1], FocusHead()
    place = torch.arange(len(scene.squared))[:, None, None]
    right = -2 * (place - scene.depth) ** 2
    part = whole(scene)
    losses = [decide_loss(head, scores, scene, part).item() for scores in (right, 0 * right, -right)]
    assert losses == sorted(losses)
    assert accuracy(right, scene, part) == 1
    assert accuracy(-right, scene, part) < 0.2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_scene_of_seven_has_few_slices_far_apart(networks, seed):
    """The slice nearest to the true depth shows the place as it is, the others blur it."""
    drawn = Scenes([], SMALL, networks["none"].encoder, 0)._made(np.random.default_rng(seed), 6)
    count = len(drawn.slices)
    assert 2 <= count <= 3
    away = np.abs(np.arange(count)[:, None, None] - drawn.depth)
    error = np.abs(drawn.slices - drawn.sharp)
    assert error[away < 0.25].mean() < 0.5 * error[away > 0.75].mean()


def test_some_slices_of_a_scene(networks):
    """Depth is told in the slices of the scene, also where only some are decided between."""
    scene = Scenes([], SMALL, networks["none"].encoder, 0)[2]
    part = Part([0, 1, 3], slice(0, 60), slice(4, 64))
    depth = scene.depth[0:60, 4:64]
    place = torch.tensor([0, 1, 3])[:, None, None]
    assert part_scores(FocusHead(), scene, part).shape == (3, 60, 60)
    reachable = ((place - depth).abs().amin(dim=0) <= 1).float().mean().item()
    assert accuracy(-((place - depth) ** 2), scene, part) == pytest.approx(reachable)


def test_only_the_head_is_trained(networks, done):
    before = networks["none"].encoder.state_dict()
    state, reports = done
    after = state.encoder.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())
    assert any(key.startswith("head.") for key in after)
    assert [entry.step for entry in state.log] == [4, 8]
    assert reports[-1].state.example.picked.shape == (64, 64)


@pytest.mark.slow
def test_it_decides_better_and_better(networks, monkeypatch):
    """Going on from a head that says anything."""
    monkeypatch.setattr("napari_focusfuse.core.training.decision_head.Validation.count", 12)
    config = DecideConfig(steps=80, crop=48, validate_every=40, scene_steps=2, learning_rate=5e-3)
    encoder = copy.deepcopy(networks["none"].encoder)
    torch.manual_seed(0)
    encoder.head = FocusHead()
    torch.nn.init.normal_(encoder.head.out.weight, std=20)
    state, _ = trained(RankState(encoder, config, origin="a model"), config)
    assert state.log[-1].val_loss < state.start_loss - 0.3
    assert state.kept


@pytest.mark.slow
def test_going_on_is_as_if_never_interrupted(done, networks, tmp_path):
    whole, _ = done
    steps = iter_learn_decision([], [], SMALL, RankState(copy.deepcopy(networks["none"].encoder), SMALL, origin="it"))
    for report in steps:
        if report.state is not None:
            models.save_state(report.state, tmp_path)
            break
    again, _ = trained(models.load_state(tmp_path))
    for key, value in best_encoder(whole).state_dict().items():
        assert torch.equal(value, best_encoder(again).state_dict()[key]), key


def test_a_model_with_a_head_comes_back(done, tmp_path):
    state, _ = done
    models.save_model(best_encoder(state), tmp_path, "a card")
    encoder = models.load_model(tmp_path).encoder
    assert encoder.head is not None
    np.testing.assert_array_equal(encoder.head.shares.detach(), best_encoder(state).head.shares.detach())


def test_an_encoder_is_needed():
    with pytest.raises(TrainingError, match="name a model to start from"):
        list(iter_learn_decision([], [], SMALL, None))


@pytest.mark.parametrize("settings", [{"crop": 47}, {"crop": 177}, {"scene_steps": 0}, {"steps": 0}])
def test_refusals(settings):
    with pytest.raises(FocusFuseError):
        DecideConfig(**settings)
