"""A plugin as the edge sees it: a process of its own, which a test can kill or freeze. `upstream.py NAME [--mute]`.

Prints its port. `/headers` answers what it was sent, `/slow` waits for a line on standard input, `/accel` tries to
steer nginx, `/count` tells how many requests that write it has had; an upgrade to WebSocket is echoed. With `--mute` it
reads every request and closes the connection without an answer, like a sidecar whose plugin is dead.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = sys.argv[1]
IS_MUTE = "--mute" in sys.argv
STEERING = [
    ("X-Accel-Redirect", "/protected/secret.txt"),
    ("X-Accel-Limit-Rate", "1000000"),
    ("X-Accel-Charset", "koi8-r"),
    ("X-Sendfile", "/etc/hostname"),
]
go_on = threading.Event()
writes = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer is one write: a process killed between its header and its body would be no matter of the edge's.
    wbufsize = 64 * 1024

    def do_GET(self) -> None:
        global writes
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command == "POST":
            writes += 1
        if IS_MUTE and self.path != "/count":
            self.close_connection = True
            return
        if self.headers.get("Upgrade") == "websocket":
            self.echo()
        elif self.path == "/headers":
            sent = [[name, value] for name, value in self.headers.items()]
            self.answer(json.dumps({"path": self.path, "headers": sent}))
        elif self.path == "/slow":
            self.log_started()
            go_on.wait(60)
            self.answer("slow")
        elif self.path == "/accel":
            self.answer("the plugin's own body", STEERING)
        elif self.path == "/count":
            self.answer(str(writes))
        elif self.path == "/500":
            self.answer("its own error", status=500)
        else:
            self.answer("hello")

    def do_POST(self) -> None:
        self.do_GET()

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_started(self) -> None:
        print("slow", flush=True)

    def echo(self) -> None:
        self.close_connection = True
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.end_headers()
        self.wfile.flush()
        while data := self.connection.recv(4096):
            self.connection.sendall(data)

    def answer(self, text: str, headers: list[tuple[str, str]] | None = None, status: int = 200) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Upstream-Name", NAME)
        for name, value in headers or []:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for _line in sys.stdin:
        go_on.set()
