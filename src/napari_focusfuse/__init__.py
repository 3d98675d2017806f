"""Fuse focus stacks into all-in-focus images, by the spatial frequency of deep features (SESF-Fuse)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "api": [
            "blend",
            "decide",
            "fuse",
            "iter_decide",
            "iter_fuse",
            "iter_measure",
            "iter_train",
            "list_devices",
            "list_metrics",
            "list_methods",
            "list_models",
            "load_decision",
            "load_model",
            "measure",
            "model_card",
            "open_stack",
            "sample_scene",
            "save_result",
            "simulate",
            "train",
        ],
        "core.config": [
            "BlockSFConfig",
            "FocusStackConfig",
            "FusionConfig",
            "GFConfig",
            "LoGConfig",
            "MWGConfig",
            "PyramidConfig",
            "TrainConfig",
            "WaveletConfig",
            "WindowConfig",
        ],
        "core.decision": ["Decision", "Flag"],
        "core.result": ["FusionResult"],
        "core.progress": ["Progress"],
        "errors": ["FocusFuseError", "FocusFuseWarning"],
    },
)
