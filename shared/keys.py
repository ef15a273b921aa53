"""THE MAP OF THE TABLE: every partition key, sort key and index entry, and the schema as data.

One table holds every record. ``pk`` and ``sk`` are strings. There are three sparse, overloaded
indexes; beside the keys they have the attribute ``v``, which is what a list may show. Every
partition of an org's records starts with ``O#<org>#``, so a key of one org never reaches a record
of another. Whatever identifies a person, a secret, a card or an order is in a key only as ``h(…)``:
HMAC-SHA-256 under the org's own key, 128 bits, base 32. The org's key is derived from one root,
which never rotates: after a rotation no stored key could be computed again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from functools import cache, lru_cache

from shared import clients
from shared.settings import settings

Key = tuple[str, str]
"""The primary key of a record: (pk, sk)."""
KeyRange = tuple[str, str, str]
"""Places that lie side by side: (pk, first sk, last sk), both included."""
LAST = "\U0010ffff"
"""Sorts after every character that a key holds."""

PARTITION, SORT, VIEW, TTL = "pk", "sk", "v", "ttl"
ACCOUNT_PREFIX, CONTACT_PREFIX, CUSTOMER_PREFIX = "acct_", "cont_", "cust_"
"""The prefixes of the guids that the service makes."""
_ID_LENGTH = 26


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index and the names of its two key attributes."""

    name: str
    partition: str
    sort: str


BY_STATUS = Index("GSI1", "g1pk", "g1sk")
SECOND_ORDER = Index("GSI2", "g2pk", "g2sk")
ALL_OF_KIND = Index("GSI3", "g3pk", "g3sk")
INDEXES = (BY_STATUS, SECOND_ORDER, ALL_OF_KIND)


@cache
def _root() -> bytes:
    """Returns the root of every keyed hash. It is read once per process, and never at import."""
    here = settings()
    if here.root_secret is not None:
        return here.root_secret.encode()
    answer = clients.secrets().get_secret_value(SecretId=here.root_secret_arn)
    return str(answer["SecretString"]).encode()


def _digest(key: bytes, parts: tuple[str, ...]) -> bytes:
    # Each part has its length in front: ("a", "bc") and ("ab", "c") must have different hashes.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _short(digest: bytes) -> str:
    return base64.b32encode(digest[:16]).decode().rstrip("=")


@cache
def _secret_key() -> bytes:
    return _digest(_root(), ("credential",))


def secret_hash(secret: str) -> str:
    """Returns the keyed hash under which the secret of a session or API key is stored."""
    return _short(_digest(_secret_key(), ("secret", secret)))


def fingerprint(secret: str) -> str:
    """Returns a text that is always the same for one secret and does not reveal it. Answers, logs
    and events may show it."""
    return _short(_digest(_secret_key(), ("fingerprint", secret)))[:20].lower()


def token_signature(text: str) -> bytes:
    """Returns the signature of the text of a page token."""
    return _digest(_secret_key(), ("token", text))[:16]


def credential(secret: str) -> Key:
    """The key of a session or an API key. No other kind of record belongs to no org."""
    return f"A#{secret_hash(secret)}", "!"


@lru_cache(maxsize=4096)
def of_org(org: str) -> Keys:
    """Returns the keys of one org. ``org`` must be a normalised orgcode."""
    return Keys(org, _digest(_root(), ("org", org)))


@dataclass(frozen=True, slots=True)
class Keys:
    """Makes every key in one org's part of the table."""

    org: str
    _secret: bytes

    def hash(self, *parts: str) -> str:
        """Returns ``h(…)``: the keyed hash of values that must not be readable in a key."""
        return _short(_digest(self._secret, parts))

    def _at(self, *parts: str) -> str:
        return "#".join(("O", self.org, *parts))

    def partition(self, *parts: str) -> str:
        """Returns a partition of this org, in the table or in an index."""
        return self._at(*parts)

    # ------------------------------------------------------------ identity and settings

    def org_record(self) -> Key:
        return self._at("P"), "CFG"

    def membership(self, person: str) -> Key:
        return self._at("P"), f"MB#{person}"

    # ------------------------------------------------------------ idempotency

    def marker(self, route: str, key: str) -> Key:
        """The idempotency key of a request. The record names the place of the answer's snapshot."""
        return self._at("I", self.hash("idempotency", route, key)), "!"

    def snapshot(self, partition: str, record_id: str, route: str, key: str) -> Key:
        """The answer that a replay gets. It has the partition and the id of the record that it is
        about, so that it is found and erased with that record."""
        return partition, f"I#{record_id}#{self.hash('idempotency', route, key)}"

    # ------------------------------------------------------------ unique and shared values

    def unique(self, kind: str, value: str) -> Key:
        """The owner of a value that only one record of the org may have."""
        return self._at("U", kind, self.hash(kind, value)), "!"

    def shared_value(self, kind: str, value: str, owner: str = "") -> Key:
        """One owner of a value that several records may have. The partition lists all owners."""
        return self._at("U", kind, self.hash(kind, value)), owner

    def suppressed(self, kind: str, value: str) -> Key:
        """Marks a value whose owner was deleted, so that it does not come back unnoticed."""
        return self._at("U", f"suppressed-{kind}", self.hash(kind, value)), "!"

    # ------------------------------------------------------------ accounts

    def account(self, account_guid: str) -> Key:
        return self._at("K", account_guid), "A"

    def contacts(self, account_guid: str) -> tuple[str, str]:
        """The contacts of an account, by creation: (partition, prefix of the sort key)."""
        return self._at("K", account_guid), "K#"

    def contact(self, contact_guid: str) -> Key:
        """A contact is in the partition of its account. Its own id contains the account's id."""
        partition, prefix = self.contacts(account_of_contact(contact_guid))
        return partition, f"{prefix}{contact_guid}"

    def account_children(self, account_guid: str) -> Key:
        """The number of accounts that have this one as their parent."""
        return self._at("K", account_guid), "Z#CHILDREN"

    def credit_order(self, account_guid: str, order_ref: str) -> Key:
        return self._at("K", account_guid), f"E#{self.hash('order', order_ref)}"

    def credit_release(self, account_guid: str, order_ref: str, asked: str) -> Key:
        """The release of an amount (or ``all``) of an order. It detects a replay that has no
        idempotency key."""
        return self._at("K", account_guid), f"ER#{self.hash('order', order_ref, asked)}"

    # ------------------------------------------------------------ customers

    def customer_state(self, customer_guid: str) -> Key:
        return self._at("C", customer_guid), "A"

    def customer_in(self, partition: str) -> str | None:
        """Returns the guid of the customer whose partition this is; None for other partitions."""
        start = self._at("C", "")
        return partition.removeprefix(start) if partition.startswith(start) else None

    def customer_profile(self, customer_guid: str) -> Key:
        return self._at("C", customer_guid), "P"

    def consent_head(self, customer_guid: str) -> Key:
        return self._at("C", customer_guid), "N"

    def consent_current(self, customer_guid: str, *consent: str) -> Key:
        return self._at("C", customer_guid), f"NC#{self.hash('consent', *consent)}"

    def consent_decision(self, customer_guid: str, decision_id: str) -> Key:
        return self._at("C", customer_guid), f"N#{decision_id}"

    def order_hold(self, customer_guid: str, action: str, order_ref: str) -> Key:
        """An action that is refused to a customer for one order only."""
        hashed = self.hash("order-hold", action, order_ref)
        return self._at("C", customer_guid), f"HO#{hashed}"

    def customer_link(self, customer_guid: str, kind: str, record_id: str) -> Key:
        """A link from a customer to a record about it in another partition."""
        return self._at("C", customer_guid), f"Z#{kind}#{record_id}"

    # ------------------------------------------------------------ gift cards

    def card_hash(self, code: str) -> str:
        """Returns the hash by which a card is found. ``code`` must be in its folded form."""
        return self.hash("card", code)

    def card_number(self, seed: str) -> int:
        """Returns the 80 bits that a card's code spells. They are derived from the stored seed with
        the org's own key, so that the table alone does not reveal a code."""
        return int.from_bytes(_digest(self._secret, ("card-number", seed))[:10], "big")

    def gift_card(self, card_hash: str) -> Key:
        return self._at("GV", card_hash), "A"

    def card_issued(self, card_hash: str) -> Key:
        return self._at("GV", card_hash), "Y"

    def card_order(self, card_hash: str, order_ref: str) -> Key:
        """What an order has redeemed from a card."""
        return self._at("GV", card_hash), f"Y#{self.hash('order', order_ref)}"

    def card_reversal(self, card_hash: str, activity_id: str) -> Key:
        return self._at("GV", card_hash), f"YR#{activity_id}"

    def card_misses(self, fingerprint: str) -> Key:
        """The unknown card codes that one credential has recently asked for."""
        return self._at("GM", fingerprint), "!"

    # ------------------------------------------------------------ loyalty

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

    # ------------------------------------------------------------ lists

    def listed(self, index: Index, kind: str, sort: str, state: str = "") -> dict[str, str]:
        """Returns the index entry that lists a record under its kind, or its kind and state."""
        return {index.partition: self.list_of(kind, state), index.sort: sort}

    def list_of(self, kind: str, state: str = "") -> str:
        return self._at("LIST", kind, *([state] if state else []))

    # ------------------------------------------------------------ search

    def search_entries(self) -> str:
        """Returns the prefix of the partitions of all search entries of the org."""
        return self._at("S", "")

    def search_entry(self, token: str, owner: str = "") -> Key:
        return self._at("S", self.hash("search", token)), owner


def contact_of_account(account_guid: str, made_id: str) -> str:
    """Returns the guid of a new contact: its own id, then the id of its account. So the contact's
    guid alone is enough to read both."""
    return f"{CONTACT_PREFIX}{made_id}{account_guid.removeprefix(ACCOUNT_PREFIX)}"


def account_of_contact(contact_guid: str) -> str:
    """Returns the guid of the account that a contact's guid contains. A malformed guid returns the
    name of an empty partition: the request then costs the same as for any unknown contact."""
    ids = contact_guid.removeprefix(CONTACT_PREFIX)
    return f"{ACCOUNT_PREFIX}{ids[_ID_LENGTH:]}" if len(ids) == 2 * _ID_LENGTH else "!"
