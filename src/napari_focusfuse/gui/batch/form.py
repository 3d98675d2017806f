"""The form of a batch: which stacks, where their results go, and how they are fused."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.errors import FocusFuseError
from napari_focusfuse.gui.common.form import form_layout
from napari_focusfuse.gui.common.preferences import preferences, shown_path
from napari_focusfuse.gui.common.text import literal
from napari_focusfuse.gui.common.worker import Latest
from napari_focusfuse.gui.fuse.method_form import MethodForm

if TYPE_CHECKING:
    from napari_focusfuse.api import StackJob

__all__ = ["BatchForm", "Listed", "listed"]

_SOURCE = (
    "A folder of focus stacks: folders of slices or of pairs, TIFF, OME-Zarr. Or drop folders and files on the list."
)
_TARGET = "The result of each stack goes into a folder of its own in here."
_REPLACE = (
    "Replace results that were made in another way: by another method, other settings or from other files.\n"
    "Without it they are kept, and their stacks are reported."
)


#: What a complete result holds: one in files, and one that is an OME-Zarr.
_MARKS = ("recipe.json", ".zattrs", "zarr.json")


class Listed(NamedTuple):
    """What there is to fuse.

    Attributes
    ----------
    sources : list of Path
        For the engine.
    target : Path
        Folder of the results.
    jobs : list of (StackJob, bool)
        What becomes of each stack, and whether a result of it is there.
    """

    sources: list[Path]
    target: Path
    jobs: "list[tuple[StackJob, bool]]"


def listed(paths: list[Path], target: Path) -> Listed:
    """The stacks of some paths, and what becomes of each; runs in a thread.

    Raises
    ------
    FocusFuseError
        There are none, or two results would have one name.
    """
    from napari_focusfuse import api

    sources = [source for path in paths for source in api.stacks_in(path)]
    task = api.StackTask({}, {}, {}, {}, resume=True)
    jobs = api.stack_jobs(sources, target, task, api.plate_work(sources, target, task, None))
    return Listed(sources, target, [(job, any((job.target / name).exists() for name in _MARKS)) for job in jobs])


class PathRow(QWidget):
    """A path that is shown, and a button that chooses another one.

    Parameters
    ----------
    empty, tip, button : str
    """

    #: A path was chosen.
    chosen = Signal(Path)

    def __init__(self, empty: str, tip: str, button: str) -> None:
        super().__init__()
        self._title, self._tip = button, tip
        self.line, self.button = QLineEdit(), QPushButton("…")
        self.line.setReadOnly(True)
        self.line.setPlaceholderText(empty)
        self.line.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.button.setMaximumWidth(32)
        self.button.setToolTip(f"{button}.")
        self.line.setToolTip(tip)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.button)
        self.button.clicked.connect(self._on_button)
        self._from = ""

    def show_paths(self, paths: list[Path]) -> None:
        """Show one path, or how many there are."""
        self._from = str(paths[0] if paths[0].is_dir() else paths[0].parent) if paths else ""
        text = shown_path(paths[0]) if len(paths) == 1 else f"{len(paths)} files and folders" if paths else ""
        self.line.setText(text)
        self.line.setToolTip(literal("\n".join([str(path) for path in paths[:20]] or [self._tip])))

    def _on_button(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, self._title, self._from)
        if folder:
            self.chosen.emit(Path(folder))


class BatchForm(QWidget):
    """A view of the stacks of a batch, their target, and the method."""

    #: Other stacks, or another target; the list follows.
    changed = Signal()
    #: The stacks: a `Listed`, or the error.
    found = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[Path] = []
        self.target: Path | None = None
        self.source_row = PathRow("no folder yet", _SOURCE, "Choose a folder of focus stacks")
        self.target_row = PathRow("beside the stacks", _TARGET, "Choose a folder for the results")
        self.how = MethodForm(self)
        self.replace = QCheckBox("Replace other results")
        self.replace.setToolTip(_REPLACE)
        self._latest = Latest(self)
        form = form_layout()
        form.addRow("Stacks", self.source_row)
        form.addRow("Results", self.target_row)
        self.how.add_to(form)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self.how.advanced)
        layout.addWidget(self.replace)
        self.source_row.chosen.connect(self._on_source)
        self.target_row.chosen.connect(self.set_target)
        self._latest.ready.connect(self.found)
        self._latest.failed.connect(self.found)
        self.how.prefer(preferences())

    @property
    def looking(self) -> bool:
        """Whether it is still being found out which stacks there are."""
        return self._latest.busy

    def choose(self, paths: list[Path]) -> None:
        """Fuse the stacks of other paths; their results go beside them, those of a plate into a plate."""
        from napari_focusfuse import io

        self.sources = [Path(path) for path in paths]
        first = self.sources[0].absolute()
        alone = len(self.sources) == 1 and first.name
        name = f"{first.name.partition('.')[0]}_fused" if alone else "fused"
        self.target = first.with_name(f"{name}.zarr" if alone and io.is_plate(first) else name)
        self._ask()

    def set_target(self, folder: Path) -> None:
        """Write to another folder; into it, if a plate becomes a plate."""
        made = self.target
        inside = made is not None and made.suffix == ".zarr" and Path(folder).suffix != ".zarr"
        self.target = Path(folder) / made.name if made is not None and inside else Path(folder)
        self._ask()

    def problem(self) -> str | None:
        """Why nothing can be run; None if it can."""
        if not self.sources:
            return "Choose a folder of focus stacks first."
        try:
            self.how.how()
        except FocusFuseError as error:
            return str(error)
        return None

    def options(self) -> dict[str, Any]:
        """How the stacks are fused, as options of `ff.fuse_many`."""
        kept = {"resume": True, "overwrite": self.replace.isChecked(), "all_positions": True}
        return {**self.how.how(), **kept, "threads": preferences().threads}

    def set_busy(self, busy: bool) -> None:
        """While stacks are fused they stay as they were chosen."""
        for part in (self.source_row, self.target_row):
            part.setEnabled(not busy)

    def let_go(self) -> None:
        """Look for nothing any more."""
        self._latest.forget()

    def _on_source(self, folder: Path) -> None:
        self.choose([folder])

    def _ask(self) -> None:
        self.source_row.show_paths(self.sources)
        if self.target is not None:
            self.target_row.show_paths([self.target])
            self._latest.ask(partial(listed, self.sources, self.target))
        self.changed.emit()
