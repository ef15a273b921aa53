"""Traits: what two records of one person have in common, in the form in which they are compared.

Duplicates are found by the same entries as words: the consumer of the stream keeps an entry for
each trait by which a customer may be found. Phones have none, because their look-ups lead to all
who have one. Blank values are no traits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.contact_points import normal_email
from shared.folding import JOINER, fold

DEDUPED = "customer_profile"
"""The kind of record that has traits."""
_GOOGLE = ("gmail.com", "googlemail.com")


@dataclass(frozen=True, slots=True)
class Trait:
    """A trait: what it is of, and its value. ``exact``: the value without liberties, where the
    comparison takes some."""

    field: str
    value: str
    exact: str = ""


def mailbox(email: str) -> str:
    """Returns the mailbox that an e-mail address leads to: without a +tag, at Google also without
    the dots and with one domain."""
    local, _, domain = normal_email(email).rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _GOOGLE:
        local, domain = local.replace(".", "") or local, _GOOGLE[0]
    return f"{local}@{domain}"


def full_name(text: str) -> str:
    """Returns a full name in the form in which names are compared: folded words, in any order.
    Returns nothing where there are not two words, because one word names too many people."""
    words = [word.replace(JOINER, "") for word in fold(text).split()]
    words = [word for word in words if word]
    return " ".join(sorted(words)) if len(words) > 1 else ""


def company(text: str) -> str:
    """Returns the name of a company in the form in which names are compared."""
    return " ".join(fold(text).replace(JOINER, "").split())


def traits(record: Mapping[str, Any]) -> list[Trait]:
    """Returns every trait of a customer, each once. ``record`` is a profile as answers show it."""
    return list(dict.fromkeys(_traits(record)))


def _traits(record: Mapping[str, Any]) -> Iterator[Trait]:
    for email in _all(record, "email", "alternate_emails"):
        yield Trait("email", mailbox(email), normal_email(email))
    for phone in _all(record, "phone", "alternate_phones"):
        yield Trait("phone", phone)
    for code in _all(record, "customer_code"):
        yield Trait("customer_code", code.upper())
    for ref in record.get("external_refs") or ():
        yield Trait("external_ref", f"{ref['kind']}\0{ref['id']}")
    for name in _names(record):
        yield Trait("name", name)
    for address in record.get("addresses") or ():
        code = company(str(address.get("postal_code") or "")).replace(" ", "")
        if code:
            yield Trait("postal_code", code)
    if record.get("date_of_birth"):
        yield Trait("date_of_birth", str(record["date_of_birth"]))


def _names(record: Mapping[str, Any]) -> Iterator[str]:
    first, last = (str(record.get(name) or "") for name in ("first_name", "last_name"))
    if company(first) and company(last):
        yield full_name(f"{first} {last}")
    else:
        yield from filter(None, [full_name(str(record.get("display_name") or ""))])
    if record.get("kind") == "business":
        yield from filter(None, [company(str(record.get("company_name") or ""))])


def _all(record: Mapping[str, Any], one: str, more: str = "") -> Iterator[str]:
    value, others = record.get(one), record.get(more) or () if more else ()
    yield from (text for text in [value, *others] if isinstance(text, str) and text.strip())


def trait_tokens(found: list[Trait]) -> dict[str, tuple[str, ...]]:
    """Returns the texts by which records with the same traits are found, and the fields that each
    stands for. Many people have one name, so its entries are made closer by a postal code and by
    the date of birth."""
    by_field: dict[str, list[str]] = {}
    for trait in found:
        by_field.setdefault(trait.field, []).append(trait.value)
    tokens: dict[str, tuple[str, ...]] = {}
    for value in by_field.get("email", ()):
        tokens[f"email {value}"] = ("email",)
    for name in by_field.get("name", ()):
        tokens[f"name {name}"] = ("name",)
        for field in ("postal_code", "date_of_birth"):
            for value in by_field.get(field, ()):
                tokens[f"{field} {value} {name}"] = ("name", field)
    return tokens
