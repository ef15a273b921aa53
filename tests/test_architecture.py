"""The rules of the house, kept by a test: who may import what, and how large things may get."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from lambdas.families import FAMILIES

ROOT = Path(__file__).resolve().parents[1]
CODE = ("lambdas", "shared", "infra", "tests")

# Folders below lambdas/ that are functions of their own but no family of routes.
CONSUMERS = {"events", "search", "jobs"}
# Whoever works on every kind of record may read the registry of kinds.
READS_KINDS = {"privacy", "retention", "events", "jobs"}
# What a rule may stand on, besides its own family's models and rules. Of the codec only the way in
# which answers show a value, which refusals need for their detail; of the contact points only the
# forms in which they are compared; of the customer's state only the records and the words for what
# blocks an action, not the reads and the guard; of the search only what two records of one person
# have in common.
UNDER_RULES = (
    "shared.fields",
    "shared.errors",
    "shared.states",
    "shared.calendars",
    "shared.ledger",
    "shared.calendars",
    "shared.kinds",
    "shared.marks",
    "shared.codec.shown_value",
    "shared.contact_points.normal_contact_point",
    "shared.contact_points.normal_email",
    "shared.customer_state.CustomerStateRecord",
    "shared.customer_state.OrderHoldRecord",
    "shared.customer_state.BLOCK",
    "shared.customer_state.EXPIRED",
    "shared.customer_state.HOLD",
    "shared.search.traits",
)
# Families that may reach into another one, and how far.
REACHES = {
    "privacy": (
        "lambdas.customer.rules",
        "lambdas.customer.models",
        "lambdas.customer.storage",
        "lambdas.customer.risk_storage",
        "lambdas.retention.rules",
        "lambdas.retention.storage",
    ),
    "jobs": (
        "lambdas.loyalty.models.records",
        "lambdas.loyalty.operations.ledger_replay",
        "lambdas.loyalty.storage",
        "lambdas.privacy",
        "lambdas.retention",
        "lambdas.subscription",
    ),
}
# The errors of the SDK are caught where the calls are made; its clients are made in one place.
CATCHES_SDK_ERRORS = {
    "shared/table.py",
    "lambdas/events/handler.py",
    "infra/local/deployment.py",
    "infra/local/restored_table.py",
    "infra/local/signing.py",
}
EMPTY_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "manager", "service", "misc"}
LINES_OF_A_MODULE, LINES_OF_A_FUNCTION = 400, 50


def sources() -> list[Path]:
    """Every Python file of the project, relative to its root."""
    found = [path for top in CODE for path in (ROOT / top).rglob("*.py")]
    return sorted(path.relative_to(ROOT) for path in [*found, ROOT / "app.py"] if path.exists())


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(), filename=str(path))


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a module imports, ``from a import b`` as ``a.b`` as well as ``a``."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it reaches"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importing(*prefixes: str) -> list[tuple[str, str]]:
    """(file, name) of every import of something below one of the prefixes."""
    return [
        (str(path), name) for path in sources() for name in imports(path) if within(name, prefixes)
    ]


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def folder(path: Path) -> str | None:
    """The folder below lambdas/ that a file belongs to; None for what lies elsewhere."""
    return path.parts[1] if path.parts[0] == "lambdas" and len(path.parts) > 2 else None


def is_rule(path: Path) -> bool:
    return folder(path) is not None and (path.name == "rules.py" or "rules" in path.parts[2:-1])


def is_ledger(path: Path) -> bool:
    return path.parts[:2] == ("shared", "ledger")


def test_what_the_rules_of_the_house_name_is_there() -> None:
    """A rule about something that has moved would hold for nothing."""
    for name in (*UNDER_RULES, *(n for reached in REACHES.values() for n in reached)):
        if name.startswith("lambdas.privacy"):
            continue  # comes with the customer's life
        module, _, attribute = name.rpartition(".")
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            assert hasattr(importlib.import_module(module), attribute), name
    for file in CATCHES_SDK_ERRORS:
        assert (ROOT / file).exists(), file


def test_the_layer_knows_no_family_and_deployed_code_nothing_local() -> None:
    upwards = {"shared": ("lambdas", "infra", "tests"), "lambdas": ("infra", "tests")}
    wrong = [
        (str(path), name)
        for path in sources()
        for name in imports(path)
        if within(name, upwards.get(path.parts[0], ()))
    ]
    assert wrong == []


def test_no_family_imports_another() -> None:
    wrong = []
    for path in sources():
        family = folder(path)
        if family is None:
            continue
        allowed = (f"lambdas.{family}", "lambdas.kinds", *REACHES.get(family, ()))
        wrong += [
            (str(path), name)
            for name in imports(path)
            if within(name, ("lambdas",))
            and name != "lambdas"
            and not within(name, allowed)
            # ``from lambdas.customer import storage`` names the family beside what it takes of it.
            and not any(part.startswith(name + ".") for part in allowed)
        ]
    assert wrong == []


def test_the_registry_of_kinds_is_read_by_those_who_work_on_every_kind() -> None:
    wrong = []
    for path in sources():
        may = path.parts[0] in ("infra", "tests") or folder(path) in READS_KINDS
        if not may and "lambdas.kinds" in imports(path):
            wrong.append(str(path))
    assert wrong == []


def test_rules_decide_on_values_alone() -> None:
    wrong = []
    for path in filter(is_rule, sources()):
        own = (f"lambdas.{folder(path)}.models", f"lambdas.{folder(path)}.rules")
        for name in imports(path):
            top = name.partition(".")[0]
            # ``from shared.codec import shown_value`` names the module beside what it takes of it.
            ours = within(name, (*own, *UNDER_RULES)) or any(
                part.startswith(name + ".") for part in UNDER_RULES
            )
            if folder(path) == "privacy":
                decides_with = (name for name in REACHES["privacy"] if "storage" not in name)
                ours = ours or within(name, tuple(decides_with))
            if not ours and not (top in sys.stdlib_module_names and top not in ("os", "time")):
                wrong.append((str(path), name))
    assert wrong == []


def test_kinds_are_pure() -> None:
    impure = (
        "shared.api",
        "shared.call",
        "shared.clients",
        "shared.table",
        "shared.writes",
        "shared.settings",
    )
    kinds = [str(path) for path in sources() if path.name == "kinds.py"]
    assert len(kinds) > 4
    assert [(f, n) for f, n in importing(*impure) if f in kinds] == []


def test_neither_rules_nor_ledgers_know_floats() -> None:
    wrong = []
    exact = [path for path in sources() if is_rule(path) or is_ledger(path)]
    assert sum(map(is_ledger, exact)) > 3
    assert sum(map(is_rule, exact)) > 3
    for path in exact:
        for node in ast.walk(tree(path)):
            literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            if literal or (isinstance(node, ast.Name) and node.id == "float"):
                wrong.append(f"{path}:{node.lineno}")
    assert wrong == []


def test_the_sdk_is_imported_by_the_clients_alone() -> None:
    wrong = []
    for file, name in importing("boto3", "botocore"):
        catches = within(name, ("botocore.exceptions",)) and file in CATCHES_SDK_ERRORS
        if not (file.startswith("tests/") or file.endswith("/clients.py") or catches):
            wrong.append((file, name))
    assert wrong == []


def test_powertools_is_imported_by_the_log_alone() -> None:
    found = {file for file, _ in importing("aws_lambda_powertools")}
    assert {file for file in found if not file.startswith("tests/")} == {"shared/log.py"}


def test_cdk_is_imported_by_the_stacks_alone() -> None:
    for file, name in importing("aws_cdk", "constructs", "cdk_nag"):
        stacks = file.startswith(("infra/", "tests/infra/")) and "/local/" not in file
        assert stacks or file == "app.py", (file, name)


def test_the_environment_is_read_by_the_settings_alone() -> None:
    wrong = []
    for path in sources():
        if path.name == "settings.py" or path.parts[0] == "tests":
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "putenv"):
                wrong.append(f"{path}:{node.lineno}")
        wrong += [f"{path}: {n}" for n in imports(path) if n in ("os.environ", "os.getenv")]
    assert wrong == []


def test_every_folder_of_lambdas_is_a_family_or_a_consumer() -> None:
    folders = {folder(path) for path in sources() if folder(path) is not None}
    assert folders <= set(FAMILIES) | CONSUMERS
    assert set(FAMILIES) <= folders


def test_importing_the_deployed_code_touches_neither_aws_nor_the_environment() -> None:
    modules = [
        ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for path in sources()
        if path.parts[0] in ("lambdas", "shared")
    ]
    program = f"""
import importlib, sys
for name in {modules}:
    importlib.import_module(name)
heavy = [m for m in ("boto3", "botocore", "aws_lambda_powertools") if m in sys.modules]
assert not heavy, f"imported too early: {{heavy}}"
from shared.clients import _clients
from shared.settings import settings
assert settings.cache_info().currsize == 0, "the settings were read at import"
assert not _clients, "a client was made at import"
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("path", sources(), ids=str)
def test_modules_and_functions_stay_small_and_have_names_that_say_something(path: Path) -> None:
    lines = (ROOT / path).read_text().count("\n")
    assert lines <= LINES_OF_A_MODULE, f"{path} has {lines} lines"
    assert not EMPTY_NAMES & {part.removesuffix(".py") for part in path.parts}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LINES_OF_A_FUNCTION, f"{path}:{node.lineno} {node.name}: {length}"


@pytest.mark.parametrize("path", sources(), ids=str)
def test_every_module_says_what_lives_in_it(path: Path) -> None:
    if (ROOT / path).read_text().strip():
        assert ast.get_docstring(tree(path)), f"{path} has no docstring"


def test_the_steps_of_the_readme_name_what_is_there() -> None:
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("### A family in seven steps")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\d\. ", section, flags=re.MULTILINE)) == 7
    verbs = re.findall(r"^([a-z0-9]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"`([^`]+)`", section)
    assert len(named) > 15
    for name in named:
        if name.startswith("make "):
            assert name.removeprefix("make ") in verbs, name
        elif name.endswith((".py", ".json")):
            # Not every family has one module of operations.
            place = ROOT / name.replace("<family>", "account")
            assert place.exists() or place.with_suffix("").is_dir(), name


def test_nothing_committed_names_a_place_on_a_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    place = re.compile(r"/(?:root|home|Users)/\w|/tmp/\w+/venv|\bregistry\.npmjs\b|\bpypi\.org\b")
    wrong = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.exists() and path != Path(__file__) and place.search(path.read_text("utf-8")):
            wrong.append(name)
    assert wrong == []
