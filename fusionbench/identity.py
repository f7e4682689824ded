"""Content keys: the same question asked again finds the same answer, a changed one gets a folder of its own."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def digest_of(document: Any) -> str:
    """Return the SHA-256 of a JSON-like document, independent of the order of its keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
