"""``focusfuse bench`` where there are no benchmarks."""

from pathlib import Path

import pytest
from cyclopts import App

from napari_focusfuse import cli
from napari_focusfuse.errors import FocusFuseError


def test_in_a_checkout_it_is_that_of_the_benchmarks() -> None:
    assert cli.bench_command().__module__ == "benchmarks.command"


def test_elsewhere_it_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_ROOT", tmp_path)
    app = App()
    app.command(cli.bench_command(), name="bench")
    with pytest.raises(FocusFuseError, match="are part of the sources"):
        app(["bench", "--simulated", "-o", "out"], exit_on_error=False, result_action="return_value")
