"""The table of scores, without a viewer."""

import pytest
from qtpy.QtCore import QItemSelection, QItemSelectionModel, Qt
from qtpy.QtWidgets import QApplication

from napari_focusfuse.core.metrics import METRICS
from napari_focusfuse.gui.measure.score_table import ScoreTable, explained, written

MINUS = "\N{MINUS SIGN}"
SCORES = {
    "a fused": {"qg": 0.5, "qm": 2.9, "psnr": 30.123456789, "bias": -0.2},
    "b fused": {"qg": 0.7, "qm": 2.9, "psnr": float("inf"), "bias": 0.1},
}


@pytest.fixture
def table(qtbot):
    table = ScoreTable(list(METRICS.values()))
    qtbot.addWidget(table)
    table.show_scores(SCORES)
    table.show()
    return table


def shown(table):
    model = table.model()
    return [[model.index(r, c).data() for c in range(model.columnCount())] for r in range(model.rowCount())]


def headings(table):
    return [table.model().headerData(c, Qt.Orientation.Horizontal) for c in range(table.model().columnCount())]


def test_a_row_a_metric_a_column_an_image(table):
    assert headings(table) == ["Metric", "a fused", "b fused"]
    assert shown(table) == [
        ["PSNR ↑", "30.123", "★ ∞"],
        ["Bias → 0", f"{MINUS}0.2", "★ 0.1"],
        ["Qg ↑", "0.5", "★ 0.7"],
        ["Qm ↑", "2.9", "2.9"],
    ]
    assert table.scores() == SCORES


def test_the_best_are_bold(table):
    model = table.model()
    assert model.index(2, 2).data(Qt.ItemDataRole.FontRole).bold()
    assert model.index(2, 1).data(Qt.ItemDataRole.FontRole) is None


def test_tooltips_say_what_the_registry_knows(table):
    tip = table.model().index(2, 0).data(Qt.ItemDataRole.ToolTipRole)
    metric = METRICS["qg"]
    assert tip == explained(metric)
    for part in (metric.measures, metric.blind_to, metric.reference, "Range 0 to 1", "high values are good"):
        assert part in tip
    assert f"Range {MINUS}∞ to ∞" in explained(METRICS["psnr"])
    assert "near 0" in explained(METRICS["bias"])
    assert table.model().index(0, 1).data(Qt.ItemDataRole.ToolTipRole) == "30.123456789"


def test_sorting_by_value_and_back(table):
    first = [row[0] for row in shown(table)]
    table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert [row[0] for row in shown(table)] == ["Bias → 0", "Qg ↑", "Qm ↑", "PSNR ↑"]
    table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert [row[0] for row in shown(table)] == ["Qm ↑", "Qg ↑", "PSNR ↑", "Bias → 0"]
    table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
    assert [row[0] for row in shown(table)] == first


def test_ctrl_c_copies_all_of_it_with_all_digits(table, qtbot):
    table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    QApplication.clipboard().clear()
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == (
        "metric\ta fused\tb fused\nbias\t-0.2\t0.1\nqg\t0.5\t0.7\nqm\t2.9\t2.9\npsnr\t30.123456789\tinf"
    )


def test_ctrl_c_copies_what_is_selected(table):
    model = table.model()
    table.selectionModel().select(
        QItemSelection(model.index(2, 2), model.index(3, 2)), QItemSelectionModel.SelectionFlag.ClearAndSelect
    )
    assert table.copied() == "metric\tb fused\nqg\t0.7\nqm\t2.9"


def test_rows_for_a_file(table):
    assert table.rows()[0] == ["metric", "best", "a fused", "b fused"]
    assert table.rows()[1] == ["psnr", "high", 30.123456789, float("inf")]
    assert table.rows()[2] == ["bias", "zero", -0.2, 0.1]


def test_the_chosen_row_stays_the_chosen_one(table, qtbot):
    assert table.chosen_metric().name == "psnr"
    with qtbot.waitSignal(table.chosen):
        table.setCurrentIndex(table.model().index(3, 1))
    assert table.chosen_metric().name == "qm"
    table.show_scores({"c fused": SCORES["a fused"]})
    assert table.chosen_metric().name == "qm"


def test_one_image_has_no_best(table):
    table.show_scores({"c fused": SCORES["a fused"]})
    assert not any("★" in row[1] for row in shown(table))


def test_nothing_measured(qtbot):
    table = ScoreTable(list(METRICS.values()))
    qtbot.addWidget(table)
    assert table.rows() == [["metric", "best"]]
    assert table.chosen_metric() is None
    assert table.copied() == "metric"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.722312, "0.72231"), (38.2, "38.2"), (-1e-6, f"{MINUS}1e{MINUS}06"), (float("-inf"), f"{MINUS}∞")],
)
def test_five_digits(value, text):
    assert written(value) == text
