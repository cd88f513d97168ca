"""Simulated points of sale: real HTTP servers over a seeded retailer world.

Nothing here imports `chalicelib`: the simulators and their oracle are the other side of the wire.
"""
