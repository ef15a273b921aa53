"""The part of the map of the table (``shared.keys``) where records beside customers lie: comments,
notifications, certificates, warranties, subscriptions, and the policy of how long all is kept."""

from __future__ import annotations

from shared.org_keys import LAST, Key, KeyRange, OrgKeys

CUSTOMER_PREFIX = "cust_"
COMMENT_PREFIX, NOTIFICATION_PREFIX = "cmnt_", "ntfy_"
SUBSCRIPTION_PREFIX, WARRANTY_PREFIX = "subs_", "wrty_"
"""The prefixes of the ids that the service makes."""
ID_LENGTH = 26
"""The length of what the service makes for an id, and of a hash."""

SUBSCRIPTION_SHARDS = ("0", "1", "2", "3")


class AdjacentKeys(OrgKeys):
    """The keys of what is about a customer or another record. ``Keys`` has them too."""

    __slots__ = ()

    # ------------------------------------------------------------ comments and notifications

    def target_hash(self, target_type: str, target_id: str) -> str:
        """Returns the hash that stands for a record in the ids of the comments on it."""
        return self.hash("target", target_type, target_id)

    def target(self, target_type: str, target_id: str) -> str:
        """Returns the partition of everything that is said about a record."""
        return self._at("T", self.target_hash(target_type, target_id))

    def comments(self, target_type: str, target_id: str) -> tuple[str, str]:
        """The comments on a record, by creation: (partition, prefix of the sort key)."""
        return self.target(target_type, target_id), "M#"

    def comment(self, comment_id: str) -> Key:
        """A comment is in the partition of its target. Its own id contains the target's hash."""
        return self._at("T", target_of_comment(comment_id)), f"M#{comment_id}"

    def comment_content(self, comment_id: str, content_revision: int) -> Key:
        """One revision of what a comment says."""
        partition, first, _ = self.comment_contents(comment_id)
        return partition, f"{first}{content_revision:04d}"

    def comment_contents(self, comment_id: str) -> KeyRange:
        """Every revision of what a comment says, the oldest first."""
        prefix = f"MV#{comment_id}#"
        return self._at("T", target_of_comment(comment_id)), prefix, f"{prefix}{LAST}"

    def notification(self, notification_id: str) -> Key:
        return self._at("NT", notification_id), "A"

    def notification_link(self, record_type: str, record_id: str, notification_id: str) -> Key:
        """Leads from a record to a notification about it."""
        partition, prefix = self.notification_links(record_type, record_id)
        return partition, f"{prefix}{notification_id}"

    def notification_links(self, record_type: str, record_id: str) -> tuple[str, str]:
        """The links to all notifications about a record: (partition, prefix of the sort key)."""
        return self.target(record_type, record_id), "N#"

    # ------------------------------------------------------------ certificates and warranties

    def certificate(self, certificate_id: str) -> Key:
        """``certificate_id`` is what the caller chose: it may say something, so it is hashed."""
        return self._at("X", self.hash("certificate", certificate_id.upper())), "A"

    def warranty(self, warranty_id: str) -> Key:
        return self._at("W", warranty_id), "A"

    def live_serial(self, serial: str, product_id: str) -> Key:
        """The warranty that covers a serial number of a product. ``serial`` is in its folded
        form."""
        partition, _ = self.serials(serial)
        return partition, f"!#{self.hash('product', product_id)}"

    def live_serials(self, serial: str) -> KeyRange:
        """What covers a serial number, of whichever product."""
        partition, _ = self.serials(serial)
        return partition, "!#", f"!#{LAST}"

    def serials(self, serial: str) -> tuple[str, str]:
        """Every warranty of a serial number, by creation: (partition, prefix of the sort key)."""
        return self._at("SER", self.hash("serial", serial)), WARRANTY_PREFIX

    # ------------------------------------------------------------ subscriptions

    def subscription(self, subscription_id: str) -> Key:
        """A subscription is in the partition of its customer, whose id its own id contains."""
        partition, prefix = self.subscriptions(customer_of_subscription(subscription_id))
        return partition, f"{prefix}{subscription_id}"

    def subscriptions(self, customer_guid: str) -> tuple[str, str]:
        """The subscriptions of a customer, by creation: (partition, prefix of the sort key)."""
        return self._at("C", customer_guid), "S#"

    def subscription_shard(self, subscription_id: str) -> str:
        """Returns which of the lists by due time a subscription is in. They are spread over a few
        partitions, because those of all orgs have them together."""
        return SUBSCRIPTION_SHARDS[ord(subscription_id[-1]) % len(SUBSCRIPTION_SHARDS)]

    # ------------------------------------------------------------ how long records are kept

    def retention_head(self) -> Key:
        """How many versions of the policy there are."""
        return self._at("P"), "RET"

    def retention_policy(self, version: int) -> Key:
        return self._at("P"), f"RETV#{version:06d}"

    def retention_policies(self) -> KeyRange:
        """Every version of the policy, the first one first."""
        return self._at("P"), "RETV#", f"RETV#{LAST}"

    def kept(self, day: str, kind: str, made_id: str) -> Key:
        """What a law wants of a record whose customer is deleted, until that day."""
        return self._at("KEPT", day), f"{kind}#{made_id}"

    def retention_run(self, run_id: str) -> Key:
        return self._at("RR", run_id), "A"


def comment_on(target_hash: str, made_id: str) -> str:
    """Returns the id of a new comment: its own id, then the hash of its target."""
    return f"{COMMENT_PREFIX}{made_id}{target_hash}"


def target_of_comment(comment_id: str) -> str:
    """Returns the hash of the target that a comment's id contains. A malformed id returns the name
    of an empty partition: the request then costs the same as for any unknown comment."""
    ids = comment_id.removeprefix(COMMENT_PREFIX)
    return ids[ID_LENGTH:] if len(ids) == 2 * ID_LENGTH else "!"


def whole_comment_id(comment_id: str, target_hash: str) -> str:
    """Returns the whole id of a comment of which only the first part may be given, without the hash
    of its target."""
    ids = comment_id.removeprefix(COMMENT_PREFIX)
    return comment_on(target_hash, ids) if len(ids) == ID_LENGTH else comment_id


def subscription_of(customer_guid: str, made_id: str) -> str:
    """Returns the id of a new subscription: its own id, then the id of its customer."""
    return f"{SUBSCRIPTION_PREFIX}{made_id}{customer_guid.removeprefix(CUSTOMER_PREFIX)}"


def customer_of_subscription(subscription_id: str) -> str:
    """Returns the guid of the customer that a subscription's id contains. A malformed id returns
    the name of an empty partition."""
    ids = subscription_id.removeprefix(SUBSCRIPTION_PREFIX)
    return f"{CUSTOMER_PREFIX}{ids[ID_LENGTH:]}" if len(ids) == 2 * ID_LENGTH else "!"
