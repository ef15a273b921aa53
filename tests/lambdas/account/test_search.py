"""Accounts are found by how people type their names, as customers are."""

# ruff: noqa: RUF001  (letters that look like others are what is tested here)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.builders import WHY, World

Kept = Callable[[], None]


def found(world: World, q: str, **more: Any) -> list[str]:
    page = world.owner("/account/list", {"q": q, "limit": 256, **more}).data["accounts"]
    return sorted(account["account_code"] for account in page)


@pytest.fixture
def companies(world: World, search_kept: Kept) -> World:
    for code, names in {
        "N-1": {"company_name": "Łódź Œuvres", "legal_name": "Søren O'Neill A/S"},
        "N-2": {"company_name": "Işık Jean-Luc"},
        "N-3": {"company_name": "東京電力", "email": "d-arcy@example.com"},
        "N-4": {"company_name": "X", "legal_name": "삼성 전자"},
        "NB-12": {"company_name": "Plain"},
    }.items():
        world.account(account_code=code, **names)
    search_kept()
    return world


TYPED = {
    "N-1": ["lodz", "ŁÓDŹ", "oeuvres", "soren", "oneill", "o neill", "neill lodz", "euvr"],
    "N-2": ["isik", "ışık", "IŞIK", "jeanluc", "jean luc", "luc jean"],
    "N-3": ["東", "東京", "電力", "東京電力", "darcy", "d-arcy", "arcy"],
    "N-4": ["x", "X", "삼", "삼성전자", "전자삼성", "전자"],
    "NB-12": ["NB-12", "nb12", "nb 12", "plain 12"],
}
NOT_TYPED = ["l", "京", "力", "東力", "example", "lodz isik", "xa", "nb-13"]


def test_an_account_is_found_as_it_is_typed_and_by_nothing_else(companies: World) -> None:
    expected = {q: [code] for code, typed in TYPED.items() for q in typed}
    expected |= {q: list[str]() for q in NOT_TYPED}
    assert {q: found(companies, q) for q in expected} == expected


def test_a_letter_alone_finds_accounts_and_customers_alike(world: World, search_kept: Kept) -> None:
    world.account(account_code="ACC-1", company_name="X Y Zed")
    world.customer(customer_code="CUS-1", company_name="X Y Zed")
    search_kept()
    for q, hits in {"x": 1, "y x": 1, "z": 0, "x z": 0, "zed x": 1}.items():
        accounts = world.owner("/account/list", {"q": q}).data["accounts"]
        customers = world.owner("/customer/list", {"q": q}).data["customers"]
        assert (q, len(accounts), len(customers)) == (q, hits, hits)


def test_a_code_and_words_must_both_match(companies: World) -> None:
    page = companies.owner("/account/list", {"account_code": "n-1", "q": "oneill"}).data
    assert [account["account_code"] for account in page["accounts"]] == ["N-1"]
    page = companies.owner("/account/list", {"account_code": "n-1", "q": "isik"}).data
    assert page["accounts"] == []


def test_a_long_text_may_be_searched_for(world: World) -> None:
    assert found(world, "q" * 254) == []
    assert world.owner("/account/list", {"q": "q" * 255}).fields == ["q"]


@pytest.mark.parametrize("website", ["http://example.com", "HTTPS://example.com/a?b=c"])
def test_a_website_is_kept_as_typed(world: World, website: str) -> None:
    assert world.account(website=f" {website} ")["website"] == website


@pytest.mark.parametrize("website", ["example.com", "ftp://example.com", "javascript:alert(1)"])
def test_a_website_of_another_scheme_is_refused(world: World, website: str) -> None:
    account = world.account()
    created = {"account": {"company_name": "A", "website": website}, **WHY}
    updated = {
        "account_guid": account["account_guid"],
        "expected_revision": 1,
        "account": {"website": website},
        **WHY,
    }
    for path, body in (("/account/create", created), ("/account/update", updated)):
        refused = world.owner(path, body)
        assert (refused.status, refused.fields) == (400, ["account.website"])
