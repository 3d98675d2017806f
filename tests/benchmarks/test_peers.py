"""External programs, played by Python one-liners."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import Peer, fitted, read_peers
from napari_focusfuse.errors import FocusFuseError

#: Takes the third slice.
COPIES = "import sys, shutil, pathlib; shutil.copy(sorted(pathlib.Path(sys.argv[1]).iterdir())[2], sys.argv[2])"
STACK = np.arange(4 * 12 * 14, dtype=np.uint16).reshape(4, 12, 14) * 90


def peer(code: str, **options: object) -> Peer:
    return Peer("toy", ("python", "-c", code, "{folder}", "{output}"), program=sys.executable, **options)  # type: ignore[arg-type]


def test_other_braces_stay_as_they_are(tmp_path: Path) -> None:
    words = ("{}", "{0}", "{other}", "{", "}", "{{x}}", "--out={output}")
    code = f"import sys, shutil, pathlib; assert sys.argv[3:9] == {list(words[:6])!r}; {COPIES}"
    command = ("python", "-c", "import sys; exec(sys.argv.pop(1))", code, "{folder}", "{output}", *words)
    assert Peer("toy", command, program=sys.executable).run(STACK).failure == ""


def test_a_fingerprint_of_what_scores_depend_on() -> None:
    one = peer(COPIES)
    assert one.fingerprint == peer(COPIES, timeout=5).fingerprint
    others = [peer("pass"), peer(COPIES, bits=8), peer(COPIES, type="tif")]
    assert len({p.fingerprint for p in (one, *others)}) == 4


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_slices_in_image_out(kind: str) -> None:
    outcome = peer(COPIES, type=kind).run(STACK)
    assert outcome.failure == ""
    assert np.array_equal(outcome.image, STACK[2])
    assert outcome.seconds > 0
    assert outcome.decision is None


def test_eight_bits_come_back_at_the_scale_of_the_stack() -> None:
    outcome = peer(COPIES, bits=8).run(STACK)
    assert outcome.image is not None
    assert outcome.image.dtype == np.uint16
    assert np.abs(outcome.image.astype(int) - STACK[2]).max() <= 257 / 2 + 1


def test_memory_is_that_of_the_program() -> None:
    """80 MB held for a while; this process itself has far more."""
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc")
    outcome = peer(f"{COPIES}; import time; hold = bytearray(80_000_000); time.sleep(.3)").run(STACK)
    assert outcome.peak_mb is not None
    assert 80 < outcome.peak_mb < 160


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import sys; print('reading'); sys.exit('no lens found')", "exit code 1: no lens found"),
        ("pass", "exit code 0: it wrote no image"),
        ("import sys; open(sys.argv[2], 'w').write('no image')", "cannot"),
        ("import time; time.sleep(60)", "stopped after 0.5 s"),
    ],
)
def test_failing_is_told_and_not_raised(code: str, says: str) -> None:
    start = time.perf_counter()
    outcome = peer(code, timeout=0.5 if "sleep" in code else 60).run(STACK)
    assert outcome.image is None
    assert says in outcome.failure
    assert "\n" not in outcome.failure
    assert time.perf_counter() - start < 30


def test_an_absent_program_says_how_to_name_it() -> None:
    outcome = Peer("toy", ("no-such-fuser", "{folder}", "{output}")).run(STACK)
    assert "NO_SUCH_FUSER" in outcome.failure


def test_output_of_another_kind_is_fitted() -> None:
    grey16, colour8 = np.zeros((4, 5), np.uint16), np.zeros((4, 5, 3), np.uint8)
    white = fitted(np.full((4, 5, 3), 255, np.uint8), grey16)
    assert (white.dtype, white.shape, white.min()) == (np.uint16, (4, 5), 65535)
    assert fitted(np.full((4, 5), 65535, np.uint16), colour8).tolist() == np.full((4, 5, 3), 255).tolist()
    assert fitted(np.full((4, 5), 0.25), grey16)[0, 0] == 16384
    with pytest.raises(FocusFuseError, match="4 x 6 px, the slices are 4 x 5 px"):
        fitted(np.zeros((4, 6)), grey16)


TEMPLATE = '[toy]\ncommand = ["toy-fuser", "{folder}", "-o", "{output}"]\nbits = 8\n'


def test_a_template_and_where_its_program_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "peers.toml"
    file.write_text(TEMPLATE)
    (found,) = read_peers(file)
    assert (found.label, found.bits, found.type, found.program) == ("toy", 8, "png", "")
    monkeypatch.setenv("TOY_FUSER", sys.executable)
    assert read_peers(file)[0].program == sys.executable
    monkeypatch.delenv("TOY_FUSER")
    assert read_peers(file, [f"toy-fuser={sys.executable}"])[0].program == sys.executable


@pytest.mark.parametrize(
    ("text", "programs", "says"),
    [
        ("[toy", (), "cannot read the programs"),
        ("toy = 3", (), "toy has no command"),
        ('[toy]\ncommand = "toy {folder} {output}"', (), "must be a list of words"),
        ('[toy]\ncommand = ["toy", "{folder}"]', (), "must be a list of words"),
        (TEMPLATE + "depth = 8", (), "unknown entry 'depth'"),
        (TEMPLATE.replace("8", "12"), (), "bits 8 or 16"),
        (TEMPLATE + "type = ['png']", (), "type png or tif"),
        ("[toy]\ncommand = 7", (), "must be a list of words"),
        ("[toy]\ncommand = { a = 'toy' }", (), "must be a list of words"),
        (TEMPLATE.replace('"-o"', "3"), (), "list of words in quotes"),
        (TEMPLATE + 'timeout = "5"', (), "timeout of toy must be a number of seconds above 0, not '5'"),
        (TEMPLATE + "timeout = true", (), "timeout of toy"),
        (TEMPLATE + "timeout = nan", (), "timeout of toy"),
        (TEMPLATE, ("toy-fuser",), "write NAME=PATH"),
        (TEMPLATE, ("toy-fuser=/no/such/file",), "no program that can be run"),
        (TEMPLATE, (f"other={sys.executable}",), "has no program 'other'"),
    ],
)
def test_templates_that_are_not_understood(tmp_path: Path, text: str, programs: tuple[str, ...], says: str) -> None:
    file = tmp_path / "peers.toml"
    file.write_text(text)
    with pytest.raises(FocusFuseError, match=says):
        read_peers(file, programs)


def test_the_templates_that_come_along() -> None:
    file = Path(__file__).parents[2] / "benchmarks" / "peers.toml"
    if not file.exists():
        pytest.skip("not a checkout")
    assert "focusweave" in {found.label for found in read_peers(file)}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_a_program_ends_with_us(tmp_path: Path) -> None:
    """A process that is told to end takes its external program along."""
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    script = (
        "import sys; from pathlib import Path\n"
        "from benchmarks.pool import _prepare; from benchmarks.processes import run_watched\n"
        f"_prepare(); run_watched([sys.executable, '-c', {code!r}], Path({str(tmp_path)!r}), 60)"
    )
    ours = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2])
    for _ in range(2400):
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            break
        time.sleep(0.05)
    theirs = int((tmp_path / "pid").read_text())
    ours.send_signal(signal.SIGTERM)
    assert ours.wait(20) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(theirs, 0)


def test_an_output_of_any_size_is_taken_where_that_is_asked_for() -> None:
    crops = (
        "import sys, pathlib, imagecodecs as c; third = sorted(pathlib.Path(sys.argv[1]).iterdir())[2].read_bytes();"
        "pathlib.Path(sys.argv[2]).write_bytes(c.png_encode(c.png_decode(third)[1:, 2:].copy()))"
    )
    assert "the slices are 12 x 14 px" in peer(crops).run(STACK).failure
    assert np.array_equal(peer(crops).run(STACK, any_size=True).image, STACK[2, 1:, 2:])
