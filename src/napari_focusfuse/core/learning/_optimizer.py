"""The state of Adam as plain tensors, and what both recipes do to networks."""

import torch
from torch import Tensor, nn

__all__ = ["freeze_norms", "memory_is_short", "moments", "restore"]

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


def moments(optimizer: torch.optim.Adam) -> dict[str, Tensor]:
    """State of the optimiser, flat: "INDEX.exp_avg" and so on; valid until the next step."""
    parameters = optimizer.param_groups[0]["params"]
    return {f"{i}.{name}": value for i, p in enumerate(parameters) for name, value in optimizer.state[p].items()}


def restore(optimizer: torch.optim.Adam, flat: dict[str, Tensor]) -> None:
    """Go on with a state that `moments` gave."""
    parameters = optimizer.param_groups[0]["params"]
    for key, value in flat.items():
        index, name = key.split(".")
        parameter = parameters[int(index)]
        # The step counter stays on the CPU, where Adam wants it.
        where = torch.device("cpu") if name == "step" else parameter.device
        optimizer.state[parameter][name] = value.detach().clone().to(where)


def freeze_norms(network: nn.Module) -> None:
    """Have the batch norms keep their statistics; `train` lets them go again."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def memory_is_short(error: RuntimeError) -> bool:
    """Whether an error of torch means that the memory of a device does not suffice."""
    return any(words in str(error).lower() for words in _OUT_OF_MEMORY)
