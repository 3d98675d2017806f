"""The page for the documentation, from the sections that are in a folder of results."""

from pathlib import Path

from napari_focusfuse.errors import OutputError

__all__ = ["IMAGES", "PAGE", "link", "write_page", "write_text"]

PAGE = "benchmarks.md"
#: Where the page finds its pictures, seen from itself.
IMAGES = Path("images") / "benchmarks"
_PARTS = (
    *("simulated-report", "simulated-development", "halo-*", "pairs-*", "real-*", "paper-*"),
    *("activities-report", "activities-development", "ablation-*", "series-*"),
)
_HEAD = """# Benchmarks

Made by `focusfuse bench`; each section says when, with which command and on what. Read the scores against truth first:
those against the sources (Qg, Qm, Qcb) reward noise and halos that are kept, see [metrics](metrics.md).
"""


def write_page(folder: Path) -> Path:
    """Gather the sections, also those of earlier runs; pages and pictures can be copied into the documentation as is.

    Parameters
    ----------
    folder : Path
        With a Markdown file for each section.

    Returns
    -------
    Path
        The page.
    """
    files = [file for part in _PARTS for file in sorted(folder.glob(f"{part}.md"))]
    sections = [file.read_text(encoding="utf-8").rstrip() for file in files]
    write_text(folder / PAGE, "\n\n".join([_HEAD.rstrip(), *sections]))
    return folder / PAGE


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text.rstrip() + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def link(image: str, caption: str) -> str:
    """A picture of the page."""
    return f"![{caption}]({(IMAGES / image).as_posix()})"
