"""Training the edge head: it learns, goes on exactly, and needs a decision head."""

import pytest
import torch

from napari_focusfuse.core.config import EdgeConfig
from napari_focusfuse.core.edging import edge_scores, iter_learn_edges
from napari_focusfuse.core.edging._contests import Contests
from napari_focusfuse.core.network import Encoder
from napari_focusfuse.core.progress import Returning
from napari_focusfuse.core.ranking import RankState, best_encoder
from napari_focusfuse.errors import TrainingError

CONFIG = EdgeConfig(steps=4, stacks=1, crop=48, validate_every=2, scene_steps=2, learning_rate=1e-2, seed=1)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(Contests, "side", 64)
    monkeypatch.setattr("napari_focusfuse.core.edging._validation._SCENES", 2)


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return Encoder("none", decides=True).eval()


def learned(config, state, stop=None):
    work = Returning(iter_learn_edges([], [], config, state, stop=stop))
    reports = list(work)
    return work.result, reports


def test_only_the_edge_head_is_trained(small, encoder):
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    state, _ = learned(CONFIG, RankState(encoder, CONFIG))
    after = best_encoder(state).state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())
    assert any(after[key].abs().max() > 0 for key in after if key.startswith("edges.out"))
    assert [entry.step for entry in state.log] == [2, 4]


def test_a_decision_head_is_needed(small):
    with pytest.raises(TrainingError, match="decision head"):
        learned(CONFIG, RankState(Encoder("none").eval(), CONFIG))
    with pytest.raises(TrainingError, match="decision head"):
        learned(CONFIG, None)


def test_scenes_are_the_same_again(small, encoder):
    first, again = (Contests([], CONFIG, encoder, 0)[3] for _ in range(2))
    assert torch.equal(first.contest.scores, again.contest.scores)
    assert torch.equal(first.off, again.off)
    assert first.contest.scores.shape[1:] == (64, 64)


def test_scores_are_of_held_out_scenes(small, encoder):
    state, _ = learned(CONFIG, RankState(encoder, CONFIG))
    trained = best_encoder(state)
    scores = edge_scores(trained, [], CONFIG)
    assert scores.loss == pytest.approx(min(entry.val_loss for entry in state.log), abs=1e-5)
