"""Nobody takes more than a fair part: limits per route, per address, per credential and per org."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.settings import PREFIX, Throttle
from shared import errors
from shared.envelope import HEADERS
from shared.routes import Tier
from tests.infra.conftest import FAMILIES, Deploy, Deployment
from tests.infra.test_nag import accepted

STAGE, ACL = "AWS::ApiGateway::Stage", "AWS::WAFv2::WebACL"


def throttles(deployment: Deployment) -> dict[tuple[str, str], Throttle]:
    """The limit of each method by its name and path, and that of all others."""
    (stage,) = deployment.properties("api", STAGE)
    return {
        (each["HttpMethod"], each["ResourcePath"].replace("~1", "/").replace("//", "/")): Throttle(
            each["ThrottlingRateLimit"], each["ThrottlingBurstLimit"]
        )
        for each in stage["MethodSettings"]
    }


def rules(deployment: Deployment) -> list[dict[str, Any]]:
    """The rules of the web ACL in the order in which they are asked."""
    (acl,) = deployment.properties("api", ACL)
    return sorted(acl["Rules"], key=lambda rule: int(rule["Priority"]))


def limits(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """The rules that limit a rate, by their names."""
    return {
        rule["Name"]: rule["Statement"]["RateBasedStatement"]
        for rule in rules(deployment)
        if "RateBasedStatement" in rule["Statement"]
    }


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
def test_each_row_has_the_throttle_of_its_class(name: str, deployments: Deploy) -> None:
    deployment = deployments(name)
    expected = {
        (route.method, PREFIX + route.path): deployment.settings.throttles[route.latency.tier]
        for routes in FAMILIES.values()
        for route in routes
    }
    # Wrong methods of known paths reach a function too, which only refuses them.
    others = deployment.settings.throttles[None]
    assert throttles(deployment) == {**expected, ("*", "/*"): others}
    assert others.rate < min(throttle.rate for throttle in expected.values())
    assert set(deployment.settings.throttles) == {*(tier.name for tier in Tier), None}
    for throttle in throttles(deployment).values():
        assert throttle.burst >= throttle.rate > 0


@pytest.mark.parametrize("name", ["test", "prod"])
def test_the_web_acl_is_before_the_stage(name: str, deployments: Deploy) -> None:
    deployment = deployments(name)
    (acl,) = deployment.resources("api", ACL)
    (link,) = deployment.properties("api", "AWS::WAFv2::WebACLAssociation")
    assert link["WebACLArn"] == {"Fn::GetAtt": [acl, "Arn"]}
    (stage,) = deployment.resources("api", STAGE)
    assert {"Ref": stage} in link["ResourceArn"]["Fn::Join"][1]
    assert deployment.properties("api", ACL)[0]["Scope"] == "REGIONAL"
    assert deployment.properties("api", ACL)[0]["DefaultAction"] == {"Allow": {}}
    assert not [rule for _, rule, _ in accepted(deployment.app) if rule.endswith("APIG3")]


def test_dev_does_without_a_web_acl_and_says_why(dev: Deployment) -> None:
    dev.template("api").resource_count_is(ACL, 0)
    dev.template("api").resource_count_is("AWS::WAFv2::WebACLAssociation", 0)
    assert [rule for _, rule, _ in accepted(dev.app) if rule.endswith("APIG3")]


@pytest.mark.parametrize("name", ["test", "prod"])
def test_each_caller_is_limited_by_the_header_that_names_it(name: str, deployments: Deploy) -> None:
    fair = deployments(name).settings.fair_use
    assert fair is not None
    found = limits(deployments(name))
    assert found.pop("Address") == {
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": 60,
        "Limit": fair.per_address,
    }
    expected = {
        "Session": ("x-session-guid", fair.per_credential),
        "Key": ("x-api-key", fair.per_credential),
        "Org": ("x-orgcode", fair.per_org),
    }
    for rule, (header, limit) in expected.items():
        statement = found.pop(rule)
        assert statement["AggregateKeyType"] == "CUSTOM_KEYS"
        assert (statement["Limit"], statement["EvaluationWindowSec"]) == (limit, 60)
        (key,) = statement["CustomKeys"]
        assert key["Header"]["Name"] == header
        # "acme " and "ACME" are one org at the door.
        kinds = [each["Type"] for each in key["Header"]["TextTransformations"]]
        assert kinds == ["COMPRESS_WHITE_SPACE", "LOWERCASE"]
    assert not found


def test_what_one_address_may_send_cannot_use_up_an_org_s_limit(prod: Deployment) -> None:
    fair = prod.settings.fair_use
    assert fair is not None
    assert fair.per_address < fair.per_org
    names = [rule["Name"] for rule in rules(prod)]
    # What an earlier rule refuses does not count in a later one.
    assert names.index("Address") < names.index("Org")


def test_whoever_is_limited_is_told_in_the_envelope_when_to_come_again(prod: Deployment) -> None:
    (acl,) = prod.properties("api", ACL)
    for rule in rules(prod):
        if "RateBasedStatement" not in rule["Statement"]:
            continue
        answer = rule["Action"]["Block"]["CustomResponse"]
        assert answer["ResponseCode"] == errors.RateLimited.status == 429
        headers = {each["Name"]: each["Value"] for each in answer["ResponseHeaders"]}
        assert headers["Retry-After"] == "60"
        assert headers.items() >= {
            (name, value) for name, value in HEADERS.items() if name != "content-type"
        }
        made = acl["CustomResponseBodies"][answer["CustomResponseBodyKey"]]
        assert made["ContentType"] == "APPLICATION_JSON"
        body = json.loads(made["Content"])
        assert body["error"]["major"]["tag"] == errors.RateLimited.tag
        assert body["error"]["retryable"] is True
        # Nothing is inserted here, so nothing may ask for it.
        assert "$" not in made["Content"]


def test_the_managed_rules_act_but_for_those_that_read_bodies(prod: Deployment) -> None:
    groups = {
        rule["Statement"]["ManagedRuleGroupStatement"]["Name"]: rule
        for rule in rules(prod)
        if "ManagedRuleGroupStatement" in rule["Statement"]
    }
    assert set(groups) == {
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
    }
    for rule in groups.values():
        assert rule["OverrideAction"] == {"None": {}}
        overrides = rule["Statement"]["ManagedRuleGroupStatement"]["RuleActionOverrides"]
        assert all(each["ActionToUse"] == {"Count": {}} for each in overrides)
        # A comment may hold any text, and 64 KiB of it.
        assert all(each["Name"].endswith(("_BODY", "_HEADER")) for each in overrides)
    common = groups["AWSManagedRulesCommonRuleSet"]["Statement"]["ManagedRuleGroupStatement"]
    assert "SizeRestrictions_BODY" in [each["Name"] for each in common["RuleActionOverrides"]]


def test_no_request_is_kept_by_the_web_acl(prod: Deployment) -> None:
    (acl,) = prod.properties("api", ACL)
    for visible in (acl, *acl["Rules"]):
        assert visible["VisibilityConfig"]["SampledRequestsEnabled"] is False
        assert visible["VisibilityConfig"]["CloudWatchMetricsEnabled"] is True
    prod.template("api").resource_count_is("AWS::WAFv2::LoggingConfiguration", 0)


def test_the_rules_fit_into_a_web_acl(prod: Deployment) -> None:
    """1,500 capacity units are in the price. Those of the managed groups are as documented."""
    managed = {"AmazonIpReputationList": 25, "KnownBadInputsRuleSet": 200, "CommonRuleSet": 700}
    # 2 for a limit, 30 for a key, 10 for a transformation of it.
    limited = 2 + 3 * (2 + 30 + 2 * 10)
    assert {rule["Name"] for rule in rules(prod)} == {*managed, *limits(prod)}
    assert sum(managed.values()) + limited <= 1_500
