"""What a family declares for each kind of record: for erasure, export, retention and events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from shared.codec import Item
from shared.fields import Shape, instant_text
from shared.keys import ALL_OF_KIND, Key, KeyRange, Keys
from shared.marks import personal_fields
from shared.paging import Listing

Erasure = Literal["delete", "redact", "keep", "unlink"]
Anonymization = Literal["redact", "delete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of record. The types of the record say which of its fields are personal.

    What a deletion and an anonymization do to it:

    - ``erasure``: what the deletion of its customer does to it; ``keep`` for a record of no
      customer.
    - ``anonymization``: what the anonymization of its customer does to it. ``redact`` leaves a
      record without personal fields as it is.
    - ``business``: it counts in ``items_deleted``. A look-up, a link or a kept answer does not.
    - ``leads_to``: for a link, the key of the record in another partition that it leads to.
    - ``named_by``: the field with its id, for a record that a link leads to or a ``target``.
    - ``named_in_keys``: what stands for that id in a key, where callers choose the id: it may say
      anything. Without it the id is one that the service made, and stands for itself.
    - ``ends``: the record as a deletion leaves it, before its personal fields are removed.
    - ``anonymized``: the record as an anonymization at this time leaves it, before its personal
      fields are removed.
    - ``item``: the record in its place, where ``ends`` or ``anonymized`` moves it in the indexes.
    - ``told``: whether the event of an erasure at this time names it, because it ends with it.
    - ``bare``: what remains of a guard whose customer is deleted, so that its key stays taken.
    - ``rekeyed``: the key of the record under a random text, where its key derives from a personal
      value.

    What belongs to it elsewhere:

    - ``target``: the type by which comments and notifications name it. What is said about it goes
      where it goes.
    - ``beside``: for a record of its own partition, its guards and look-ups in others, which go
      with it. One that may belong to another record by now says so in its ``holder``.
    - ``released``: one of ``beside`` without the record of this id, where several records share it;
      None: nobody needs it any more. The very same object where it does not name the record.
    - ``personal_keys``: those of ``beside`` whose keys derive from a personal value: they go with
      an anonymization too.
    - ``mentions``: for a link, the key of a record that only mentions the customer.
    - ``forgets``: the record without any mention of these customers.

    How it is shown, and how long it is kept:

    - ``hidden``: the names that an export does not show, at any depth: hashes, seeds and keys.
    - ``retained``: the kind of the retention policy that says how long it is kept.
    - ``born_at``: the field from which a legal minimum counts.
    - ``aged_by``: the field from which its age counts. Where it is empty, nothing ages.
    - ``aging``: the list of the org in which every such record is that ended before a time (as an
      instant, and as a day in the org's time zone). Others may be in it too.
    - ``stays``: why a record stays although its time is past; None: it goes.
    - ``guards_customer``: why retention keeps the customer of such a record, at a time and day;
      None: it does not.
    - ``parts``: its further records in its own partition, which go with it.
    - ``links``: the keys of the links that lead to it, which go with it.
    - ``events``: the events that its writes carry, each with the shape of its ``data``. ``when``
      says of an event what happened, where its route alone does not tell; it is published.
    """

    record: type[Any]
    erasure: Erasure
    anonymization: Anonymization = "redact"
    business: bool = True
    leads_to: Callable[[Keys, Any], Key] | None = None
    named_by: str | None = None
    named_in_keys: Callable[[Keys, str], str] | None = None
    ends: Callable[[Any], Any] | None = None
    anonymized: Callable[[Any, datetime], Any] | None = None
    item: Callable[[Keys, Any], Item[Any]] | None = None
    told: Callable[[Any, datetime], bool] | None = None
    bare: Callable[[Any], Any] | None = None
    rekeyed: Callable[[Keys, Any, str], Key] | None = None
    target: str | None = None
    beside: Callable[[Keys, Any], Sequence[Key]] | None = None
    released: Callable[[Any, str], Any | None] | None = None
    personal_keys: Callable[[Keys, Any], Sequence[Key]] | None = None
    mentions: Callable[[Keys, Any], Key] | None = None
    forgets: Callable[[Any, Collection[str]], Any] | None = None
    hidden: tuple[str, ...] = ()
    retained: str | None = None
    born_at: str = "created_at"
    aged_by: str | None = None
    aging: Callable[[Keys, datetime, date], Listing] | None = None
    stays: Callable[[Any], str | None] | None = None
    guards_customer: Callable[[Any, datetime, date], str | None] | None = None
    parts: Callable[[Keys, Any], Sequence[KeyRange]] | None = None
    links: Callable[[Keys, Any], Sequence[Key]] | None = None
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


def listed_until(name: str) -> Callable[[Keys, datetime, date], Listing]:
    """Returns the ``aging`` of a kind whose list begins its sort values with a time: its end, or
    its creation, before which nothing can have ended."""

    def listing(keys: Keys, moment: datetime, _: date) -> Listing:
        end = f"{instant_text(moment)}~"
        return Listing((keys.list_of(name),), ALL_OF_KIND, last=end, newest_first=False)

    return listing
