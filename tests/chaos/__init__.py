"""Breaks runs at random, a seed at a time, and says in figures what became of them: `make chaos`.

Every run is broken once, at one of its requests, in one of the ways of the matrix: by what a network
or a cloud may do, by a signal, a kill, or a second run. Then it is repeated, undisturbed.
"""
