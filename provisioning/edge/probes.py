"""Asks an HTTP or HTTPS server whether it answers, as the edge or a visitor would."""

import http.client
import re
import socket
import ssl
import time
from pathlib import Path

NO_ANSWER = "no answer"
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: ([\x20-\x7e]{0,80}))?")


def trusting(ca_file: Path | None = None) -> ssl.SSLContext:
    """For `probe`: a certificate for the hostname by an authority in this file, or by one that the system knows.

    Raises `OSError` where the file is not there or holds none.
    """
    return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))


def trusting_any() -> ssl.SSLContext:
    """For `probe`: whatever certificate is shown, as where it is self-signed. It says nothing of who answers."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def probe(
    *,
    address: str,
    port: int,
    hostname: str,
    path: str,
    timeout_s: float,
    tls: ssl.SSLContext | None = None,
) -> tuple[str, bool]:
    """GET `path`: what came back within `timeout_s`, and whether it was 2xx or 3xx.

    Over TLS where `tls` is given, with `hostname` in the handshake (SNI). Follows no redirect, and reads no more than
    the answer's first line: a plugin that goes on answering, with one `100 Continue` after the other, must not hold who
    asks.
    """
    deadline = time.monotonic() + timeout_s
    connection = http.client.HTTPConnection(address, port, timeout=timeout_s)
    try:
        connection.connect()
        if tls is not None:
            connection.sock.settimeout(_left_s(deadline))
            # For the whole handshake, in however many parts it comes.
            connection.sock = tls.wrap_socket(connection.sock, server_hostname=hostname)
        connection.sock.settimeout(_left_s(deadline))
        connection.request("GET", path, headers={"Host": hostname, "User-Agent": "berth-probe", "Connection": "close"})
        line = _first_line(connection.sock, deadline)
        found = _STATUS.match(line)
        if found is None:
            raise http.client.BadStatusLine(re.sub(rb"[^\x20-\x7e]", b"?", line[:80]).decode())
        status = int(found[1])
        return f"{status} {(found[2] or b'').decode()}".strip(), 200 <= status < 400
    except ssl.SSLCertVerificationError as exc:
        # It quotes names out of the certificate.
        return f"the certificate is refused: {_printable(exc.verify_message)}", False
    except ssl.SSLError as exc:
        return f"TLS failed: {_printable(exc.reason or str(exc)).lower().replace('_', ' ')}", False
    except TimeoutError:
        return f"{NO_ANSWER} within {timeout_s:.3g} s", False
    except (OSError, http.client.HTTPException) as exc:
        return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__, False
    finally:
        connection.close()


def status_of(answer: str) -> int | None:
    """The HTTP status in what `probe` gave; None if there was no answer."""
    found = re.match(r"[1-5][0-9]{2}(?= |$)", answer)
    return int(found[0]) if found else None


def _first_line(connection: socket.socket, deadline: float) -> bytes:
    """Up to the first line break, or the first kilobyte. Raises `TimeoutError` at the deadline."""
    read = b""
    while b"\n" not in read and len(read) < 1024:
        connection.settimeout(_left_s(deadline))
        more = connection.recv(1024)
        if not more:
            raise http.client.RemoteDisconnected("Remote end closed connection without response")
        read += more
    return read.partition(b"\r\n")[0]


def _left_s(deadline: float) -> float:
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("timed out")
    return left_s


def _printable(text: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", text)[:200]
