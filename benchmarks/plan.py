"""What a run is to do, checked before anything is computed. Light: the command line shows it in its help."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from napari_focusfuse.errors import FocusFuseError, OutputError

__all__ = ["Plan"]

_QUICK_SCENES, _QUICK_PAIRS = 4, 3


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run and where to write it.

    Attributes
    ----------
    out : Path
        Folder of the results; what is there already is not computed again.
    paper : tuple of Path
        Folders of pairs for the paper's tables and figures.
    recorded : Path or None
        Scores that others recorded on them.
    pairs : tuple of Path
        Folders of pairs, with truth or without.
    simulated : bool
        Run on simulated stacks.
    textures : Path or None
        Folder of images for them.
    split : {"development", "report"}
        Which of them.
    scenes : int or None
        How many in a cell; 20, or 4 if `quick`.
    families : bool
        Also all families of blur, noise and texture.
    flaws : bool
        Also the flaws of real stacks, and bright spots.
    methods : str
        Names with settings, see `parse_methods`; empty is a choice of all kinds.
    reference : str
        Method that others are compared with; the first if it is empty.
    peers : Path or None
        External programs.
    programs : tuple of str
        ``NAME=PATH`` of those that are not on the search path.
    limit : int or None
        Only the first pairs of each folder.
    jobs : int or None
        Processes for the simulated stacks; by default one for each core.
    activities : bool
        Compare activities: the same decision by networks and by classical focus measures.
    ablation : tuple of Path
        Folders of pairs for the paper's ablation.
    models : str
        Names and folders of models for these two; empty is a choice.
    report : bool
        Run nothing; make tables and plots again from the rows that are in `out`.
    quick : bool
        A few small scenes and pairs, to see that all works.
    command : tuple of str
        The command line, for the record.
    """

    out: Path
    paper: tuple[Path, ...] = ()
    recorded: Path | None = None
    pairs: tuple[Path, ...] = ()
    simulated: bool = False
    textures: Path | None = None
    split: Literal["development", "report"] = "development"
    scenes: int | None = None
    families: bool = False
    flaws: bool = False
    methods: str = ""
    reference: str = ""
    peers: Path | None = None
    programs: tuple[str, ...] = ()
    limit: int | None = None
    jobs: int | None = None
    activities: bool = False
    ablation: tuple[Path, ...] = ()
    models: str = ""
    report: bool = False
    quick: bool = False
    command: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.report:
            self._check_report()
        elif not (self.paper or self.pairs or self.simulated or self.of_parts):
            raise FocusFuseError(
                "there is nothing to run: give --paper FOLDER, --pairs FOLDER, --simulated, --activities or "
                "--ablation FOLDER"
            )
        self._check_alone()
        for name in ("scenes", "limit", "jobs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise FocusFuseError(f"--{name} must be at least 1, not {value}")
        for option, given, needs, there in (
            ("--recorded", self.recorded, "--paper", bool(self.paper or self.ablation) or self.report),
            ("--textures", self.textures, "--simulated", self.simulated or self.of_parts),
            ("--flaws", self.flaws or None, "--simulated", self.simulated),
            ("--families", self.families or None, "--simulated", self.simulated or self.activities),
            ("--models", self.models or None, "--activities or --ablation", self.of_parts),
            ("--peer", self.programs or None, "--peers", self.peers is not None),
        ):
            if given is not None and not there:
                raise FocusFuseError(f"{option} goes with {needs}: give that as well, or leave it out")
        if self.out.exists() and not self.out.is_dir():
            raise OutputError(f"{self.out} is a file: choose a folder for the results")
        names = [folder.resolve().name for folder in (*self.paper, *self.pairs, *self.ablation)]
        for name in names:
            if names.count(name) > 1:
                raise FocusFuseError(f"two folders are called {name}: run them one after the other, each with its -o")

    @property
    def of_parts(self) -> bool:
        """Whether parts of our own method are compared, and not methods."""
        return self.activities or bool(self.ablation)

    def _check_alone(self) -> None:
        """The comparisons of parts of our method are runs of their own."""
        if not self.of_parts:
            return
        own, other = ("activities", "ablation") if self.activities else ("ablation", "pairs")
        for name in ("paper", "simulated", "methods", "reference", "peers", other):
            if getattr(self, name):
                raise FocusFuseError(f"--{own} is a run of its own: leave out --{name}")

    def _check_report(self) -> None:
        running = (
            "paper",
            "pairs",
            "activities",
            "ablation",
            "models",
            "simulated",
            "textures",
            "scenes",
            "families",
            "flaws",
            "peers",
            "programs",
            "limit",
            "jobs",
        )
        for name in (*running, "quick"):
            if getattr(self, name):
                option = {"programs": "peer"}.get(name, name)
                raise FocusFuseError(f"--report runs nothing: leave out --{option}")

    @property
    def wanted_scenes(self) -> int:
        """Scenes in a cell."""
        return self.scenes or (_QUICK_SCENES if self.quick else 20)

    @property
    def wanted_pairs(self) -> int | None:
        """How many pairs of each folder; None is all."""
        return self.limit or (_QUICK_PAIRS if self.quick else None)

    @property
    def wanted_jobs(self) -> int:
        """Processes at once."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return self.jobs or cores or 1
