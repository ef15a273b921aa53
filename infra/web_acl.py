"""Fair use: the web ACL before the gateway, with managed rules and with limits per caller.

A limit counts the requests of one address, of one credential, or of one org, by the headers in
which callers name them. Whoever names them in the body counts by address only. A refusal has the
API's envelope and says when to come again.

Nothing here keeps a request: there is no log, and no samples, because headers are credentials.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_wafv2 as wafv2

from infra.settings import Environment, FairUse
from shared.envelope import HEADERS

Acl = wafv2.CfnWebACL

WINDOW_S = 60
"""A limit counts the requests of the last minute. So whoever waits that long is served again."""
_REFUSAL = "rate-limited"

_MANAGED: Mapping[str, Sequence[str]] = {
    "AWSManagedRulesAmazonIpReputationList": (),
    "AWSManagedRulesKnownBadInputsRuleSet": ("JavaDeserializationRCE_BODY", "Log4JRCE_BODY"),
    "AWSManagedRulesCommonRuleSet": (
        "CrossSiteScripting_BODY",
        "EC2MetaDataSSRF_BODY",
        "GenericLFI_BODY",
        "GenericRFI_BODY",
        "NoUserAgent_HEADER",
        "SizeRestrictions_BODY",
    ),
}
"""The managed groups, each with those of its rules that only count. A comment may say anything, in
64 KiB, and the door checks every body. A client need not say what program it is."""


def web_acl(
    stack: Stack, environment: Environment, limits: FairUse, refusal: Mapping[str, object]
) -> wafv2.CfnWebACL:
    """Returns the web ACL. The limit per address comes first: what it refuses counts against no
    org, so that a stranger at one address cannot use up the requests of an org."""
    first = [_limit("Address", 0, limits.per_address)]
    managed = [
        _group(name, place, counted)
        for place, (name, counted) in enumerate(_MANAGED.items(), start=len(first))
    ]
    by_header = [
        ("Session", limits.per_credential, "x-session-guid"),
        ("Key", limits.per_credential, "x-api-key"),
        ("Org", limits.per_org, "x-orgcode"),
    ]
    start = len(first) + len(managed)
    return Acl(
        stack,
        "WebAcl",
        name=environment.shared_name,
        description="Managed rules, and limits per address, credential and org.",
        scope="REGIONAL",
        default_action=Acl.DefaultActionProperty(allow=Acl.AllowActionProperty()),
        rules=[
            *first,
            *managed,
            *(
                _limit(name, place, limit, header)
                for place, (name, limit, header) in enumerate(by_header, start=start)
            ),
        ],
        custom_response_bodies={
            _REFUSAL: Acl.CustomResponseBodyProperty(
                content=json.dumps(refusal), content_type="APPLICATION_JSON"
            )
        },
        visibility_config=_visibility("All"),
    )


def _limit(name: str, place: int, limit: int, header: str | None = None) -> Acl.RuleProperty:
    """Returns the rule that refuses what is over the limit, of one address or of one value of the
    header. Requests without the header are not counted."""
    keys = None if header is None else [_key(header)]
    return Acl.RuleProperty(
        name=name,
        priority=place,
        action=Acl.RuleActionProperty(block=Acl.BlockActionProperty(custom_response=_refusal())),
        statement=Acl.StatementProperty(
            rate_based_statement=Acl.RateBasedStatementProperty(
                aggregate_key_type="IP" if keys is None else "CUSTOM_KEYS",
                custom_keys=keys,
                evaluation_window_sec=WINDOW_S,
                limit=limit,
            )
        ),
        visibility_config=_visibility(name),
    )


def _key(header: str) -> Acl.RateBasedStatementCustomKeyProperty:
    # The door trims an org's code and takes it in either case, so it is one org here too.
    return Acl.RateBasedStatementCustomKeyProperty(
        header=Acl.RateLimitHeaderProperty(
            name=header,
            text_transformations=[
                Acl.TextTransformationProperty(priority=0, type="COMPRESS_WHITE_SPACE"),
                Acl.TextTransformationProperty(priority=1, type="LOWERCASE"),
            ],
        )
    )


def _refusal() -> Acl.CustomResponseProperty:
    headers = {**HEADERS, "Retry-After": str(WINDOW_S)}
    # The web ACL sets the media type itself, and refuses to have it named.
    headers.pop("content-type")
    return Acl.CustomResponseProperty(
        response_code=429,
        custom_response_body_key=_REFUSAL,
        response_headers=[
            Acl.CustomHTTPHeaderProperty(name=name, value=value) for name, value in headers.items()
        ],
    )


def _group(name: str, place: int, counted: Sequence[str]) -> Acl.RuleProperty:
    counts = Acl.RuleActionProperty(count=Acl.CountActionProperty())
    return Acl.RuleProperty(
        name=name.removeprefix("AWSManagedRules"),
        priority=place,
        # The rules of the group act as they say.
        override_action=Acl.OverrideActionProperty(none={}),
        statement=Acl.StatementProperty(
            managed_rule_group_statement=Acl.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=name,
                rule_action_overrides=[
                    Acl.RuleActionOverrideProperty(name=each, action_to_use=counts)
                    for each in counted
                ],
            )
        ),
        visibility_config=_visibility(name.removeprefix("AWSManagedRules")),
    )


def _visibility(name: str) -> Acl.VisibilityConfigProperty:
    return Acl.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True,
        metric_name=name,
        # A sample keeps the headers of a request, and so its credentials.
        sampled_requests_enabled=False,
    )
