"""Fuse focus stacks into all-in-focus images, by the spatial frequency of deep features (SESF-Fuse)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
