"""Trainings of a cell's method: the one that the cell waits for, and those that finished before."""
