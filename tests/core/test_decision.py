"""Editing, saving and loading decisions."""

from dataclasses import replace

import numpy as np
import pytest

from napari_focusfuse.core.decision import Decision, Flag, load_decision
from napari_focusfuse.errors import FocusFuseError, OutputError


@pytest.fixture
def decision(rng) -> Decision:
    labels = np.argsort(rng.random((5, 20, 24)), axis=0)[:3].astype(np.int16)
    weights = -np.sort(-rng.random((3, 20, 24)), axis=0)
    weights = (weights / weights.sum(axis=0)).astype(np.float32)
    depth, confidence = rng.random((2, 20, 24), dtype=np.float32)
    return Decision(labels, weights, depth, confidence, np.zeros((20, 24), np.uint16), np.arange(5) * 2.0, {"a": 1})


def test_an_edit_takes_the_slice_and_leaves_the_rest(decision):
    mask = np.zeros(decision.shape, dtype=bool)
    mask[5:10, 6:12] = True
    edited = decision.with_edits(np.full(decision.shape, 4), mask)
    assert (edited.index[mask] == 4).all()
    assert (edited.weights[0][mask] == 1).all()
    assert (edited.depth[mask] == 8).all()
    assert (edited.confidence[mask] == 1).all()
    assert (edited.flags[mask] == Flag.EDITED).all()
    np.testing.assert_array_equal(edited.index[~mask], decision.index[~mask])
    far = np.ones_like(mask)
    far[2:13, 3:15] = False
    np.testing.assert_array_equal(edited.labels[:, far], decision.labels[:, far])
    np.testing.assert_allclose(edited.weights[:, far], decision.weights[:, far], rtol=1e-6)
    np.testing.assert_array_equal(edited.depth[~mask], decision.depth[~mask])
    np.testing.assert_allclose(edited.weights.sum(axis=0), 1, rtol=1e-6)


def test_the_seam_is_soft(decision):
    mask = np.zeros(decision.shape, dtype=bool)
    mask[:, :10] = True
    edited = decision.with_edits(np.full(decision.shape, 4), mask)
    share = np.where(edited.labels == 4, edited.weights, 0).sum(axis=0).mean(axis=0)
    assert share[9] == 1
    assert share[9] > share[10] > share[11]


def test_no_edit_is_the_same_decision(decision):
    assert decision.with_edits(decision.index, np.zeros(decision.shape, dtype=bool)) is decision


def test_wrong_edits_are_refused(decision):
    mask = np.ones(decision.shape, dtype=bool)
    with pytest.raises(FocusFuseError, match="slices 0 to 4"):
        decision.with_edits(np.full(decision.shape, 5), mask)
    with pytest.raises(FocusFuseError, match="one size"):
        decision.with_edits(np.zeros((3, 3)), mask)


def test_saved_and_loaded(decision, tmp_path):
    path = tmp_path / "decision.npz"
    decision.save(path)
    back = load_decision(path)
    for name in ("labels", "weights", "depth", "confidence", "flags", "z"):
        np.testing.assert_array_equal(getattr(back, name), getattr(decision, name))
    assert back.info == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["decision.npz"]


def test_what_is_no_decision_is_refused(decision, tmp_path):
    path = tmp_path / "decision.npz"
    decision.save(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FocusFuseError, match="no decision"):
        load_decision(path)
    with pytest.raises(FocusFuseError, match="no decision"):
        load_decision(tmp_path / "missing.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(FocusFuseError, match="holds no decision"):
        load_decision(tmp_path / "array.npy")
    replace(decision, labels=decision.labels + 5).save(path)
    with pytest.raises(FocusFuseError, match="fits together"):
        load_decision(path)
    with pytest.raises(OutputError, match="cannot write"):
        decision.save(tmp_path / "no" / "decision.npz")


def test_saving_follows_no_link_and_touches_no_other_file(decision, tmp_path):
    """Files beside the target belong to somebody else, whatever they are called."""
    (tmp_path / "d.npz.part").write_text("mine")
    (tmp_path / "kept.npz").write_text("elsewhere")
    try:
        (tmp_path / "d.npz").symlink_to(tmp_path / "kept.npz")
    except OSError:
        pytest.skip("links cannot be made here")
    decision.save(tmp_path / "d.npz")
    assert load_decision(tmp_path / "d.npz").shape == decision.shape
    assert (tmp_path / "kept.npz").read_text() == "elsewhere"
    assert (tmp_path / "d.npz.part").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 3
