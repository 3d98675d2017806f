"""A whole run: each part computes what is missing, then writes its tables and pictures; a page gathers them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import figures, halo, pairs
from benchmarks.ablation import ablation_works
from benchmarks.activity_parts import activity_works
from benchmarks.again import stored_parts
from benchmarks.contenders import DEFAULT_METHODS, Contender, OwnMethod, check_labels, parse_methods
from benchmarks.page import IMAGES, write_page, write_text
from benchmarks.parts import paper_part, real_part, simulated_part, truth_part
from benchmarks.peers import Peer, read_peers
from benchmarks.plan import Plan
from benchmarks.provenance import code_hash, hardware, made_now
from benchmarks.records import paper_methods, read_recorded
from benchmarks.results import Results
from benchmarks.rows import Rows
from benchmarks.scenes import texture_files
from benchmarks.simulated import KEYS, VALUES, Sharpest, Study, iter_simulated
from benchmarks.standing import standing
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.errors import FocusFuseError, OutputError

__all__ = ["iter_bench"]

_PIXEL_SF = "sf"
_QUICK_SHAPE, _QUICK_NOISES = (160, 240), (0.0, 0.03)

Work = Generator[Progress, None, str]


def iter_bench(plan: Plan) -> Generator[Progress, None, str]:
    """Run a plan.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    str
        What came out, in Markdown; the same is in the folder, with rows, summaries and pictures.

    Raises
    ------
    FocusFuseError
        Something asked for is not there or cannot be done; as far as can be seen, before anything is computed.
    """
    works = _again(plan) if plan.report else _works(plan)
    try:
        (plan.out / IMAGES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write to {plan.out}: {error.strerror or error}") from error
    sections = []
    for name, work in works:
        section = yield from work()
        write_text(plan.out / f"{name}.md", section)
        sections.append(section)
    write_page(plan.out)
    if not plan.of_parts:
        sections.append(_standing(plan))
    return "\n\n".join(section for section in sections if section)


def _standing(plan: Plan) -> str:
    """The short report of the reference, or of the first method."""
    asked = parse_methods(plan.methods)[0].label if plan.methods else ""
    report = standing(plan.out, plan.reference or asked)
    if report:
        write_text(plan.out / "standing.md", report)
    return report


def _works(plan: Plan) -> list[tuple[str, Callable[[], Work]]]:
    if plan.activities:
        return activity_works(plan)
    if plan.ablation:
        return ablation_works(plan)
    own = parse_methods(plan.methods or DEFAULT_METHODS)
    peers = read_peers(plan.peers, plan.programs) if plan.peers else []
    everyone: list[Contender] = [*_led_by(own, plan.reference), *peers]
    check_labels([Sharpest(), *everyone])
    compared = everyone if plan.methods else _paper_contenders(peers)
    return [*_paper_works(plan, compared), *_pair_works(plan, everyone), *_simulated_works(plan, everyone)]


def _again(plan: Plan) -> list[tuple[str, Callable[[], Work]]]:
    """Parts made from rows that are there."""

    def work(part: Callable[[], str]) -> Work:
        yield Progress(0, 1, "tables and plots")
        return part()

    return [(name, partial(work, part)) for name, part in stored_parts(plan)]


def _paper_contenders(peers: Sequence[Peer]) -> list[Contender]:
    return [*parse_methods(paper_methods()), *peers]


def _paper_works(plan: Plan, everyone: Sequence[Contender]) -> list[tuple[str, Callable[[], Work]]]:
    """Names and work of the paper's comparison; the folders are looked through now."""
    works: list[tuple[str, Callable[[], Work]]] = []
    for folder in plan.paper:
        there = pairs.find_pairs(folder, limit=plan.wanted_pairs)
        name = folder.resolve().name
        if plan.recorded:
            read_recorded(plan.recorded, [pair.name for pair in there])
        works.append((f"paper-{name}", partial(_paper, plan, name, there, everyone)))
    return works


def _pair_works(plan: Plan, everyone: Sequence[Contender]) -> list[tuple[str, Callable[[], Work]]]:
    """Names and work of the other parts on pairs; the folders are looked through now."""
    works: list[tuple[str, Callable[[], Work]]] = []
    for folder in plan.pairs:
        there, name = pairs.find_pairs(folder, limit=plan.wanted_pairs), folder.resolve().name
        if any(pair.truth for pair in there):
            there = pairs.find_pairs(folder, truth=True, limit=plan.wanted_pairs)
            works.append((f"pairs-{name}", partial(_truth, plan, name, there, everyone)))
        else:
            works.append((f"real-{name}", partial(_real, plan, name, there, everyone)))
    return works


def _simulated_works(plan: Plan, everyone: Sequence[Contender]) -> list[tuple[str, Callable[[], Work]]]:
    if not plan.simulated:
        return []
    if plan.textures:
        texture_files(plan.textures, plan.split)
    works: list[tuple[str, Callable[[], Work]]] = [(f"simulated-{plan.split}", partial(_simulated, plan, everyone))]
    if plan.flaws:
        works.append((f"halo-{plan.split}", partial(_halo, plan, everyone)))
    return works


def _paper(plan: Plan, name: str, there: Sequence[pairs.Pair], everyone: Sequence[Contender]) -> Work:
    """Tables 2 and 3 and the figures of the paper."""
    contenders = _with_published(everyone)
    rows = _pair_rows(plan, f"paper-{name}", name, pairs.PAPER, contenders)
    yield from pairs.iter_pairs(there, contenders, rows, pairs.PAPER)
    yield from _draw_figures(plan.out / "figures" / name, there, [c for c in contenders if isinstance(c, OwnMethod)])
    return paper_part(plan.out, name, rows, _labels(contenders), [pair.name for pair in there], plan.recorded)


def _truth(plan: Plan, name: str, there: Sequence[pairs.Pair], everyone: Sequence[Contender]) -> Work:
    rows = _pair_rows(plan, f"pairs-{name}", name, pairs.WITH_TRUTH, everyone)
    yield from pairs.iter_pairs(there, everyone, rows, pairs.WITH_TRUTH)
    return truth_part(plan.out, name, rows, _labels(everyone), [pair.name for pair in there])


def _real(plan: Plan, name: str, there: Sequence[pairs.Pair], everyone: Sequence[Contender]) -> Work:
    contenders = _with_published(everyone)
    rows = _pair_rows(plan, f"real-{name}", name, pairs.WITHOUT_TRUTH, contenders)
    yield from pairs.iter_pairs(there, contenders, rows, pairs.WITHOUT_TRUTH)
    return real_part(plan.out, name, rows, _labels(contenders), [pair.name for pair in there])


def _with_published(everyone: Sequence[Contender]) -> list[Contender]:
    """Ours as published first, if it does not take part."""
    return [*([] if pairs.PUBLISHED in _labels(everyone) else parse_methods(pairs.PUBLISHED)), *everyone]


def _simulated(plan: Plan, everyone: Sequence[Contender]) -> Work:
    small: dict[str, Any] = {"shape": _QUICK_SHAPE, "noises": _QUICK_NOISES} if plan.quick else {}
    study = Study(
        split=plan.split,
        scenes=plan.wanted_scenes,
        textures=plan.textures,
        families=plan.families,
        flaws=plan.flaws,
        **small,
    )
    settings, made = {**study.settings(), "code": code_hash()}, _made(plan, everyone, threads=1)
    file = plan.out / f"simulated-{plan.split}.csv"
    rows = Rows(file, KEYS, VALUES, settings, made, _fingerprints([Sharpest(), *everyone]))
    yield from iter_simulated(study, everyone, rows, plan.wanted_jobs)
    labels = _labels(everyone)
    return simulated_part(plan.out, Results(study.own(rows), labels, labels[0]), study, rows)


def _halo(plan: Plan, everyone: Sequence[Contender]) -> Work:
    settings = {"split": plan.split, "code": code_hash("benchmarks/halo.py")}
    made, file = _made(plan, everyone, threads=1), plan.out / f"halo-{plan.split}.csv"
    rows = Rows(file, halo.KEYS, halo.VALUES, settings, made, _fingerprints(everyone))
    yield from halo.iter_halo(plan.split, plan.wanted_scenes, everyone, rows, plan.wanted_jobs)
    return halo.halo_section(rows, _labels(everyone), plan.split)


def _draw_figures(
    folder: Path, there: Sequence[pairs.Pair], methods: Sequence[OwnMethod]
) -> Generator[Progress, None, None]:
    """Fig. 2 to 5 of the first pair, Fig. 6 of the next one."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn: list[figures.Fused] = []
    for pair in there[:2]:
        yield Progress(len(drawn), 2, "figures")
        sources = pair.sources()
        wanted = methods if any(m.label == _PIXEL_SF for m in methods) else [*methods, *parse_methods(_PIXEL_SF)]
        done = {method.label: method.run(sources) for method in wanted}
        images = {label: outcome.image for label, outcome in done.items() if outcome.image is not None}
        decisions = {label: outcome.decision for label, outcome in done.items() if outcome.decision is not None}
        drawn.append(figures.Fused(pair.name, sources, images, decisions))
    first = drawn[0]
    figures.draw_decision(first, pairs.PUBLISHED, folder / "fig2-decision.png")
    figures.draw_two_decisions(first, pairs.PUBLISHED, folder / "fig3-pixels-and-features.png")
    figures.draw_insets(first, folder / "fig4-insets.png")
    for number, fused in zip((5, 6), drawn, strict=False):
        figures.draw_differences(fused, folder / f"fig{number}-difference.png")


def _pair_rows(plan: Plan, part: str, name: str, metrics: Sequence[str], everyone: Sequence[Contender]) -> Rows:
    made = _made(plan, everyone)
    settings = {"folder": name, "code": code_hash(), **{key: made[key] for key in hardware()}}
    return Rows(plan.out / f"{part}.csv", pairs.KEYS, pairs.values(metrics), settings, made, _fingerprints(everyone))


def _made(plan: Plan, everyone: Sequence[Contender], **other: Any) -> dict[str, Any]:
    programs = {peer.label: " ".join(peer.command) for peer in everyone if isinstance(peer, Peer)}
    told = {key: str(value) for key, value in other.items()}
    return {**made_now(plan.command), **told, "methods": _labels(everyone), "programs": programs}


def _labels(everyone: Sequence[Contender]) -> list[str]:
    return [contender.label for contender in everyone]


def _fingerprints(everyone: Sequence[Contender]) -> dict[str, str]:
    """Of what else scores depend on besides a label and the code: the commands of programs."""
    return {each.label: each.fingerprint if isinstance(each, Peer) else "" for each in everyone}


def _led_by(own: Sequence[OwnMethod], reference: str) -> list[OwnMethod]:
    """The methods with the reference first."""
    if not reference:
        return list(own)
    found = [method for method in own if method.label == reference]
    if not found:
        raise FocusFuseError(
            f"the reference {reference!r} does not take part: choose one of {', '.join(m.label for m in own)}"
        )
    return [*found, *(method for method in own if method is not found[0])]
