"""The memory that a fusion takes, and tiles that keep to a limit."""

import pytest

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.stack.workers import needed, within
from napari_focusfuse.errors import FocusFuseError

SHAPE = (2048, 2048)


@pytest.mark.parametrize("shape", [SHAPE, (700, 760)])
def test_smaller_tiles_keep_to_the_limit(shape):
    config = FusionConfig(preset="quantitative", scales="window", radius=6)
    limit = needed(config, shape) - 0.1
    found = within(config, shape, limit)
    assert 64 <= found.tile < config.tile
    assert needed(found, shape) <= limit
    assert (found.preset, found.radius) == ("quantitative", 6)


def test_more_threads_take_more_memory_or_smaller_tiles():
    config = FusionConfig()
    one, four = (needed(config, SHAPE, threads) for threads in (1, 4))
    assert one < four
    assert within(config, SHAPE, one, 1) is config
    assert needed(within(config, SHAPE, one, 4), SHAPE, 4) <= one


@pytest.mark.parametrize("limit", [0, 100])
def test_without_a_limit_that_matters_nothing_changes(limit):
    config = FusionConfig()
    assert within(config, SHAPE, limit) is config


def test_what_does_not_fit_is_refused():
    with pytest.raises(FocusFuseError, match=r"2048 x 2048 px takes about \d\.\d GiB .* the limit of 0\.2 GiB"):
        within(FusionConfig(), SHAPE, 0.2)
