"""Streams under crashes, cuts, floods and partitions: `python -m torture`.

Each scenario is a function of its sizes. The full sizes run here, short ones in tests/torture.
"""
