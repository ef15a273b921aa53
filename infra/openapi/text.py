"""How the generated files are written: for a diff, and for a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 100


def written(made: Any) -> str:
    """Returns the text of a committed file: whatever fits into a line is on one, so that a change
    shows where it is, and the file stays small."""
    return _lines(made, "") + "\n"


def minified(made: Any) -> str:
    """Returns the text that is served."""
    return json.dumps(made, separators=(",", ":"), ensure_ascii=False, default=float)


def _lines(value: Any, indent: str, taken: int = 0) -> str:
    flat = json.dumps(value, ensure_ascii=False, default=float)
    if not isinstance(value, dict | list) or len(indent) + taken + len(flat) < WIDTH:
        return flat
    inner = indent + " "
    if isinstance(value, list):
        parts = [_lines(one, inner) for one in value]
        opening, closing = "[", "]"
    else:
        keys = [(json.dumps(key, ensure_ascii=False), one) for key, one in value.items()]
        parts = [f"{key}: {_lines(one, inner, len(key) + 2)}" for key, one in keys]
        opening, closing = "{", "}"
    body = ",\n".join(inner + part for part in parts)
    return f"{opening}\n{body}\n{indent}{closing}"
