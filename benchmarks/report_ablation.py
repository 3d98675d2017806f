"""What the paper's ablation says on pairs: means, first places, what was recorded and what was printed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from benchmarks.page import MISSING, table
from benchmarks.pairs import PAPER
from benchmarks.provenance import sentence
from benchmarks.records import read_recorded
from benchmarks.report_pairs import LARGE, scores_table, write_pair_summary
from benchmarks.rows import Rows, Stored

__all__ = ["ablation_part"]

#: Table 1 of Ma et al. 2020, 38 pairs: Qg, Qm, Qcb.
_PRINTED = {
    "se_absmax": ("0.5204", "2.4880", "0.6019"),
    "se_average": ("0.5033", "2.4835", "0.5963"),
    "se_l1_norm": ("0.5124", "2.4961", "0.6020"),
    "se_max": ("0.5059", "2.4851", "0.5980"),
    "se_sf": ("0.6885", "2.7216", "0.7526"),
    "se_sf_dm": ("0.7105", "2.8886", "0.7848"),
    "sse_sf_dm": ("0.7103", "2.8889", "0.7849"),
    "scse_sf_dm": ("0.7104", "2.8903", "0.7852"),
}
_INTRODUCTION = """\
The features of the two photographs are fused by a mode (*absmax*, *average*, *l1_norm*, *max*, or *sf*: those of larger
spatial frequency) and the decoder makes the image. With *sf-dm* they only decide, and the pixels are those of the
photographs: the method of the paper. Means of Qg, Qm and Qcb and, in brackets, first places, ties included; the best
mean is bold. Results are rounded to the type of the photographs before they are measured; colours are decoded one by
one."""
_RECORDED = f"""\
*Recorded* are the scores that the paper's authors recorded on the same pairs, with their weights; first places are
among themselves. † differs by more than {LARGE:g}. Their decoder ends with ReLU and batch norm, ours is plain there."""
_ALL = "Printed in the paper (Table 1), for its 38 pairs, of which these may be a part:"


def ablation_part(
    out: Path, name: str, rows: Rows | Stored, labels: Sequence[str], pairs: Collection[str], records: Path | None
) -> str:
    """Summary of the ablation on the pairs of a folder; returns the section.

    Parameters
    ----------
    out : Path
    name : str
        Of the folder.
    rows : Rows or Stored
    labels : sequence of str
        Those to show, in order.
    pairs : collection of str
        Those to take into account.
    records : Path or None
        Recorded scores.
    """
    recorded_as = rows.made["recorded_as"]
    kept = [row for row in rows if row["method"] in labels and row["pair"] in pairs]
    write_pair_summary(out / f"ablation-{name}-summary.csv", rows, labels, pairs, PAPER)
    recorded = read_recorded(records, pairs, ablation=True) if records else None
    missing = ", ".join(f"`{model}`" for model in rows.made.get("missing", []))
    printed = [[label, *_PRINTED.get(recorded_as[label], [MISSING] * len(PAPER))] for label in labels]
    parts = [
        f"## The paper's ablation: {name}, {len(pairs)} pairs",
        _INTRODUCTION,
        scores_table(kept, labels, recorded, recorded_as),
        _RECORDED if recorded else "",
        f"Not run, because there is no such model here: {missing}." if missing else "",
        _ALL,
        table(["method", "Qg, printed", "Qm, printed", "Qcb, printed"], printed),
        sentence(rows.made, rows.settings),
    ]
    return "\n\n".join(part for part in parts if part)
