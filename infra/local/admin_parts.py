"""What the modules of the administration command have in common."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from shared.fields import ORGCODE


def group(about: str | None) -> typer.Typer:
    return typer.Typer(
        help=about, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False
    )


def _code(text: str) -> str:
    code = text.strip().upper()
    if not re.fullmatch(ORGCODE, code):
        raise typer.BadParameter("2 to 32 of A-Z, 0-9 and -")
    return code


OrgCode = Annotated[str, typer.Argument(help="The organisation's code.", callback=_code)]
