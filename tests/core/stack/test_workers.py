"""Work on several parts at once: order, failures, threads."""

import threading
from functools import partial

import numpy as np
import pytest
import torch

import napari_focusfuse as ff
from napari_focusfuse.core.stack.workers import iter_ahead, workers


def test_results_come_in_order_and_two_jobs_meet() -> None:
    both = threading.Barrier(2, timeout=20)

    def job(k: int) -> tuple[int, int]:
        both.wait()  # passes only if another job is under way
        return k, torch.get_num_threads()

    before = torch.get_num_threads()
    assert list(iter_ahead((partial(job, k) for k in range(6)), 2)) == [(k, 1) for k in range(6)]
    assert torch.get_num_threads() == before


def test_one_worker_needs_no_thread() -> None:
    assert set(iter_ahead([threading.get_ident] * 3, 1)) == {threading.get_ident()}


def test_a_job_that_fails_ends_the_work_and_jobs_are_made_no_earlier_than_needed() -> None:
    made = []

    def jobs() -> object:
        for k in range(100):
            made.append(k)
            yield partial(int, "x" if k == 2 else "1")

    with pytest.raises(ValueError, match="'x'"):
        list(iter_ahead(jobs(), 3))
    assert len(made) < 10


def test_closing_leaves_no_thread_behind() -> None:
    work = iter_ahead([partial(int, "1")] * 50, 2)
    next(work)
    work.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("focusfuse")]


def test_the_result_does_not_depend_on_the_threads() -> None:
    stack = ff.simulate((150, 170), 6, surface="steps", noise=0.02, seed=3).stack
    config, before = ff.FusionConfig(tile=64), torch.get_num_threads()
    results = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        assert workers(torch.device("cpu")) == threads
        try:
            results.append(ff.decide(stack, config=config))
        finally:
            torch.set_num_threads(before)
    one, three = results
    for name in ("labels", "weights", "depth", "confidence", "flags"):
        np.testing.assert_array_equal(getattr(one, name), getattr(three, name))
