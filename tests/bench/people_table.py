"""A table of many customers and their search entries, in memory. It answers the reads of a search
as DynamoDB does, item by item, so that a meter counts the same costs as on an engine."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator
from typing import Any

from lambdas.customer import storage
from lambdas.customer.models.records import CustomerProfileRecord
from lambdas.search.entries import Searched, entries_of, entry_item
from shared.codec import Wire, item_wire, key_of
from shared.customer_state import CustomerStateRecord, state_item
from shared.keys import PARTITION, SORT, Key, of_org
from tests.bench.canned import ORG, identity_wires
from tests.bench.people import BORN

LAST_KEY = "LastEvaluatedKey"


class PeopleTable:
    """The customers of one org. An entry is kept as the number of its customer, and is made again
    when it is read: there are millions of them. The entries of ``unsigned`` have no signature, like
    those of older versions."""

    def __init__(
        self, people: Iterable[CustomerProfileRecord], unsigned: Container[int] = ()
    ) -> None:
        self._keys = of_org(ORG)
        self._items: dict[Key, Wire] = {key_of(wire): wire for wire in identity_wires()}
        self.people: list[CustomerProfileRecord] = []
        self._entries: dict[str, list[int]] = {}
        self._signatures: list[str] = []
        words = self._keys.search_entries()
        for number, profile in enumerate(people):
            self.people.append(profile)
            found = entries_of(self._place(profile), self._profile(profile))
            self._signatures.append("" if number in unsigned else max(found.values(), default=""))
            for partition, _ in found:
                if partition.startswith(words):
                    self._entries.setdefault(partition, []).append(number)

    @property
    def entries(self) -> int:
        """How many search entries there are."""
        return sum(map(len, self._entries.values()))

    def entries_at(self, partition: str) -> list[int]:
        """Returns the numbers of the customers who have entries there, the oldest first."""
        return self._entries.get(partition, [])

    def _place(self, profile: CustomerProfileRecord) -> Searched:
        guid = profile.customer_guid
        return Searched(profile.KIND, ORG, self._keys.customer_profile(guid), guid)

    def _profile(self, profile: CustomerProfileRecord) -> Wire:
        return item_wire(storage.profile_item(self._keys, profile), "bench", [])

    def wires(self) -> Iterator[Wire]:
        """Yields every item of the table."""
        yield from self._items.values()
        for profile in self.people:
            yield from self._records(profile)
        for partition, numbers in self._entries.items():
            yield from (self._entry(partition, number) for number in numbers)

    def _wire(self, place: Key) -> Wire | None:
        """Returns the item of a place: of the caller, or of one of the customers."""
        if place in self._items:
            return self._items[place]
        digits = place[0][-22:]
        if not digits.isdecimal() or int(digits) >= len(self.people):
            return None
        records = self._records(self.people[int(digits)])
        return next((wire for wire in records if key_of(wire) == place), None)

    def _records(self, profile: CustomerProfileRecord) -> tuple[Wire, Wire]:
        """Returns the profile and the state of a customer."""
        state = CustomerStateRecord(
            customer_guid=profile.customer_guid,
            status="active",
            active_on=BORN.date(),
            created_at=BORN,
        )
        return self._profile(profile), item_wire(state_item(self._keys, state), "bench", [])

    def batch_get_item(self, **asked: Any) -> dict[str, Any]:
        ((table, request),) = asked["RequestItems"].items()
        places = [(key[PARTITION]["S"], key[SORT]["S"]) for key in request["Keys"]]
        found = [wire for place in places if (wire := self._wire(place)) is not None]
        return {"Responses": {table: found}, "UnprocessedKeys": {}, "ConsumedCapacity": []}

    def query(self, **asked: Any) -> dict[str, Any]:
        """Returns entries of one partition, the newest first, as far as the limit goes."""
        values = asked["ExpressionAttributeValues"]
        partition, below = values[":p"]["S"], values.get(":s", {"S": ""})["S"]
        there = self.entries_at(partition)
        end = bisect_left(there, below, key=lambda number: self.people[number].customer_guid)
        read = there[max(0, end - asked.get("Limit", end)) : end][::-1]
        items = [self._entry(partition, number) for number in read]
        passing = [item for item in items if _passes(asked, item)]
        answer = {"Items": passing, "Count": len(passing), "ScannedCount": len(read)}
        if len(read) == asked.get("Limit"):
            answer[LAST_KEY] = {name: items[-1][name] for name in (PARTITION, SORT)}
        return answer

    def _entry(self, partition: str, number: int) -> Wire:
        profile, signed = self.people[number], self._signatures[number]
        return entry_item(self._place(profile), (partition, profile.customer_guid), signed)


def _passes(asked: dict[str, Any], item: Wire) -> bool:
    """Whether an entry meets the condition of a search: of each bracket one text is in it."""
    values, signature = asked["ExpressionAttributeValues"], item.get("signature", {}).get("S")
    brackets = asked.get("FilterExpression", "").partition(" OR ")[2].split(" AND ")
    return signature is None or all(
        any(values[name]["S"] in signature for name in names)
        for names in (re.findall(r":w\d+", bracket) for bracket in brackets)
        if names
    )
