"""From a layer to the stack that is fused. No viewer is needed."""

import dask.array as da
import numpy as np
import pytest
import zarr
from napari.layers import Image
from napari.layers._source import layer_source

from napari_focusfuse import io
from napari_focusfuse.gui.layers import source as _source
from napari_focusfuse.gui.layers.opened import mark, sample
from napari_focusfuse.gui.layers.source import micrometres, problem, take
from napari_focusfuse.gui.measure.roles import Roles
from napari_focusfuse.gui.measure.setup import problem_of


def layer(shape, labels=None, **options):
    data = np.arange(np.prod(shape), dtype=np.uint32).reshape(shape)
    return Image(data, name="cells", axis_labels=labels, **options)


@pytest.mark.parametrize(
    ("unit", "length"), [("um", 2.5), ("nm", 0.0025), ("mm", 2500.0), ("pixel", None), ("s", None)]
)
def test_spacing_is_in_um_whatever_the_unit(unit, length):
    stack = layer((5, 8, 9), scale=(2.5, 1, 1), units=(unit, "um", "um"))
    assert micrometres(stack, 0) == (length if length is None else pytest.approx(length))


def test_a_stack_is_not_copied():
    stack = layer((5, 8, 9))
    source = take(stack, 0, (0, 0, 0))
    assert np.shares_memory(source.data, stack.data)
    assert (source.title, source.axis, source.slices, source.position, source.rgb) == ("cells", 0, 5, {}, False)


@pytest.mark.parametrize(
    ("labels", "axis", "point", "expected"),
    [
        (("t", "z", "c", "y", "x"), 1, (2, 0, 1, 0, 0), {"t": 2, "c": 1}),
        (("z", "t", "c", "y", "x"), 0, (0, 9, 1, 0, 0), {"t": 3, "c": 1}),
        (("t", "c", "z", "y", "x"), 2, (-4, 0.6, 0, 0, 0), {"t": 0, "c": 1}),
    ],
)
def test_further_axes_are_taken_where_the_sliders_are(labels, axis, point, expected):
    stack = layer((4, 4, 4, 6, 7), labels)
    source = take(stack, axis, point)
    where = tuple(expected.get(label, slice(None)) for label in labels)
    np.testing.assert_array_equal(source.data, stack.data[where])
    assert source.position == expected
    assert source.data.shape[source.axis] == 4
    assert source.title == f"cells (t = {expected['t']}, c = {expected['c']})"


def test_axes_without_a_label_go_by_their_number():
    source = take(layer((4, 5, 6, 7)), 1, (2, 0, 0, 0))
    assert (source.title, source.label) == ("cells (axis -4 = 2)", "axis -3")


def test_sliders_are_in_world_coordinates():
    stack = layer((4, 5, 6, 7), ("t", "z", "y", "x"), scale=(10, 1, 1, 1), translate=(100, 0, 0, 0))
    assert take(stack, 1, (120, 0, 0, 0)).position == {"t": 2}


def test_a_viewer_may_have_more_axes_than_the_layer():
    assert take(layer((4, 5, 6, 7), ("t", "z", "y", "x")), 1, (7, 3, 0, 0, 0)).position == {"t": 3}


def test_the_stack_axis_may_be_the_last():
    source = take(layer((6, 7, 3, 5), ("y", "x", "t", "z")), 3, (0, 0, 2, 0))
    assert source.data.shape == (6, 7, 5)
    assert source.axis == 2
    assert source.place["axis_labels"] == ("y", "x")


def test_rgb_keeps_its_samples():
    stack = Image(np.zeros((4, 5, 6, 7, 3), np.uint8), rgb=True, axis_labels=("t", "z", "y", "x"))
    source = take(stack, 1, (1, 0, 0, 0))
    assert source.rgb
    assert source.data.shape == (5, 6, 7, 3)
    assert source.looks == {}


def test_the_finest_level_of_a_pyramid_is_taken():
    levels = [np.zeros((5, 64, 64), np.uint8), np.zeros((5, 32, 32), np.uint8)]
    assert take(Image(levels, multiscale=True), 0, (0, 0, 0)).data.shape == (5, 64, 64)


@pytest.mark.parametrize("make", [lambda a: da.from_array(a, chunks=(1, 1, -1, -1)), zarr.array])
def test_lazy_data_stay_lazy(make):
    values = np.arange(3 * 5 * 6 * 7, dtype=np.uint16).reshape(3, 5, 6, 7)
    source = take(Image(make(values), contrast_limits=(0, 700)), 1, (2, 0, 0, 0))
    assert isinstance(source.data, da.Array)
    np.testing.assert_array_equal(source.data, values[2])


def test_a_result_lies_where_the_slices_are():
    stack = layer(
        (2, 5, 8, 9),
        ("t", "z", "y", "x"),
        scale=(1, 2, 0.5, 0.25),
        translate=(0, 7, 3, 4),
        units=("s", "um", "um", "um"),
    )
    place = take(stack, 1, (0, 0, 0, 0)).place
    result = Image(np.zeros((8, 9)), **place)
    assert result.axis_labels == ("y", "x")
    assert [str(unit) for unit in result.units] == ["micrometer", "micrometer"]
    np.testing.assert_allclose(result.scale, (0.5, 0.25))
    np.testing.assert_allclose(result.translate, (3, 4))
    np.testing.assert_array_equal(result.affine.affine_matrix, np.eye(3))


@pytest.mark.parametrize(
    "turn",
    [
        {"rotate": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])},
        {"shear": (0, 0, 0.5)},
        {"affine": np.diag([1, 2, 3, 1])},
    ],
)
def test_a_turned_layer_has_turned_results(turn):
    stack = layer((5, 8, 9), scale=(2, 0.5, 0.25), translate=(1, 2, 3), **turn)
    result = Image(np.zeros((8, 9)), **take(stack, 0, (0, 0, 0)).place)
    np.testing.assert_allclose(result.data_to_world((4, 6)), stack.data_to_world((0, 4, 6))[1:])


def test_what_is_no_stack_is_said_in_a_sentence():
    assert "single image" in problem(layer((8, 9)), 0)
    assert "only one slice along z" in problem(layer((1, 8, 9), ("z", "y", "x")), 0)
    assert problem(layer((2, 8, 9)), 0) is None


def test_the_files_of_a_layer_are_noted():
    noted = layer((5, 8, 9), metadata={"napari-focusfuse": {"inputs": ["a.tif", "b.tif"]}})
    assert take(noted, 0, (0, 0, 0)).inputs == ["a.tif", "b.tif"]
    assert take(layer((5, 8, 9)), 0, (0, 0, 0)).inputs == []


def test_the_first_of_files_that_napari_stacked_is_not_taken_for_all(tmp_path):
    io.write_image(tmp_path / "z1.tif", np.zeros((8, 9), np.uint8))
    io.write_stack(tmp_path / "all.tif", layer((5, 8, 9)).data)
    for name, inputs in (("z1.tif", []), ("all.tif", [str(tmp_path / "all.tif")])):
        with layer_source(path=str(tmp_path / name), reader_plugin="napari"):
            opened = layer((5, 8, 9))
        assert take(opened, 0, (0, 0, 0)).inputs == inputs


@pytest.mark.parametrize("plugin", ["napari", "napari-focusfuse"])
@pytest.mark.parametrize("change", ["assigned", "in place", "replaced"])
def test_a_layer_that_was_changed_names_no_files(viewer, tmp_path, rng, plugin, change):
    """A recipe must not claim files that were not what was fused."""
    values = rng.integers(0, 1000, (5, 8, 9), np.uint16)
    io.write_stack(tmp_path / "a.ome.tif", values)
    (opened,) = viewer.open(str(tmp_path / "a.ome.tif"), plugin=plugin)
    assert take(opened, 0, (0, 0, 0)).inputs == [str(tmp_path / "a.ome.tif")]
    if change == "assigned":
        opened.data = np.asarray(opened.data)[::-1]
    elif change == "in place":
        opened.data[2] = 7
    else:
        io.write_stack(tmp_path / "a.ome.tif", values + 1, overwrite=True)
    replaced_lazily = change == "replaced" and plugin == "napari-focusfuse"
    assert take(opened, 0, (0, 0, 0)).inputs == ([str(tmp_path / "a.ome.tif")] if replaced_lazily else [])


def test_no_pixel_is_read_before_somebody_asks_for_the_files(viewer, tmp_path, monkeypatch):
    """A stack is taken whenever a slider moves: planes of a large file would keep the viewer each time."""
    io.write_stack(tmp_path / "a.ome.tif", layer((5, 8, 9)).data.astype(np.uint16))
    (opened,) = viewer.open(str(tmp_path / "a.ome.tif"), plugin="napari")
    read = []
    monkeypatch.setattr(_source, "sample", lambda data: read.append(data) or sample(data))
    source = take(opened, 0, (0, 0, 0))
    problem_of(Roles((opened,)), 0, (0, 0, 0), with_fused=False)
    assert read == []
    assert source.inputs == source.inputs == [str(tmp_path / "a.ome.tif")]
    assert len(read) == 2


@pytest.mark.parametrize("shape", [(5, 30, 40, 3), (5, 30, 40), (30, 40, 4), (2, 2, 2)])
def test_a_change_in_a_corner_of_a_slice_is_noticed(shape):
    """That of colour, too: its last two axes are no plane."""
    data = np.zeros(shape, np.uint8)
    before = mark(data)
    data[0, 1, 1:] = 1
    assert mark(data) != before
