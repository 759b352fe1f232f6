"""A receiver of webhooks that keeps what it got."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Listens on loopback. `status` is what it answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], Any]] = []
        self.status = 200
        self.changed = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer.changed:
                    outer.requests.append((dict(self.headers), body))
                    outer.changed.notify_all()
                self.send_response(outer.status)
                if outer.status in {301, 302}:
                    self.send_header("Location", f"{outer.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(
        self, wanted: Callable[[dict[str, str], Any], bool], timeout_s: float = 120
    ) -> tuple[dict[str, str], Any]:
        """The first request that is wanted."""
        deadline = time.monotonic() + timeout_s
        with self.changed:
            while True:
                for request in self.requests:
                    if wanted(*request):
                        return request
                left = deadline - time.monotonic()
                assert left > 0, f"no such webhook among {len(self.requests)}"
                self.changed.wait(left)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
