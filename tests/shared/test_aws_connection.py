"""The connection of our own client: what it reads, how long it waits, whom it believes."""

from __future__ import annotations

import datetime as dt
import http.client
import io
import ipaddress
import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from shared import aws_connection
from shared.aws_connection import IDLE_S, Connection, Cut, Garbled, tls

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Pipe:
    """A socket that gives these pieces, one at each reading, and then the end. ``clock`` moves on
    by ``each_s`` with every piece."""

    def __init__(self, *pieces: bytes, each_s: float = 0, end: bytes | Exception = b"") -> None:
        self.pieces, self.each_s, self.end = list(pieces), each_s, end
        self.now, self.sent, self.waits = 0.0, b"", list[float]()
        self.is_closed = False

    def recv(self, _: int) -> bytes:
        self.now += self.each_s
        if self.pieces:
            return self.pieces.pop(0)
        if isinstance(self.end, Exception):
            raise self.end
        return self.end

    def recv_into(self, place: memoryview) -> int:
        data = self.recv(0)
        # As a socket, it gives no more than there is room for.
        fits, rest = data[: len(place)], data[len(place) :]
        place[: len(fits)] = fits
        if rest:
            self.pieces.insert(0, rest)
        return len(fits)

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def settimeout(self, seconds: float) -> None:
        self.waits.append(seconds)

    def setsockopt(self, *_: int) -> None: ...

    def close(self) -> None:
        self.is_closed = True


Over = Callable[[Pipe], Connection]


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> Over:
    """Makes a connection over a pipe, with the pipe's clock."""

    def connection(pipe: Pipe) -> Connection:
        monkeypatch.setattr(aws_connection.socket, "create_connection", lambda *_: pipe)
        monkeypatch.setattr(aws_connection.time, "monotonic", lambda: pipe.now)
        return Connection("here", 80, 10)

    return connection


# ------------------------------------------------------------------------ what it reads

NAMES = st.text("abcdefghijklmnopqrstuvwxyzABC-", min_size=1, max_size=8).map("x-".__add__)
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=8)
BODIES = st.binary(max_size=300)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """An answer in one of the forms that HTTP has: with a length, in chunks, up to the end."""
    headers, body = draw(st.dictionaries(NAMES.map(str.lower), WORDS, max_size=3)), draw(BODIES)
    form = draw(st.sampled_from(["length", "chunks", "end"]))
    content = body
    if form == "length":
        headers["Content-Length"] = str(len(body))
    elif form == "chunks":
        headers["Transfer-Encoding"] = "chunked"
        size = draw(st.integers(1, 100))
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        chunks = [f"{len(piece):x};more\r\n".encode() + piece + b"\r\n" for piece in pieces]
        content = b"".join(chunks) + b"0\r\n" + draw(st.sampled_from([b"", b"x-last: 1\r\n"]))
        content += b"\r\n"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    status = draw(st.integers(200, 599).filter(lambda s: s not in (204, 304)))
    return f"HTTP/1.1 {status} Words of it\r\n{lines}\r\n".encode() + content


class File:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: Any) -> io.BytesIO:
        return io.BytesIO(self._data)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


def test_it_reads_what_the_standard_library_reads(over: Over) -> None:
    @given(answers(), st.lists(st.integers(0, 2000), max_size=5))
    def same(data: bytes, cuts: list[int]) -> None:
        library = http.client.HTTPResponse(File(data))  # type: ignore[arg-type]
        library.begin()
        expected = library.status, library.read()
        ours = over(Pipe(*pieces(data, cuts))).ask(b"request", 10)
        assert (ours.status, ours.body) == expected
        headers = {name.lower(): value.strip() for name, value in library.headers.items()}
        assert ours.headers == headers

    same()


def test_what_is_cut_anywhere_is_no_answer(over: Over) -> None:
    for end in range(len(OK)):
        pipe = Pipe(*pieces(OK[:end], []))
        with pytest.raises(Cut) as cut:
            over(pipe).ask(b"request", 10)
        # Only before the first byte is it certain that nothing was answered.
        assert cut.value.unheard is (end == 0)
        assert pipe.is_closed


@pytest.mark.parametrize(
    "data",
    [
        b"\x15\x03\x01\x00\x02\x02\x16\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}}\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 70_000,
    ],
)
def test_what_is_no_http_is_no_answer(over: Over, data: bytes) -> None:
    pipe = Pipe(data)
    with pytest.raises(Garbled):
        over(pipe).ask(b"request", 10)
    assert pipe.is_closed


def test_a_connection_that_broke_before_the_answer_is_unheard(over: Over) -> None:
    for first, unheard in ((b"", True), (b"HTTP/1.1 2", False)):
        pipe = Pipe(*([first] if first else []), end=ConnectionResetError())
        with pytest.raises(Cut) as cut:
            over(pipe).ask(b"request", 10)
        assert cut.value.unheard is unheard


# ---------------------------------------------------------------------- how long it waits


def test_an_answer_in_drops_ends_when_the_time_is_up(over: Over) -> None:
    pipe = Pipe(*pieces(OK, list(range(len(OK)))), each_s=0.3)
    with pytest.raises(Cut, match="time") as cut:
        over(pipe).ask(b"request", 2)
    assert not cut.value.unheard
    assert pipe.now < 3
    assert max(pipe.waits[1:]) <= 2
    assert pipe.waits[-1] < 0.5


def test_a_silent_server_is_not_one_that_closed_the_connection(over: Over) -> None:
    with pytest.raises(Cut, match="time") as cut:
        over(Pipe(end=TimeoutError())).ask(b"request", 2)
    # So the call is not sent again at once: the server may still be at work on it.
    assert not cut.value.unheard


# ------------------------------------------------------------------------ how long it is kept


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Connection, socket.socket]]:
    """A connection, and the server's end of it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host, port = listening.getsockname()
        made = Connection(host, port, aws_connection.time.monotonic() + 10)
        there, _ = listening.accept()
    moment = [1000.0]
    monkeypatch.setattr(aws_connection.time, "time", lambda: moment[0])
    made._used = moment[0]
    made.test_moment = moment  # type: ignore[attr-defined]
    with there:
        yield made, there
    made.close()


def test_a_connection_is_not_kept_for_longer_than_the_services_keep_it(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, _ = pair
    moment: list[float] = connection.test_moment  # type: ignore[attr-defined]
    for later, usable in ((0, True), (IDLE_S - 1, True), (IDLE_S + 1, False), (-3600, False)):
        moment[0] = 1000 + later
        assert connection.may_be_used is usable, later


def test_a_connection_is_not_used_after_the_farewell_or_a_word_that_nobody_asked_for(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, there = pair
    assert connection.may_be_used
    there.sendall(OK)
    while connection.may_be_used:
        pass
    assert not connection.may_be_used


def test_more_than_the_answer_ends_the_connection(over: Over) -> None:
    pipe = Pipe(OK + OK)
    assert over(pipe).ask(b"request", 10).body == b"{}"
    assert pipe.is_closed


@pytest.mark.parametrize("word", [b"close", b"Close"])
def test_a_server_may_end_the_connection(over: Over, word: bytes) -> None:
    pipe = Pipe(b"HTTP/1.1 200 OK\r\nConnection: " + word + b"\r\nContent-Length: 2\r\n\r\n{}")
    connection = over(pipe)
    assert connection.ask(b"request", 10).body == b"{}"
    assert not connection.may_be_used


# -------------------------------------------------------------------------- whom it believes


def certificate(folder: Path, name: str) -> Path:
    """Writes a certificate with its key, signed by itself, for a name or an address."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    try:
        who: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        who = x509.DNSName(name)
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([who]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    place = folder / f"{name}.pem"
    place.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return place


def heard_by(certificate: Path, calls: int, ask: Callable[[int], Any]) -> tuple[Any, list[bytes]]:
    """Serves by TLS with the certificate while ``ask(port)`` runs. Returns what that returns, and
    the requests that were heard."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    heard: list[bytes] = []

    def serve(listening: socket.socket) -> None:
        there, _ = listening.accept()
        try:
            with context.wrap_socket(there, server_side=True) as secure:
                for _ in range(calls):
                    heard.append(secure.recv(65536))
                    secure.sendall(OK)
        except OSError:
            there.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        try:
            return ask(listening.getsockname()[1]), heard
        finally:
            thread.join()


def test_it_speaks_tls_to_a_server_with_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    trusted = certificate(tmp_path, "127.0.0.1")

    def ask(port: int) -> list[bytes]:
        until = aws_connection.time.monotonic() + 10
        connection = Connection("127.0.0.1", port, until, tls(str(trusted)))
        bodies = [connection.ask(b"request", until).body for _ in range(3)]
        connection.close()
        return bodies

    assert heard_by(trusted, 3, ask) == ([b"{}"] * 3, [b"request"] * 3)


@pytest.mark.parametrize("shown", ["unknown", "of another name"])
def test_it_says_nothing_to_a_server_that_it_does_not_believe(tmp_path: Path, shown: str) -> None:
    other = certificate(tmp_path, "table.example.com")
    trusted = certificate(tmp_path, "127.0.0.1") if shown == "unknown" else other

    def ask(port: int) -> None:
        until = aws_connection.time.monotonic() + 10
        with pytest.raises(Cut, match="certificate"):
            Connection("127.0.0.1", port, until, tls(str(trusted)))

    assert heard_by(other, 1, ask)[1] == []
