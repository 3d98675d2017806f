"""Names are shown letter by letter."""

import re
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QMessageBox, QWidget

from napari_focusfuse import gui
from napari_focusfuse.gui.common.text import PlainLabel, literal

MARKUP = "<b>bold</b> <img src='x'> & more"


def test_a_label_shows_markup_and_hides_controls(qtbot):
    label = PlainLabel(f"{MARKUP}\x1b[31m\nline")
    qtbot.addWidget(label)
    assert label.text() == f"{MARKUP}\\x1b[31m\nline"
    assert label.textFormat() == Qt.TextFormat.PlainText
    label.setText(MARKUP)
    assert label.text() == MARKUP


def test_tooltips_and_questions_show_markup():
    assert literal("cells & more: 3 x 4") == "cells & more: 3 x 4"
    told = literal(f"{MARKUP}\nline")
    assert Qt.mightBeRichText(told)
    assert "<b>" not in told
    assert told == "<p>&lt;b&gt;bold&lt;/b&gt; &lt;img src=&#x27;x&#x27;&gt; &amp; more<br>line</p>"


def test_every_label_of_ours_is_plain():
    """A name of a layer or file may come into any of them."""
    files = list(Path(gui.__file__).parent.rglob("*.py"))
    assert [file.name for file in files if re.search(r"\bQLabel\b", file.read_text("utf-8"))] == ["text.py"]


@pytest.mark.parametrize("name", ["Fuse focus stack", "Align focus stack", "Measure fused images", "Train a model"])
def test_a_layer_with_markup_in_its_name(viewer, name):
    layer = viewer.add_image(np.zeros((3, 8, 9), np.uint8), name=MARKUP)
    viewer.add_image(np.zeros((8, 9), np.uint8), name=f"{MARKUP} fused")
    widget = viewer.window.add_plugin_dock_widget("napari-focusfuse", name)[1]
    shown = [child for child in widget.findChildren(QLabel) if MARKUP in child.text()]
    assert all(child.textFormat() == Qt.TextFormat.PlainText for child in shown)
    tips = [child.toolTip() for child in widget.findChildren(QWidget)]
    assert not any("<b>" in tip for tip in tips), layer.name


def test_the_question_before_overwriting(widget, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(QMessageBox, "question", lambda _parent, _title, text: asked.append(text))
    widget.results._may_overwrite(tmp_path / "<b>x<b>")
    assert "&lt;b&gt;x&lt;b&gt; exists. Overwrite" in asked[0]
