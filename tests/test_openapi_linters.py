"""Two public linters find nothing in the committed API document, not even a warning."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}


def lint(tool: str, *arguments: str) -> str:
    """What a linter prints; it must end well."""
    run = subprocess.run(
        [str(ROOT / "node_modules" / ".bin" / tool), "lint", "openapi.json", *arguments],
        cwd=ROOT,
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    return said


def test_redocly_finds_nothing() -> None:
    said = lint("redocly", "--config", "infra/openapi/redocly.yaml")
    assert "Your API description is valid" in said
    assert "warning" not in said.replace("Deprecation warning", "")


def test_spectral_finds_nothing() -> None:
    said = lint("spectral", "-r", "infra/openapi/spectral.yaml", "--fail-severity", "hint")
    assert "No results with a severity of 'hint' or higher found!" in said
