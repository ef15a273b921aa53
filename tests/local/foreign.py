"""Calls behind something that answers in the place of the service, or behind a service of a later
release: ``python foreign.py URL``.

Run with the generated client. The org of a call tells the other side what to do. Each line says
what became of the call. ``foreign.ts`` does the same in TypeScript."""

from __future__ import annotations

import sys

from crm import Crm, ForeignAnswer, Refusal
from crm_client.api.customer import customer_get, customer_update
from crm_client.models import (
    CustomerChanges,
    CustomerGetRequest,
    CustomerUpdateRequest,
    SourceRef,
)


def main(url: str) -> None:
    change = CustomerUpdateRequest(
        customer_guid="cust_1",
        expected_revision=1,
        customer=CustomerChanges(first_name="Ada"),
        reason="A typing mistake",
        source_refs=[SourceRef(kind="ticket", id="T-1")],
    )
    answer = Crm(url, "PASSING").write(customer_update.sync_detailed, change)
    print("PASSING", answer.data.customer.status.value)
    for org in ("DOWN", "WALL", "PORTAL", "LATER"):
        crm = Crm(url, org, budget_s=0.5)
        try:
            crm.read(customer_get.sync_detailed, CustomerGetRequest(customer_guid="cust_1"))
        except ForeignAnswer as foreign:
            print(org, foreign.status, "retryable" if foreign.retryable else "final")
        except Refusal as refusal:
            print(org, refusal.status, refusal.tag)


if __name__ == "__main__":
    main(*sys.argv[1:])
