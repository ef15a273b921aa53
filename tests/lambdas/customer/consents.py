"""Sets and reads consents through the real door, at minutes from one time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.fields import instant_text
from tests.builders import WHY, Response, World

Published = Callable[[str], list[dict[str, Any]]]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAIL, PHONE = "ada@example.com", "+12025550123"
EVIDENCE = {"method": "web-form", "notice": {"id": "N-1", "version": "3"}}


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def text(minutes: float) -> str:
    return instant_text(later(minutes))


def consent(state: str, channel: str | None = "EMAIL", **more: Any) -> dict[str, Any]:
    found = {"consent_type": "MARKETING", "consent_state": state, **more}
    return found if channel is None else {**found, "channel": channel}


def proven(minutes: float, channel: str | None = "EMAIL", **more: Any) -> dict[str, Any]:
    return consent("granted", channel, effective_at=text(minutes), **EVIDENCE, **more)


def say(
    world: World, guid: str | None, *consents: dict[str, Any], at: float = 0, **more: Any
) -> Response:
    body = {"consents": list(consents), **WHY, **more}
    body |= {} if guid is None else {"customer_guid": guid}
    return world.owner("/customer/consent/set", body, now=later(at))


def agreed(world: World, guid: str, *consents: dict[str, Any], at: float = 0) -> dict[str, Any]:
    """Sets consents under the current revision."""
    revision = read(world, guid, at=at).body.get("revision")
    more = {} if revision is None else {"expected_revision": revision}
    return say(world, guid, *consents, at=at, **more).data


def read(world: World, guid: str, *, at: float = 0, **more: Any) -> Response:
    body = {"customer_guid": guid, **more}
    return world.owner("/customer/consent/get", body, now=later(at))


def contact(world: World, guid: str, *, at: float = 0, **more: Any) -> dict[tuple[str, ...], bool]:
    """can_contact by channel and contact point."""
    rows = read(world, guid, at=at, **more).data["consents"]
    return {
        (row.get("channel", ""), row.get("contact_point", "")): row["can_contact"] for row in rows
    }
