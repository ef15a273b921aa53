"""Derive points balances from exported ledger entries alone: a second opinion on the service.

Reads the entries of ``/loyalty/ledger/list`` as JSON lines on standard input, any number of
customers in any order, and writes one line per customer with the balance at the time given. Where
the oldest entries of a ledger were let go, the line with its ``checkpoint`` stands in their place;
of a time before it nothing is known, and the line says so. It shares no code with the service, on
purpose.

    python examples/rederive.py 2026-02-01T00:00:00Z < entries.jsonl
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any


def spend_order(lot: dict[str, Any]) -> tuple[bool, Any, Any]:
    return (lot["until"] is None, lot["until"] or lot["from"], lot["from"])


def usable(lot: dict[str, Any], at: datetime) -> bool:
    return lot["left"] > 0 and lot["from"] <= at and (lot["until"] is None or at < lot["until"])


def repay(lots: list[dict[str, Any]], debt: int, at: datetime) -> int:
    """Points that can be spent repay debt at once; answers what is left of it."""
    if not debt:
        return 0
    for lot in sorted((lot for lot in lots if usable(lot, at)), key=spend_order):
        part = min(debt, lot["left"])
        lot["left"] -= part
        debt -= part
    return debt


def stored(terms: dict[str, Any], left: int) -> dict[str, Any]:
    """A lot by its terms, with so many points left."""
    ends = terms.get("expires_at")
    return {
        "left": left,
        "from": datetime.fromisoformat(terms["available_from"]),
        "until": None if ends is None else datetime.fromisoformat(ends),
    }


def derive(
    entries: list[dict[str, Any]], until: datetime, checkpoint: dict[str, Any] | None = None
) -> dict[str, int]:
    """The balance of one customer at a time, from the entries after a checkpoint, or from all."""
    lots: dict[str, dict[str, Any]] = {}
    debt = 0
    last: datetime | None = None
    if checkpoint is not None:
        lots = {lot["lot_id"]: stored(lot, lot["remaining"]) for lot in checkpoint["lots"]}
        debt, last = checkpoint["debt_points"], datetime.fromisoformat(checkpoint["as_of"])

    def run_clock(since: datetime | None, to: datetime) -> None:
        nonlocal debt
        if not debt:
            return  # nothing that becomes available goes anywhere
        for moment in sorted({lot["from"] for lot in lots.values()}):
            if (since is None or since < moment) and moment <= to:
                debt = repay(list(lots.values()), debt, moment)

    for entry in sorted(entries, key=lambda e: e["sequence"]):
        now = datetime.fromisoformat(entry["recorded_at"])
        if now > until:
            break
        run_clock(last, now)
        opened = entry.get("lot")
        if opened is not None:
            lots[opened["lot_id"]] = stored(opened, 0)
        for move in entry.get("allocations", []):
            # What is written off, or had expired before, is taken from nobody: neither is a lot.
            if move["lot_id"] == "debt":
                debt -= move["points"]
            elif move["lot_id"] in lots:
                lots[move["lot_id"]]["left"] += move["points"]
        debt = repay(list(lots.values()), debt, now)
        last = now
    run_clock(last, until)
    return {
        "available_points": sum(lot["left"] for lot in lots.values() if usable(lot, until)),
        "pending_points": sum(lot["left"] for lot in lots.values() if lot["from"] > until),
        "debt_points": debt,
    }


def main() -> None:
    until = datetime.fromisoformat(sys.argv[1])
    by_customer: dict[str, list[dict[str, Any]]] = {}
    checkpoints: dict[str, dict[str, Any]] = {}
    for line in sys.stdin:
        entry = json.loads(line)
        entries = by_customer.setdefault(entry["customer_guid"], [])
        if "checkpoint" in entry:
            checkpoints[entry["customer_guid"]] = entry["checkpoint"]
        else:
            entries.append(entry)
    for guid, entries in sorted(by_customer.items()):
        checkpoint = checkpoints.get(guid)
        answer: dict[str, Any] = {"customer_guid": guid}
        if checkpoint is not None and until < datetime.fromisoformat(checkpoint["as_of"]):
            answer["unknown_before"] = checkpoint["as_of"]
        else:
            answer.update(derive(entries, until, checkpoint))
        sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
