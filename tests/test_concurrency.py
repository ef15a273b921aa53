"""Many clients at once, on an engine that is atomic: nothing lost, nothing doubled."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from shared import clients
from tests.builders import WHY, World, euro
from tests.faults import LosingAnswers

CLIENTS = 32


def consume_until_answered(world: World, guid: str, order: int) -> int:
    """What a till does: reads the revision again on each conflict, until it has an answer."""
    revision = 1
    while True:
        answer = world.owner(
            "/account/credit/consume",
            {
                "account_guid": guid,
                "amount": euro(300),
                "order_ref": f"SO-{order}",
                "expected_revision": revision,
            },
        )
        if answer.status == 200:
            return 200
        if answer.tag not in ("conflict", "busy", "unavailable"):
            assert answer.tag == "credit-limit-exceeded", answer.body
            return answer.status
        revision = answer.body.get("revision", revision)


def test_thirty_two_clients_never_push_credit_over_its_limit(world: World) -> None:
    guid = world.account(limit=10_000)["account_guid"]
    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = list(pool.map(lambda n: consume_until_answered(world, guid, n), range(50)))
    assert statuses.count(200) == 33
    account = world.owner("/account/get", {"account_guid": guid}).data["account"]
    assert account["credit_used"] == euro(9_900)
    assert account["credit_available"] == euro(100)

    def release(order: int) -> int:
        while True:
            answer = world.owner(
                "/account/credit/release", {"account_guid": guid, "order_ref": f"SO-{order}"}
            )
            if answer.status != 409 or answer.tag != "busy":
                return answer.status

    orders = [n for n, status in enumerate(statuses) if status == 200]
    with ThreadPoolExecutor(CLIENTS) as pool:
        assert set(pool.map(release, orders * 2)) == {200}
    account = world.owner("/account/get", {"account_guid": guid}).data["account"]
    assert account["credit_used"] == euro(0)
    assert account["credit_available"] == euro(10_000)


def test_retries_and_lost_answers_leave_one_effect_each(world: World) -> None:
    guid = world.account(limit=1_000_000)["account_guid"]
    real = clients.dynamodb()
    clients.use(dynamodb=LosingAnswers(real))
    try:
        with ThreadPoolExecutor(16) as pool:
            work = [n // 2 for n in range(64)]
            statuses = list(pool.map(lambda n: consume_until_answered(world, guid, n), work))
    finally:
        clients.use(dynamodb=real)
    assert set(statuses) == {200}
    account = world.owner("/account/get", {"account_guid": guid}).data["account"]
    assert account["credit_used"] == euro(32 * 300)


def test_one_code_has_one_owner_however_many_ask_at_once(world: World) -> None:
    body = {"account": {"company_name": "Northwind", "account_code": "ONE"}, **WHY}
    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = list(pool.map(lambda _: world.owner("/account/create", body).status, range(32)))
    assert sorted(statuses) == [200] + [409] * 31


def test_one_key_is_one_account_however_often_it_is_sent_at_once(world: World) -> None:
    body = {"account": {"company_name": "Northwind"}, "idempotency_key": "k", **WHY}
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda _: world.owner("/account/create", body), range(32)))
    assert {a.status for a in answers} == {200}
    assert len({a.data["account"]["account_guid"] for a in answers}) == 1
    assert len(world.owner("/account/list", {}).data["accounts"]) == 1


def test_two_accounts_that_move_below_each_other_make_no_cycle(world: World) -> None:
    for _ in range(8):
        one, two = world.account()["account_guid"], world.account()["account_guid"]

        def move(pair: tuple[str, str]) -> int:
            body = {
                "account_guid": pair[0],
                "expected_revision": 1,
                "account": {"parent_account_guid": pair[1]},
            }
            return world.owner("/account/update", {**body, **WHY}).status

        with ThreadPoolExecutor(2) as pool:
            statuses = list(pool.map(move, [(one, two), (two, one)]))
        assert sorted(statuses) == [200, 409]
