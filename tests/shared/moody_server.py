"""A server on this machine that answers whatever a bad day can bring."""

from __future__ import annotations

import json
import socket
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

Mood = Callable[[socket.socket, bytes], bool]
"""Answers a request; returns whether the connection stays."""


class Server:
    """A server on this machine that answers each request as the next mood says, the last one for
    ever. ``requests`` has what was asked; ``connections`` how many connections there were."""

    def __init__(self, *moods: Mood) -> None:
        self.moods, self.requests, self.connections = list(moods), list[bytes](), 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        stays = True
        while stays:
            try:
                request = _whole_request(connection)
            except OSError:
                break
            if request is None:
                break
            self.requests.append(request)
            mood = self.moods.pop(0) if len(self.moods) > 1 else self.moods[0]
            stays = mood(connection, request)
        connection.close()

    def stop(self) -> None:
        self._listening.close()
        for connection in self._open:
            connection.close()


def _whole_request(connection: socket.socket) -> bytes | None:
    data = b""
    while b"\r\n\r\n" not in data:
        some = connection.recv(65536)
        if not some:
            return None
        data += some
    head, _, body = data.partition(b"\r\n\r\n")
    size = int(next(line for line in head.lower().split(b"\r\n") if b"length" in line).split()[1])
    while len(body) < size:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answers(
    content: Any = None, status: int = 200, raw: bytes | None = None, **headers: str
) -> Mood:
    body = json.dumps(content if content is not None else {"Items": []}).encode()
    body = body if raw is None else raw
    lines = {"content-length": str(len(body)), "x-amz-crc32": str(zlib.crc32(body)), **headers}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)

    def mood(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(f"HTTP/1.1 {status} words\r\n{text}\r\n".encode() + body)
        return lines.get("connection") != "close"

    return mood


def hangs_up(connection: socket.socket, _: bytes) -> bool:
    """Ends the connection without an answer."""
    connection.close()
    return False


def breaks_off(connection: socket.socket, _: bytes) -> bool:
    """Ends the connection in the middle of an answer."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    return False


def falls_asleep(_: socket.socket, __: bytes) -> bool:
    time.sleep(1)
    return False


def chunked(connection: socket.socket, _: bytes) -> bool:
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'6\r\n{"Item\r\n7\r\ns": []}\r\n0\r\n\r\n'
    )
    return True
