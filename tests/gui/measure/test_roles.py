"""Which layer is what: the list to tick, and what it proposes."""

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtCore import Qt

from napari_focusfuse.gui.layers.source import KEY
from napari_focusfuse.gui.measure.roles import Roles, RoleTable, offered, propose

SOURCE, FUSED, TRUTH = 1, 2, 3


def flat(name, shape=(16, 20)):
    return Image(np.zeros(shape), name=name)


def stack(name="cells"):
    return Image(np.zeros((6, 16, 20)), name=name)


def made_from(source, role="fused"):
    layer = flat(f"{source.name} {role}")
    note = {"role": role, "source_id": str(source.unique_id), "position": {}, "layer_id": str(layer.unique_id)}
    layer.metadata = {KEY: note}
    return layer


@pytest.fixture
def table(qtbot):
    table = RoleTable()
    qtbot.addWidget(table)
    return table


def tick(table, name, column, on=True):
    row = next(row for row in range(table.rowCount()) if table.item(row, 0).text() == name)
    table.item(row, column).setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)


def test_the_value_is_what_was_set(table, qtbot):
    layers = [flat("a"), flat("b"), flat("fused"), flat("true")]
    table.set_layers(layers)
    roles = Roles((layers[0], layers[1]), (layers[2],), layers[3])
    with qtbot.waitSignal(table.changed):
        table.set_value(roles)
    assert table.value() == roles


def test_layers_stand_as_in_naparis_list(table):
    table.set_layers([flat("bottom"), flat("top")])
    assert [table.item(row, 0).text() for row in range(2)] == ["top", "bottom"]


def test_a_layer_has_one_role_and_there_is_one_truth(table):
    a, b = flat("a"), flat("b")
    table.set_layers([a, b])
    tick(table, "a", SOURCE)
    tick(table, "a", FUSED)
    assert table.value() == Roles((), (a,), None)
    tick(table, "a", TRUTH)
    tick(table, "b", TRUTH)
    assert table.value() == Roles((), (), b)
    tick(table, "b", TRUTH, on=False)
    assert table.value() == Roles()


def test_a_stack_is_the_only_source_and_nothing_else(table):
    a, b, cells, more = flat("a"), flat("b"), stack(), stack("more")
    table.set_layers([a, b, cells, more])
    tick(table, "a", SOURCE)
    tick(table, "b", SOURCE)
    assert table.value().sources == (a, b)
    tick(table, "cells", SOURCE)
    assert table.value().sources == (cells,)
    tick(table, "more", SOURCE)
    assert table.value().sources == (more,)
    tick(table, "a", SOURCE)
    assert table.value().sources == (a,)
    for column in (FUSED, TRUTH):
        assert not table.item(0, column).flags() & Qt.ItemFlag.ItemIsUserCheckable


def test_roles_are_kept_as_layers_come_and_go(table, qtbot):
    a, b, fused = flat("a"), flat("b"), flat("fused")
    table.set_layers([a, b, fused])
    table.set_value(Roles((a, b), (fused,)))
    with qtbot.assertNotEmitted(table.changed):
        table.set_layers([fused, flat("new"), a, b])
    assert table.value().sources == (a, b)
    with qtbot.waitSignal(table.changed):
        table.set_layers([a, b])
    assert table.value() == Roles((a, b), ())


def test_maps_are_not_offered():
    cells = stack()
    fused, depth = made_from(cells), made_from(cells, "depth")
    assert offered([cells, fused, depth]) == [cells, fused]


def test_a_stack_brings_what_was_made_from_it():
    cells, other = stack(), stack("other")
    fused, foreign, truth = made_from(cells), made_from(other), flat("cells truth")
    layers = [cells, other, fused, foreign, truth, flat("truth", (9, 9))]
    assert propose([cells], layers) == Roles((cells,), (fused,), truth)
    assert propose([fused], layers) == Roles((cells,), (fused,), truth)


def test_beside_a_stack_single_images_are_fused_ones():
    cells, mine, truth = stack(), flat("mine"), flat("the Truth")
    assert propose([cells, mine, truth], [cells, mine, truth]) == Roles((cells,), (mine,), truth)


def test_a_pair_by_its_names():
    a, b, fused = flat("a"), flat("b"), flat("a and b, fused")
    assert propose([a, b, fused], [a, b, fused]) == Roles((a, b), (fused,), None)
    assert propose([a, b], [a, b, fused]) == Roles((a, b), (), None)


def test_beside_a_stack_only_images_of_its_kind_are_proposed():
    cells, other = stack(), stack("other")
    strangers = [
        flat("larger", (17, 20)),
        Image(np.zeros((16, 20), np.uint8), name="other type"),
        Image(np.zeros((16, 20, 3)), name="colour", rgb=True),
        flat("truth of another size", (9, 9)),
        made_from(other),
    ]
    mine, truth, fused = flat("mine"), flat("truth"), made_from(cells)
    layers = [*strangers, mine, truth, cells, other, fused]
    assert propose(layers, layers) == Roles((cells,), (mine, fused), truth)


def test_a_result_is_no_truth_whatever_its_stack_is_called():
    cells = stack("cells with truth")
    fused = made_from(cells)
    assert propose([cells, fused], [cells, fused]) == Roles((cells,), (fused,), None)


def test_of_two_truths_that_of_the_stack_is_taken():
    other, truth, cells = flat("truth"), flat("cells truth"), stack()
    assert propose([other, truth, cells], [other, truth, cells]) == Roles((cells,), (), truth)
