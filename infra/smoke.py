"""What a pipeline asks right after a deployment: does each function answer, and with this build?

``make smoke`` runs this module. It needs no credential and changes nothing. It asks each family for
one route without a credential. The refusal shows that the function starts, reads its settings and
answers in the envelope. It prints one line for each question, and exits with 1 where an answer is
not as it should be.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.deployment import address_of
from infra.local.identities import Refused
from shared.routes import ANYONE, Route

TRIES, TIMEOUT_S = 3, 10.0
"""A function that was deployed a moment ago may take a cold start, and the gateway a retry."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request without a credential, and the answer that it should get. ``tag``: of the error, or
    None for an answer."""

    method: str
    path: str
    status: int
    tag: str | None = None


def questions(families: Mapping[str, Sequence[Route]]) -> Iterator[Question]:
    """Returns what is asked: one route of each family, and a path that does not exist."""
    for rows in families.values():
        row = rows[0]
        if row.roles == (ANYONE,):
            yield Question(row.method, row.path, 200)
        else:
            yield Question(row.method, row.path, 401, "unauthorized")
    yield Question("POST", "/no/such/path", 404, "not-found")


def answered(url: str, question: Question) -> tuple[int, dict[str, Any]]:
    """Returns the status and the body. Raises ``OSError`` where there is no answer, or none that is
    JSON."""
    request = urllib.request.Request(
        f"{url}/crm{question.path}",
        method=question.method,
        data=b"{}" if question.method == "POST" else None,
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    try:
        body = json.loads(text)
    except ValueError:
        raise OSError(f"status {status} without JSON") from None
    return status, body if isinstance(body, dict) else {}


def faults(
    question: Question, status: int, body: Mapping[str, Any], build: str | None
) -> list[str]:
    """Returns what is wrong with an answer. ``build``: the build that was deployed; the answers of
    the gateway itself name none."""
    found = []
    if status != question.status:
        found.append(f"status {status} instead of {question.status}")
    error = body.get("error") or {}
    tag = (error.get("major") or {}).get("tag")
    if body.get("success") is not (question.tag is None) or tag != question.tag:
        found.append(f"not the envelope of {question.tag or 'an answer'}")
    served = (body.get("build") or {}).get("build_id")
    if build is not None and question.status != 404 and served != build:
        found.append(f"build {served} instead of {build}")
    return found


def checked(url: str, families: Mapping[str, Sequence[Route]], build: str | None) -> Iterator[str]:
    """Asks everything. Returns a line for each question; those that begin with ``ok`` are right."""
    for question in questions(families):
        name = f"{question.method} {question.path}"
        wrong: list[str] = []
        for _ in range(TRIES):
            try:
                wrong = faults(question, *answered(url, question), build)
            except OSError as error:
                wrong = [f"no answer: {error}"]
            if not wrong:
                break
        yield f"FAILED  {name}: {'; '.join(wrong)}" if wrong else f"ok      {name}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--environment", help="a deployed one, by the outputs of its stacks")
    where.add_argument("--url", help="an address, without /crm")
    parser.add_argument("--build-id", help="the build that must answer; any if absent")
    given = parser.parse_args(arguments)
    # Imported here: it imports every model.
    from lambdas.families import FAMILIES

    try:
        url = str(given.url or address_of(given.environment)).rstrip("/")
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    lines = list(checked(url, FAMILIES, given.build_id))
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if all(line.startswith("ok") for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
