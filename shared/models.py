"""What every request and every shape of an answer stands on, and how a field says what is wrong.

``shared.fields`` passes these on: a model imports its bases and its types from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from shared import field_schemas as schemas
from shared.errors import Fault
from shared.settings import OrgSettings


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a field may ask beside its value: the clock of the call, and the org's settings."""

    now: datetime
    org: OrgSettings

    @property
    def today(self) -> date:
        """The date in the org's time zone."""
        return self.now.astimezone(ZoneInfo(self.org.timezone)).date()


WHOLE = "must be an integer, written without a fraction"
NULL = object()
"""Stands where a request says ``null`` and may not."""


class Request(BaseModel):
    """What comes in. ``null`` has no meaning here: an absent value is left out."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, defer_build=True, populate_by_name=True
    )
    clearable: ClassVar[frozenset[str]] = frozenset()
    named_by: ClassVar[tuple[str, ...]] = ()
    """The kinds of sources of which the first may name the order in the place of ``order_ref``."""
    needs_order: ClassVar[bool] = False
    instead_of_order: ClassVar[tuple[str, ...]] = ()
    """Fields of which one must be there where no order is named."""
    exactly_one: ClassVar[tuple[str, ...]] = ()
    """Fields of which a request names one and no other."""
    at_most_one: ClassVar[tuple[str, ...]] = ()
    """Fields of which a request names one or none."""
    only_with: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """Fields that go with one choice of another field: needed with it, refused without it."""
    text_pattern: ClassVar[str] = "^.*[^ ].*$"
    """What a body that is only a string looks like, where a route takes one."""

    @model_validator(mode="before")
    @classmethod
    def _no_nulls(cls, data: Any) -> Any:
        if isinstance(data, dict) and None in data.values():
            # No type accepts NULL, so each such field gets its own fault beside all others.
            return {k: NULL if v is None and k not in cls.clearable else v for k, v in data.items()}
        return data

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        """Returns the faults that only another field shows. Each part of a request speaks for
        itself. Nothing that time may make wrong belongs here: a repeat must find its answer however
        late it comes."""
        assert org.currency, "the org of the call"
        for fields, least in ((self.exactly_one, 1), (self.at_most_one, 0)):
            sent = [field for field in fields if field in self.model_fields_set]
            named = [field for field in sent if getattr(self, field) is not None]
            if not least <= len(named) <= 1 and fields:
                many = "exactly one" if least else "at most one"
                field = named[-1] if named else fields[0]
                yield Fault("exactly-one", field, f"must name {many} of {', '.join(fields)}")
        for name, (field, choice) in self.only_with.items():
            chosen, given = getattr(self, field) == choice, getattr(self, name) is not None
            if chosen and not given:
                yield Fault("missing", name, f"is required with {field} {choice}")
            if given and not chosen:
                yield Fault("invalid", name, f"is only for {field} {choice}")


class Shape(BaseModel):
    """What goes out, for the API document and the tests; answers are built by ``shown``."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


@dataclass(frozen=True, slots=True)
class Listed:
    """Makes the API document list the codes that a field takes. The list is asked for when the
    document is made: the deployed code never loads it for this."""

    title: str
    codes: Callable[[], list[str]]
    description: str

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        del core, handler
        return schemas.choice(self.title, self.codes(), self.description)


def refuse(kind: str, message: str) -> PydanticCustomError:
    """A fault of the field being validated; the message must not repeat the value."""
    return PydanticCustomError(kind.replace("-", "_"), message)
