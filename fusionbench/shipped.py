"""Find the folders that ship beside the package: in a checkout at its top, in a wheel under ``_share``."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def share(name: str) -> Path:
    """Return the folder ``methods``, ``benchmarks`` or ``leaderboards/reported`` of this installation."""
    shipped = PACKAGE / "_share" / name
    return shipped if shipped.is_dir() else PACKAGE.parent / name
