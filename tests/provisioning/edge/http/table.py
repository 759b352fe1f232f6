"""What HTTP becomes on its way to a plugin: the rows of docs/reference/http.md, each with what a test asks and expects.

In an expected text `{host}`, `{port}` and `{scheme}` stand for the name, the port and the scheme that the visitor used.
"""

from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).resolve().parents[4] / "docs" / "reference" / "http.md"
ASKED = "/api.php/users/7%20x?a=1&b=%20"


@dataclass(frozen=True)
class Variable:
    """`value` is what it is for a request of `ASKED`; None: there is none. HTTPS may make another of it."""

    name: str
    value: str | None
    words: str
    over_https: str | None = ""


@dataclass(frozen=True)
class Route:
    """`answer` is a status, or the script that runs, with its PATH_INFO behind it."""

    path: str
    answer: str
    words: str


@dataclass(frozen=True)
class Exchange:
    """`options` are curl's; `says` must be in the body."""

    title: str
    words: str
    path: str
    status: int
    options: tuple[str, ...] = ()
    says: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


VARIABLES = (
    Variable("AUTH_TYPE", None, "The platform checks no password: use `HTTP_AUTHORIZATION` or `PHP_AUTH_USER`."),
    Variable("CONTENT_LENGTH", "", "The body's length in bytes, also of a chunked one; empty without a body."),
    Variable("CONTENT_TYPE", "", "As the visitor sent it."),
    Variable("GATEWAY_INTERFACE", "CGI/1.1", ""),
    Variable("PATH_INFO", "/users/7 x", "The path behind the script's name, decoded."),
    Variable("PATH_TRANSLATED", None, "PHP sets none: use `DOCUMENT_ROOT`."),
    Variable("QUERY_STRING", "a=1&b=%20", "As it was sent, not decoded."),
    Variable("REMOTE_ADDR", "127.0.0.1", "The visitor's address, not the platform's."),
    Variable("REMOTE_HOST", None, "Nobody looks names of visitors up."),
    Variable("REMOTE_IDENT", None, ""),
    Variable("REMOTE_USER", None, "See `AUTH_TYPE`."),
    Variable("REQUEST_METHOD", "GET", ""),
    Variable("SCRIPT_NAME", "/api.php", "The script that runs: a file of the tree, or `/index.php`."),
    Variable("SERVER_NAME", "{host}", "The name that the visitor asked for, without a port."),
    Variable("SERVER_PORT", "{port}", "The port that the visitor used: 80 and 443 if the request names none."),
    Variable("SERVER_PROTOCOL", "HTTP/1.1", "Always this one, also for HTTP/2: the edge speaks it to the plugin."),
    Variable("SERVER_SOFTWARE", "nginx", ""),
    Variable("HTTP_HOST", "{host}:{port}", "With the port, if the request names one: redirects lead back here."),
    Variable("HTTP_X_FORWARDED_PROTO", "{scheme}", "Set by the edge; a visitor's header of this name is lost."),
    Variable("HTTP_X_FORWARDED_PORT", "{port}", "Likewise."),
    Variable("HTTP_X_FORWARDED_FOR", "127.0.0.1", "Likewise: the visitor's address alone."),
    Variable("REQUEST_URI", ASKED, "Path and query as they were sent."),
    Variable("REQUEST_SCHEME", "{scheme}", ""),
    Variable("HTTPS", None, "`on` over HTTPS, and not there over HTTP.", over_https="on"),
    Variable("DOCUMENT_ROOT", "/app", "`/app/public` if that directory has an index."),
    Variable("SCRIPT_FILENAME", "/app/api.php", ""),
    Variable("PHP_SELF", "/api.php/users/7 x", ""),
)  # fmt: skip

PATHS = (
    Route("/api.php", "/api.php", "A script of the tree runs."),
    Route("/api.php/users/7", "/api.php /users/7", "With the rest of the path as `PATH_INFO`."),
    Route("/api.php/", "/api.php /", ""),
    Route("/nowhere", "/index.php", "A path without a file is the front controller's, `/index.php`."),
    Route("/a%2Fb/%C3%A4", "/index.php", "An encoded path, too: `REQUEST_URI` has it as it was sent."),
    Route("/nowhere.php/x", "/index.php", "So is a script that is not there."),
    Route("/image.png/x.php", "/index.php", "A file that is no script is never run, whatever follows it."),
    Route("/style.css", "200", "A file is served as it is."),
    Route("/X.PHP", "404", "Only `.php` runs. Scripts of other names are not run, and not given away as text."),
    Route("/package.json", "404", "Files that describe the plugin are not served: they name versions and places."),
    Route("/.env", "404", "Nor is anything that begins with a dot, but `/.well-known/`."),
    Route("/.well-known/security.txt", "200", ""),
    Route("/data.sqlite", "404", "Nor are databases, dumps, logs, configuration, backups and libraries' own scripts."),
    Route("/vendor/tool.php", "404", "For the same reason: nobody wrote them to be called."),
    Route("/vendor/tool.php/x", "/index.php", "Nor do they run with a path behind them."),
    Route("/composer.lock", "/index.php", "But such a route is the front controller's, if there is no such file."),
    Route("/feed.log", "/index.php", ""),
    Route("/.hidden/route", "/index.php", ""),
)  # fmt: skip

_METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "MKCOL", "REPORT", "FOO")
EXCHANGES = (
    *(
        Exchange(name, "Reaches the plugin.", "/x", 200, ("-X", name), variables={"REQUEST_METHOD": name})
        for name in _METHODS
    ),
    Exchange("HEAD", "Reaches the plugin; a body that it answers is left out.", "/x", 200, ("-I",)),
    Exchange("TRACE, CONNECT", "Refused by the edge.", "/x", 405, ("-X", "TRACE")),
    Exchange("POST to a file", "Refused: only GET and HEAD are for files.", "/style.css", 405, ("-X", "POST")),
    Exchange(
        "Range", "For files. A plugin's own answer is passed whole, and `HTTP_RANGE` is there for it.",
        "/style.css", 206, ("-H", "Range: bytes=1-2"), says="ty", headers={"content-range": "bytes 1-2/5"},
    ),
    Exchange(
        "Chunked uploads", "The plugin gets the body as a whole, and `CONTENT_LENGTH`.",
        "/x", 200, ("-H", "Transfer-Encoding: chunked", "-d", "hello"), variables={"CONTENT_LENGTH": "5", "BODY": "5"},
    ),
    Exchange(
        "Expect: 100-continue", "The edge says it, and the body follows.",
        "/x", 200, ("-H", "Expect: 100-continue", "-d", "hello"), variables={"BODY": "5"},
    ),
    Exchange(
        "WebSocket", "Refused in words: neither stack speaks it.", "/x", 501,
        ("-H", "Upgrade: websocket", "-H", "Connection: Upgrade"), says="speaks no WebSocket",
    ),
    Exchange(
        "Trailers", "Of a request they are dropped; an answer has none.", "/x", 200,
        ("-H", "TE: trailers", "-H", "Trailer: X-After"), variables={"BODY": "0"},
    ),
    Exchange(
        "Large headers of an answer", "Up to 64 KiB together; above that this request gets 502, and no other.",
        "/headers.php", 200, says="many",
    ),
    Exchange("A status of the plugin's own", "Passed as it is, 502 to 504 too.", "/own.php", 503, says="its own"),
)  # fmt: skip


def as_markdown() -> str:
    """The tables of the page."""
    lines = ["| variable | for `GET " + ASKED + "` | |", "| --- | --- | --- |"]
    for row in VARIABLES:
        value = "not set" if row.value is None else f"`{row.value}`" if row.value else "empty"
        lines.append(f"| `{row.name}` | {value} | {row.words} |")
    lines += ["", "| path | what answers | |", "| --- | --- | --- |"]
    for path in PATHS:
        script, _, info = path.answer.partition(" ")
        answer = script if script.isdigit() else f"`{script}`" + (f" with `PATH_INFO={info}`" if info else "")
        lines.append(f"| `{path.path}` | {answer} | {path.words} |")
    lines += ["", "| | status | |", "| --- | --- | --- |"]
    lines += [f"| {row.title} | {row.status} | {row.words} |" for row in EXCHANGES]
    return "\n".join(lines) + "\n"
