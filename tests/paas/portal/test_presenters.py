"""What a page says about durations, hostnames and differences."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paas.portal.presenters import MAX_DIFF_LINES, cores, duration, edge_urls, show_diff
from tenants.hostile_text import written_out
from tests.factories import environment_of, make_app

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def file_diff(diff: str, **fields: Any) -> dict[str, Any]:
    named = {"old_path": "a.php", "new_path": "a.php", "is_new": False, "is_deleted": False, "is_renamed": False}
    return named | {"diff": diff} | fields


def shown(*files: dict[str, Any], **fields: Any) -> Any:
    return show_diff({"base": None, "head": "a" * 40, "files": list(files), "settings": [], "variables": []} | fields)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (12.3, "12 s"), (185, "3 min 5 s"), (3720, "1 h 2 min"), (-3, "0.0 s")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(START, START + timedelta(seconds=seconds)) == text


def test_what_has_not_started_has_no_duration() -> None:
    assert duration(None, None) == ""


@pytest.mark.parametrize(("cpu_millis", "text"), [(500, "0.5 of a core"), (1000, "1 core"), (2500, "2.5 cores")])
def test_cores(cpu_millis: int, text: str) -> None:
    assert cores(cpu_millis) == text


@pytest.mark.parametrize(("port", "start", "end"), [(8080, "http", ":8080/"), (80, "http", "/"), (443, "https", "/")])
@pytest.mark.django_db
def test_addresses_go_through_the_edge(settings: Any, port: int, start: str, end: str) -> None:
    settings.EDGE_PORT = port
    environment = environment_of(make_app())
    hostname = environment.subdomains.get().hostname
    assert edge_urls(environment) == [(hostname, f"{start}://{hostname}{end}")]


@pytest.mark.parametrize(("port", "end"), [(8443, ":8443/"), (443, "/")])
@pytest.mark.django_db
def test_addresses_are_those_that_visitors_are_sent_to(settings: Any, port: int, end: str) -> None:
    settings.EDGE_HTTPS_REDIRECT, settings.EDGE_TLS_PORT = True, port
    environment = environment_of(make_app())
    hostname = environment.subdomains.get().hostname
    assert edge_urls(environment) == [(hostname, f"https://{hostname}{end}")]


def test_text_that_looks_different_from_what_runs_is_written_out() -> None:
    assert written_out("if (admin\u202e) \x1b[2J\u200b \tok") == "if (admin\\u202e) \\x1b[2J\\u200b \tok"


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (("set", None, None, "on\u202e", False), "—", "on\\u202e"),
        (("set", None, None, None, True), "—", "a secret, set"),
        (("changed", "on", False, "off", False), "on", "off"),
        (("changed", None, True, None, True), "a secret", "a secret, changed"),
        (("changed", "on", False, None, True), "on", "a secret, changed"),
        (("removed", None, True, None, None), "a secret", "—"),
        (("secrecy", None, True, "on", False), "a secret: the same value", "not a secret: on"),
        (("secrecy", "on", False, None, True), "not a secret: on", "a secret: the same value"),
    ],
)
def test_a_variable_is_shown_in_words_or_in_its_value(change: Any, before: str, after: str) -> None:
    names = ("change", "before", "before_is_secret", "after", "after_is_secret")
    (found,) = shown(variables=[{"name": "MODE"} | dict(zip(names, change, strict=True))]).variables
    assert (found.name, found.before, found.after) == ("MODE", before, after)


def test_lines_of_a_difference_have_their_kind() -> None:
    diff = shown(file_diff("@@ -1,2 +1,2 @@\n same\n-old\n+new\u2066\n\\ No newline at end of file\n"))
    assert [(line.kind, line.text) for line in diff.files[0].lines] == [
        ("hunk", "@@ -1,2 +1,2 @@"),
        ("same", " same"),
        ("removed", "-old"),
        ("added", "+new\\u2066"),
        ("note", "\\ No newline at end of file"),
    ]
    assert (diff.files[0].added, diff.files[0].removed) == (1, 1)


def test_a_file_says_what_happened_to_it() -> None:
    files = [
        file_diff("", is_new=True),
        file_diff("", is_deleted=True),
        file_diff("", is_renamed=True, old_path="o\u202e.php"),
        file_diff(""),
    ]
    assert [(file.what, file.old_path) for file in shown(*files).files] == [
        ("added", ""),
        ("removed", ""),
        ("renamed", "o\\u202e.php"),
        ("changed", ""),
    ]


def test_what_is_too_long_is_counted_and_said() -> None:
    diff = shown(file_diff("+x\n" * (MAX_DIFF_LINES - 1)), file_diff("+y\n" * 3))
    assert [len(file.lines) for file in diff.files] == [MAX_DIFF_LINES - 1, 1]
    assert (diff.files[1].left_out, diff.left_out) == (2, 2)


def test_settings_of_any_shape_are_readable() -> None:
    change = {"name": "hostnames", "before": None, "after": ["a.test", "b\u202e.test"]}
    row = shown(settings=[change]).settings[0]
    assert (row.before, row.after) == ("—", '["a.test", "b\\u202e.test"]')
