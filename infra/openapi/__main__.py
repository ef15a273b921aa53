"""Writes the generated files: ``python -m infra.openapi``."""

from __future__ import annotations

from infra.openapi.document import document
from infra.openapi.events import event_schema, events_page
from infra.openapi.text import ROOT, written


def main() -> None:
    (ROOT / "openapi.json").write_text(written(document()))
    (ROOT / "crm-events.schema.json").write_text(written(event_schema()))
    (ROOT / "docs" / "events.md").write_text(events_page())


main()
