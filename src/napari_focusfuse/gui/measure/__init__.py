"""The widget "Measure fused images": roles of layers, scores, focus curves, maps."""
