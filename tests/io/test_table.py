"""Tables as comma-separated values: whole or not at all."""

import csv

import pytest

from napari_focusfuse import api
from napari_focusfuse.errors import OutputError

ROWS = [["metric", "a, b", 'c "d"'], ["qg", 0.1 + 0.2, float("inf")]]


def test_what_is_written_can_be_read_back(tmp_path):
    path = api.save_table(tmp_path / "scores.csv", ROWS)
    with path.open(encoding="utf-8", newline="") as file:
        read = list(csv.reader(file))
    assert read[0] == ROWS[0]
    assert [float(cell) for cell in read[1][1:]] == ROWS[1][1:]


def test_an_existing_file_is_kept(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        api.save_table(path, ROWS)
    assert path.read_text() == "mine"
    api.save_table(path, ROWS, overwrite=True)
    assert path.read_text().startswith("metric")


def test_nothing_half_written_is_left(tmp_path):
    class Breaks:
        def __str__(self):
            raise OSError("the disk is full")

    path = tmp_path / "scores.csv"
    path.write_text("mine")
    with pytest.raises(OutputError, match="disk is full"):
        api.save_table(path, [*ROWS, [Breaks()]], overwrite=True)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("scores.csv", "mine")]


@pytest.mark.parametrize("name", ["scores.txt", "scores"])
def test_only_csv(tmp_path, name):
    with pytest.raises(OutputError, match=r"use \.csv"):
        api.save_table(tmp_path / name, ROWS)
