"""Editing, saving and loading decisions."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from napari_focusfuse.core.files import checked
from napari_focusfuse.core.result import Decision, Flag, load_decision
from napari_focusfuse.core.result.told import Shares, summary
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
    with pytest.raises(FocusFuseError, match="no readable decision map"):
        load_decision(path)
    with pytest.raises(FocusFuseError, match="no readable decision map"):
        load_decision(tmp_path / "missing.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(FocusFuseError, match="contains no readable decision map"):
        load_decision(tmp_path / "array.npy")
    replace(decision, labels=decision.labels + 5).save(path)
    with pytest.raises(FocusFuseError, match=r"no readable decision map .*labels from 0"):
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


def entry(archive, name, content):
    """A member of an npz, in place of the one of that name."""
    with zipfile.ZipFile(archive) as old:
        kept = {info.filename: old.read(info) for info in old.infolist()}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as new:
        for filename, data in {**kept, name: content}.items():
            new.writestr(filename, data)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("labels", np.zeros((3, 20, 24), bool), "labels that are whole numbers"),
        ("labels", np.full((3, 20, 24), -1, np.int16), "labels from 0 to 4"),
        ("weights", np.array([5.0, -4.0, 0.0])[:, None, None] * np.ones((20, 24)), "weights from 0 to 1"),
        ("weights", np.full((3, 20, 24), np.nan), "weights from 0 to 1"),
        ("weights", np.full((3, 20, 24), 0.4), "sum to 1"),
        ("confidence", np.full((20, 24), 1e30), "confidence from 0 to 1"),
        ("confidence", np.full((20, 24), np.nan), "confidence from 0 to 1"),
        ("depth", np.full((20, 24), np.inf), "depths that are numbers or NaN"),
        ("depth", np.zeros((20, 23)), "depth of the size"),
        ("flags", np.full((20, 24), 2**16), "flags of 16 bits"),
        ("flags", np.zeros((20, 24)), "flags of 16 bits"),
        ("z", np.array([0.0, np.nan, 2, 3, 4]), "positions that differ"),
        ("z", np.array([0.0, 1, 1, 3, 4]), "positions that differ"),
        ("z", np.zeros((1, 5)), "positions of the slices"),
    ],
)
def test_what_is_read_is_held_to_what_is_made(decision, tmp_path, name, value, told):
    replace(decision, **{name: value}).save(tmp_path / "d.npz")
    with pytest.raises(FocusFuseError, match=f"no readable decision map .*{told}"):
        load_decision(tmp_path / "d.npz")


def test_types_are_those_that_are_documented(decision, tmp_path):
    loose = {"flags": decision.flags.astype(np.int64), "labels": decision.labels.astype(np.int64)}
    replace(decision, **loose, weights=decision.weights.astype(np.float64)).save(tmp_path / "d.npz")
    read = load_decision(tmp_path / "d.npz")
    assert (read.flags.dtype, read.labels.dtype, read.weights.dtype) == (np.uint16, np.int32, np.float32)


def test_archives_that_are_not_trusted(decision, tmp_path, monkeypatch):
    path = tmp_path / "d.npz"
    member = io.BytesIO()
    np.save(member, np.zeros((20, 24), np.uint16))
    header = member.getvalue()
    vast = header.replace(b"'shape': (20, 24), }        ", b"'shape': (900000, 1200), }  ")
    assert vast != header
    deep = io.BytesIO()
    np.save(deep, np.array("[" * 100_000))
    for name, content, told in (
        ("flags.npy", vast, "another size"),
        ("flags.npy", b"no array", "magic string"),
        ("info.npy", deep.getvalue(), "nested too deeply"),
        ("info.npy", header, "what made it|Expecting"),
    ):
        decision.save(path)
        entry(path, name, content)
        with pytest.raises(FocusFuseError, match=f"no readable decision map .*({told})"):
            load_decision(path)
    decision.save(path)
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(mark, at + 4)
    path.write_bytes(data)
    with pytest.raises(FocusFuseError, match="it is encrypted"):
        load_decision(path)
    decision.save(path)
    monkeypatch.setattr(checked, "memory", lambda: 2000)
    with pytest.raises(FocusFuseError, match=r"it would take 0\.0 GiB"):
        load_decision(path)


def test_edits_of_the_wrong_type(decision):
    mask = np.ones((20, 24), bool)
    for index, where in ((mask, mask), (np.zeros((20, 24)), mask), (np.zeros((20, 24), int), mask.astype(int))):
        with pytest.raises(FocusFuseError, match="they must be whole numbers and bool"):
            decision.with_edits(index, where)


def test_other_positions_move_depth_between_the_same_slices() -> None:
    depth = np.array([[0.5, 1.0, np.nan, 2.25]], np.float32)
    labels, weights = np.zeros((1, 1, 4), np.int16), np.ones((1, 1, 4), np.float32)
    decision = Decision(labels, weights, depth, weights[0], np.zeros((1, 4), np.uint16), np.arange(4.0))
    np.testing.assert_allclose(decision.with_z([0, 2, 6, 8]).depth, [[1, 2, np.nan, 6.5]])
    np.testing.assert_allclose(decision.with_z([3, 2, 1, 0]).depth, [[2.5, 2, np.nan, 0.75]])
    back = decision.with_z([3, 2, 1, 0]).with_z([0, 1, 2, 3])
    np.testing.assert_allclose(back.depth, depth)
    with pytest.raises(FocusFuseError, match="another order"):
        decision.with_z([0, 2, 1, 3])
    with pytest.raises(FocusFuseError, match="needs 4 positions"):
        decision.with_z([0, 1, 2])


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Shares(0.0125, 0, 0, 0.0335), "95.4% sure, 1.2% unsure, 3.4% empty"),
        (Shares(0.0004, 0, 0, 0), "100.0% sure"),
        (Shares(float("nan"), 0, 0, 0.25), "75.0% in focus within the stack, 25.0% empty"),
        (Shares(0.1, 0.2, 0, 0), "70.0% sure, 20.0% sharpest in the first slice, 10.0% unsure"),
    ],
)
def test_shares_add_up(found, told):
    assert found.told() == told
    assert sum(float(part.split("%")[0]) for part in told.split(", ")) == pytest.approx(100, abs=0.11)


@pytest.mark.parametrize(("way", "text", "beyond"), [(1, "first", "before"), (-1, "last", "after")])
def test_what_is_sharpest_at_an_end_is_not_in_focus_within_the_stack_as_well(decision, way, text, beyond):
    z, flags = way * np.arange(5.0), decision.flags.copy()
    flags[:5], flags[5:10] = Flag.NOT_BRACKETED, Flag.NO_SIGNAL | Flag.NOT_BRACKETED
    labels = np.full_like(decision.labels, z.argmin())
    told = summary(replace(decision, labels=labels, flags=flags, z=z))
    assert told == (
        f"5 slices: 50.0% in focus within the stack, 25.0% sharpest in the {text} slice, 25.0% empty; "
        f"focus may lie {beyond} the {text} slice: extend the stack there."
    )
    assert "extend" not in summary(replace(decision, labels=0 * labels, flags=flags, z=np.arange(2.0)))
    assert "not in the order" in summary(replace(decision, flags=flags | Flag.UNORDERED))
