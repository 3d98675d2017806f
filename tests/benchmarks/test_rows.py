"""Rows on disk: written as they come, read again, never mixed with others."""

import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks.rows import Rows, Stored
from napari_focusfuse.errors import FocusFuseError

MADE = {"date": "today"}


def rows(path: Path, **settings: Any) -> Rows:
    return Rows(path, ("scene", "method"), ("psnr", "seconds"), {"code": "abc", **settings}, MADE)


def row(scene: str, method: str, psnr: float = 30.0, note: str = "") -> dict[str, Any]:
    return {"scene": scene, "method": method, "psnr": psnr, "note": note}


def test_going_on(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    first = rows(path, shape=(2, 3))
    assert not path.exists()
    first.add([row("0", "a", 1 / 3), row("0", "b,c", math.inf)])
    again = Rows(path, ("scene", "method"), ("psnr", "seconds"), {"code": "abc", "shape": (2, 3)}, {"date": "later"})
    assert again.has(scene="0", method="a")
    assert again.has(scene="0", method="b,c")
    assert not again.has(scene="1", method="a")
    assert [r["psnr"] for r in again] == [1 / 3, math.inf]
    assert all(math.isnan(r["seconds"]) for r in again)
    assert again.made == MADE


def test_later_runs_are_told_only_if_they_add_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"

    def run(command: str, *found: dict[str, Any]) -> dict[str, Any]:
        made = {"date": "today", "command": command, "cpu": command, "programs": {command: "x"}}
        run = Rows(path, ("scene", "method"), ("psnr",), {}, made)
        if found:
            run.add(found)
        run.finish()
        return run.made

    first = run("one", row("0", "a"))
    assert run("two") == first
    both = {**first, "command": "one`, then `two", "programs": {"one": "x", "two": "x"}}
    assert run("two", row("1", "a")) == both
    assert run("three") == both


def test_a_torn_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    rows(path).add([row("0", "a"), row("1", "a")])
    path.write_text(path.read_text()[:-4])
    again = rows(path)
    assert [r["scene"] for r in again] == ["0"]
    again.add([row("1", "a")])
    assert [r["scene"] for r in rows(path)] == ["0", "1"]


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    rows(path).add([row("0", "a", note="exit code 3"), row("0", "b")])
    again = rows(path)
    assert not again.has(scene="0", method="a")
    assert again.has(scene="0", method="b")
    assert "exit code 3" not in path.read_text()


def test_order_does_not_depend_on_how_rows_came(tmp_path: Path) -> None:
    one, other = rows(tmp_path / "one.csv"), rows(tmp_path / "other.csv")
    made = [row(str(scene), method) for scene in (10, 9, 0) for method in ("b", "a")]
    one.add(made)
    for r in reversed(made):
        other.add([r])
    one.finish()
    other.finish()
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()
    assert [r["scene"] for r in one] == ["0", "0", "9", "9", "10", "10"]


def test_rows_of_other_settings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    rows(path, split="report").add([row("0", "a")])
    before = path.read_bytes()
    with pytest.raises(FocusFuseError, match=r"other settings \(split report, now development\)"):
        rows(path, split="development")
    assert path.read_bytes() == before


def test_rows_of_another_command_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"

    def run(**programs: str) -> Rows:
        return Rows(path, ("scene", "method"), ("psnr",), {}, MADE, programs)

    run(toy="abc", own="").add([row("0", "toy"), row("0", "own")])
    before = path.read_bytes()
    for other in ({"toy": "def"}, {"toy": ""}, {"own": "abc"}):
        with pytest.raises(FocusFuseError, match="holds rows of another"):
            run(**other)
    assert path.read_bytes() == before
    # Interrupted after the first row of another program: the file knows it already.
    run(own="", new="xyz").add([row("0", "new")])
    assert run(toy="abc", own="", new="xyz").has(scene="0", method="new")
    with pytest.raises(FocusFuseError, match="another 'toy'"):
        run(toy="def")


def test_rows_without_fingerprints_are_of_unknown_commands(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    rows(path).add([row("0", "a")])
    path.write_text(path.read_text().replace('"programs": {}, ', ""))
    assert rows(path).has(scene="0", method="a")
    with pytest.raises(FocusFuseError, match="another 'a'"):
        Rows(path, ("scene", "method"), ("psnr", "seconds"), {"code": "abc"}, MADE, {"a": "abc"})


def test_a_failed_program_may_get_another_command(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    Rows(path, ("scene", "method"), ("psnr",), {}, MADE, {"toy": "abc"}).add([row("0", "toy", note="no lens")])
    assert not Rows(path, ("scene", "method"), ("psnr",), {}, MADE, {"toy": "def"}).has(scene="0", method="toy")


def test_stored_rows_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    rows(path, code="old").add([row("0", "a", note="no lens"), row("1", "a"), row("0", "a")])
    with path.open("a") as file:
        file.write("1,b,3")
    before = path.read_bytes()
    found = Stored.read(path, ("scene", "method"), ("psnr", "seconds"))
    assert [(r["scene"], r["note"]) for r in found] == [("0", ""), ("1", "")]
    assert (found.settings, found.made) == ({"code": "old"}, MADE)
    assert path.read_bytes() == before
    with pytest.raises(FocusFuseError, match="other columns"):
        Stored.read(path, ("scene", "method"), ("psnr",))


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "# {}\nscene,method\n", "# []\nscene\n"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with pytest.raises(FocusFuseError, match="holds no rows"):
        rows(path)
    assert path.read_text() == text
