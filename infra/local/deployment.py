"""The deployment that a table belongs to: what the outputs of its stacks say, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local import clients
from infra.local.identities import Refused
from infra.local.redrive import Places, Redrive
from infra.local.settings import apply
from shared.settings import SERVICE

_DATA, _API = "data", "api"
"""The last parts of the names of two stacks: with the table, and with the API
(``infra/settings.py``)."""


def outputs_of(table: str) -> dict[str, str]:
    """Returns the outputs of all stacks of the environment that has this table. A table that was
    restored from a backup has a name of its own, so it is the output that counts, and not the
    names of the stacks. Raises ``Refused`` where there is no such environment, or no right to
    look."""
    try:
        found = list(_stacks())
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"the deployed stacks cannot be read: {error}") from None
    for name, outputs in found:
        if outputs.get("TableName") == table and name.endswith(f"-{_DATA}"):
            environment = name.removesuffix(_DATA)
            mine = (more for other, more in found if other.startswith(environment))
            return {key: value for more in mine for key, value in more.items()}
    raise Refused(
        f"no deployed stack has the table {table} in this account and region; "
        "where its stacks are out of reach, name its secret with --root-secret-arn"
    )


def address_of(environment: str) -> str:
    """Returns the address of the API of a deployed environment. Raises ``Refused`` where there is
    none, or no right to look."""
    name = f"{SERVICE}-{environment}-{_API}"
    try:
        (stack,) = clients.stacks().describe_stacks(StackName=name)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"the stack {name} cannot be read: {error}") from None
    return _outputs(stack)["ApiUrl"]


def receipt_keys(table: str) -> tuple[str, ...]:
    """Returns every key that has signed receipts in the environment that has this table."""
    return tuple(outputs_of(table)["ReceiptKeyArns"].split(","))


def redrive(table: str, *, dry_run: bool) -> Redrive:
    """Returns a run of the re-drive in the deployment of this table. It publishes with the settings
    of the deployed publisher, so that its events are those that the publisher would have made."""
    outputs = outputs_of(table)
    publisher = clients.functions().get_function_configuration(
        # All names of an environment begin with that of its bus (``infra/settings.py``).
        FunctionName=f"{outputs['EventBusName']}-events"
    )
    variables = publisher["Environment"]["Variables"]
    apply({k: v for k, v in variables.items() if k.startswith("CRM_")}, keep_account=True)
    places = Places(
        objects=clients.objects(),
        bucket=outputs["FailureBucketName"],
        queues=clients.queues(),
        queue_url=outputs["RefusedEventsQueueUrl"],
    )
    return Redrive(places, dry_run)


def _stacks() -> Any:
    for page in clients.stacks().get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            yield stack["StackName"], _outputs(stack)


def _outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}
