"""One call of ``run`` or ``sweep``: plan the cells, run each in a process of its own, collect their results."""
