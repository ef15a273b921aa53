"""Requests at every bound of every field of the document, against a running server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.test_fuzzing import fuzzed


@pytest.mark.soak
def test_requests_at_every_bound_find_no_defect(tmp_path: Path) -> None:
    assert fuzzed("coverage", tmp_path) > 1_000
