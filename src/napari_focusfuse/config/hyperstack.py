"""Settings of fusing a hyperstack: time points and channels of focus stacks."""

__all__ = ["CHANNEL", "DECIDE_ON", "STACK_AXIS", "DecideOn"]

#: Which channel decides: one by its number or name, the "sum" of all weighted by their noise, or "each" for itself.
DecideOn = int | str

DECIDE_ON: DecideOn = "sum"
#: Letters of the stack axis and the channel axis.
STACK_AXIS, CHANNEL = "Z", "C"
