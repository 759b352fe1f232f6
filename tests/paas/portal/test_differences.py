"""What a page says of a difference."""

from typing import Any

import pytest

from paas.portal.releases.differences import show_diff

NOTHING = {"files": 0, "lines": 0, "reasons": {}}


def file_diff(diff: str, **fields: Any) -> dict[str, Any]:
    lines = diff.split("\n")[:-1]
    named = {
        "path": "a.php",
        "address": "a.php",
        "old_path": "a.php",
        "new_path": "a.php",
        "status": "modified",
        "old_type": "file",
        "new_type": "file",
        "old_mode": "100644",
        "new_mode": "100644",
        "note": "",
        "old_size": 1,
        "new_size": 2,
        "old_blob": "a" * 40,
        "new_blob": "b" * 40,
        "is_binary": False,
        "is_renamed": False,
        "lines": len(lines),
        "omitted": None,
        "lines_added": sum(line.startswith("+") for line in lines),
        "lines_removed": sum(line.startswith("-") for line in lines),
    }
    return named | {"diff": diff} | fields


def shown(*files: dict[str, Any], **fields: Any) -> Any:
    base = {"base": None, "base_release": None, "base_number": None, "base_is_gone": False, "head": "a" * 40}
    rest = {"part": 1, "parts": 1, "omitted": NOTHING, "unread": [], "settings": [], "variables": []}
    return show_diff(base | rest | {"files": list(files)} | fields)


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


def test_lines_of_a_difference_have_their_kind_and_end_at_newlines_alone() -> None:
    diff = shown(file_diff("@@ -1,2 +1,2 @@\n same\n-old\n+new\\u2028 x\n\\ No newline at end of file\n"))
    assert [(line.kind, line.text) for line in diff.files[0].lines] == [
        ("hunk", "@@ -1,2 +1,2 @@"),
        ("same", " same"),
        ("removed", "-old"),
        ("added", "+new\\u2028 x"),
        ("note", "\\ No newline at end of file"),
    ]
    assert (diff.files[0].added, diff.files[0].removed) == (1, 1)


def test_a_file_says_what_happened_to_it() -> None:
    link = {"new_type": "symbolic link", "new_mode": "120000", "note": "was a file, becomes a symbolic link to b.php"}
    diff = shown(file_diff("", is_renamed=True, old_path="o.php", status="renamed"), file_diff("", **link))
    assert [(file.what, file.old_path, file.note, file.facts) for file in diff.files] == [
        ("renamed", "o.php", "", "file 100644, 1 bytes → file 100644, 2 bytes"),
        ("modified", "", link["note"], "file 100644, 1 bytes → symbolic link 120000, 2 bytes"),
    ]


def test_what_is_left_out_is_counted_and_said() -> None:
    omitted = {"reason": "binary", "lines": 0, "part": None, "detail": "it is no text"}
    diff = shown(
        file_diff("", omitted=omitted, is_binary=True),
        omitted={"files": 1, "lines": 0, "reasons": {"binary": 1}},
        unread=[{"path": f"{number}.png", "reason": "binary", "lines": 0} for number in range(300)],
    )
    assert (diff.omitted_files, diff.omissions) == (1, ["1 binary"])
    assert (diff.files[0].reason, diff.files[0].omitted) == ("binary", "it is no text")
    assert (len(diff.unread), diff.unread_count) == (200, 300)


def test_settings_of_any_shape_are_readable() -> None:
    change = {"name": "hostnames", "before": None, "after": ["a.test", "b\u202e.test"]}
    row = shown(settings=[change]).settings[0]
    assert (row.before, row.after) == ("—", '["a.test", "b\\u202e.test"]')
