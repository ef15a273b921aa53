"""Every kind of record that the service stores, in one tuple.

What is not in it is not erased, not exported and not kept for its time. A test finds every stored
record class of the code and fails when one is missing here.
"""

from __future__ import annotations

from lambdas.account.kinds import KINDS as ACCOUNT
from lambdas.comment.kinds import KINDS as COMMENT
from lambdas.customer.kinds import KINDS as CUSTOMER
from lambdas.exemption.kinds import KINDS as EXEMPTION
from lambdas.giftcard.kinds import KINDS as GIFTCARD
from lambdas.inbox.kinds import KINDS as INBOX
from lambdas.loyalty.kinds import KINDS as LOYALTY
from lambdas.privacy.kinds import KINDS as PRIVACY
from lambdas.retention.kinds import KINDS as RETENTION
from lambdas.subscription.kinds import KINDS as SUBSCRIPTION
from lambdas.warranty.kinds import KINDS as WARRANTY
from shared.idempotency import MarkerRecord, SnapshotRecord
from shared.identity import CredentialRecord, MembershipRecord, OrgRecord
from shared.kinds import Kind
from shared.search import SearchEntryRecord

SHARED = (
    Kind(record=OrgRecord, erasure="keep", events={}),
    Kind(record=MembershipRecord, erasure="keep", events={}),
    Kind(record=CredentialRecord, erasure="keep", events={}),
    # Says which request has a key, and where the answer lies: ids alone. It runs out by itself.
    Kind(record=MarkerRecord, erasure="keep", events={}),
    Kind(
        record=SnapshotRecord,
        erasure="delete",
        business=False,
        hidden=("code_seed", "card_id", "hash", "previous_hash"),
        events={},
    ),
    Kind(record=SearchEntryRecord, erasure="delete", business=False, events={}),
)
KINDS: tuple[Kind, ...] = (
    *SHARED,
    *ACCOUNT,
    *COMMENT,
    *CUSTOMER,
    *EXEMPTION,
    *GIFTCARD,
    *INBOX,
    *LOYALTY,
    *PRIVACY,
    *RETENTION,
    *SUBSCRIPTION,
    *WARRANTY,
)
