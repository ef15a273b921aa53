"""What a family says of each kind of record it stores: for erasure, retention and events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from shared.fields import Shape

Erasure = Literal["delete", "redact", "keep", "unlink"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of record: which of its fields are personal, what the erasure of the customer it
    belongs to does to it, from which field its age is counted, and the events that ride on it, each
    with the shape of its ``data``. ``erasure`` is ``keep`` for what belongs to no customer. ``when``
    says of an event what happened, where its route alone does not tell; it is published."""

    record: type[Any]
    personal: tuple[str, ...] = ()
    erasure: Erasure
    aged_by: str | None = None
    events: dict[str, type[Shape]]
    when: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.record.KIND)
