"""A card's code is in the answers to its bearer, and nowhere else."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared import log
from tests.builders import WHY, World, euro
from tests.conftest import Database
from tests.lambdas.giftcard.tills import Card, issue


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """All that the service logs, as its own formatter writes it."""
    logger, out = log.logger(), io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logger.registered_formatter)
    level = logger.log_level
    logger.addHandler(handler)
    logger.setLevel("DEBUG")
    yield out
    logger.setLevel(level)
    logger.removeHandler(handler)


@pytest.mark.parametrize("imported", [None, "PARTNER-GOLD-0042"])
def test_no_code_is_kept_logged_published_or_in_a_refusal(
    world: World,
    database: Database,
    published: Callable[[str], list[dict[str, Any]]],
    logged: io.StringIO,
    capfd: pytest.CaptureFixture[str],
    imported: str | None,
) -> None:
    given = {} if imported is None else {"card_code": imported}
    made = issue(world, 1_000, idempotency_key="k", memo="for Ada", **given).data
    assert issue(world, 1_000, idempotency_key="k", memo="for Ada", **given).replayed
    mine = Card(world, made["stored_value"]["card_code"])
    key = {"idempotency_key": "once"}
    assert mine.redeem("SO-1", 400, **key).data["stored_value"]["card_code"] == mine.code
    assert mine.redeem("SO-1", 400, **key).data["stored_value"]["card_code"] == mine.code
    assert mine.reverse("SO-1", "r").data["stored_value"]["card_code"] == mine.code
    refusals = [
        mine.redeem("SO-1", 401),
        mine.redeem("SO-2", 9_999),
        mine.redeem("SO-2", 1, expected_revision=9),
        mine.redeem("SO-2", 1, no_such_field=mine.code),
        mine.reverse("SO-9", "r9"),
        issue(world, 999, card_code=mine.code.replace("-", "")),
        issue(world, 999, card_code=mine.code + "/"),
        mine.set_status("blocked", 9),
        mine.set_status(mine.code, 9),
        world.owner("/giftcard/get", {mine.code: 1}),
    ]
    assert all(answer.status >= 400 for answer in refusals[:9])
    mine.set_status("blocked", 3)
    places = {
        "table": json.dumps(database.items(world.code)),
        "events": json.dumps(published(world.code)),
        "log": logged.getvalue(),
        "output": "".join(capfd.readouterr()),
        "refusals": json.dumps([answer.body for answer in refusals[:9]]),
    }
    plain = mine.code.replace("-", "")
    for name, text in places.items():
        for form in (mine.code, plain, mine.code.replace("-", " "), imported or plain):
            assert form.upper() not in text.upper(), name
    assert "answered" in places["log"]
    assert places["events"].count("giftcard-") >= 4
    assert "for Ada" not in places["events"]
    assert euro(1_000) == made["stored_value"]["balance"]
    assert WHY["reason"] not in places["log"]
