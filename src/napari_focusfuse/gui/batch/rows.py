"""The stacks of a batch as a model for a view: state, progress and thumbnail of each."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, Qt, Signal
from qtpy.QtGui import QImage

from napari_focusfuse.errors import plain
from napari_focusfuse.gui.common.text import literal

if TYPE_CHECKING:
    from napari_focusfuse.api import StackJob, StackOutcome

__all__ = ["ROW", "WORDS", "Row", "StackModel"]

#: The role in which a model gives a `Row`.
ROW = int(Qt.ItemDataRole.UserRole)
#: So many thumbnails are kept, of some kB each.
_KEPT = 1000

State = Literal["waiting", "running", "done", "skipped", "failed"]
#: States for people.
WORDS: dict[str, str] = {
    "waiting": "Waiting",
    "running": "Running",
    "done": "Done",
    "skipped": "Already there",
    "failed": "Failed",
}


@dataclass(eq=False)
class Row:
    """One stack.

    Attributes
    ----------
    source, target : Path
    name : str
        Where its result is within the folder of results.
    files : tuple of Path
        The two files of a pair; otherwise empty.
    state : str
    text : str
        What is being done, the summary, or why it failed.
    facts : str
        Slices and size, once they are known.
    share : float
        Of its work that is done, 0 to 1.
    picture : QImage or None
    notes : list of str
        What was warned of.
    """

    source: Path
    target: Path
    name: str = ""
    files: tuple[Path, ...] = ()
    state: State = "waiting"
    text: str = ""
    facts: str = ""
    share: float = 0.0
    picture: QImage | None = field(default=None, repr=False)
    notes: list[str] = field(default_factory=list)

    @property
    def has_result(self) -> bool:
        """Whether there is a result to be opened."""
        return self.state in ("done", "skipped")

    def line(self) -> str:
        """State and text in one line."""
        if self.state == "running":
            return self.text or WORDS["running"]
        word = WORDS[self.state]
        return f"{word}: {self.text}" if self.state == "failed" else " · ".join(filter(None, (word, self.facts)))

    def told(self) -> str:
        """All that is known of it."""
        lines = [str(self.source), self.facts, self.line() if self.state == "failed" else WORDS[self.state]]
        lines += [self.text] if self.has_result else []
        return "\n".join(line for line in (*lines, *self.notes) if line)

    def note(self, text: str) -> None:
        """Keep a warning."""
        text = plain(f"{text[0].upper()}{text[1:]}.")
        if text not in self.notes:
            self.notes.append(text)


class StackModel(QAbstractListModel):
    """The rows of a batch."""

    #: A view shows a row that has no thumbnail yet: its number.
    wanted = Signal(int)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []
        self._root = Path()
        self._numbers: dict[Path, int] = {}
        self._asked: dict[int, None] = {}

    def set_jobs(self, jobs: "list[tuple[StackJob, bool]]", root: Path) -> None:
        """Show other stacks, each with whether a result of it is there; results are in folders of `root`."""
        self.beginResetModel()
        self._root = root
        self.rows = [
            Row(job.source, job.target, self._name(job.target), job.files, "skipped" if there else "waiting")
            for job, there in jobs
        ]
        self._numbers = {row.target: k for k, row in enumerate(self.rows)}
        self._asked = {}
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 (Qt's name)
        """Number of stacks."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: QModelIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """A row, its name, or what is known of it."""
        if not index.isValid():
            return None
        row = self.rows[index.row()]
        if role == ROW:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return literal(row.told())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{row.name}, {row.line()}"
        return None

    def want(self, number: int) -> None:
        """Ask for a thumbnail, unless that was done."""
        if number not in self._asked:
            self._asked[number] = None
            self.wanted.emit(number)

    def forget(self, numbers: list[int]) -> None:
        """Ask again for these, when they are seen."""
        for number in numbers:
            self._asked.pop(number, None)

    def show_picture(self, number: int, picture: QImage | None, facts: str) -> None:
        """Show a thumbnail; the oldest goes where there are many."""
        row = self.rows[number]
        row.picture, row.facts = picture or row.picture, facts or row.facts
        self._asked[number] = self._asked.pop(number, None)
        if len(self._asked) > _KEPT:
            oldest = next(iter(self._asked))
            del self._asked[oldest]
            self.rows[oldest].picture = None
        self.touch(number)

    def restart(self) -> None:
        """All wait again."""
        for row in self.rows:
            row.state, row.text, row.share, row.notes = "waiting", "", 0.0, []
        self.touch(0, len(self.rows) - 1)

    def run(self, number: int, text: str, share: float) -> None:
        """Say what is done with a stack."""
        row = self.rows[number]
        row.state, row.text, row.share = "running", text, share
        self.touch(number)

    def finish(self, outcome: "StackOutcome") -> None:
        """Say what became of a stack; one that was not known is added."""
        number = self._numbers.get(outcome.target)
        if number is None:
            number = len(self.rows)
            self.beginInsertRows(QModelIndex(), number, number)
            self.rows.append(Row(outcome.source, outcome.target, self._name(outcome.target)))
            self._numbers[outcome.target] = number
            self.endInsertRows()
        row = self.rows[number]
        row.state = "waiting" if outcome.state == "planned" else outcome.state
        row.text, row.share = _short(outcome), 1.0
        if outcome.state == "done":
            self.forget([number])
        self.touch(number)

    def _name(self, target: Path) -> str:
        inside = target.is_relative_to(self._root) and target != self._root
        return plain(target.relative_to(self._root).as_posix() if inside else target.name)

    def stop(self) -> None:
        """What runs waits again."""
        for number, row in enumerate(self.rows):
            if row.state == "running":
                row.state, row.text, row.share = "waiting", "", 0.0
                self.touch(number)

    def count(self, *states: str) -> int:
        """Number of stacks in some states."""
        return sum(row.state in states for row in self.rows)

    def touch(self, first: int, last: int | None = None) -> None:
        """Rows have changed."""
        self.dataChanged.emit(self.index(first), self.index(first if last is None else last))


def _short(outcome: "StackOutcome") -> str:
    """The text of an outcome, with names instead of whole paths, which a row has no room for."""
    text = outcome.text
    for path in (outcome.source, outcome.target):
        text = text.replace(str(path), path.name)
    # Its name stands above.
    return plain(text.removeprefix(f"{outcome.source.name} ").removeprefix(f"{outcome.target.name} "))
