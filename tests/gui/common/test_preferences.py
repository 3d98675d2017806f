"""The plugin's page in napari's preferences."""

import pytest
import torch
from npe2 import PluginManifest

from napari_focusfuse import api
from napari_focusfuse.errors import FocusFuseError
from napari_focusfuse.gui.common.preferences import Preferences, preferences

PLUGIN = "napari-focusfuse"


@pytest.fixture
def page(_plugins_are_known):
    """The settings, with which the test may do what it likes."""
    from napari.settings import get_plugin_settings

    page = get_plugin_settings(PLUGIN).fusing
    before = page.model_dump()
    yield page
    for name, value in before.items():
        setattr(page, name, value)


@pytest.fixture
def cells(viewer, stack):
    return viewer.add_image(stack, name="cells")


def test_the_defaults_are_those_of_the_core(page):
    assert preferences() == Preferences()
    properties = PluginManifest.from_distribution(PLUGIN).contributions.configurations["fusing"].properties
    assert tuple(properties) == Preferences._fields
    assert properties["preset"].enum == ["default", "quantitative", "paper"]


def test_a_new_widget_begins_with_them(viewer, page, stack):
    page.preset, page.model, page.device = "paper", "sesf-cse", "cuda"
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Fuse focus stack")
    assert widget.value() == api.FusionConfig(preset="paper")
    assert (widget.model.value, widget.device.value) == ("sesf-cse", "cuda")
    _, training = viewer.window.add_plugin_dock_widget(PLUGIN, "Train a model")
    assert training.form.device.value == "cuda"


def test_threads_hold_for_the_next_run(widget, cells, page, finish, monkeypatch, fusion):
    monkeypatch.setattr(api, "use_threads", used := [].append)
    page.threads = 3
    widget.run()
    finish(widget)
    assert used.__self__ == [3]


def test_threads_in_this_thread():
    before = torch.get_num_threads()
    try:
        api.use_threads(0)
        assert torch.get_num_threads() == before
        api.use_threads(before + 2)
        assert torch.get_num_threads() == before + 2
        api.use_threads(0)
        assert torch.get_num_threads() == before
    finally:
        torch.set_num_threads(before)
    with pytest.raises(FocusFuseError, match="-1 threads cannot compute"):
        api.use_threads(-1)


def test_the_memory_limit_makes_smaller_tiles_or_refuses(widget, cells, page, finish, fusion, notes):
    page.memory = 0.25
    widget.config._base = api.FusionConfig(tile=8192)
    widget.run()
    finish(widget)
    assert fusion.calls[0]["config"].tile == 8192
    page.memory = 0.01
    widget.run()
    finish(widget)
    assert "more than the limit of 0.01 GiB" in widget.panel.status.text()
    assert len(fusion.calls) == 1
    assert len(notes) == 1
