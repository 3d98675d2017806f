"""The command ``focusfuse``: files in, files out, by way of the API.

Wrong input is one line on stderr and exit code 2. Nothing heavy is imported before a command runs.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, CycloptsError, Parameter

from napari_focusfuse.cli._align import align
from napari_focusfuse.cli._flags import (
    Names,
    Out,
    Switch,
    config_from,
    flags_of,
    given,
    opening_given,
    parsed,
    sizes_given,
)
from napari_focusfuse.cli._fuse import fuse_all
from napari_focusfuse.cli._measure import measure
from napari_focusfuse.cli._results import export, replay
from napari_focusfuse.cli._terminal import (
    complain,
    flagged,
    nobody_reads,
    only_our_warnings,
    say,
    terminated_as_interrupted,
    with_bar,
)
from napari_focusfuse.cli._train import train
from napari_focusfuse.core.methods import METHODS, method_named
from napari_focusfuse.errors import FocusFuseError

__all__ = ["main"]

_FAILED, _INTERRUPTED = 2, 130
#: A checkout of the sources, where this is part of one.
_ROOT = Path(__file__).resolve().parents[3]
_METHODS = {method.name: method.config for method in METHODS.values() if method.config is not None}

if TYPE_CHECKING:
    FusionFlags = Any
else:
    FusionFlags = flags_of(_METHODS, "method")

app = App(
    name="focusfuse",
    help="Fuse focus stacks into all-in-focus images, with depth and confidence maps.",
    version=lambda: version("napari-focusfuse"),
    default_parameter=Parameter(converter=parsed),
    suppress_keyboard_interrupt=False,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process if left out.

    Returns
    -------
    int
        0 if everything was done, 2 if something failed, 130 if interrupted or terminated.
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        with only_our_warnings(), terminated_as_interrupted():
            code = app(
                argv,
                exit_on_error=False,
                print_error=False,
                result_action="return_value",
            )
        return int(code or 0)
    except FocusFuseError as error:
        complain("error", flagged(error, _parameters(argv)))
    except CycloptsError as error:
        complain("error", error)
    except MemoryError:
        complain("error", "not enough memory: close other programs or give smaller images")
    except BrokenPipeError:  # a reader such as head has seen enough of the help
        nobody_reads(sys.stdout)
        return 0
    except KeyboardInterrupt:
        complain("interrupted", "unfinished results were not written")
        return _INTERRUPTED
    return _FAILED


def _parameters(argv: Sequence[str]) -> set[str]:
    """Names of the parameters of the command that was called."""
    called = app[argv[0]].default_command if argv and argv[0] in app else None
    return set(signature(called).parameters) if called is not None else set()


@app.command
def fuse(
    inputs: list[Path],
    /,
    *,
    out: Out,
    method: str | None = None,
    model: str | None = None,
    device: str | None = None,
    threads: int = 0,
    axis: str | None = None,
    channel: str | None = None,
    slices: str | None = None,
    exclude: Names = None,
    z_step: float | None = None,
    pixel_size: float | None = None,
    refractive_index: float | None = None,
    fill_depth: Switch = False,
    zarr: Switch = False,
    zarr_version: str | None = None,
    equalise: Switch = False,
    rgb: Switch = False,
    all_positions: Switch = False,
    decide_on: str | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    overwrite: Switch = False,
    resume: Switch = False,
    dry_run: Switch = False,
    json: Switch = False,
    flags: Annotated[FusionFlags | None, Parameter(name="*")] = None,
) -> int:
    """Fuse focus stacks: IN... -o OUT.

    Parameters
    ----------
    inputs
        Folders of slices or of pairs (NAME_A, NAME_B), multi-page TIFFs, OME-TIFFs or OME-Zarrs, or one plate.
    out
        A file (.tif, .png) for the fused image alone; otherwise a folder, which gets
        NAME/{fused,index,depth,confidence,flags}.ome.tif and NAME/recipe.json for each input; for a plate NAME.zarr.
    method
        Fusion method: a name that `focusfuse methods` lists. Those without a decision map give the fused image alone.
    model
        Model: a name that `focusfuse models` lists, or a folder. Only the method sesf uses it.
    device
        auto, cpu, cuda, mps... Only the method sesf uses it.
    threads
        CPU threads for each stack; 0 lets torch choose, and leaves a worker what it has, usually one.
    axis
        Letter or number of the stack axis, if the file does not give it.
    channel
        One channel of a file or folder that holds several: its name, or its number from 0.
    slices
        FIRST:END or FIRST:END:STEP, counted from 0 and without END: 10:50 is a range of slices, ::2 every second;
        0:8,10,12 takes these.
    exclude
        Name of a file in the folder that is not a slice, such as an earlier result; * matches anything. May be
        repeated.
    z_step
        Distance between neighbouring slices in um, instead of the file's own.
    pixel_size
        Size of a pixel in um, instead of the file's own.
    refractive_index
        Of the medium around the specimen, for a dry objective: depth in um is multiplied by it. (1: surfaces in air)
    fill_depth
        Also write depth_filled.ome.tif: where depth was not measured, it is estimated from the surroundings.
    zarr
        Write OME-Zarr with pyramids instead of OME-TIFF, for large images.
    zarr_version
        0.4 or 0.5; by default that of a plate, otherwise 0.4. Implies --zarr.
    equalise
        Equalise the brightness of the slices first, for a lamp that flickers or fades; not for optical sections.
    rgb
        Read a channel axis of length 3 or 4 as colour.
    all_positions
        Fuse every time point and channel of files that have such axes; the results keep them.
    decide_on
        Which channel decides for all channels of a time point: its number from 0 or its name; sum, of all channels
        weighted by their signal-to-noise ratio (default); or each for itself. Implies --all-positions.
    scheduler
        Work on a cluster: the address of a dask scheduler, tcp://HOST:8786; or local, for processes on this machine.
    workers
        Processes on this machine, each with a stack of its own; more than one imply --scheduler local.
    overwrite
        Replace what an earlier run has written.
    resume
        Skip stacks that were fused already, from the same files in the same way.
    dry_run
        Say what would be done and how large it gets, and write nothing.
    json
        Print progress and outcomes as lines of JSON, for other programs.
    flags
        Settings of the method.
    """
    sizes = sizes_given(z_step, pixel_size)
    config = config_from(flags, _METHODS, "method", method_named(method or next(iter(METHODS))).name)
    engine = given(method=method, model=model, device=device, config=config, equalise=equalise or None)
    opening = opening_given(axis=axis, rgb=rgb, channel=channel, slices=slices, exclude=exclude)
    saving = given(refractive_index=refractive_index, fill_depth=fill_depth, zarr=zarr)
    where: dict[str, Any] = {"client": scheduler, "workers": workers, "threads": threads, "zarr_version": zarr_version}
    how: dict[str, Any] = {"resume": resume, "overwrite": overwrite, "dry_run": dry_run, "as_json": json}
    how |= {"all_positions": all_positions, "decide_on": decide_on}
    done = fuse_all(inputs, out, **where, **how, **sizes, **engine, **opening, **saving)
    return 0 if done else _FAILED


def bench(*_words: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)]) -> int:
    """Compare methods; only in a checkout of the sources: a package comes without benchmarks."""
    raise FocusFuseError(
        "the benchmarks are part of the sources, not of the installed package: clone them, pip install -e . there, "
        "and run focusfuse bench again"
    )


def bench_command() -> Callable[..., Any]:
    """The command of the checkout that this is part of, or `bench`, which says that there is none."""
    if not (_ROOT / "benchmarks" / "command.py").is_file():
        return bench
    # Ahead of other packages of that name; also in the processes that a benchmark starts.
    if str(_ROOT) not in sys.path:
        sys.path.insert(0, str(_ROOT))
    command: Callable[..., Any] = import_module("benchmarks.command").bench
    return command


app.command(align)
app.command(bench_command(), name="bench")


@app.command
def demo(*, out: Out = Path("focusfuse-demo"), overwrite: Switch = False) -> None:
    """Simulate a focus stack and fuse it.

    Parameters
    ----------
    out
        Folder for the stack and the result.
    overwrite
        Replace an earlier demo.
    """
    from napari_focusfuse import api
    from napari_focusfuse.core.simulate import sample_scene

    stack, folder = out / "sample.ome.tif", out / "sample"
    api.check_image_target(stack, overwrite=overwrite)
    api.check_result_folder(folder, overwrite=overwrite)
    scene = sample_scene()
    result = with_bar(api.iter_fuse(scene.stack, z=scene.z.tolist()), "sample")
    sizes: dict[str, Any] = {"z_step": scene.z_step, "pixel_size": (scene.pixel_size, scene.pixel_size)}
    api.save_stack(stack, scene.stack, overwrite=overwrite, **sizes)
    api.save_result(folder, result, inputs=(stack,), overwrite=overwrite, **sizes)
    say(f"stack:  {stack}\nresult: {folder} ({result.summary.rstrip('.')})")


app.command(measure)


@app.command
def models(name: str | None = None, /) -> None:
    """List the models with their recipe, scores and the licence of their training images, or show the card of one.

    Parameters
    ----------
    name
        A model: what it was trained on, its licence and scores are printed.
    """
    from napari_focusfuse import api

    if name is not None:
        say(api.model_card(name).rstrip())
        return
    for known in api.list_models():
        facts = api.model_facts(known)
        say(f"{known}{' (default)' if known == api.default_model() else ''}: {facts.title}. {facts.summary}")
        say(f"    recipe: {facts.recipe or 'not stated'}")
        say(f"    scores: {facts.scores or 'not stated'}")
        say(f"    licence of the training images: {facts.licence or 'not stated'}")


@app.command
def methods() -> None:
    """List the fusion methods."""
    from napari_focusfuse import api

    for k, method in enumerate(api.list_methods()):
        say(f"{method.name}{' (default)' if k == 0 else ''}: {method.title}. {method.description} ({method.citation})")


app.command(train)
app.command(replay)
app.command(export)
