"""The usual stack: Powertools' resolver with validation and its logger, over the same routes and
the same request models. Its handlers read nothing: they answer what they were made with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import Parameter, Signature
from typing import Annotated, Any, TextIO

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import BaseModel, create_model

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
Answering = Callable[[Any, Any], dict[str, Any]]


def canned(row: Any, _: Any) -> dict[str, Any]:
    """An answer of the usual size."""
    return {
        "success": True,
        "data": row.sample,
        "revision": 1,
        "stats": {"call": row.call, "service": "crm", "request_id": "bench-request"},
    }


def handler(
    rows: Iterable[Any],
    *,
    every_call: type[BaseModel],
    stream: TextIO | None = None,
    answering: Answering = canned,
    eager: bool = False,
) -> Handler:
    """A Lambda handler for the rows. ``every_call``: the fields that every route takes.
    ``stream`` is where the log goes (standard output);
    ``answering(row, body)`` makes the answer. ``eager`` builds the models' validators here,
    pydantic's own default; without it they are built when first used, as this project has it."""
    logger = Logger(service="peer", utc=True, level="INFO")
    if stream is not None:
        # The logger of a name is one per process and keeps the stream that it was first given;
        # ``setStream`` would flush that one, which may be closed by now.
        logger.registered_handler.stream = stream
    app = APIGatewayRestResolver(enable_validation=True, strip_prefixes=["/crm"])
    for row in rows:
        _add(app, row, every_call, answering, eager)

    @logger.inject_lambda_context
    def answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
        answered = app.resolve(event, context)
        logger.info("answered", extra={"call": event["path"], "status": answered["statusCode"]})
        return answered

    return answer


def _add(
    app: APIGatewayRestResolver,
    row: Any,
    every_call: type[BaseModel],
    answering: Answering,
    eager: bool,
) -> None:
    def operation(**given: Any) -> Any:
        return answering(row, given.get("body"))

    # Powertools reads the signature: the whole body is one model, and the answer is checked.
    body: list[Parameter] = []
    if row.request is not None:
        # The fields that every route takes are part of the model here, as they would be.
        model = create_model(f"{row.request.__name__}Call", __base__=(row.request, every_call))
        if eager:
            model.model_rebuild(force=True)
        body = [Parameter("body", Parameter.KEYWORD_ONLY, annotation=Annotated[model, Body()])]
    operation.__signature__ = Signature(  # type: ignore[attr-defined]
        body, return_annotation=dict[str, Any]
    )
    operation.__name__ = row.path.strip("/").replace("/", "_")
    app.route(row.path, method=row.method)(operation)
