"""What is stored: shops."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from shared.marks import FreeText, Id


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopRecord:
    KIND: ClassVar[str] = "shop"
    shop_guid: Id
    name: FreeText[str]
    revision: int = 1
    created_at: datetime
