"""The input: the stack and its values, read slice by slice or in tiles, by several workers in bounded memory.

Nothing here knows how sharp anything is.
"""
