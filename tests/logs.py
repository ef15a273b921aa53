"""What the service logs, at the level that it has in production."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from shared import log


@contextmanager
def logged_to(stream: TextIO, level: str = "INFO") -> Iterator[None]:
    """All that the service logs goes to this stream, and nowhere else."""
    logger = log.logger()
    before, kept_level = logger.registered_handler.setStream(stream), logger.log_level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(kept_level)
        if before is not None:
            logger.registered_handler.setStream(before)
