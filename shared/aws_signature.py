"""Signature Version 4: the signature of a request to AWS, for the requests that the service makes.

They all are POST requests to the path ``/`` without a query, so most of the general form is fixed.
The key of a day is derived once.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class Signer:
    """Signs requests to one service in one region, for one ``host`` (as its header has it)."""

    service: str
    region: str
    host: str
    _derived: tuple[str, str, bytes] | None = None

    def headers(
        self, credentials: Credentials, target: str, content_type: str, body: bytes, now: datetime
    ) -> dict[str, str]:
        """Returns the headers of a request of this time, the signature among them."""
        moment = f"{now:%Y%m%dT%H%M%SZ}"
        signed = {
            "content-type": content_type,
            "host": self.host,
            "x-amz-date": moment,
            "x-amz-target": target,
        }
        if credentials.token is not None:
            # Between the date and the target: the names must be in the order of the alphabet.
            signed = {**signed, "x-amz-security-token": credentials.token}
            signed = dict(sorted(signed.items()))
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{moment[:8]}/{self.region}/{self.service}/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
        signature = hmac.new(self._key(credentials, moment[:8]), text.encode(), "sha256")
        signed["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature.hexdigest()}"
        )
        return signed

    def _key(self, credentials: Credentials, day: str) -> bytes:
        derived = self._derived
        if derived is None or derived[:2] != (credentials.secret_key, day):
            key = f"AWS4{credentials.secret_key}".encode()
            for part in (day, self.region, self.service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            # One assignment: another thread sees the old one or the new one.
            self._derived = derived = (credentials.secret_key, day, key)
        return derived[2]
