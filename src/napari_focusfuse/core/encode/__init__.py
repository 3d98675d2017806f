"""From grey images to energies: the network with its heads, the classical focus measures, spatial frequency (Eq. 5-7).

What the energies of several slices mean together is told by `napari_focusfuse.core.decide`.
"""
