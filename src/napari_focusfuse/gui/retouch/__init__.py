"""The widget "Retouch the fused image": what is painted, and layers that follow it."""
