"""What runs to its end says of itself what its generator says."""

import inspect
import pickle

import pytest

import napari_focusfuse as ff
from napari_focusfuse import api

_SAME = ("adapt", "align", "fuse", "decide", "fuse_hyperstack", "carry", "replay", "measure", "train", "simulate_plate")
PAIRS = {
    **{name: f"iter_{name}" for name in _SAME},
    "check_replay": "iter_check_replay",
    "save_result": "iter_save",
}


@pytest.mark.parametrize(("name", "steps"), PAIRS.items())
def test_a_function_takes_what_its_generator_takes_and_progress(name, steps):
    function, steps = getattr(ff, name), getattr(api, steps)
    taken, told = (inspect.signature(each) for each in (function, steps))
    assert list(taken.parameters.values())[:-1] == list(told.parameters.values())
    assert list(taken.parameters)[-1] == "progress"
    assert told.return_annotation == f"Generator[Progress, None, {taken.return_annotation}]"
    assert function.__doc__.splitlines()[0] == steps.__doc__.splitlines()[0]
    assert ("Parameters\n" in function.__doc__) == ("\nprogress : callable" in function.__doc__)
    assert function.__name__ == name
    assert pickle.loads(pickle.dumps(function)) is function  # noqa: S301


def test_progress_is_called_at_each_step_and_the_result_comes_back(scene):
    seen = []
    result = ff.fuse(scene.stack, method="mean", progress=seen.append)
    assert seen == list(ff.iter_fuse(scene.stack, method="mean"))
    assert result.image.shape == scene.truth.shape


def test_what_the_generator_does_not_take_is_refused(scene):
    with pytest.raises(TypeError, match="methods"):
        ff.fuse(scene.stack, methods="mean")
