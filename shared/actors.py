"""Who does something, as records and events name it, and as callers ask for it."""

from __future__ import annotations

from typing import Annotated

from pydantic import WithJsonSchema

from shared import field_schemas as schemas
from shared.fields import RecordId, matching

PERSON, SERVICE = "user_guid:", "service_account:"

ActorId = Annotated[
    str,
    matching(r"[\x21-\x7e]{1,128}", "must be 1 to 128 printable characters"),
    WithJsonSchema(
        schemas.form(
            "ActorId",
            "[!-~]{1,128}",
            "Who has done it: `user_guid:` or `service_account:` and the id. An id alone is that "
            "of a person.",
            "user_guid:U123",
        )
    ),
    RecordId(ours=False),
]


def actor_named(name: str) -> str:
    """Returns the actor as records name it. An id alone is that of a person; it may have a colon of
    its own."""
    return name if name.startswith((PERSON, SERVICE)) else f"{PERSON}{name}"
