"""One line says what is wrong, in which file and line; the rest is there once."""

import pytest

from provisioning.logs.last_words import KEPT, told_once
from provisioning.operations.failures import compose

PARSE = 'PHP Parse error:  syntax error, unexpected token ";" in /app/lib/a b.php on line 3'
UNCAUGHT = "PHP Fatal error:  Uncaught Error: Call to undefined function nosuch() in /app/index.php:7"


def said(second: int, text: str) -> str:
    return f"[01-Dec-2026 03:03:{second:02} UTC] {text}"


def test_the_same_error_twenty_times_stands_there_once_and_says_so() -> None:
    assert told_once([said(second, PARSE) for second in range(20)]) == [f"{PARSE} (said 20 times)"]


def test_what_differs_only_by_time_and_process_is_the_same() -> None:
    lines = [
        f"2026/12/01 03:03:{second:02} [error] 7#7: *{second} connect() to unix:/run/app/php-fpm.sock failed"
        for second in range(5)
    ]
    lines += [f"[01-Dec-2026 03:03:01] WARNING: child {pid} exited on signal 11 after 2.{pid} seconds" for pid in "12"]
    assert told_once(lines) == [
        "connect() to unix:/run/app/php-fpm.sock failed (said 5 times)",
        "WARNING: child 2 exited on signal 11 after 2.2 seconds (said 2 times)",
    ]


def test_two_lines_of_a_file_are_two_errors_and_the_last_ones_are_kept() -> None:
    lines = [f"PHP Warning:  Undefined variable $x in /app/index.php on line {number}" for number in range(100)]
    assert told_once(lines) == lines[-KEPT:]
    assert told_once(["b", "a", "", "b"]) == ["a", "b (said 2 times)"]


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (PARSE.replace("a b", "a"), 'lib/a.php, line 3: syntax error, unexpected token ";"'),
        (UNCAUGHT, "index.php, line 7: Uncaught Error: Call to undefined function nosuch()"),
        ("PHP Warning:  Undefined variable $x in /app/index.php on line 3", ""),
        ("my own words in /app/index.php on line 3", ""),
    ],
)
def test_the_first_line_names_file_and_line(line: str, cause: str) -> None:
    text = compose("GET / of the new containers: 500", {"app": "running", "web": "running"}, {"app": ["x", line]})
    first, *rest = text.split("\n")
    assert first == f"GET / of the new containers: 500{': ' + cause if cause else ''}"
    assert rest == ["app: running", "  x", f"  {line}", "web: running"]
