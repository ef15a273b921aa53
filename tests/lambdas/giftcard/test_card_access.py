"""Access to cards by their codes: unknown codes are counted, typing errors are not."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from lambdas.giftcard import codes
from shared import auth
from shared.settings import OrgSettings
from tests.builders import WHY, Caller, World, euro
from tests.faults import Faults, conflict
from tests.lambdas.giftcard.tills import Card, card, issue
from tests.meter import Meter


def test_whoever_guesses_is_stopped_and_nobody_else(world: World) -> None:
    mine, began = card(world), auth.now()
    guesser = world.person("giftcard_admin")
    why = {"order_ref": "SO-1", "amount": euro(1), **WHY}
    tries: list[tuple[str, dict[str, Any]]] = [
        ("/giftcard/get", {}),
        ("/giftcard/redeem", why),
        ("/giftcard/reverse", {"order_ref": "SO-1", "idempotency_key": "k", **WHY}),
        ("/giftcard/status/set", {"status": "blocked", "expected_revision": 1, **WHY}),
    ]
    for n in range(20):
        path, more = tries[n % 4]
        now = began + timedelta(seconds=n)
        unknown = guesser(path, {"card_code": f"GUESS{n}" if n % 3 else "?!", **more}, now=now)
        assert (unknown.status, unknown.tag) == (404, "not-found")
    # What an order took before is told even to who guesses: it was known then.
    spent = {"card_code": mine.code, **why, "order_ref": "SO-0"}
    assert world.owner("/giftcard/redeem", spent).status == 200
    assert guesser("/giftcard/redeem", spent, now=began + timedelta(seconds=30)).replayed
    for path, more in tries:
        at = began + timedelta(seconds=30)
        refused = guesser(path, {"card_code": mine.code, **more}, now=at)
        assert (refused.status, refused.tag) == (429, "rate-limited")
        assert refused.headers["Retry-After"] == "570"
    assert mine.get().status == 200
    # The first guess has left the window; the next is one of twenty again.
    over = began + timedelta(seconds=600)
    assert guesser("/giftcard/get", {"card_code": mine.code}, now=over).status == 200
    assert guesser("/giftcard/get", {"card_code": "?"}, now=over).status == 404
    assert guesser("/giftcard/get", {"card_code": mine.code}, now=over).status == 429


def test_guesses_that_are_made_at_once_are_no_more_than_twenty(world: World) -> None:
    guesser = world.key("giftcard_admin")

    def guess(n: int) -> str:
        while True:
            answer = guesser("/giftcard/get", {"card_code": f"GUESS{n}"})
            if answer.tag != "busy":
                return answer.tag

    with ThreadPoolExecutor(16) as pool:
        tags = list(pool.map(guess, range(48)))
    assert (tags.count("not-found"), tags.count("rate-limited")) == (20, 28)


def unknown_codes(caller: Caller, count: int, **more: Any) -> set[str | None]:
    """The tags of the answers to so many different codes that no card has."""
    asks = ({"card_code": f"GUESS{secrets.token_hex(4)}"} for _ in range(count))
    return {caller("/giftcard/get", body, **more).tag_or_none() for body in asks}


def test_an_org_decides_how_many_unknown_codes_are_too_many(world: World, meter: Meter) -> None:
    mine = card(world)
    world.set_org("verified", OrgSettings(unknown_card_limit=3))
    auth.forget()
    till = world.key("giftcard_admin")
    assert unknown_codes(till, 3) == {"not-found"}
    assert unknown_codes(till, 1) == {"rate-limited"}
    world.set_org("verified", OrgSettings(unknown_card_limit=0))
    auth.forget()
    assert unknown_codes(till, 25) == {"not-found"}
    with meter.measuring() as costs:
        assert till("/giftcard/get", {"card_code": "UNKNOWN"}).status == 404
    assert costs[0].calls == 1, "nothing is counted where nothing is limited"
    assert till("/giftcard/get", {"card_code": mine.code}).status == 200


def test_a_strict_route_counts_by_the_limit_of_this_moment(world: World) -> None:
    world.set_org("verified", OrgSettings(unknown_card_limit=0))
    till = world.key("giftcard_admin")
    body = {"card_code": "UNKNOWN", "order_ref": "SO-1", "amount": euro(1), **WHY}
    assert till("/giftcard/redeem", body).tag == "not-found"
    # The process believes in the old setting for a while; the operation's own read does not.
    world.set_org("verified", OrgSettings(unknown_card_limit=1))
    assert till("/giftcard/redeem", body).tag == "not-found"
    assert till("/giftcard/redeem", body).tag == "rate-limited"


MISTYPED_CALLS = {
    "/giftcard/get": 0,
    "/giftcard/redeem": 1,
    "/giftcard/reverse": 1,
    "/giftcard/status/set": 0,
}
"""Strict routes verify who calls; beyond that a typing error costs nothing."""


def mistyped(code: str) -> str:
    """The code with its last character replaced by the next one of the alphabet."""
    return code[:-1] + codes.ALPHABET[(codes.ALPHABET.index(code[-1]) + 1) % 32]


def test_a_typing_error_is_404_without_a_look_up_and_stops_no_chain(
    world: World, meter: Meter
) -> None:
    mine = card(world)
    till = world.key("giftcard_admin")
    assert till("/giftcard/get", {"card_code": mine.code}).status == 200
    unknown = till("/giftcard/get", {"card_code": "UNKNOWN-CODE"})
    more: dict[str, dict[str, Any]] = {
        "/giftcard/get": {},
        "/giftcard/redeem": {"order_ref": "SO-1", "amount": euro(1), **WHY},
        "/giftcard/reverse": {"order_ref": "SO-1", "idempotency_key": "k", **WHY},
        "/giftcard/status/set": {"status": "blocked", "expected_revision": 1, **WHY},
    }
    for path, calls in MISTYPED_CALLS.items():
        for code in (mistyped(mine.code), mistyped(mine.code).lower().replace("-", " ")):
            with meter.measuring() as costs:
                answer = till(path, {"card_code": code, **more[path]})
            assert (answer.status, answer.body["error"]) == (404, unknown.body["error"])
            assert costs[0].calls == calls, path
    for _ in range(30):
        assert till("/giftcard/get", {"card_code": mistyped(mine.code)}).tag == "not-found"
    # The one unknown code counts, and no typing error beside it.
    assert unknown_codes(till, 19) == {"not-found"}
    assert till("/giftcard/get", {"card_code": mine.code}).tag == "rate-limited"
    # Nor does a typing error stop being 404: nothing is looked up for it.
    assert till("/giftcard/get", {"card_code": mistyped(mine.code)}).tag == "not-found"


@pytest.mark.parametrize("path", ["/giftcard/redeem", "/giftcard/reverse"])
def test_a_typing_error_is_not_told_to_whoever_may_not_ask(world: World, path: str) -> None:
    mine, till = card(world), world.person("giftcard_admin")
    body = {"card_code": mistyped(mine.code), "order_ref": "SO-1", "idempotency_key": "k", **WHY}
    body |= {"amount": euro(1)}
    assert till(path, body).tag == "not-found"
    world.session(till.secret, f"u{till.secret}", revoked=True)
    assert till(path, body).tag == "unauthorized"


def test_a_code_of_our_form_can_be_imported_where_its_check_holds(world: World) -> None:
    code = codes.made_from(lambda tried: 2**79 + tried)
    made = issue(world, 900, card_code=code)
    assert made.data["stored_value"]["card_code"].replace("-", "") == code
    assert Card(world, code).redeem("SO-1", 900).status == 200
    assert issue(world, card_code=mistyped(code)).fields == ["card_code"]


def test_an_unknown_code_that_cannot_be_counted_now_is_busy_and_not_404(
    world: World, faults: Faults
) -> None:
    till = world.key("giftcard_admin")
    assert unknown_codes(till, 1) == {"not-found"}
    faults.inject(conflict(), operation="transact_write_items", times=1_000)
    assert unknown_codes(till, 1) == {"busy"}
    faults.clear()
    assert unknown_codes(till, 19) == {"not-found"}
    assert unknown_codes(till, 1) == {"rate-limited"}


@pytest.mark.parametrize("code", ["", " ", "-", "x" * 5_000, "a\u00a0b\x07", "№ 7"])
def test_what_can_be_no_code_is_unknown_like_any_other(world: World, code: str) -> None:
    for path, more in (
        ("/giftcard/get", {}),
        ("/giftcard/redeem", {"order_ref": "SO-1", "amount": euro(1), **WHY}),
    ):
        answer = world.owner(path, {"card_code": code, **more})
        assert (answer.status, answer.tag) == (404, "not-found")
