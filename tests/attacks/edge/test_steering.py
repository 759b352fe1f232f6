"""E1: a plugin's response headers must not steer the edge, which could read files for it."""

from collections.abc import Callable
from pathlib import Path

from tests.provisioning.edge.running import RunningEdge, Upstream, hostname, running_edge, site

SECRET = "the platform's own file\n"
Start = Callable[..., Upstream]


def with_internal_location(files: dict[str, str], folder: Path) -> dict[str, str]:
    """The site, and beside it what any nginx may have: a location that only nginx itself may go to."""
    location = f"    location /protected/ {{\n        internal;\n        alias {folder}/;\n    }}\n"
    return {name: text.replace("    location / {", f"{location}    location / {{", 1) for name, text in files.items()}


def apply_with_secret(edge: RunningEdge, upstream: Upstream) -> None:
    folder = edge.home / "temp" / "protected"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "secret.txt").write_text(SECRET)
    edge.edge.apply(with_internal_location(site(upstream), folder))


def test_x_accel_headers_are_ignored_and_not_passed_on(edge: RunningEdge, upstream: Start) -> None:
    apply_with_secret(edge, upstream("plugin"))
    answer = edge.get(hostname(), "/accel")
    assert (answer.status, answer.body) == (200, "the plugin's own body")
    assert not [name for name in answer.headers if name.startswith("x-accel") or name == "x-sendfile"]
    assert "koi8" not in answer.headers.get("content-type", "")


def test_x_accel_redirect_would_read_the_file_if_nothing_ignored_it(upstream: Start) -> None:
    """The control."""

    def soften(text: str) -> str:
        return "\n".join(line for line in text.splitlines() if "proxy_ignore_headers" not in line)

    with running_edge(alter=soften) as soft:
        apply_with_secret(soft, upstream("plugin"))
        assert soft.get(hostname(), "/accel").body == SECRET


def test_protected_location_is_not_there_for_clients(edge: RunningEdge, upstream: Start) -> None:
    apply_with_secret(edge, upstream("plugin"))
    assert edge.get(hostname(), "/protected/secret.txt").status == 404
