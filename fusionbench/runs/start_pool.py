"""``python -m fusionbench.runs.start_pool FD``: read the work from the caller's pipe, then load and run the pool.

It is a module apart from the pool, because loading torch takes seconds in which the caller may die.
"""

from __future__ import annotations

import gc
import sys
from multiprocessing.connection import Connection

from fusionbench.runs.processes import die_with_parent


def main(handle: int) -> None:
    """Run the pool for the caller at the other end of the file descriptor ``handle``."""
    die_with_parent()
    caller = Connection(handle)
    try:
        asked = caller.recv()
    except EOFError:
        return
    # as Python's documentation advises before forks: what is imported stays for good, and collections that traverse it,
    # here and in every forked process, find nothing
    gc.disable()
    from fusionbench.runs.pool import Pool

    gc.freeze()
    gc.enable()
    Pool(caller, asked).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
