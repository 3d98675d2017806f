"""``focusfuse align``."""

import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse import api


@pytest.fixture(scope="module")
def drifting() -> np.ndarray:
    """(5, 80, 96) uint16, which drifts by some px."""
    return ff.simulate((80, 96), 5, surface="steps", blur=0.5, flaws=ff.Flaws(drift=2), seed=1).stack


@pytest.fixture
def file(tmp_path, drifting):
    return api.save_stack(tmp_path / "in.ome.tif", drifting, z_step=2.0, pixel_size=(0.5, 0.25))


def test_an_aligned_stack_is_written_with_its_transforms(run, file, drifting, tmp_path):
    out = tmp_path / "new" / "out.ome.tif"
    done = run("align", file, "-o", out)
    assert (done.code, done.err) == (0, "")
    assert "4 of 5 slices moved" in done.out
    opened = api.open_stack(out)
    expected = ff.align(drifting)
    assert np.array_equal(np.asarray(opened.data), expected.stack)
    assert opened.z_step == 2.0
    assert opened.pixel_size == pytest.approx((0.5, 0.25))
    transforms = ff.load_transforms(out.with_name("out.transforms.json"))
    assert np.array_equal(transforms.matrices, expected.transforms.matrices)


def test_transforms_are_used_again(run, file, tmp_path, drifting):
    first, second = tmp_path / "a.tif", tmp_path / "b.tif"
    assert run("align", file, "-o", first, "--kind", "translation").code == 0
    record = tmp_path / "a.transforms.json"
    assert run("align", file, "-o", second, "--transforms", record, "--edges", "nan").code == 0
    again = np.asarray(api.open_stack(second).data)
    assert (again.shape, again.dtype) == (drifting.shape, np.float32)
    assert np.isnan(again).any()


def test_nothing_is_replaced_unasked(run, file, tmp_path):
    out = tmp_path / "out.tif"
    (tmp_path / "out.transforms.json").write_text("mine")
    done = run("align", file, "-o", out)
    assert (done.code, done.out) == (2, "")
    assert "out.transforms.json exists" in done.err
    assert not out.exists()
    assert run("align", file, "-o", out, "--overwrite").code == 0
    assert (tmp_path / "out.transforms.json").read_text() != "mine"
    assert run("align", file, "-o", out).code == 2


@pytest.mark.parametrize("failing", ["imwrite", "write_text"])
def test_what_cannot_be_replaced_whole_stays_as_it_was(run, file, tmp_path, monkeypatch, failing):
    out, record = tmp_path / "out.tif", tmp_path / "out.transforms.json"
    assert run("align", file, "-o", out).code == 0
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    places = {"imwrite": "napari_focusfuse.io.write.imwrite", "write_text": "pathlib.Path.write_text"}
    monkeypatch.setattr(places[failing], full)
    done = run("align", file, "-o", out, "--kind", "translation", "--overwrite")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "No space left" in done.err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    monkeypatch.undo()
    assert run("align", file, "-o", out, "--kind", "translation", "--overwrite").code == 0
    assert out.read_bytes() != before[out]
    assert record.read_bytes() != before[record]


def test_a_folder_in_the_place_of_the_transforms_is_told_before_any_work(run, file, tmp_path):
    (tmp_path / "out.transforms.json").mkdir()
    done = run("align", file, "-o", tmp_path / "out.tif", "--overwrite")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "there is a folder of that name" in done.err
    assert not (tmp_path / "out.tif").exists()


def test_transforms_may_be_replaced_by_themselves(run, file, tmp_path):
    out, record = tmp_path / "out.tif", tmp_path / "out.transforms.json"
    assert run("align", file, "-o", out).code == 0
    before = out.read_bytes(), ff.load_transforms(record).matrices
    assert "allow overwriting" in run("align", file, "-o", out, "--transforms", record).err
    assert run("align", file, "-o", out, "--transforms", record, "--overwrite").code == 0
    assert out.read_bytes() == before[0]
    assert np.array_equal(ff.load_transforms(record).matrices, before[1])


def test_uneven_positions_are_kept(run, drifting, tmp_path):
    z = (0.0, 1.0, 2.0, 3.0, 10.0)
    file = api.save_stack(tmp_path / "in.ome.tif", drifting, z_step=2.5, z=z)
    assert run("align", file, "-o", tmp_path / "out.ome.tif").code == 0
    with pytest.warns(ff.FocusFuseWarning, match="the positions it states are used"):
        assert api.open_stack(tmp_path / "out.ome.tif").z == z
    assert run("align", file, "-o", tmp_path / "even.ome.tif", "--z-step", "2").code == 0
    assert (api.open_stack(tmp_path / "even.ome.tif").z, api.open_stack(tmp_path / "even.ome.tif").z_step) == (None, 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-o", "out.png"), "use .tif"),
        (("-o", "out.tif", "--reference", "7"), "no slice 7"),
        (("-o", "out.tif", "--reference", "first"), "give 'middle'"),
        (("-o", "out.tif", "--tolerance", "-1"), "at least 0"),
        (("-o", "out.tif", "--z-step", "0"), "--z-step must be greater"),
        (("-o", "out.tif", "--transforms", "none.json"), "cannot read none.json"),
        (("-o", "out.tif", "--kind", "warp"), "warp"),
    ],
)
def test_wrong_input_is_one_line(run, file, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    done = run("align", file, *options)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert words in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["in.ome.tif"]


def test_the_input_and_its_folder_are_no_place_to_write(run, slices, file):
    assert "is the input itself" in run("align", file, "-o", file, "--overwrite").err
    assert "among the slices" in run("align", slices, "-o", slices / "out.tif").err
