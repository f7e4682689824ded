"""Statistics of the scores of single images: intervals, tests, ranks, agreement, stability, lessons.

Importing this package is cheap; its modules load NumPy, and SciPy for tests. None loads torch or pandas.
"""
