"""Training the candidate head: it learns, goes on exactly, and needs a decision head."""

import copy

import pytest
import torch

from napari_focusfuse import models
from napari_focusfuse.config import CandidateConfig, DecideConfig
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.progress import Returning
from napari_focusfuse.core.training import _scenes
from napari_focusfuse.core.training.candidate_head import (
    Part,
    ScoredScenes,
    candidate_scores,
    iter_learn_candidates,
    part_of,
)
from napari_focusfuse.core.training.decision_head import Scenes, iter_learn_decision
from napari_focusfuse.core.training.steps import RankState, best_encoder
from napari_focusfuse.errors import FocusFuseError, TrainingError

CONFIG = CandidateConfig(steps=4, stacks=1, crop=48, validate_every=2, scene_steps=2, learning_rate=1e-2, seed=1)
#: Of everyone's scenes; those of these tests are smaller.
SIDE = ScoredScenes.side


@pytest.fixture(scope="module")
def small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScoredScenes, "side", 64)
        patch.setattr(_scenes, "_SLICES", (5, 7))
        patch.setattr("napari_focusfuse.core.training.candidate_head.Validation.count", 2)
        yield


def untrained():
    torch.manual_seed(0)
    return Encoder("none", decides=True).eval()


@pytest.fixture
def encoder():
    return untrained()


def learned(config, state, stop=None):
    work = Returning(iter_learn_candidates([], [], config, state, stop=stop))
    reports = list(work)
    return work.result, reports


@pytest.fixture(scope="module")
def done(small):
    """State and reports of a training."""
    return learned(CONFIG, RankState(untrained(), CONFIG))


def test_only_the_candidate_head_is_trained(done, encoder):
    before = encoder.state_dict()
    state, reports = done
    after = best_encoder(state).state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())
    assert any(after[key].abs().max() > 0 for key in after if key.startswith("candidates.out"))
    assert [entry.step for entry in state.log] == [2, 4]
    slices, off = reports[-1].state.example
    assert (slices.shape, off.shape) == ((3, 64, 64), (64, 64))


def test_a_decision_head_is_needed(small):
    with pytest.raises(TrainingError, match="decision head"):
        learned(CONFIG, RankState(Encoder("none").eval(), CONFIG))
    with pytest.raises(TrainingError, match="decision head"):
        learned(CONFIG, None)


def test_scenes_are_the_same_again(small, encoder):
    first, again = (ScoredScenes([], CONFIG, encoder, 0)[3] for _ in range(2))
    assert torch.equal(first.scores, again.scores)
    assert torch.equal(first.depth, again.depth)
    assert first.slices.shape[1:] == first.sharp.shape == (64, 64)


def test_a_part_is_what_the_engine_would_show(small, encoder):
    """Turned and mirrored alike; depth is told in the slices of the scene, of which only some take part."""
    scene = ScoredScenes([], CONFIG, encoder, 0)[3]
    straight = part_of(scene, Part([0, 2, 3], slice(8, 40), slice(0, 48)))
    turned = part_of(scene, Part([0, 2, 3], slice(8, 40), slice(0, 48), 1, mirrored=True))
    assert straight.candidates.scores.shape == (3, 32, 48)
    assert straight.candidates.slices == 3
    for one, other in zip(straight.candidates[:6], turned.candidates[:6], strict=True):
        torch.testing.assert_close(torch.rot90(one, 1, (-2, -1)).flip(-1), other)
    taken = torch.tensor([0, 2, 3])[straight.candidates.ranks]
    torch.testing.assert_close(straight.off, taken - scene.depth[8:40, :48])
    torch.testing.assert_close(straight.candidates.greys, scene.slices[:, 8:40, :48].gather(0, taken))


def test_scores_are_of_held_out_scenes(done):
    state, _ = done
    trained = best_encoder(state)
    scores = candidate_scores(trained, [], CONFIG)
    assert scores.loss == pytest.approx(min(entry.val_loss for entry in state.log), abs=1e-5)


def test_it_gets_better(small):
    """Going on from a candidate head that says anything, on scenes that it is not trained on."""
    config = CandidateConfig(steps=40, stacks=1, crop=48, validate_every=20, scene_steps=10, learning_rate=2e-2, seed=1)
    torch.manual_seed(0)
    encoder = Encoder("none", decides=True, judges=True).eval()
    torch.nn.init.normal_(encoder.candidates.out.weight, std=5)
    state, _ = learned(config, RankState(encoder, config, origin="a model"))
    assert state.log[-1].val_loss < state.start_loss - 0.3
    assert state.kept


def test_going_on_is_as_if_never_interrupted(small, encoder, tmp_path):
    whole, _ = learned(CONFIG, RankState(copy.deepcopy(encoder), CONFIG, origin="it"))
    for report in iter_learn_candidates([], [], CONFIG, RankState(encoder, CONFIG, origin="it")):
        if report.state is not None and report.state.log:
            models.save_state(report.state, tmp_path)
            break
    begun = models.load_state(tmp_path)
    assert (begun.step, begun.config) == (2, CONFIG)
    again, _ = learned(CONFIG, begun)
    expected, found = (best_encoder(state).state_dict() for state in (whole, again))
    assert all(torch.equal(found[key], value) for key, value in expected.items())
    assert torch.equal(whole.encoder.candidates.out.weight, again.encoder.candidates.out.weight)


def test_a_model_with_an_candidate_head_comes_back(done, tmp_path):
    state, _ = done
    models.save_model(best_encoder(state), tmp_path, "a card")
    model, saved = models.load_model(tmp_path), best_encoder(state).state_dict()
    assert models.trained_by(tmp_path) == "candidates"
    assert model.network is None
    assert saved.keys() == model.encoder.state_dict().keys()
    assert all(torch.equal(value, saved[key]) for key, value in model.encoder.state_dict().items())


def test_another_decision_head_takes_the_candidate_head_away(small, monkeypatch):
    monkeypatch.setattr(Scenes, "side", 64)
    monkeypatch.setattr("napari_focusfuse.core.training.decision_head.Validation.count", 1)
    config = DecideConfig(steps=1, crop=48, validate_every=1)
    work = Returning(iter_learn_decision([], [], config, RankState(Encoder(decides=True, judges=True).eval(), config)))
    list(work)
    assert best_encoder(work.result).candidates is None


@pytest.mark.parametrize("settings", [{"crop": 47}, {"crop": 177}, {"scene_steps": 0}, {"stacks": 0}])
def test_refusals(settings):
    with pytest.raises(FocusFuseError):
        CandidateConfig(**settings)
    assert CandidateConfig(crop=176).crop == SIDE
