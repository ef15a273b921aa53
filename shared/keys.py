"""THE MAP OF THE TABLE: every partition key, sort key and index entry, and the schema as data.

One table holds every record. ``pk`` and ``sk`` are strings. There are three sparse, overloaded
indexes; beside the keys they have the attribute ``v``, which is what a list may show. Every
partition of an org's records starts with ``O#<org>#``, so a key of one org never reaches a record
of another. Whatever identifies a person, a secret, a card or an order is in a key only as ``h(…)``:
a keyed hash under the org's own key (``shared.hashes``). The places of loyalty's records are in
``shared.loyalty_keys``, those of what is about customers and other records in
``shared.adjacent_keys``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from shared import hashes
from shared.adjacent_keys import COMMENT_PREFIX as COMMENT_PREFIX
from shared.adjacent_keys import CUSTOMER_PREFIX as CUSTOMER_PREFIX
from shared.adjacent_keys import ID_LENGTH, AdjacentKeys
from shared.adjacent_keys import NOTIFICATION_PREFIX as NOTIFICATION_PREFIX
from shared.adjacent_keys import SUBSCRIPTION_PREFIX as SUBSCRIPTION_PREFIX
from shared.adjacent_keys import SUBSCRIPTION_SHARDS as SUBSCRIPTION_SHARDS
from shared.adjacent_keys import WARRANTY_PREFIX as WARRANTY_PREFIX
from shared.adjacent_keys import comment_on as comment_on
from shared.adjacent_keys import customer_of_subscription as customer_of_subscription
from shared.adjacent_keys import subscription_of as subscription_of
from shared.adjacent_keys import target_of_comment as target_of_comment
from shared.adjacent_keys import whole_comment_id as whole_comment_id
from shared.loyalty_keys import LoyaltyKeys
from shared.org_keys import LAST as LAST
from shared.org_keys import Key as Key
from shared.org_keys import KeyRange as KeyRange

PARTITION, SORT, VIEW, TTL = "pk", "sk", "v", "ttl"
ACCOUNT_PREFIX, CONTACT_PREFIX = "acct_", "cont_"
CARD_PREFIX = "card_"
"""The prefixes of the ids that the service makes."""
NO_ORG = "-"
"""Stands for the org in the lists of what concerns all orgs. No org may have this code."""
_SHARDS = ("0", "1", "2", "3")
STATE = "A"
"""The sort key of a customer's state, the first of all in its partition."""


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


def credential(secret: str) -> Key:
    """The key of a session or an API key. No other kind of record belongs to no org."""
    return f"A#{hashes.secret_hash(secret)}", "!"


@lru_cache(maxsize=4096)
def of_org(org: str) -> Keys:
    """Returns the keys of one org. ``org`` must be a normalised orgcode."""
    return Keys(org, hashes.keyed(hashes.root(), ("org", org)))


class Keys(LoyaltyKeys, AdjacentKeys):
    """Makes every key in one org's part of the table."""

    __slots__ = ()

    # ------------------------------------------------------------ identity and settings

    def org_record(self) -> Key:
        return self._at("P"), "CFG"

    def membership(self, person: str) -> Key:
        return self._at("P"), f"MB#{person}"

    # ------------------------------------------------------------ idempotency

    def marker(self, route: str, key: str) -> Key:
        """The idempotency key of a request. The record names the place of the answer's snapshot."""
        return self._at("I", self.hash("idempotency", route, key)), "!"

    def snapshot(self, partition: str, name: str, route: str, key: str) -> Key:
        """The answer that a replay gets. It has the partition and the name of the record that it is
        about, so that it is found and erased with that record. ``name``: the record's id, or what
        stands for it in keys where a caller chose the id."""
        return partition, f"I#{name}#{self.hash('idempotency', route, key)}"

    # ------------------------------------------------------------ unique and shared values

    def unique(self, kind: str, value: str) -> Key:
        """The owner of a value that only one record of the org may have."""
        return self.unique_at(self.value_place(kind, value))

    def shared_value(self, kind: str, value: str, owner: str = "") -> Key:
        """One owner of a value that several records may have. The partition lists all owners."""
        return self.shared_at(self.value_place(kind, value), owner)

    def value_place(self, kind: str, value: str) -> str:
        """Returns the name of the place of a value, from which its keys can be made without the
        value itself."""
        return f"{kind}#{self.hash(kind, value)}"

    def unique_at(self, place: str) -> Key:
        return self._at("U", place), "!"

    def shared_at(self, place: str, owner: str) -> Key:
        return self._at("U", place), owner

    def suppressed(self, kind: str, value: str) -> Key:
        """The org's own refusal of an e-mail or phone, whoever has it."""
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
        return self._at("C", customer_guid), STATE

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

    def consents_current(self, customer_guid: str) -> KeyRange:
        """What counts for every consent of a customer."""
        return self._at("C", customer_guid), "NC#", f"NC#{LAST}"

    def consent_decision(self, customer_guid: str, decision_id: str) -> Key:
        return self._at("C", customer_guid), f"N#{decision_id}"

    def consent_decisions(self, customer_guid: str) -> KeyRange:
        """Every decision of a customer, by creation."""
        return self._at("C", customer_guid), "N#", f"N#{LAST}"

    def order_hold(self, customer_guid: str, action: str, order_ref: str) -> Key:
        """What was last said about an action for one order: refused, held or approved."""
        return self._at("C", customer_guid), f"HO#{self.held_order(action, order_ref)}"

    def held_order(self, action: str, order_ref: str) -> str:
        """Returns the hash by which an order is told apart from others of the same action."""
        return self.hash("order-hold", action, order_ref)

    def customer_risk(self, customer_guid: str) -> Key:
        return self._at("C", customer_guid), "R"

    def customer_flag(self, customer_guid: str, flag_id: str) -> Key:
        return self._at("C", customer_guid), f"F#{flag_id}"

    def fraud_assessment(self, customer_guid: str, assessment_id: str) -> Key:
        return self._at("C", customer_guid), f"R#{assessment_id}"

    def fraud_question(self, customer_guid: str, *question: str) -> Key:
        """The last assessment of one question: an action, an order or another source, and what else
        was said of it. It detects a repeat that has no idempotency key."""
        return self._at("C", customer_guid), f"RK#{self.hash('fraud-question', *question)}"

    def customer_hold(self, customer_guid: str, hold_id: str) -> Key:
        return self._at("C", customer_guid), f"H#{hold_id}"

    def redemption_count(self, customer_guid: str, hour: str) -> Key:
        """How often the customer has redeemed within one hour."""
        return self._at("C", customer_guid), f"V#{hour}"

    def customer_link(self, customer_guid: str, kind: str, record_id: str) -> Key:
        """A link from a customer to a record about it in another partition."""
        return self._at("C", customer_guid), f"Z#{kind}#{record_id}"

    def customer_activity(self, customer_guid: str, active_on: date) -> dict[str, str]:
        """Returns the index entry of a customer by the month of the last activity. Retention reads
        it. The customers of an org are spread over a few lists, because all of them write there."""
        shard = _SHARDS[ord(customer_guid[-1]) % len(_SHARDS)]
        sort = f"{active_on:%Y-%m}#{customer_guid}"
        return self.listed(SECOND_ORDER, "customer_activity", sort, shard)

    def customer_activities(self) -> tuple[str, ...]:
        """Returns the lists of the customers by the month of their last activity."""
        return tuple(self.list_of("customer_activity", shard) for shard in _SHARDS)

    def customer_links(self, customer_guid: str) -> tuple[str, str]:
        """All links of a customer: (partition, prefix of the sort key)."""
        return self._at("C", customer_guid), "Z#"

    # ------------------------------------------------------------ erasure and export

    def erasure_job(self, job_id: str) -> Key:
        return self._at("J", job_id), "A"

    def tombstone(self, customer_guid: str) -> Key:
        """What is left of a deleted customer: the receipt, and nothing personal."""
        return self._at("TB", self.hash("tombstone", customer_guid)), "A"

    def lost_points(self, day: str, policy_version: str) -> Key:
        """The points that deletions took on one day, by the policy that they were earned under."""
        return self._at("P"), f"FT#{day}#{self.hash('policy', policy_version)}"

    def export(self, customer_guid: str, export_id: str) -> Key:
        return self._at("C", customer_guid), f"X#{export_id}"

    def kept_answers(self, partition: str, name: str) -> KeyRange:
        """The answers about one record that are kept for replays, by the name that its snapshots
        have."""
        return partition, f"I#{name}#", f"I#{name}#{LAST}"

    def customer_records(self, customer_guid: str) -> KeyRange:
        """Every record in a customer's partition, the state excepted: it has the first sort key."""
        return self._at("C", customer_guid), "B", LAST

    def customer_merge(self, customer_guid: str, merge_id: str) -> Key:
        """The audit of a merge; each of the two customers has one."""
        partition, prefix = self.customer_merges(customer_guid)
        return partition, f"{prefix}{merge_id}"

    def customer_merges(self, customer_guid: str) -> tuple[str, str]:
        """The merges of a customer, by time: (partition, prefix of the sort key)."""
        return self._at("C", customer_guid), "G#"

    # ------------------------------------------------------------ gift cards

    def card_hash(self, code: str) -> str:
        """Returns the hash by which a card is found. ``code`` must be in its folded form."""
        return self.hash("card", code)

    def card_number(self, seed: str) -> int:
        """Returns the 80 bits that a card's code spells. They are derived from the stored seed with
        the org's own key, so that the table alone does not reveal a code."""
        return int.from_bytes(hashes.keyed(self._secret, ("card-number", seed))[:10], "big")

    def gift_card(self, card_hash: str) -> Key:
        return self._at("GV", card_hash), "A"

    def gift_card_of(self, card_id: str) -> Key:
        """The card of an id, which contains the hash."""
        return self.gift_card(card_id.removeprefix(CARD_PREFIX).upper())

    def card_issued(self, card_hash: str) -> Key:
        return self._at("GV", card_hash), "Y"

    def card_order(self, card_hash: str, order_ref: str) -> Key:
        """What an order has redeemed from a card."""
        return self._at("GV", card_hash), f"Y#{self.hash('order', order_ref)}"

    def card_activities(self, card_id: str) -> KeyRange:
        """All movements of a card."""
        partition, _ = self.gift_card_of(card_id)
        return partition, "Y", f"YR#{LAST}"

    def card_reversal(self, card_hash: str, activity_id: str) -> Key:
        return self._at("GV", card_hash), f"YR#{activity_id}"

    def card_misses(self, fingerprint: str) -> Key:
        """The unknown card codes that one credential has recently asked for."""
        return self._at("GM", fingerprint), "!"

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

    def dedupe_entries(self) -> str:
        """Returns the prefix of the partitions of all dedupe entries of the org."""
        return self._at("D", "")

    def dedupe_entry(self, trait: str, owner: str = "") -> Key:
        """A customer who has a trait by which duplicates are found. The partition lists all."""
        return self._at("D", self.hash("dedupe", trait)), owner


def record_of_answer(snapshot: Key) -> str:
    """Returns the id of the record that a kept answer is about."""
    return snapshot[1].removeprefix("I#").rpartition("#")[0]


def contact_of_account(account_guid: str, made_id: str) -> str:
    """Returns the guid of a new contact: its own id, then the id of its account. So the contact's
    guid alone is enough to read both."""
    return f"{CONTACT_PREFIX}{made_id}{account_guid.removeprefix(ACCOUNT_PREFIX)}"


def account_of_contact(contact_guid: str) -> str:
    """Returns the guid of the account that a contact's guid contains. A malformed guid returns the
    name of an empty partition: the request then costs the same as for any unknown contact."""
    ids = contact_guid.removeprefix(CONTACT_PREFIX)
    return f"{ACCOUNT_PREFIX}{ids[ID_LENGTH:]}" if len(ids) == 2 * ID_LENGTH else "!"
