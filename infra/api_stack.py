"""The route table as a REST API: one function per family, each row a method on its own path.

Nothing here lists a route. The method of a row goes to the function of its family. So does every
other method of a known path, and the door refuses it. The gateway itself answers unknown paths, in
the API's own envelope. The rights of a function follow from the rows of its family.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CfnOutput, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra import function as recipe
from infra.fault_alarms import answers
from infra.function import Records
from infra.latency_alarms import percentiles, warm_window
from infra.metrics import REFUSED_429
from infra.nag import accept
from infra.package import Package
from infra.release import Releases
from infra.settings import PREFIX, SERVICE, STAGE, Environment, FairUse
from infra.stack import ConcernStack
from infra.web_acl import web_acl
from shared import errors
from shared.envelope import HEADERS
from shared.log import namespace
from shared.routes import ANYONE, Route

_TIMEOUT_S = 28
"""A second less than the gateway waits, so that the function ends a slow call, not the gateway."""

_GATEWAY_RETRY_S = 1
"""The gateway's throttle allows new requests every second, so a longer wait is of no use."""

Refusal = type[errors.ApiError]

GATEWAY_REFUSALS: Mapping[str, Refusal] = {
    # The gateway's answer for an unknown path. With an Authorization header it is a bad signature
    # instead.
    "MISSING_AUTHENTICATION_TOKEN": errors.NotFound,
    "INVALID_SIGNATURE": errors.NotFound,
    "EXPIRED_TOKEN": errors.NotFound,
    "RESOURCE_NOT_FOUND": errors.NotFound,
    "ACCESS_DENIED": errors.Forbidden,
    "WAF_FILTERED": errors.Forbidden,
    "BAD_REQUEST_BODY": errors.InvalidInput,
    "BAD_REQUEST_PARAMETERS": errors.InvalidInput,
    "REQUEST_TOO_LARGE": errors.PayloadTooLarge,
    "UNSUPPORTED_MEDIA_TYPE": errors.UnsupportedMediaType,
    "THROTTLED": errors.RateLimited,
    "QUOTA_EXCEEDED": errors.RateLimited,
    # The call may have taken effect: it is safe to repeat under its idempotency key.
    "INTEGRATION_TIMEOUT": errors.Unavailable,
    "INTEGRATION_FAILURE": errors.Unavailable,
    "DEFAULT_4XX": errors.InvalidInput,
    "DEFAULT_5XX": errors.InternalError,
}


class ApiStack(ConcernStack):
    """The functions of every family, and the gateway before them."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        package: Package,
        families: Mapping[str, Sequence[Route]],
        records: Records,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, concern="api")
        self._environment, self._records = environment, records
        self._releases = Releases(self, "api", environment)
        self.api = self._rest_api([route for routes in families.values() for route in routes])
        if environment.fair_use is not None:
            self._keep_use_fair(environment.fair_use)
        self._answer_in_the_envelope()
        layer = recipe.layer(self, package)
        for family, routes in families.items():
            self._family(family, routes, package, layer)
        # Every path of the API document begins with the prefix, so the address ends before it. The
        # library's own output of the address ends in a slash, which would double that of a path.
        self.api.node.try_remove_child("Endpoint")
        CfnOutput(self, "ApiUrl", value=self.api.url_for_path("/").removesuffix("/"))

    def _family(
        self,
        family: str,
        routes: Sequence[Route],
        package: Package,
        layer: lambda_.LayerVersion,
    ) -> None:
        made = recipe.function(
            self,
            f"{family.capitalize()}Function",
            name=family,
            environment=self._environment,
            package=package,
            layer=layer,
            variables=self._variables(routes),
            rights=rights(routes, self._records),
            timeout_s=_TIMEOUT_S,
        )
        target = self._releases.live(
            made, family, alarms=rollback_alarms(family, routes, self._environment)
        )
        # One permission for all methods of the stage. A permission per method would allow the same,
        # and make the function's policy larger than its limit.
        target.add_permission(
            "Gateway",
            principal=iam.ServicePrincipal("apigateway.amazonaws.com"),
            source_arn=self.api.arn_for_execute_api("*", "/*", STAGE),
        )
        integration = self._integration(target)
        for path in dict.fromkeys(route.path for route in routes):
            resource = self.api.root.resource_for_path(PREFIX + path)
            for route in routes:
                if route.path == path:
                    resource.add_method(route.method, integration)
            # The door refuses any other method with an Allow header, and answers preflights.
            resource.add_method("ANY", integration)

    def _variables(self, routes: Sequence[Route]) -> dict[str, str]:
        names = {"CRM_EVENT_BUS": self._environment.shared_name}
        if not needs_table(routes):
            return names
        names |= {
            "CRM_TABLE": self._records.table_name,
            "CRM_ROOT_SECRET_ARN": self._records.root_secret_arn,
        }
        erases = any(route.erases for route in routes)
        key = {"CRM_RECEIPT_KEY_ID": self._records.receipt_key_arns[-1]}
        return names | key if erases else names

    def _integration(self, target: lambda_.IFunction) -> apigateway.Integration:
        """Returns the function as a proxy, without the permissions that the library adds per
        method."""
        uri = (
            f"arn:{self.partition}:apigateway:{self.region}:lambda:path/2015-03-31/functions/"
            f"{target.function_arn}/invocations"
        )
        return apigateway.Integration(
            type=apigateway.IntegrationType.AWS_PROXY, integration_http_method="POST", uri=uri
        )

    def _rest_api(self, routes: Sequence[Route]) -> apigateway.RestApi:
        deployed = not self._environment.emulator
        api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=self._environment.shared_name,
            description="The CRM's API.",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            # In an account without this role the gateway writes no logs. Other APIs of the account
            # may use the role too, so it is never removed.
            cloud_watch_role=deployed,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN if deployed else None,
            deploy_options=self._stage_options(routes),
        )
        self._keep_execution_log_finite(api)
        self._give_reasons(api)
        return api

    def _stage_options(self, routes: Sequence[Route]) -> apigateway.StageOptions:
        log = logs.LogGroup(
            self,
            "AccessLog",
            retention=recipe.retention(self._environment),
            removal_policy=RemovalPolicy.DESTROY,
        )
        # The gateway counts its 4xx, and not which of them were throttled.
        log.add_metric_filter(
            "Answered429",
            filter_pattern=logs.FilterPattern.string_value("$.status", "=", "429"),
            metric_namespace=namespace(self._environment.name),
            metric_name=REFUSED_429,
            metric_value="1",
            default_value=0,
        )
        return apigateway.StageOptions(
            stage_name=STAGE,
            **self._method_options(None),
            method_options={
                f"{PREFIX}{route.path}/{route.method}": apigateway.MethodDeploymentOptions(
                    **self._method_options(route.latency.tier)
                )
                for route in routes
            },
            access_log_destination=apigateway.LogGroupLogDestination(log),
            access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG)),
        )

    def _method_options(self, tier: str | None) -> dict[str, Any]:
        """Returns the settings of the routes of a latency class, or of every other method. They do
        not add to those of the stage but take their place, so all of them stand here."""
        throttle = self._environment.throttles[tier]
        return {
            "throttling_rate_limit": throttle.rate,
            "throttling_burst_limit": throttle.burst,
            "metrics_enabled": self._environment.detailed_metrics,
            "logging_level": apigateway.MethodLoggingLevel.ERROR,
            # Bodies are personal data, headers are credentials.
            "data_trace_enabled": False,
        }

    def _keep_use_fair(self, limits: FairUse) -> None:
        body = refused(errors.RateLimited, self._build())
        # The web ACL cannot insert the id of the request.
        del body["stats"]["request_id"]
        acl = web_acl(self, self._environment, limits, body)
        wafv2.CfnWebACLAssociation(
            self,
            "WebAclOfTheStage",
            resource_arn=self.api.deployment_stage.stage_arn,
            web_acl_arn=acl.attr_arn,
        )

    def _build(self) -> dict[str, str]:
        return {f"build_{part}": value for part, value in self._environment.build.items()}

    def _keep_execution_log_finite(self, api: apigateway.RestApi) -> None:
        """Makes the log group first: the gateway would make it without a retention period."""
        log = logs.LogGroup(
            self,
            "ExecutionLog",
            log_group_name=f"API-Gateway-Execution-Logs_{api.rest_api_id}/{STAGE}",
            retention=recipe.retention(self._environment),
            removal_policy=RemovalPolicy.DESTROY,
        )
        api.deployment_stage.node.add_dependency(log)

    def _answer_in_the_envelope(self) -> None:
        build = self._build()
        for name, refusal in GATEWAY_REFUSALS.items():
            headers = {
                # The template sets the media type.
                **{name: f"'{value}'" for name, value in HEADERS.items() if name != "content-type"},
                "X-Request-Id": "context.requestId",
            }
            if refusal.retryable:
                headers["Retry-After"] = f"'{_GATEWAY_RETRY_S}'"
            self.api.add_gateway_response(
                name.title().replace("_", ""),
                type=apigateway.ResponseType.of(name),
                status_code=str(refusal.status),
                response_headers=headers,
                templates={"application/json": json.dumps(refused(refusal, build))},
            )

    def _give_reasons(self, api: apigateway.RestApi) -> None:
        reasons = {
            "APIG2": "The door validates every body against its row's model and returns all faults "
            "at once in the envelope; a weaker check before it would answer in another form.",
            "APIG4": "Callers are sessions and API keys of an org, which only the table knows: the "
            "door identifies them on every route but the public health check.",
            "COG4": "The API does not manage identities: sessions come from the platform, so a "
            "user pool would be empty.",
        }
        if self._environment.fair_use is None:
            reasons["APIG3"] = (
                "A web ACL has a fixed monthly price, and nobody but its developers calls this "
                "environment; the throttles of the routes work without it."
            )
        for rule, reason in reasons.items():
            accept(api, rule, reason)
        if not self._environment.emulator:
            managed = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
            accept(
                api.node.find_child("CloudWatchRole"),
                f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{managed}]",
                "The gateway uses this role for the whole account and refuses one with less than "
                "its managed policy; only the gateway's own service can assume it.",
            )


ACCESS_LOG = {
    "request_id": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    # The pattern of the path, not the path: a path that somebody typed may be personal.
    "resource": "$context.resourcePath",
    "status": "$context.status",
    "latency_ms": "$context.responseLatency",
    "integration_ms": "$context.integrationLatency",
    "integration_status": "$context.integration.status",
    "response_bytes": "$context.responseLength",
    "gateway_error": "$context.error.responseType",
}
"""The fields of the access log. None names a person, an address or a device, and there is no query
and no header. The function's log has the fingerprint of the credential."""


def refused(refusal: Refusal, build: Mapping[str, str]) -> dict[str, Any]:
    """Returns the envelope of an error that the gateway returns itself. The gateway inserts values
    unescaped. So it inserts only values that it makes itself, and not the path, for example."""
    return {
        "success": False,
        "error": {
            "major": {"tag": refusal.tag, "message": refusal.message},
            "minor": [],
            "retryable": refusal.retryable,
            "detail": {},
        },
        "build": build,
        "stats": {"service": SERVICE, "request_id": "$context.requestId", "build": build},
    }


def rollback_alarms(family: str, routes: Sequence[Route], environment: Environment) -> list[str]:
    """Returns the names of the alarms that take back a canary of the family: those on its answers
    with a 5xx, and those on the latency classes of its rows. The alarm stack has them."""
    names = [name for name, _ in answers(family, routes)] if environment.detailed_metrics else []
    for tier in sorted({route.latency.tier for route in routes}):
        rows = [route for route in routes if route.latency.tier == tier]
        names += [warm_window(tier, percentile) for percentile in percentiles(rows)]
    return [environment.alarm(name) for name in names]


def needs_table(routes: Sequence[Route]) -> bool:
    """Returns whether any row needs its caller, and so has to read the table."""
    return any(route.roles != (ANYONE,) for route in routes)


def rights(routes: Sequence[Route], records: Records) -> list[iam.PolicyStatement]:
    """Returns the rights that the rows of a family need together."""
    if not needs_table(routes):
        return []
    needed = [*recipe.may_read(records), *recipe.may_extend_sessions(records)]
    if any(route.writes for route in routes):
        needed += recipe.may_write(records)
    if any(route.erases for route in routes):
        needed += recipe.may_erase(records)
    return needed
