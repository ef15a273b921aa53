"""Signatures: in each entry of a record, short hashes of all its tokens.

So the entries of one word of a query say which of them have the other words too, and the table
itself leaves out those that do not. Without this the entries of two common words were compared
range by range, one after the other, because the newest namesakes of one word are rarely those of
the other. Entries for pairs of words would be faster still for a pair that is rare although both
its words are common. But every two parts of a record may be asked for together, and each entry is
an item to be written. A signature adds bytes to the entries that are there, and no item.

A token's hash is a part of the hash in its entries' keys, so a signature reveals nothing that they
do not. It is too short to be unique. Whoever passes by chance is found out by the record itself,
which is looked at before it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.codec import Wire
from shared.keys import Keys
from shared.search.query import Query
from shared.search.tokens import signed

LENGTH = 4
"""How many characters a token's hash has in a signature: 20 bits. With three characters a few
pairs of common words in a thousand passed by chance wherever one of them was."""
ATTRIBUTE = "signature"


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on entries, for the table to check as it reads them."""

    expression: str
    values: dict[str, Wire]


def signature(keys: Keys, kind: str, tokens: Iterable[str]) -> str:
    """Returns the signature of a record that has these tokens."""
    return "".join(_hash(keys, kind, token) for token in tokens)


def signature_filter(keys: Keys, kind: str, query: Query) -> Filter | None:
    """Returns the condition that the entries of records that match the query meet. An entry without
    a signature, of an older version or of a record with very many tokens, meets it too. Returns
    None where the query has nothing that a signature could have."""
    values: dict[str, Wire] = {}
    sets = [[_value(values, _hash(keys, kind, t)) for t in tokens] for tokens in signed(query)]
    if not sets:
        return None
    terms = [_joined(" OR ", [f"contains(#w, {name})" for name in names]) for names in sets]
    return Filter(f"attribute_not_exists(#w) OR {_joined(' AND ', terms)}", values)


def _joined(operator: str, conditions: list[str]) -> str:
    """Returns the conditions joined, in the brackets that they need: the table refuses more."""
    return conditions[0] if len(conditions) == 1 else f"({operator.join(conditions)})"


def _value(values: dict[str, Wire], text: str) -> str:
    """Adds a text to the values of an expression, and returns its name there."""
    name = f":w{len(values)}"
    values[name] = {"S": text}
    return name


def _hash(keys: Keys, kind: str, token: str) -> str:
    return keys.search_entry(f"{kind} {token}")[0].rpartition("#")[2][:LENGTH]
