"""``focusfuse train``: a model from your own images, by any recipe."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from napari_focusfuse.cli._flags import Out, Switch, config_from, flags_of, given
from napari_focusfuse.cli._terminal import complain, say, with_bar
from napari_focusfuse.config import DEFAULT_RECIPE, RECIPES, Recipe

__all__ = ["train"]

_INTERRUPTED = 130

if TYPE_CHECKING:
    TrainFlags = Any
else:
    TrainFlags = flags_of(RECIPES, "recipe")


def train(
    images: list[Path] | None = None,
    /,
    *,
    out: Out,
    recipe: Annotated[Recipe | None, Parameter(show_default=DEFAULT_RECIPE)] = None,
    validation: Path | None = None,
    start: str | None = None,
    device: str | None = None,
    resume: Switch = False,
    overwrite: Switch = False,
    licence: str | None = None,
    flags: Annotated[TrainFlags | None, Parameter(name="*")] = None,
) -> int:
    """Train a model on sharp images, without labels: IMAGES... -o OUT. The best one is kept.

    Parameters
    ----------
    images
        Folders of images. Only the recipe paper needs them: without images, the others compute textures.
    out
        Folder of the model; gets model.safetensors and card.md.
    recipe
        paper: encoder and decoder learn to reconstruct images. focus: the encoder learns which slice of small
        simulated stacks is the sharpest. decide: a head on the encoder of the model that --start names learns
        which scale to trust where. candidates: a second head, on a model that has the first, learns which of the
        best slices of a pixel is right. A training that is resumed keeps its recipe.
    validation
        Folder of images to validate on; by default some of IMAGES are kept for that.
    start
        Model to start from: a name that `focusfuse models` lists, or a folder. Its variant is kept. The recipes
        decide and candidates need one, candidates one with a decision head.
    device
        auto, cpu, cuda, mps...
    resume
        Resume an interrupted training.
    overwrite
        Replace a model that is in OUT.
    licence
        Licence of the images, for the model card.
    flags
        How to train.
    """
    from napari_focusfuse import api

    taken = api.recipe_to_resume(out, recipe) if resume else recipe or DEFAULT_RECIPE
    config = config_from(flags, RECIPES, "recipe", taken) or (None if resume else RECIPES[taken]())
    options = given(validation=validation, start=start, device=device, licence=licence)
    work = api.iter_train(images, config, out=out, resume=resume, overwrite=overwrite, **options)
    try:
        trained = with_bar(work, "training", line=_line)
    except KeyboardInterrupt:
        complain("interrupted", "the training so far is kept, continue with --resume")
        return _INTERRUPTED
    kept = f"{trained.unit} {trained.kept}" if trained.kept else "the model it started from, nothing was better"
    say(f"model: {out} ({kept}; {trained.told}; {trained.ended})")
    return 0


def _line(step: Any) -> str | None:
    """What a validation has brought."""
    state = getattr(step, "state", None)
    return None if state is None else f"{step.what}: {state.log[-1].told}, {step.pace}"
