"""What arrives on the bus, heard through a rule and a queue of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from jsonschema import Draft202012Validator

from infra.local.settings import ROOT
from tests.e2e.deployment import Deployment

Event = dict[str, Any]
PATIENCE_S = 30.0


class Ear:
    """A consumer that hears every event of the service, and holds each against the schema."""

    def __init__(self, deployment: Deployment) -> None:
        self._queues = deployment.client("sqs")
        bus, rule = deployment.outputs["EventBusName"], "everything"
        self._url = self._queues.create_queue(QueueName=rule)["QueueUrl"]
        arn = self._queues.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        events = deployment.client("events")
        pattern = json.dumps({"source": ["crm"]})
        events.put_rule(Name=rule, EventBusName=bus, EventPattern=pattern)
        target = {"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}
        events.put_targets(Rule=rule, EventBusName=bus, Targets=[target])
        schema = json.loads((ROOT / "crm-events.schema.json").read_text())
        self._schema = Draft202012Validator(schema)
        self.heard: list[Event] = []

    def hear(self, action: str, *, within_s: float = PATIENCE_S, **data: Any) -> Event:
        """Waits for an event of this action with these data. Returns it."""

        def is_it(event: Event) -> bool:
            found = event["data"]
            return event["action"] == action and all(found.get(k) == v for k, v in data.items())

        name = f"{action} {data}"
        return self.wait(lambda: next(filter(is_it, self.heard), None), name, within_s)

    def wait(self, for_what: Callable[[], Any], name: str, within_s: float = PATIENCE_S) -> Any:
        """Listens until the answer is not None. Returns it."""
        deadline = time.monotonic() + within_s
        while True:
            self._listen()
            found = for_what()
            if found is not None:
                return found
            actions = [event["action"] for event in self.heard]
            assert time.monotonic() < deadline, f"{name} did not arrive; heard: {actions}"

    def _listen(self) -> None:
        got = self._queues.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1
        )
        for message in got.get("Messages", ()):
            envelope = json.loads(message["Body"])
            event = envelope["detail"]
            assert (envelope["source"], envelope["detail-type"]) == ("crm", event["action"])
            self._schema.validate(event)
            self.heard.append(event)
            self._queues.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
