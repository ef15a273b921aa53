"""THE MAP OF THE TABLE: every partition key, sort key and index entry, and the schema as data.

One table holds every record. ``pk`` and ``sk`` are strings; three sparse, overloaded indexes carry
the map ``v`` (what a list may show) beside their keys. Every partition of an org's records starts
``O#<org>#``, so a key made for one org cannot reach another's record. What identifies a person, a
secret, a card or an order stands in a key only as ``h(…)``: HMAC-SHA-256 under a key of the org's
own, 128 bits, base 32. The org's key is derived from one root that never rotates.
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
"""A record's place: (pk, sk)."""
KeyRange = tuple[str, str, str]
"""Places that lie side by side: (pk, first sk, last sk), both included."""
LAST = "\U0010ffff"
"""Sorts after every character that a key holds."""

PARTITION, SORT, VIEW, TTL = "pk", "sk", "v", "ttl"
ACCOUNT_PREFIX, CONTACT_PREFIX, CUSTOMER_PREFIX = "acct_", "cont_", "cust_"
"""What the guids that the service makes begin with."""
_ID_LENGTH = 26


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index, with the names of its two key attributes."""

    name: str
    partition: str
    sort: str


BY_STATUS = Index("GSI1", "g1pk", "g1sk")
SECOND_ORDER = Index("GSI2", "g2pk", "g2sk")
ALL_OF_KIND = Index("GSI3", "g3pk", "g3sk")
INDEXES = (BY_STATUS, SECOND_ORDER, ALL_OF_KIND)


@cache
def _root() -> bytes:
    """The root of every keyed hash, read once per process and never at import."""
    here = settings()
    if here.root_secret is not None:
        return here.root_secret.encode()
    answer = clients.secrets().get_secret_value(SecretId=here.root_secret_arn)
    return str(answer["SecretString"]).encode()


def _digest(key: bytes, parts: tuple[str, ...]) -> bytes:
    # Each part carries its length, so that no two lists of parts run together into one text.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _short(digest: bytes) -> str:
    return base64.b32encode(digest[:16]).decode().rstrip("=")


@cache
def _secret_key() -> bytes:
    return _digest(_root(), ("credential",))


def secret_hash(secret: str) -> str:
    """The keyed hash that a session's or API key's secret is found under."""
    return _short(_digest(_secret_key(), ("secret", secret)))


def fingerprint(secret: str) -> str:
    """Stable for one secret, and no way back to it; fit for answers, logs and events."""
    return _short(_digest(_secret_key(), ("fingerprint", secret)))[:20].lower()


def token_signature(text: str) -> bytes:
    """What a page token is signed with."""
    return _digest(_secret_key(), ("token", text))[:16]


def credential(secret: str) -> Key:
    """A session or an API key: the one kind of record that lies outside every org."""
    return f"A#{secret_hash(secret)}", "!"


@lru_cache(maxsize=4096)
def of_org(org: str) -> Keys:
    """The keys of one org; ``org`` must be a normalised orgcode."""
    return Keys(org, _digest(_root(), ("org", org)))


@dataclass(frozen=True, slots=True)
class Keys:
    """Every place in one org's part of the table."""

    org: str
    _secret: bytes

    def hash(self, *parts: str) -> str:
        """``h(…)``: the keyed hash of values that must not stand in a key."""
        return _short(_digest(self._secret, parts))

    def _at(self, *parts: str) -> str:
        return "#".join(("O", self.org, *parts))

    def partition(self, *parts: str) -> str:
        """An index's or a list's partition of this org."""
        return self._at(*parts)

    # ------------------------------------------------------------ identity and settings

    def org_record(self) -> Key:
        return self._at("P"), "CFG"

    def membership(self, person: str) -> Key:
        return self._at("P"), f"MB#{person}"

    # ------------------------------------------------------------ idempotency

    def marker(self, route: str, key: str) -> Key:
        """Binds an idempotency key to a request; says where the answer's snapshot lies."""
        return self._at("I", self.hash("idempotency", route, key)), "!"

    def snapshot(self, partition: str, record_id: str, route: str, key: str) -> Key:
        """The answer that a replay repeats: in the partition of the record that it speaks of, and
        under its id, so that it is found and erased with it."""
        return partition, f"I#{record_id}#{self.hash('idempotency', route, key)}"

    # ------------------------------------------------------------ unique and shared values

    def unique(self, kind: str, value: str) -> Key:
        """The one owner of a value that only one record of the org may carry."""
        return self._at("U", kind, self.hash(kind, value)), "!"

    def shared_value(self, kind: str, value: str, owner: str = "") -> Key:
        """One of the owners of a value that several may carry; a partition lists them all."""
        return self._at("U", kind, self.hash(kind, value)), owner

    def suppressed(self, kind: str, value: str) -> Key:
        """Stops the silent return of a value whose owner was deleted."""
        return self._at("U", f"suppressed-{kind}", self.hash(kind, value)), "!"

    # ------------------------------------------------------------ accounts

    def account(self, account_guid: str) -> Key:
        return self._at("K", account_guid), "A"

    def contacts(self, account_guid: str) -> tuple[str, str]:
        """Where the contacts of an account lie: (partition, prefix), by creation."""
        return self._at("K", account_guid), "K#"

    def contact(self, contact_guid: str) -> Key:
        """A contact lies with its account, whose id its own id carries."""
        partition, prefix = self.contacts(account_of_contact(contact_guid))
        return partition, f"{prefix}{contact_guid}"

    def account_children(self, account_guid: str) -> Key:
        """How many accounts have this one as their parent."""
        return self._at("K", account_guid), "Z#CHILDREN"

    def credit_order(self, account_guid: str, order_ref: str) -> Key:
        return self._at("K", account_guid), f"E#{self.hash('order', order_ref)}"

    def credit_release(self, account_guid: str, order_ref: str, asked: str) -> Key:
        """The release of an order by an amount (or ``all``), where no key tells repeats apart."""
        return self._at("K", account_guid), f"ER#{self.hash('order', order_ref, asked)}"

    # ------------------------------------------------------------ customers

    def customer_state(self, customer_guid: str) -> Key:
        return self._at("C", customer_guid), "A"

    def customer_in(self, partition: str) -> str | None:
        """The guid of the customer whose partition this is; None for any other partition."""
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
        """What is refused a customer for one order only."""
        hashed = self.hash("order-hold", action, order_ref)
        return self._at("C", customer_guid), f"HO#{hashed}"

    def customer_link(self, customer_guid: str, kind: str, record_id: str) -> Key:
        """From a customer to a record about it that lives elsewhere."""
        return self._at("C", customer_guid), f"Z#{kind}#{record_id}"

    # ------------------------------------------------------------ gift cards

    def card_hash(self, code: str) -> str:
        """What a card is found by; ``code`` in its one folded form."""
        return self.hash("card", code)

    def card_number(self, seed: str) -> int:
        """80 bits that only the org's own key makes of a stored seed: the body of a card's code."""
        return int.from_bytes(_digest(self._secret, ("card-number", seed))[:10], "big")

    def gift_card(self, card_hash: str) -> Key:
        return self._at("GV", card_hash), "A"

    def card_issued(self, card_hash: str) -> Key:
        return self._at("GV", card_hash), "Y"

    def card_order(self, card_hash: str, order_ref: str) -> Key:
        """What an order took of a card."""
        return self._at("GV", card_hash), f"Y#{self.hash('order', order_ref)}"

    def card_reversal(self, card_hash: str, activity_id: str) -> Key:
        return self._at("GV", card_hash), f"YR#{activity_id}"

    def card_misses(self, fingerprint: str) -> Key:
        """The unknown codes that one credential has asked for lately."""
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
        """The entry of a record in an index: all of a kind, or those of a kind in one state."""
        return {index.partition: self.list_of(kind, state), index.sort: sort}

    def list_of(self, kind: str, state: str = "") -> str:
        return self._at("LIST", kind, *([state] if state else []))

    # ------------------------------------------------------------ search

    def search_entries(self) -> str:
        """How the partition of every search entry of the org begins."""
        return self._at("S", "")

    def search_entry(self, token: str, owner: str = "") -> Key:
        return self._at("S", self.hash("search", token)), owner


def contact_of_account(account_guid: str, made_id: str) -> str:
    """Returns the guid of a new contact: its own id, then that of its account, so that one read by
    the contact's guid alone finds both."""
    return f"{CONTACT_PREFIX}{made_id}{account_guid.removeprefix(ACCOUNT_PREFIX)}"


def account_of_contact(contact_guid: str) -> str:
    """Returns the guid of the account that a contact's own guid carries. An id that carries none
    names a partition where nothing lies, so that asking for it costs what asking for any other
    does."""
    ids = contact_guid.removeprefix(CONTACT_PREFIX)
    return f"{ACCOUNT_PREFIX}{ids[_ID_LENGTH:]}" if len(ids) == 2 * _ID_LENGTH else "!"
