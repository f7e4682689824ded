"""What scores of single images say beyond their means: intervals, tests, ranks, agreement, stability, lessons.

Importing this package is cheap; its modules load numpy, and scipy where they test. None loads torch or pandas.
"""
