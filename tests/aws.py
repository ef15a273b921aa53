"""A bus, a queue of refused events and a failure bucket, in moto, with whatever arrives on the bus.

moto answers in this process what AWS would. It is not atomic under threads, so the tests with it
use one thread. What moto accepts and the real bus would refuse is refused by ``Refusing``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from moto.sqs.models import sqs_backends

from shared.codec import Item, item_wire
from shared.search import SearchEntryRecord
from tests.faults import Fault, Faults, Perform

BUS = "crm-test"
NEVER = "InvalidArgument"
"""A code with which the bus refuses an entry for ever."""
LATER = "ThrottlingException"
"""A code of an entry that the bus may accept later."""
CALLED = frozenset(
    {
        "put_events",
        *("send_message", "receive_message", "delete_message"),
        *("get_queue_attributes", "change_message_visibility"),
        *("list_objects_v2", "get_object", "delete_object"),
    }
)
"""What the publisher and the re-drive ask of the three places."""


def faulty(client: Any) -> Faults:
    """Returns the client of one of the places, with faults at what is asked of it."""
    return Faults(client, CALLED)


def unreachable() -> Fault:
    """The call never reaches the service, as the SDK tells it."""

    def fault(client: Any, _: str, __: dict[str, Any], ___: Perform) -> Any:
        raise EndpointConnectionError(endpoint_url=client.meta.endpoint_url)

    return fault


def lost_answer() -> Fault:
    """The call takes effect, but its answer is lost, as the SDK tells it."""

    def fault(client: Any, _: str, __: dict[str, Any], perform: Perform) -> Any:
        perform()
        raise ReadTimeoutError(endpoint_url=client.meta.endpoint_url)

    return fault


@cache
def client(name: str) -> Any:
    """Returns the client of a service. To make one takes longer than a test with it."""
    return boto3.client(name)


@dataclass
class Aws:
    """The three places, as they are in a deployment."""

    bus: Any = field(default_factory=lambda: client("events"))
    queues: Any = field(default_factory=lambda: client("sqs"))
    objects: Any = field(default_factory=lambda: client("s3"))
    bucket: str = "crm-test-failures"

    def __post_init__(self) -> None:
        self.refused_url = self._queue("refused")
        self._received_url = self._queue("received")
        self.objects.create_bucket(Bucket=self.bucket)
        self.bus.create_event_bus(Name=BUS)
        rule = {"Name": "all", "EventBusName": BUS}
        self.bus.put_rule(**rule, EventPattern=json.dumps({"source": ["crm"]}))
        target = {"Id": "queue", "Arn": self._arn(self._received_url)}
        self.bus.put_targets(Rule=rule["Name"], EventBusName=BUS, Targets=[target])

    def received(self) -> list[dict[str, Any]]:
        """Takes what the rule has sent since the last call: the details, in their order."""
        return [each["detail"] for each in self._taken(self._received_url)]

    def refused(self) -> list[dict[str, Any]]:
        """Takes the refused events out of the publisher's queue."""
        return self._taken(self.refused_url)

    def refuse(self, event: dict[str, Any], code: str = NEVER) -> None:
        """Lays a refused event into the publisher's queue, in the publisher's form."""
        entry = {"Source": "crm", "DetailType": event["action"], "EventBusName": BUS}
        body = {"code": code, **entry, "Detail": json.dumps(event)}
        self.queues.send_message(QueueUrl=self.refused_url, MessageBody=json.dumps(body))

    def give_up(self, reader: str, records: list[dict[str, Any]], name: str) -> str:
        """Lays a failed batch into the bucket, in Lambda's form. Returns the object's key."""
        key = f"aws/lambda/mapping/shard-1/2026/01/01/2026-01-01T00.00.00-{name}"
        body = failed_batch(f"crm-test-{reader}", records)
        self.objects.put_object(Bucket=self.bucket, Key=key, Body=body)
        return key

    def show_again(self) -> None:
        """Lets so much time pass that no message is hidden any more."""
        backend = sqs_backends["123456789012"]["us-east-1"]
        for message in backend.queues["crm-test-refused"]._messages:
            message.change_visibility(0)

    def keys(self) -> list[str]:
        found = self.objects.list_objects_v2(Bucket=self.bucket)
        return [each["Key"] for each in found.get("Contents", ())]

    def _queue(self, name: str) -> str:
        url: str = self.queues.create_queue(QueueName=f"crm-test-{name}")["QueueUrl"]
        return url

    def _arn(self, url: str) -> str:
        found = self.queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn: str = found["Attributes"]["QueueArn"]
        return arn

    def _taken(self, url: str) -> list[dict[str, Any]]:
        taken: list[dict[str, Any]] = []
        while True:
            got = self.queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            if "Messages" not in got:
                return taken
            for message in got["Messages"]:
                taken.append(json.loads(message["Body"]))
                self.queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


class Refusing:
    """The bus's client, which refuses the events of some actions with a code."""

    def __init__(self, client: Any, codes: dict[str, str]) -> None:
        self._client, self._codes = client, codes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        answers = []
        for entry in Entries:
            code = self._codes.get(entry["DetailType"])
            if code is None:
                answers += self._client.put_events(Entries=[entry])["Entries"]
            else:
                answers.append({"ErrorCode": code, "ErrorMessage": "refused by the test"})
        return {"FailedEntryCount": sum("ErrorCode" in a for a in answers), "Entries": answers}


def record(number: int, *actions: str) -> dict[str, Any]:
    """A stream record of a change that carries these events."""
    item = Item(key=(f"O#ACME#S#{number}", "customer"), record=SearchEntryRecord(owner="customer"))
    events = [
        {"event_id": f"evt_{number}_{order}", "action": action, "data": {}}
        for order, action in enumerate(actions)
    ]
    change = {
        "NewImage": item_wire(item, f"change-{number}", events),
        "SequenceNumber": str(number),
    }
    return {"eventName": "INSERT", "eventID": str(number), "dynamodb": change}


def failed_batch(function: str, records: list[dict[str, Any]]) -> bytes:
    """What Lambda stores in a bucket when a mapping gives up: facts of the failure, and the whole
    event as text."""
    numbers = [each["dynamodb"]["SequenceNumber"] for each in records]
    return json.dumps(
        {
            "version": "1.0",
            "timestamp": "2026-01-01T06:00:00.000Z",
            "requestContext": {
                "requestId": "00000000-0000-4000-8000-000000000000",
                "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{function}",
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 40,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
            "DDBStreamBatchInfo": {
                "shardId": "shard-1",
                "startSequenceNumber": numbers[0] if numbers else "0",
                "endSequenceNumber": numbers[-1] if numbers else "0",
                "batchSize": len(records),
            },
            "payload": json.dumps({"Records": records}),
        }
    ).encode()
