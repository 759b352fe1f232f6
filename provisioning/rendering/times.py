"""How long a request may take, and from that every other time on its way: pure arithmetic, in one place.

The order that they keep, and why, `tests/provisioning/rendering/test_times.py` holds against what is rendered:

- The sidecar gives up on a silent plugin before php-fpm ends the worker, so that the visitor learns which limit it was.
- The edge waits longer for a sidecar than that may ever be silent: if it waits in vain, the server is dead.
- The edge lets a slow sender go before the sidecar would close the connection, which would look like a dead server.
- A part that is told to end (a worker of nginx, php-fpm, a container) has longer than a request may take.
"""

from dataclasses import dataclass

# Until a request's header is there; between two parts of its body; between two parts of an answer that a client takes.
CLIENT_HEADER_S = 15
CLIENT_BODY_S = 30
CLIENT_SEND_S = 30
# A connection without a request: the client's, the edge's to a server, and what that server keeps.
CLIENT_IDLE_S = 75
UPSTREAM_IDLE_S = 60
SERVER_IDLE_S = 300
# On the same machine, or in the same rack.
EDGE_CONNECT_MS = 500
PLUGIN_CONNECT_S = 2
# The edge's client may take its answer so slowly that the sidecar can't send for long: the edge is the judge of that.
SIDECAR_SEND_S = 3600


@dataclass(frozen=True, kw_only=True)
class Times:
    """`request_s` is what a plugin is promised: so long it may be silent before its answer and within it."""

    request_s: int = 60

    @property
    def terminate_s(self) -> int:
        """A request as a whole, from the moment in which a worker of the plugin takes it: then the worker is ended."""
        return self.request_s + 15

    @property
    def edge_read_s(self) -> int:
        """A sidecar is silent at most twice `request_s`: a body waits for a worker, and then the answer is awaited."""
        return 2 * self.request_s + PLUGIN_CONNECT_S + 13

    @property
    def sidecar_body_s(self) -> int:
        return CLIENT_BODY_S + 60

    @property
    def shutdown_s(self) -> int:
        """So long nginx at edge and sidecar, and php-fpm, may finish their requests once they are told to end."""
        return self.terminate_s + 5

    @property
    def stop_s(self) -> int:
        """A container that is told to stop is killed after that."""
        return self.shutdown_s + 10


TIMES = Times()
