"""When, with what and on what a result was made."""

import hashlib
import os
import platform
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from shutil import which
from typing import Any

__all__ = ["code_hash", "hardware", "made_now", "sentence", "tables_now"]

_ROOT = Path(__file__).resolve().parent.parent
#: What scores depend on: the engine, its models, the scenes and the scores.
_PACKAGE = "src/napari_focusfuse"
_CODE = (
    *(f"{_PACKAGE}/{part}" for part in ("config/*.py", "core/**/*.py", "models/*.py", "weights/**/*.safetensors")),
    "benchmarks/scenes.py",
    "benchmarks/scoring.py",
)


def made_now(command: Sequence[str]) -> dict[str, str]:
    """Date, version, commit, command and hardware, in words.

    Parameters
    ----------
    command : sequence of str
        The command line; of absolute paths only the last part is kept.

    Returns
    -------
    dict of str to str
        ``commit`` is empty outside a checkout.
    """
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "version": version("napari-focusfuse"),
        "commit": _commit(),
        "command": " ".join(["focusfuse", *(_shortened(word) for word in command)]),
        **hardware(),
    }


def hardware() -> dict[str, str]:
    """CPU, cores, threads that torch uses, and versions that times depend on."""
    import numpy as np
    import torch

    return {
        "cpu": _cpu(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": f"{platform.python_version()} on {platform.system()}",
    }


def sentence(made: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """What `made_now` said of rows and the hash of the code that made them, for people, in Markdown."""
    known = defaultdict(lambda: "not known", made)
    programs = "".join(f"\n- `{name}`: `{command}`" for name, command in made.get("programs", {}).items())
    programs = f" External programs:\n{programs}" if programs else ""
    return (
        f"Made on {known['date']} with version {known['version']}{_from(known, settings.get('code', ''))}, by "
        f"`{known['command']}`; {known['cpu']}, {known['cores']} cores, torch {known['torch']} with "
        f"{known['threads']} thread(s), numpy {known['numpy']}, Python {known['python']}."
        f"{made.get('tables', '')}{programs}"
    )


def tables_now() -> str:
    """That the tables were made later than the rows, when and by which code, for people."""
    now = made_now([])
    return (
        f" Tables and plots were made again from these rows, nothing was run: on {now['date']} with version "
        f"{now['version']}{_from(now, code_hash())}."
    )


def _from(made: Mapping[str, Any], code: str) -> str:
    commit = f", commit {made['commit']}" if made["commit"] else ""
    return commit + (f", code {code}" if code else "")


def code_hash(*more: str) -> str:
    """Twelve digits that change with the code and models that scores depend on, and with `more` files of ours."""
    digest = hashlib.sha256()
    for pattern in (*_CODE, *more):
        for file in sorted(_ROOT.glob(pattern)):
            digest.update(file.relative_to(_ROOT).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _shortened(word: str) -> str:
    """A word of a command line with the last part of a path alone."""
    option, equals, value = word.rpartition("=")
    return f"{option}{equals}.../{Path(value).name}" if Path(value).is_absolute() else word


def _commit() -> str:
    """What ``git describe`` says of the checkout the package runs from; empty if it is none."""
    git = which("git")
    if git is None or not (_ROOT / ".git").exists():
        return ""
    done = subprocess.run(  # noqa: S603 - a fixed command
        [git, "describe", "--always", "--dirty", "--tags"], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
