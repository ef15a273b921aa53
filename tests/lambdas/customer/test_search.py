"""Customers are found by how people type their names, numbers and addresses."""

# ruff: noqa: RUF001  (letters that look like others are what is tested here)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.settings import OrgSettings
from tests.builders import World

Kept = Callable[[], None]


def found(world: World, q: str, **more: Any) -> list[str]:
    """The codes of those whom the search finds; the list finds the same."""
    searched = world.owner("/customer/search", {"q": q, "limit": 256, **more}).data["customers"]
    listed = world.owner("/customer/list", {"q": q, "limit": 256, **more}).data["customers"]
    assert [one["customer_guid"] for one in searched] == [one["customer_guid"] for one in listed]
    return sorted(one["customer_code"] for one in searched)


PEOPLE = {
    "LUKASZ": {"first_name": "Łukasz", "last_name": "Nowak"},
    "ODEGARD": {"first_name": "Martin", "last_name": "Ødegård"},
    "DUC": {"first_name": "Đức", "last_name": "Trần"},
    "ISIK": {"first_name": "Deniz", "last_name": "Işık"},
    "ISIL": {"first_name": "IŞIL"},
    "AEGIR": {"first_name": "Ægir", "last_name": "Þór"},
    "OEUVRE": {"company_name": "L’Œuvre"},
    "OBRIEN": {"first_name": "Conan", "last_name": "O'Brien"},
    "ONEILL": {"last_name": "O’Neill"},
    "DARCY": {"last_name": "d'Arcy"},
    "JEANLUC": {"first_name": "Jean-Luc"},
    "BRUCE": {"first_name": "小龙", "last_name": "李"},
    "HANAKO": {"display_name": "山田花子"},
    "TARO": {"first_name": "太郎", "last_name": "王"},
    "LETTER": {"first_name": "Q", "last_name": "Xavier"},
}


# Where a code begins as a name does, it finds as well: that is why all of them begin with N.
TYPED = {
    "LUKASZ": ["lukasz", "ŁUKASZ", "lukasz nowak"],
    "ODEGARD": ["odegard", "ødegård", "martin odeg"],
    "DUC": ["đức", "tran đ", "duc tran"],
    "ISIK": ["isik", "ışık", "IŞIK", "Işık"],
    "ISIL": ["ışıl", "IŞIL", "isil"],
    "AEGIR": ["aegir", "thor", "ÞÓR"],
    "OEUVRE": ["oeuvre", "loeuvre", "œuv"],
    "OBRIEN": ["obrien", "o brien", "o'brien", "O’Brien"],
    "ONEILL": ["oneill", "o'neill", "neill"],
    "DARCY": ["darcy", "d’Arcy", "arcy"],
    "JEANLUC": ["jeanluc", "jean luc", "jean-luc"],
    "BRUCE": ["李", "李小龙", "小龙 李", "小龙", "李小"],
    "HANAKO": ["花子", "山田", "山田 花子"],
    "TARO": ["王", "太", "王太郎", "太郎王"],
    "LETTER": ["q", "Q", "q xavier"],
}
NOT_TYPED = ["x", "t", "子", "李龙", "花田", "obrian", "lukaszn", "jean-x", "thorn", "brien conor"]


def test_a_name_is_found_as_it_is_typed_and_by_nothing_else(
    world: World, search_kept: Kept
) -> None:
    for code, names in PEOPLE.items():
        world.customer(customer_code=f"N-{code}", **names)
    search_kept()
    expected = {q: [f"N-{code}"] for code, typed in TYPED.items() for q in typed}
    expected |= {q: list[str]() for q in NOT_TYPED}
    expected["o"] = ["N-OBRIEN", "N-ONEILL"]
    assert {q: found(world, q) for q in expected} == expected


NUMBERS = {"BERLIN": "+493012345678", "WASHINGTON": "+12025550123"}


@pytest.mark.parametrize(
    ("region", "typed"),
    [
        (
            "US",
            {
                "BERLIN": ["+49 301", "+49 30 1", "+49 (0)30 1", "5678", "+49 30 12345678"],
                "WASHINGTON": ["(202)", "202-555", "(202) 555", "202", "(202) 555-0123", "0123"],
                None: ["30 12345678", "030 1", "+1 203", "49", "678"],
            },
        ),
        (
            "DE",
            {
                "BERLIN": ["30 12345678", "030 1", "030 12345678", "+49 301", "30 123"],
                "WASHINGTON": ["+1 202", "001 202 555", "0123"],
                None: ["(202)", "202-555", "(202) 555"],
            },
        ),
    ],
)
def test_a_phone_is_found_by_how_it_begins_or_ends_in_the_org_s_region(
    world: World, search_kept: Kept, region: str, typed: dict[str | None, list[str]]
) -> None:
    world.set_org("verified", OrgSettings(region=region))
    for code, phone in NUMBERS.items():
        world.customer(customer_code=code, phone=phone)
    search_kept()
    hits = {None: list[str]()} | {code: [code] for code in NUMBERS}
    expected = {q: hits[code] for code, queries in typed.items() for q in queries}
    assert {q: found(world, q) for q in expected} == expected


def test_digits_with_a_dash_still_find_codes(world: World, search_kept: Kept) -> None:
    for code in ("AB-12", "202-555", "7"):
        world.customer(customer_code=code)
    search_kept()
    for code in ("AB-12", "202-555", "7"):
        assert found(world, code) == [code]
    assert found(world, "ab12") == ["AB-12"]
    assert found(world, "202555") == ["202-555"]
    assert found(world, "202-5") == ["202-555"]


@pytest.mark.parametrize("length", [200, 201, 254])
def test_an_email_of_every_allowed_length_is_found_before_the_entries_are_made(
    world: World, length: int
) -> None:
    domain = ".".join(["d" * 60] * 3)
    email = f"{'l' * (length - len(domain) - 5)}@{domain}.com"
    assert len(email) == length
    world.customer(customer_code="LONG", email=email)
    assert found(world, email.upper()) == ["LONG"]
    refused = world.owner("/customer/search", {"q": "q" * 255})
    assert (refused.tag, refused.fields) == ("invalid-input", ["q"])


@pytest.mark.parametrize("q", ["!", "()", "\u200b", "'-'", "😀"])
def test_a_query_without_letter_or_digit_is_refused(world: World, q: str) -> None:
    for path in ("/customer/search", "/customer/list", "/account/list"):
        refused = world.owner(path, {"q": q})
        assert (refused.status, refused.fields) == (400, ["q"])
