"""What makes a site of these pages: files from outside the folder, and links that leave it."""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent
#: Pages that lie elsewhere in the repository, and what they are called here.
PAGES = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarking.md",
}
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages from elsewhere."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links work in the site as they do in the repository; of what is not in the site the text stays."""
    places = {page: source for source, page in PAGES.items()}
    place = places.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return _LINK.sub(lambda link: _here(place, *link.groups(default="")), markdown)


def _here(place: str, text: str, target: str, anchor: str) -> str:
    """A link from a file of the repository, as it is in the site."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(place), target))
    if path in PAGES:
        return f"[{text}]({PAGES[path]}{anchor})"
    if path.startswith("docs/"):
        return f"[{text}]({path.removeprefix('docs/')}{anchor})"
    return text
