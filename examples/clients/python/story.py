"""A day at a till, with the generated Python client: ``python story.py URL ORG SESSION``.

The org has a loyalty policy in EUR, as the local server's ACME does. Each step prints a line. The
story ends with an error where the service does not behave as told here.
"""

from __future__ import annotations

import sys
import uuid

import httpx
from crm import Conflict, Crm, InvalidState, NotFound
from crm_client.api.customer import customer_create, customer_get, customer_update
from crm_client.api.giftcard import giftcard_get, giftcard_issue, giftcard_redeem, giftcard_reverse
from crm_client.api.loyalty import (
    loyalty_balance_get,
    loyalty_earn,
    loyalty_ledger_list,
)
from crm_client.models import (
    Currency,
    CustomerChanges,
    CustomerCreateRequest,
    CustomerGetRequest,
    CustomerNew,
    CustomerUpdateRequest,
    LoyaltyBalanceGetRequest,
    LoyaltyEarnRequest,
    LoyaltyLedgerListRequest,
    MoneyIn,
    MoneyOrZeroIn,
    SourceRef,
    StoredValueGetRequest,
    StoredValueIssueRequest,
    StoredValueRedeemRequest,
    StoredValueReverseRequest,
)

REASON = "A sale at the till"
SOURCES = [SourceRef(kind="receipt", id="R-1")]


class LosesAnAnswer(httpx.BaseTransport):
    """A network that delivers the next request, and loses its answer."""

    def __init__(self) -> None:
        self.network = httpx.HTTPTransport()
        self.armed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.network.handle_request(request)
        if self.armed:
            self.armed = False
            answer.close()
            raise httpx.ReadError("the answer was lost")
        return answer


def euro(cents: int) -> MoneyIn:
    return MoneyIn(currency=Currency.EUR, amount=cents)


def points(crm: Crm, customer: str) -> int:
    body = LoyaltyBalanceGetRequest(customer_guid=customer)
    return crm.read(loyalty_balance_get.sync_detailed, body).data.balance.available_points


def new_customer(crm: Crm) -> str:
    made = crm.write(
        customer_create.sync_detailed,
        CustomerCreateRequest(
            customer=CustomerNew(first_name="Ada", last_name="Lovelace"),
            reason=REASON,
            source_refs=SOURCES,
        ),
    ).data.customer
    print("customer", made.status.value)
    return made.customer_guid


def earns_points(crm: Crm, customer: str, orders: list[str]) -> None:
    for order in orders:
        body = LoyaltyEarnRequest(
            customer_guid=customer,
            order_ref=order,
            amount=MoneyOrZeroIn(currency=Currency.EUR, amount=1_000),
            reason=REASON,
            source_refs=SOURCES,
        )
        crm.write(loyalty_earn.sync_detailed, body)
    print("points", points(crm, customer))
    entries = crm.items(
        loyalty_ledger_list.sync_detailed,
        LoyaltyLedgerListRequest(customer_guid=customer, limit=1),
        lambda page: page.data.transactions,
    )
    assert [entry.order_ref for entry in entries] == orders[::-1]
    print("ledger", len(orders), "entries, a page each")


def pays_with_a_card(crm: Crm, network: LosesAnAnswer) -> None:
    issue = StoredValueIssueRequest(amount=euro(5_000), reason=REASON, source_refs=SOURCES)
    code = str(crm.write(giftcard_issue.sync_detailed, issue).data.stored_value.card_code)
    pay = StoredValueRedeemRequest(
        card_code=code, order_ref="SO-1", amount=euro(2_000), reason=REASON, source_refs=SOURCES
    )
    network.armed = True
    crm.write(giftcard_redeem.sync_detailed, pay)
    card = crm.read(giftcard_get.sync_detailed, StoredValueGetRequest(card_code=code)).data
    print("card", card.stored_value.balance.amount, "after a lost answer")
    key = str(uuid.uuid4())
    back = StoredValueReverseRequest(
        card_code=code, order_ref="SO-1", reason=REASON, source_refs=SOURCES
    )
    first = crm.write(giftcard_reverse.sync_detailed, back, key)
    again = crm.write(giftcard_reverse.sync_detailed, back, key)
    assert first.data == again.data
    try:
        crm.write(giftcard_redeem.sync_detailed, pay)
    except InvalidState as refused:
        print("refused", refused.tag.value, refused.detail["reversed"]["amount"])


def two_write_at_once(crm: Crm, customer: str) -> None:
    def renamed(name: str) -> CustomerUpdateRequest:
        return CustomerUpdateRequest(
            customer_guid=customer,
            expected_revision=1,
            customer=CustomerChanges(first_name=name),
            reason=REASON,
            source_refs=SOURCES,
        )

    crm.write(customer_update.sync_detailed, renamed("Augusta"))
    try:
        crm.write(customer_update.sync_detailed, renamed("Byron"))
    except Conflict as refused:
        print("conflict", refused.detail["current_revision"])


def asks_for_nobody(crm: Crm) -> None:
    try:
        crm.read(customer_get.sync_detailed, CustomerGetRequest(customer_guid="cust_nobody"))
    except NotFound as refused:
        print("nobody", refused.status)


def main(url: str, orgcode: str, session: str) -> None:
    network = LosesAnAnswer()
    crm = Crm(url, orgcode, session=session, transport=network)
    customer = new_customer(crm)
    orders = [f"SO-{uuid.uuid4()}" for _ in range(3)]
    earns_points(crm, customer, orders)
    pays_with_a_card(crm, network)
    two_write_at_once(crm, customer)
    asks_for_nobody(crm)


if __name__ == "__main__":
    main(*sys.argv[1:])
