"""What a family says of each kind of record it stores: for erasure, retention and events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from shared.fields import Shape
from shared.marks import personal_fields

Erasure = Literal["delete", "redact", "keep", "unlink"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of record: what the erasure of its customer does to it, from which field its age is
    counted, and the events that ride on it, each with the shape of its ``data``. ``erasure`` is
    ``keep`` for what belongs to no customer. The record's own types say which fields are personal.
    ``when`` says of an event what happened, where its route alone does not tell; it is published.
    """

    record: type[Any]
    erasure: Erasure
    aged_by: str | None = None
    events: dict[str, type[Shape]]
    when: dict[str, str] = field(default_factory=dict)

    @property
    def personal(self) -> tuple[str, ...]:
        """The fields that are personal, or that people wrote: what erasure removes, and what an
        export shows."""
        return personal_fields(self.record)

    @property
    def name(self) -> str:
        return str(self.record.KIND)
