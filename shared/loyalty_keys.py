"""The part of the map of the table (``shared.keys``) where loyalty's records lie."""

from __future__ import annotations

from shared.org_keys import LAST, Key, KeyRange, OrgKeys


class LoyaltyKeys(OrgKeys):
    """The keys of policies, balances, lots, ledgers and orders. ``Keys`` has them too."""

    __slots__ = ()

    def loyalty_policy(self, channel: str | None, effective_from: str, version: int) -> Key:
        return self._at("P"), f"LOY#{channel or '-'}#{effective_from}#{version:06d}"

    def loyalty_policies(self, channel: str | None, until: str) -> KeyRange:
        """The versions of a channel's policy that are in force by a time, in the order of time."""
        prefix = f"LOY#{channel or '-'}#"
        return self._at("P"), prefix, f"{prefix}{until}#{LAST}"

    def loyalty_policy_named(self, policy_version: str) -> Key:
        """The same version, found by its name, which is unique in the org."""
        return self._at("P"), f"LOYV#{policy_version.upper()}"

    def loyalty_policy_head(self, channel: str | None) -> Key:
        """How many versions a channel has, and which is the latest."""
        return self._at("P"), f"LOYH#{channel or '-'}"

    def loyalty_policy_count(self) -> Key:
        """How many versions an org has."""
        return self._at("P"), "LOYC"

    def loyalty_balance(self, customer_guid: str) -> Key:
        return self._at("C", customer_guid), "B"

    def loyalty_answer(self, customer_guid: str, loyalty_txn_id: str) -> Key:
        """The answer that repeats of a transaction's order get."""
        return self._at("C", customer_guid), f"LA#{loyalty_txn_id}"

    def lot_page(self, customer_guid: str, bound: str, page_id: str) -> Key:
        return self._at("C", customer_guid), f"BL#{bound}#{page_id}"

    def lot_pages(self, customer_guid: str, after: str = "", before: str = LAST) -> KeyRange:
        """The pages whose bounds lie between two, the second not included."""
        return self._at("C", customer_guid), f"BL#{after}", f"BL#{before}"

    def expired_lots(self, customer_guid: str, month: str, sequence: int) -> Key:
        """The lots of a month's expiry that the entries from one sequence on closed."""
        return self._at("C", customer_guid), f"BX#{month}#{sequence:012d}"

    def expired_lots_of(self, customer_guid: str, month: str) -> KeyRange:
        return self._at("C", customer_guid), f"BX#{month}#", f"BX#{month}#{LAST}"

    def ledger_entry(self, customer_guid: str, sequence: int) -> Key:
        return self._at("C", customer_guid), f"L#{sequence:012d}"

    def ledger_entries(
        self, customer_guid: str, after: int = 0, before: int | None = None
    ) -> KeyRange:
        """The entries between two sequences, neither included; None: to the end."""
        first, last = after + 1, None if before is None else before - 1
        if last is not None and last < first:
            first = last = 0  # a range must not end before it begins; nothing lies at 0
        end = LAST if last is None else f"{last:012d}"
        return self._at("C", customer_guid), f"L#{first:012d}", f"L#{end}"

    def ledger_start(self, customer_guid: str) -> Key:
        """Where the ledger begins."""
        return self._at("C", customer_guid), "LB"

    def ledger_checkpoint(self, customer_guid: str, checkpoint: int) -> Key:
        return self._at("C", customer_guid), f"LC#{checkpoint:012d}"

    def ledger_checkpoints(self, customer_guid: str) -> KeyRange:
        return self._at("C", customer_guid), "LC#", f"LC#{LAST}"

    def checkpoint_part(
        self, customer_guid: str, checkpoint: int, number: int, *, spent: bool
    ) -> Key:
        """Lots of a checkpoint: those that hold something, or those that it adds to the archive."""
        kind = "LCS" if spent else "LCL"
        return self._at("C", customer_guid), f"{kind}#{checkpoint:012d}#{number:03d}"

    def checkpoint_parts(
        self, customer_guid: str, first: int, last: int, *, spent: bool
    ) -> KeyRange:
        """The parts of the checkpoints from one to another, both included."""
        kind = "LCS" if spent else "LCL"
        low, high = f"{kind}#{first:012d}#", f"{kind}#{last:012d}#{LAST}"
        return self._at("C", customer_guid), low, high

    def redeemed_order(self, customer_guid: str, order_hash: str) -> Key:
        return self._at("C", customer_guid), f"IR#{order_hash}"

    def redeemed_part(self, customer_guid: str, order_hash: str, number: int) -> Key:
        """More of what a redemption took, where it took from very many lots."""
        return self._at("C", customer_guid), f"IR#{order_hash}#{number:03d}"

    def earned_order(self, order_hash: str) -> Key:
        """One earn per order and org, for ever."""
        return self._at("I", "EARN", order_hash), "!"
