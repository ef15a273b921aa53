"""The bench runs: every piece once, without a word about how long it took."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.local.clients import table_administration
from infra.local.engine import Engine
from lambdas.families import FAMILIES
from shared import clients
from shared.api import Crosscutting
from shared.settings import settings
from tests.bench import (
    announcing,
    budget,
    canned,
    cold,
    listing,
    log_line,
    measure,
    peer,
    searching,
    whole,
    wire,
)
from tests.bench.people import people
from tests.bench.people_table import PeopleTable
from tests.conftest import Database


def test_whole_handlers_are_compared_with_the_calls_to_the_database_on_both_sides() -> None:
    found = whole.figures(calls=1, turns=1)
    assert [figure.name for figure in found] == [f"whole {name}" for name in whole.TARGETS]
    lines = log_line.figures(calls=1, turns=1)
    assert all(figure.ours_s > 0 and figure.peer_s > 0 for figure in (*found, *lines))


def test_the_page_is_full_and_parsed() -> None:
    assert listing.figure(calls=1, turns=1).target == 0.5


def test_the_peer_validates_and_logs_each_request() -> None:
    log = io.StringIO()
    rows = [row for family in FAMILIES.values() for row in family]
    usual = peer.handler(rows, every_call=Crosscutting, stream=log)
    path, body = canned.BODIES["/account/get"]
    good = usual(canned.event(path, body), canned.Context())
    bad = usual(canned.event(path, {"account_guid": 7}), canned.Context())
    assert (good["statusCode"], bad["statusCode"]) == (200, 422)
    assert [json.loads(line)["status"] for line in log.getvalue().splitlines()] == [200, 422]


def test_every_committed_cost_has_a_line() -> None:
    lines = budget.lines(draws=100)
    assert [line[0] for line in lines] == list(json.loads(budget.COSTS.read_text()))
    assert all(len(line) == len(budget.COLUMNS) for line in lines)


@pytest.mark.usefixtures("emptied")
def test_every_occurrence_that_is_due_is_told_and_its_calls_are_counted() -> None:
    for distant in (False, True):
        name, many, _, rate, calls = announcing.measured("n", 12, distant=distant)
        assert (name, many) == ("n", "12")
        assert float(rate) > 0
        # A write each; a page of four lists, and its records in one read.
        assert float(calls) == round((12 + 4 + 1) / 12, 2)


@pytest.mark.usefixtures("emptied")
def test_searches_in_memory_find_and_cost_what_they_do_on_the_engine() -> None:
    stored, engine = PeopleTable(people(120)), clients.dynamodb()
    for item in stored.wires():
        table_administration().put_item(TableName=settings().table_name, Item=item)
    found = []
    for client in (stored, engine):
        with searching.in_place(client) as meter:
            searching.search(meter, "nobody")
            hits = [searching.search(meter, q) for q in searching.QUERIES]
        # A token says when it expires, to the second.
        found.append([({**data, "next_token": "next_token" in data}, cost) for data, cost in hits])
    assert found[0] == found[1]
    assert any(data["customers"] for data, _ in found[0])


def test_every_search_has_a_line_and_no_hit_is_made_up() -> None:
    lines = searching.lines((200,))
    assert len(lines) == len(searching.QUERIES) + 2
    assert all(len(line) == len(searching.COLUMNS) for line in lines)
    assert all(0 <= int(found) <= int(of) for _, _, found, of, *_ in lines[:-1])


def test_more_trips_are_slower_and_a_figure_knows_its_target(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, three = (budget.percentiles(n, writes=False, draws=200) for n in (1, 3))
    assert three[50] > one[50]
    assert one[50] < one[95] <= one[99]
    faster = measure.Figure("a", 1.0, 5.0, 4, at_least=True)
    slower = measure.Figure("b", 1.0, 1.5, 0.6)
    assert (faster.met, slower.met) == (True, False)
    measure.show("T", measure.COLUMNS, [faster.line(), slower.line()])
    assert "MISSED" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["ours", "usual", "family"])
def test_a_new_process_answers_its_first_read(tmp_path: Path, name: str) -> None:
    engine = Engine.start_all(tmp_path)
    try:
        starts = cold.peers(engine.endpoint)
        # The package is not there on each machine. The checkout has the same modules.
        starts["ours"] = replace(starts["family"], handler=cold.HANDLER, event=canned_read())
        took = cold.started(starts[name])
    finally:
        engine.stop()
    assert took.wall_s > 0
    assert took.cpu_s > 0


def canned_read() -> dict[str, Any]:
    return canned.event(*canned.BODIES["/account/get"])


def test_both_clients_answer_whole_requests_of_the_same_kinds(database: Database) -> None:
    assert database.engine.is_running
    found = wire.requests(calls=1, turns=1)
    kinds = [f"{way} {name}, over the SDK" for way in ("canned", "engine") for name in wire.TARGETS]
    assert [figure.name for figure in found] == ["canned call, over the SDK", *kinds]
    assert all(figure.ours_s > 0 and figure.peer_s > 0 for figure in found)
    assert wire.started("own") > 0
