"""What a family declares for each kind of record: for erasure, retention and events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from shared.fields import Shape
from shared.marks import personal_fields

Erasure = Literal["delete", "redact", "keep", "unlink"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of record. ``erasure``: what the erasure of its customer does to it; ``keep`` for a
    record of no customer. ``aged_by``: the field from which its age counts. ``events``: the events
    that its writes carry, each with the shape of its ``data``. ``when`` says of an event what
    happened, where its route alone does not tell; it is published. The types of the record say
    which of its fields are personal."""

    record: type[Any]
    erasure: Erasure
    aged_by: str | None = None
    events: dict[str, type[Shape]]
    when: dict[str, str] = field(default_factory=dict)

    @property
    def personal(self) -> tuple[str, ...]:
        """The fields that are personal or free text. Erasure removes them, and an export shows
        them."""
        return personal_fields(self.record)

    @property
    def name(self) -> str:
        return str(self.record.KIND)
