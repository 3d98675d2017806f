"""Shows `fuse = drained(iter_fuse)` in the site as a function, which takes what its generator takes, and `progress`."""

import inspect
from typing import Any

import griffe

from napari_focusfuse import api


class Drained(griffe.Extension):
    """Functions in place of the attributes that hold them."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Put each function made of a generator where the attribute was."""
        for module in pkg["api"].modules.values():
            for name, member in list(module.members.items()):
                if not member.is_alias and member.is_attribute and str(member.value).startswith("drained("):
                    module.set_member(name, _function(member, module[member.value.arguments[0].name]))


def _function(attribute: griffe.Attribute, steps: griffe.Function) -> griffe.Function:
    made = getattr(api, attribute.name)
    progress = griffe.Parameter(
        "progress", annotation="Report | None", kind=griffe.ParameterKind.keyword_only, default="None"
    )
    return griffe.Function(
        attribute.name,
        parameters=griffe.Parameters(*steps.parameters, progress),
        returns=inspect.signature(made).return_annotation,
        docstring=griffe.Docstring(made.__doc__, lineno=steps.lineno, parser=steps.docstring.parser),
        lineno=attribute.lineno,
        endlineno=attribute.endlineno,
        parent=attribute.parent,
    )
