"""The paper's ablation (Table 1): fusion modes through the decoder, and kinds of squeeze and excitation."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks import pairs
from benchmarks.contenders import Contender, Outcome, OwnMethod, check_labels, named
from benchmarks.feature_fusion import MODES, FeatureMode, iter_decoded
from benchmarks.plan import Plan
from benchmarks.provenance import code_hash, hardware, made_now
from benchmarks.records import read_recorded
from benchmarks.report_ablation import ablation_part
from benchmarks.rows import Rows
from benchmarks.series import series_works
from napari_focusfuse import api
from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.progress import Progress, drain
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import FocusFuseError, ModelError

__all__ = ["ThroughDecoder", "Variants", "ablation_works", "variants"]

_MODELS = ("sesf-cse", "sesf-sse", "sesf-scse", "sesf-none")
#: How the records of the paper's authors begin for each kind of squeeze and excitation.
_RECORDED = {"cse": "se", "sse": "sse", "scse": "scse", "none": "dense"}
_DECISION = "sf-dm"

Work = Generator[Progress, None, str]


@dataclass(frozen=True)
class ThroughDecoder:
    """Fusion of deep features that are decoded, as a contender.

    Attributes
    ----------
    label : str
    model : str
        Name or folder.
    mode : str
        See `benchmarks.feature_fusion`.
    """

    label: str
    model: str
    mode: FeatureMode

    def run(self, stack: Any) -> Outcome:
        """Fuse on the CPU and take the time."""
        start = perf_counter()
        network = api.load_model(self.model).network
        if network is None:
            raise ModelError(f"the model {self.model} has no decoder to give images back with")
        image = drain(iter_decoded(Stack(stack), network, self.mode))
        return Outcome(image, None, perf_counter() - start)


class Variants(NamedTuple):
    """Who takes part.

    Attributes
    ----------
    contenders : list of Contender
    recorded_as : dict of label to str
        What the records of the paper's authors call them.
    fingerprints : dict of label to str
        Of the weights.
    missing : list of str
        Models that were looked for in vain.
    """

    contenders: list[Contender]
    recorded_as: dict[str, str]
    fingerprints: dict[str, str]
    missing: list[str]


def variants(models: str) -> Variants:
    """Every fusion mode with the first cSE model, and the paper's own way with all models.

    Parameters
    ----------
    models : str
        Names and folders; empty is one of each kind of squeeze and excitation, as far as they are there.

    Raises
    ------
    FocusFuseError
        A model that is named is not there, or there is none.
    """
    found = Variants([], {}, {}, [])
    names = [name for name, *_ in named(models)] or list(_MODELS)
    there = {}
    for name in names:
        try:
            there[name] = api.load_model(name)
        except ModelError:
            if models:
                raise
            found.missing.append(name)
    if not there:
        raise FocusFuseError("there is no model to compare: name some with --models")
    base = next((name for name, model in there.items() if model.encoder.variant == "cse"), next(iter(there)))
    for mode in MODES:
        _add(found, ThroughDecoder(f"{Path(base).name}/{mode}", base, mode), mode)
    for name in sorted(there, key=lambda name: name != base):
        label = f"{Path(name).name}/{_DECISION}"
        _add(found, OwnMethod(label, "sesf", FusionConfig(preset="paper"), name), _DECISION)
    check_labels(found.contenders)
    return found


def _add(found: Variants, contender: ThroughDecoder | OwnMethod, mode: str) -> None:
    model = api.load_model(contender.model)
    found.contenders.append(contender)
    found.recorded_as[contender.label] = f"{_RECORDED[model.encoder.variant]}_{mode.replace('-', '_')}"
    found.fingerprints[contender.label] = model.sha256[:12]


def ablation_works(plan: Plan) -> list[tuple[str, Callable[[], Work]]]:
    """Names and work of the parts; what can be checked is checked now."""
    found = variants(plan.models)
    works: list[tuple[str, Callable[[], Work]]] = []
    for folder in plan.ablation:
        there = pairs.find_pairs(folder, limit=plan.wanted_pairs)
        name = folder.resolve().name
        if plan.recorded:
            read_recorded(plan.recorded, [pair.name for pair in there], ablation=True)
        works.append((f"ablation-{name}", partial(_run, plan, name, there, found)))
    published = next(each for each in found.contenders if isinstance(each, OwnMethod))
    return [*works, *series_works(plan, published.model)]


def _run(plan: Plan, name: str, there: Sequence[pairs.Pair], found: Variants) -> Work:
    told = {"methods": [each.label for each in found.contenders], "missing": found.missing}
    made = {**made_now(plan.command), **told, "recorded_as": found.recorded_as}
    settings = {"folder": name, "code": code_hash("benchmarks/ablation.py"), **{key: made[key] for key in hardware()}}
    file = plan.out / f"ablation-{name}.csv"
    rows = Rows(file, pairs.KEYS, pairs.values(pairs.PAPER), settings, made, found.fingerprints)
    yield from pairs.iter_pairs(there, found.contenders, rows, pairs.PAPER)
    return ablation_part(plan.out, name, rows, told["methods"], [pair.name for pair in there], plan.recorded)
