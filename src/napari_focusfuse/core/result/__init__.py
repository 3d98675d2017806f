"""The output: the decision map, its checks and edits, and the fused image."""
