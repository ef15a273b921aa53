"""The re-drive: everything that is there reaches the bus at least once, whatever ends the run."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.redrive import Places, Redrive
from shared import clients
from tests.aws import LATER, NEVER, Aws, Refusing, faulty, record
from tests.faults import Crash, crash

Lines = list[dict[str, Any]]


def places(aws: Aws, **replaced: Any) -> Places:
    given = {"objects": aws.objects, "queues": aws.queues, **replaced}
    return Places(bucket=aws.bucket, queue_url=aws.refused_url, **given)


def redriven(aws: Aws, *, dry_run: bool = False) -> tuple[Redrive, Lines]:
    run = Redrive(places(aws), dry_run, wait_s=0)
    return run, list(run.lines())


def laid(aws: Aws) -> set[str]:
    """Lays two failed batches and two refused events. Returns the ids of their events."""
    aws.give_up("events", [record(1, "customer-created", "consent-set")], "a")
    aws.give_up("events", [record(2, "customer-deleted")], "b")
    for event_id in ("evt_3", "evt_4"):
        aws.refuse({"event_id": event_id, "action": "loyalty-earned"})
    return {"evt_1_0", "evt_1_1", "evt_2_0", "evt_3", "evt_4"}


def ids(events: Lines) -> list[str]:
    return [each["event_id"] for each in events]


def test_everything_reaches_the_bus_once_and_nothing_stays(aws: Aws) -> None:
    expected = laid(aws)
    run, lines = redriven(aws)
    assert lines[0] == {"found": {"objects": 2, "messages": 2, "hidden": 0}}
    assert [each.get("events") for each in lines[1:3]] == [
        {"customer-created": 1, "consent-set": 1},
        {"customer-deleted": 1},
    ]
    assert [each["state"] for each in lines[1:]] == ["redriven"] * 4
    assert (run.done, run.kept) == (4, 0)
    assert sorted(ids(aws.received())) == sorted(expected)
    assert (aws.keys(), aws.refused()) == ([], [])
    assert redriven(aws)[1] == [{"found": {"objects": 0, "messages": 0, "hidden": 0}}]


def test_a_re_driven_event_is_the_one_that_the_publisher_would_have_made(aws: Aws) -> None:
    from lambdas.events.handler import lambda_handler

    failed = record(1, "customer-created")
    lambda_handler({"Records": [failed]}, None)
    (first,) = aws.received()
    aws.give_up("events", [failed], "a")
    redriven(aws)
    assert aws.received() == [first]


def test_a_dry_run_tells_what_is_there_and_changes_nothing(aws: Aws) -> None:
    expected = laid(aws)
    run, lines = redriven(aws, dry_run=True)
    assert [each["state"] for each in lines[1:]] == ["found"] * 4
    assert (run.done, run.kept) == (0, 0)
    assert aws.received() == []
    redriven(aws)
    assert set(ids(aws.received())) == expected


def test_what_fails_again_is_kept_with_the_reason_and_stops_nothing(aws: Aws) -> None:
    key = aws.give_up("events", [record(1, "late")], "a")
    aws.give_up("events", [record(2, "customer-created")], "b")
    aws.refuse({"event_id": "evt_3", "action": "bad"})
    aws.refuse({"event_id": "evt_4", "action": "customer-created"})
    clients.use(events=Refusing(aws.bus, {"late": LATER, "bad": NEVER}))
    run, lines = redriven(aws)
    assert (run.done, run.kept) == (2, 2)
    assert {each["why"] for each in lines if each.get("state") == "kept"} == {
        "failed again at 1",
        NEVER,
    }
    assert aws.keys() == [key]
    # The message that was kept is not hidden: the next run, and a person, see it at once.
    clients.use(events=aws.bus)
    _, lines = redriven(aws)
    assert lines[0] == {"found": {"objects": 1, "messages": 1, "hidden": 0}}
    assert set(ids(aws.received())) == {"evt_1_0", "evt_2_0", "evt_3", "evt_4"}
    assert aws.keys() == []


def test_an_event_of_the_bucket_that_the_bus_refuses_waits_in_the_queue(aws: Aws) -> None:
    aws.give_up("events", [record(1, "bad")], "a")
    clients.use(events=Refusing(aws.bus, {"bad": NEVER}))
    _, lines = redriven(aws)
    assert [each["state"] for each in lines[1:]] == ["redriven", "kept"]
    assert aws.keys() == []
    clients.use(events=aws.bus)
    redriven(aws)
    assert ids(aws.received()) == ["evt_1_0"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"requestContext": {"functionArn": "a:b"}}', b"Needle \xff"],
)
def test_what_is_no_failed_batch_is_kept_and_told(aws: Aws, body: bytes) -> None:
    aws.objects.put_object(Bucket=aws.bucket, Key="aws/lambda/x", Body=body)
    aws.queues.send_message(QueueUrl=aws.refused_url, MessageBody="no event")
    aws.objects.put_object(Bucket=aws.bucket, Key="of-somebody-else", Body=b"")
    run, lines = redriven(aws)
    assert run.kept == 2
    assert all(each["why"].startswith("no ") for each in lines[1:])
    assert "Needle" not in str(lines)
    assert aws.keys() == ["aws/lambda/x", "of-somebody-else"]


def test_a_batch_that_breaks_its_reader_is_kept_without_its_text(aws: Aws) -> None:
    change = {"SequenceNumber": "7", "OldImage": "Needle"}
    aws.give_up("search", [{"eventName": "REMOVE", "dynamodb": change}], "a")
    aws.give_up("events", [record(2, "customer-created")], "b")
    run, lines = redriven(aws)
    assert (run.done, run.kept) == (1, 1)
    assert "Error in " in lines[1]["why"]
    assert "Needle" not in str(lines)


def test_more_than_a_page_of_each_is_handled_in_order(aws: Aws) -> None:
    many = 25
    for number in range(many):
        aws.give_up("events", [record(number, "x-done")], f"{number:02}")
        aws.refuse({"event_id": f"queued_{number}", "action": "x-done"})

    class SmallPages:
        """A store whose pages have ten names."""

        def __getattr__(self, name: str) -> Any:
            return getattr(aws.objects, name)

        def list_objects_v2(self, **arguments: Any) -> Any:
            return aws.objects.list_objects_v2(**arguments, MaxKeys=10)

    run = Redrive(places(aws, objects=SmallPages()), wait_s=0)
    assert len(list(run.lines())) == 2 * many + 1
    found = ids(aws.received())
    assert found[:many] == [f"evt_{number}_0" for number in range(many)]
    assert set(found[many:]) == {f"queued_{number}" for number in range(many)}
    assert run.done == 2 * many


CALLS = {"objects": 6, "queues": 5, "bus": 4}
"""How many calls a run over ``laid`` makes with each client."""


def end_at(aws: Aws, client: str, at: int, *, before: bool) -> None:
    """Runs until the process ends at that call of that client."""
    made = {name: faulty(getattr(aws, name)) for name in CALLS}
    made[client].inject(crash(before=before), at=at)
    clients.use(events=made["bus"], sqs=made["queues"])
    run = Redrive(places(aws, objects=made["objects"], queues=made["queues"]), wait_s=0)
    with pytest.raises(Crash):
        list(run.lines())
    clients.use(events=aws.bus, sqs=aws.queues)
    assert made[client].pending == 0


def test_the_calls_of_a_run_are_those_at_which_it_is_ended_below(aws: Aws) -> None:
    laid(aws)
    made = {name: faulty(getattr(aws, name)) for name in CALLS}
    clients.use(events=made["bus"], sqs=made["queues"])
    found = places(aws, objects=made["objects"], queues=made["queues"])
    list(Redrive(found, wait_s=0).lines())
    assert {name: client.count() for name, client in made.items()} == CALLS


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    ("client", "at"), [(name, at + 1) for name, calls in CALLS.items() for at in range(calls)]
)
def test_a_run_that_ends_at_any_call_is_finished_by_the_next(
    aws: Aws, client: str, at: int, before: bool
) -> None:
    expected = laid(aws)
    end_at(aws, client, at, before=before)
    first = aws.received()
    # What the ended run had hidden shows itself again after its time.
    aws.show_again()
    run, _ = redriven(aws)
    assert run.kept == 0
    # Nothing is lost; what the first run had published comes again under the same id at most.
    assert {*ids(first), *ids(aws.received())} == expected
    assert aws.keys() == []
    assert redriven(aws)[1] == [{"found": {"objects": 0, "messages": 0, "hidden": 0}}]
