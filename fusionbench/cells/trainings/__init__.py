"""Trainings of a cell's method: the one made within a run, and those finished before."""
