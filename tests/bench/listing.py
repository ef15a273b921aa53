"""A page of 256 accounts: our part of it beside botocore's parsing of the same answer."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
from botocore.parsers import create_parser

from shared import envelope
from shared.codec import Wire, view_of
from shared.keys import ALL_OF_KIND, PARTITION, SORT, VIEW, of_org
from shared.paging import Listing, page
from shared.table import Table
from tests.bench.canned import ORG, CannedTable, account, account_wire, canned_database
from tests.bench.measure import Figure, cpu_in_turns

PAGE = 256
_STATS = {"build": {"build_id": "bench"}, "call": "POST /account/list", "service": "crm"}


def entries(many: int) -> tuple[Wire, ...]:
    """Index entries as the index projects them, newest first."""
    names = (PARTITION, SORT, ALL_OF_KIND.partition, ALL_OF_KIND.sort, VIEW)
    guids = [f"acct_01KA{number:022d}" for number in range(many, 0, -1)]
    wires = [account_wire(account(guid, f"A{guid[-8:]}")) for guid in guids]
    return tuple({name: wire[name] for name in names} for wire in wires)


def figure(*, calls: int, turns: int) -> Figure:
    """Paging, views and the envelope's text, over the parsing of what the database sent."""
    # One entry more than the page tells that there is another.
    listed = entries(PAGE + 1)
    text = json.dumps({"Items": listed, "Count": len(listed), "ScannedCount": len(listed)})
    sent = {"body": text.encode(), "headers": {"x-amzn-requestid": "bench"}, "status_code": 200}
    model = botocore.session.get_session().get_service_model("dynamodb")
    parser = create_parser(model.metadata["protocol"])
    shape = model.operation_model("Query").output_shape
    assert shape is not None
    listing = Listing((of_org(ORG).list_of("account", ""),), ALL_OF_KIND)
    table = Table()

    def ours() -> dict[str, Any]:
        accounts, _ = page(table, listing, PAGE, None, view_of)
        body = envelope.success({"accounts": accounts}, None, _STATS)
        return envelope.response(200, body, ())

    def parsing() -> Any:
        return parser.parse(sent, shape)

    with canned_database(CannedTable(listed=listed)):
        if len(json.loads(ours()["body"])["data"]["accounts"]) != PAGE:
            raise AssertionError("the page is not full")
        if len(parsing()["Items"]) != PAGE + 1:
            raise AssertionError("the peer parsed something else")
        ours_s, peer_s = cpu_in_turns(ours, parsing, calls=calls, turns=turns)
    return Figure(f"page of {PAGE}, over botocore's parsing", ours_s, peer_s, 0.5)
