"""What is said, whatever it holds and whoever listens."""

import io
import os
import signal
import sys
import threading

import numpy as np
import pytest
import tifffile

import napari_focusfuse as ff
from napari_focusfuse.cli import _terminal, main
from napari_focusfuse.cli._terminal import complain, say, terminated_as_interrupted
from napari_focusfuse.errors import FocusFuseError


def test_nothing_of_a_file_is_obeyed_by_the_terminal(capsys):
    """A card that clears the screen, a name that is written from right to left, or is no UTF-8."""
    say("one\n\ttwo \x1b[2J\x07 \u202egnp.µ \udc80")
    complain("error", "a\x1b]0;title\x07\nb")
    out, err = capsys.readouterr()
    assert out == "one\n\ttwo \\x1b[2J\\x07 \\u202egnp.µ \\udc80\n"
    assert err == "error: a\\x1b]0;title\\x07 b\n"


def test_the_card_of_a_model_is_shown_harmless(run, models_folder):
    (models_folder / "beads").mkdir()
    (models_folder / "beads" / "model.safetensors").write_bytes(b"")
    (models_folder / "beads" / "card.md").write_text("# Beads \x1b[31m red")
    assert run("models", "beads").out == "# Beads \\x1b[31m red\n"
    assert "\x1b" not in run("models").out


def test_letters_that_the_stream_does_not_have(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    say("2 µm")
    assert stream.buffer.getvalue() == b"2 \\xb5m\n"


def test_who_reads_no_more_does_not_stop_the_work(monkeypatch):
    """As with | head."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        say("one")
        say("two")
        assert main(["methods"]) == 0
        monkeypatch.setattr(_terminal, "nobody_reads", pytest.fail)
        say("three")


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGTERM")
def test_terminated_is_interrupted():
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_program_that_has_its_own_way_with_signals_keeps_it():
    own = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with terminated_as_interrupted():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, own)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(main(["methods"])))
    thread.start()
    thread.join()
    assert seen == [0]


def test_messages_name_flags_of_the_command_alone(run, slices, tmp_path):
    """The same message is read in the console and in the viewer, which have none."""
    path, out = tmp_path / "c.ome.tif", tmp_path / "out.tif"
    tifffile.imwrite(path, np.zeros((3, 2, 24, 20), np.uint8), photometric="minisblack", metadata={"axes": "ZCYX"})
    with pytest.raises(FocusFuseError) as caught:
        ff.open_stack(path)
    assert "choose one channel" in str(caught.value)
    assert run("fuse", path, "-o", out).err.endswith("(--all-positions, --channel)\n")
    assert run("align", path, "-o", out).err.endswith("(--channel)\n")
    out.touch()
    assert run("fuse", slices, "-o", out).err.endswith("(--overwrite)\n")
