"""The state of Adam as plain tensors, and what both recipes do to networks."""

import torch
from torch import Tensor, nn

__all__ = ["freeze_norms", "moments", "restore"]


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
