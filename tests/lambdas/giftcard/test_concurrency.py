"""Many tills at one card: nothing lost, nothing doubled, never below nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared import clients
from tests.builders import Response, World, euro
from tests.faults import GONE_WRONG, Crash, Faults, LosingAnswers
from tests.lambdas.giftcard.tills import Card, card, issue

CLIENTS = 32
AGAIN = ("busy", "unavailable", "conflict")


def redeemed(mine: Card, order: int, amount: int) -> Response:
    """What a till does: asks until it has an answer, every fourth asks once more with its key."""
    key = {"idempotency_key": f"{mine.card_id}{order}"} if order % 2 else {}
    while True:
        answer = mine.redeem(f"SO-{order}", amount, **key)
        if answer.status == 200 or answer.tag not in AGAIN:
            break
    if order % 4 == 1 and answer.status == 200:
        again = mine.redeem(f"SO-{order}", amount, **key)
        while again.status != 200 and again.tag in AGAIN:
            again = mine.redeem(f"SO-{order}", amount, **key)
        assert again.replayed
        assert again.data == answer.data
    return answer


def test_thirty_two_tills_at_one_card_take_what_is_there_and_no_more(world: World) -> None:
    mine = card(world, 10_000)
    real = clients.dynamodb()
    clients.use(dynamodb=LosingAnswers(real))
    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = list(pool.map(lambda n: redeemed(mine, n, 300), range(48)))
    finally:
        clients.use(dynamodb=real)
    accepted = [n for n, a in enumerate(answers) if a.status == 200]
    assert len(accepted) == 33
    assert {a.tag for a in answers if a.status != 200} == {"insufficient-balance"}
    head, moves = mine.ledger()
    assert head.balance.amount == 100
    assert {a.order_ref for a in moves if a.kind == "redeem"} == {f"SO-{n}" for n in accepted}


def test_the_last_ten_euros_go_to_one_of_two_orders(world: World) -> None:
    for _ in range(8):
        mine = card(world, 1_000)
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda n, m=mine: redeemed(m, n, 1_000), range(2)))
        assert sorted(a.status for a in answers) == [200, 409]
        refused = next(a for a in answers if a.status == 409)
        assert (refused.tag, refused.detail) == ("insufficient-balance", {"available": euro(0)})


def test_one_order_sent_by_all_at_once_is_one_movement(world: World) -> None:
    mine = card(world, 1_000)
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda _: redeemed(mine, 0, 400), range(32)))
    assert {a.status for a in answers} == {200}
    assert len({str(a.data) for a in answers}) == 1
    assert mine.ledger()[0].balance.amount == 600


def test_reversals_at_once_give_back_no_more_than_was_taken(world: World) -> None:
    mine = card(world, 1_000)
    mine.redeem("SO-1", 900)

    def back(n: int) -> int:
        while True:
            answer = mine.reverse("SO-1", f"r{n // 2}", 200)
            if answer.status == 200 or answer.tag not in AGAIN:
                return answer.status

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(back, range(16)))
    assert statuses.count(200) == 8
    assert mine.ledger()[0].balance.amount == 900


def test_one_key_is_one_card_with_one_code(world: World) -> None:
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda _: issue(world, idempotency_key="k"), range(32)))
    assert len({a.data["stored_value"]["card_code"] for a in answers}) == 1


# ---------------------------------------------------------------- at every call of the database


@pytest.mark.parametrize("wrong", GONE_WRONG)
@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("at", [1, 2])
def test_whatever_goes_wrong_a_retry_ends_as_if_it_had_not(
    world: World, faults: Faults, wrong: str, linked: bool, at: int
) -> None:
    more = {"customer_guid": world.customer(first_name="Ada")["customer_guid"]} if linked else {}
    mine = card(world, 1_000, **more)
    assert mine.get().status == 200
    faults.clear()
    control = card(world, 1_000, **more)
    control.get()
    faults.clear()
    control.redeem("SO-1", 400)
    assert faults.count() == 2, "a redemption has these two calls, so both are made to fail"
    faults.clear()
    faults.inject(GONE_WRONG[wrong](), at=at, times=3 if wrong == "throttled" else 1)
    try:
        first = mine.redeem("SO-1", 400)
        assert first.status in (200, 503), first.body
    except Crash:
        pass
    assert faults.pending == 0
    again = mine.redeem("SO-1", 400)
    assert again.data["transaction"]["balance_after"] == euro(600)
    assert mine.redeem("SO-1", 400).data == again.data
    ours, theirs = mine.ledger(), control.ledger()
    assert [(a.kind, a.change, a.card_revision) for a in ours[1]] == [
        (a.kind, a.change, a.card_revision) for a in theirs[1]
    ]
    assert (ours[0].balance, ours[0].revision) == (theirs[0].balance, theirs[0].revision)
