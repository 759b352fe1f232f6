"""Asks an HTTP server whether it answers, as the edge would."""

import http.client

TIMEOUT_S = 2


def probe(*, address: str, port: int, hostname: str, path: str, timeout_s: float = TIMEOUT_S) -> tuple[str, bool]:
    """GET `path`: what came back, and whether it was 2xx or 3xx. Follows no redirect, reads no body to its end."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout_s)
    try:
        connection.request("GET", path, headers={"Host": hostname, "User-Agent": "berth-probe", "Connection": "close"})
        response = connection.getresponse()
        return f"{response.status} {response.reason}", 200 <= response.status < 400
    except (OSError, http.client.HTTPException) as exc:
        return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__, False
    finally:
        connection.close()
