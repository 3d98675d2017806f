"""``focusfuse bench``: methods and external programs compared on pairs and on simulated stacks."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from benchmarks.plan import Plan
from napari_focusfuse.cli._flags import Out, Switch, given
from napari_focusfuse.cli._terminal import complain, say, with_bar

__all__ = ["bench"]

#: Options that may be given more than once.
Folders = Annotated[list[Path] | None, Parameter(negative=())]
Words = Annotated[list[str] | None, Parameter(negative=())]

_INTERRUPTED = 130


def bench(
    *,
    out: Out,
    paper: Folders = None,
    recorded: Path | None = None,
    pairs: Folders = None,
    simulated: Switch = False,
    textures: Path | None = None,
    split: Literal["development", "report"] | None = None,
    scenes: int | None = None,
    families: Switch = False,
    flaws: Switch = False,
    activities: Switch = False,
    ablation: Folders = None,
    models: str | None = None,
    methods: str | None = None,
    reference: str | None = None,
    peers: Path | None = None,
    peer: Words = None,
    limit: int | None = None,
    jobs: int | None = None,
    quick: Switch = False,
    report: Switch = False,
) -> int:
    """Compare methods: --paper FOLDER, --pairs FOLDER or --simulated, or several of them, -o OUT; or --report -o OUT.

    Or parts of ours: --activities -o OUT, --ablation FOLDER -o OUT.

    Parameters
    ----------
    out
        Folder for rows and summaries (CSV), tables (Markdown) and plots. A run that was interrupted goes on where it
        stopped.
    paper
        Folder of pairs NAME_A and NAME_B (or NAME_1, NAME_2): the paper's tables of Qg, Qm, Qcb and time for all
        methods that it compares, beside what it prints, and its figures.
    recorded
        Scores recorded by others on these pairs, to show beside: CSV with the columns method, name, Qg, Qm, Qcb. Left
        out, those of the paper's authors where the pairs are the Lytro pairs.
    pairs
        Folder of pairs: with truth, NAME_GT, PSNR, SSIM and bias; without, Qg, Qm, Qcb and coherence beside the preset
        "paper".
    simulated
        Simulated stacks: PSNR, SSIM, depth, decision quality and noise gain over surfaces and noise.
    textures
        Folder of images for their surfaces; procedural if left out.
    split
        Which of them: development to work with, report to publish.
    scenes
        Scenes for each surface and noise.
    families
        Also other kinds of blur, noise and texture, and tables that leave one out.
    flaws
        Also the flaws of real stacks, and bright spots before a dark ground.
    activities
        The activity of the default method replaced by classical focus measures, tuned on the development split: run
        that first, then --split report with the same -o. With --pairs also on pairs with truth.
    ablation
        Folder of pairs for the paper's ablation: fusion modes through the decoder, kinds of squeeze and excitation; and
        slices fused one by one, in series, on simulated stacks.
    models
        Names and folders of models for these two: sesf-cse,FOLDER; for --activities also random, and settings such as
        FOLDER:radius=8.
    methods
        Names that `focusfuse methods` lists, with settings: sesf,log:sigma=3,radius=5,sesf:preset=paper.
    reference
        Which of them others are compared with; the first if left out.
    peers
        TOML file of external programs.
    peer
        NAME=PATH of an external program that is not on the search path.
    limit
        Only the first pairs of each folder.
    jobs
        Processes for the simulated stacks; one for each core if left out.
    quick
        A few small scenes and pairs.
    report
        Run nothing: tables, plots and page again from the rows that OUT holds, whatever version made them.
    """
    options = given(recorded=recorded, textures=textures, split=split, scenes=scenes, methods=methods)
    options |= given(reference=reference, peers=peers, limit=limit, jobs=jobs, models=models)
    plan = Plan(
        out=out,
        paper=tuple(paper or ()),
        pairs=tuple(pairs or ()),
        simulated=simulated,
        activities=activities,
        ablation=tuple(ablation or ()),
        families=families,
        flaws=flaws,
        programs=tuple(peer or ()),
        quick=quick,
        report=report,
        command=tuple(sys.argv[1:]),
        **options,
    )
    return _run(plan)


def _run(plan: Plan) -> int:
    from benchmarks.run import iter_bench

    try:
        told: str = with_bar(iter_bench(plan), "bench")
    except KeyboardInterrupt:
        complain("interrupted", "finished rows are kept, the same command goes on with the others")
        return _INTERRUPTED
    say(f"{told}\n\nwritten: {plan.out}")
    return 0
