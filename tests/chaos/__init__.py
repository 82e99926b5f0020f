"""Faults and kills at every request of a run, with figures: `make chaos`."""
