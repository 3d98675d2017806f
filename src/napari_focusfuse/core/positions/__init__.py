"""Many focus stacks by one method: time points and channels, which of them decides, and their results in one array."""
