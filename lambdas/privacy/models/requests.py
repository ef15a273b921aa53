"""What comes in: the bodies of the routes about whole customers."""

from __future__ import annotations

from collections.abc import Iterable

from shared.errors import Fault
from shared.fields import Guid, NotNegative, Page, Request
from shared.settings import OrgSettings


class CustomerMergeRequest(Request):
    """``expected_revision`` is the target's."""

    source_customer_guid: Guid
    """The customer that becomes a redirect."""
    target_customer_guid: Guid
    """The customer that stays. A merged one stands for its survivor."""
    source_expected_revision: NotNegative | None = None
    """The revision of the source that the merge is based on; another one is a `conflict`."""
    move_holds: bool = False
    """Merges although the source has a pending hold; the hold goes over to the target."""

    def faults(self, org: OrgSettings) -> Iterable[Fault]:
        yield from super().faults(org)
        if self.source_customer_guid == self.target_customer_guid:
            yield Fault("invalid", "target_customer_guid", "must be another customer")


class CustomerMergeListRequest(Page):
    customer_guid: Guid
    """The customer; a merged one is not redirected here."""


class CustomerAnonymizeRequest(Request):
    customer_guid: Guid
    """The customer; a merged one stands for its survivor."""


class CustomerDeleteRequest(Request):
    customer_guid: Guid
    """The customer; a merged one stands for its survivor, which is deleted with all of them."""


class CustomerExportRequest(Page):
    customer_guid: Guid
    """The customer; a merged one stands for its survivor."""
