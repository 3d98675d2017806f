"""Depth as a surface in um: holes filled, and a mesh that the image is draped over."""
