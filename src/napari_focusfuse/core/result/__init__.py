"""What comes out: the decision, how it is checked and edited, and the fused image with it."""
