"""B15 to B17: code looks as it runs: types, modes, NUL, line ends that are none, unseen characters, names."""

import os
import urllib.parse
from collections.abc import Callable

import pytest

from tenants.models import Release
from tests.attacks.review.conftest import Desk
from tests.code_repositories import Plugin

Make = Callable[..., Release]


def test_a_file_that_becomes_a_link_says_so_in_words(plugin: Plugin, waiting: Make, live: Make, desk: Desk) -> None:
    live(plugin.push({"index.php": "<?php 1;\n", "admin.php": "<?php 2;\n", "run": "#!/bin/sh\n", "old": "x"}))
    (plugin.work.where / "index.php").unlink()
    (plugin.work.where / "index.php").symlink_to("admin.php")
    (plugin.work.where / "run").chmod(0o755)
    (plugin.work.where / "link").symlink_to("run")
    release = waiting(plugin.push({}, "old"))
    files = {file["path"]: file for file in desk.diff(release)["files"]}
    index = files["index.php"]
    assert (index["status"], index["old_type"], index["new_type"]) == ("type changed", "file", "symbolic link")
    assert (index["old_mode"], index["new_mode"]) == ("100644", "120000")
    assert index["note"] == "was a file, becomes a symbolic link to admin.php"
    assert index["new_target"] == "admin.php"
    assert files["run"]["note"] == "becomes executable"
    assert (files["run"]["lines"], files["run"]["omitted"]) == (0, None)
    assert files["link"]["note"] == "is a symbolic link to run"
    assert (files["old"]["status"], files["old"]["new_type"]) == ("deleted", None)


def test_a_nul_byte_hides_no_code(plugin: Plugin, waiting: Make, desk: Desk) -> None:
    hidden = b"<?php /*\0*/ system($_GET['c']);\n"
    release = waiting(plugin.push({"a.php": hidden, "b.dat": b"\0" * 3000 + hidden, "c.PHTML": b"\0" * 99}))
    files = {file["path"]: file for file in desk.diff(release)["files"]}
    assert files["a.php"]["diff"] == "@@ -0,0 +1,1 @@\n+<?php /*\\x00*/ system($_GET['c']);\n"
    assert "system($_GET['c']);" in files["b.dat"]["diff"]
    assert not files["c.PHTML"]["is_binary"]


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\r"])
def test_only_a_newline_ends_a_line(plugin: Plugin, waiting: Make, desk: Desk, end: str) -> None:
    release = waiting(plugin.push({"a.php": f"<?php // a comment{end}system('id');\n"}))
    lines = desk.file(release, "a.php")["diff"].split("\n")
    assert lines[0] == "@@ -0,0 +1,1 @@"
    assert lines[1].startswith("+<?php // a comment\\")
    assert lines[1].endswith("system('id');")
    assert lines[2:] == [""]


@pytest.mark.parametrize("char", ["\u3164", "\u115f", "\uffa0", "\u00ad", "\ufe0f", "\u200d", "\u202e", "\U000e0041"])
def test_unseen_characters_are_written_out(plugin: Plugin, waiting: Make, live: Make, desk: Desk, char: str) -> None:
    live(plugin.push({"a.php": "<?php\n$a = 1;\n"}))
    release = waiting(plugin.push({"a.php": f"<?php\n$a{char} = 1;\n"}))
    diff = desk.file(release, "a.php")["diff"]
    assert char not in diff
    assert f"{ord(char):x} = 1;" in diff


def test_a_name_that_is_not_utf8_is_shown_addressed_and_decided_on(plugin: Plugin, waiting: Make, desk: Desk) -> None:
    names = [b"caf\xe9.php", b"a\nb.php", "x\u202ephp.txt".encode(), b"100%.php", b"a\\b.php"]
    release = waiting(plugin.push({os.fsdecode(name): b"<?php\n" for name in names}))
    files = {file["path"]: file for file in desk.diff(release)["files"]}
    assert set(files) == {"caf\\xe9.php", "a\\x0ab.php", "x\\u202ephp.txt", "100%.php", "a\\\\b.php"}
    for name in names:
        file = next(file for file in files.values() if urllib.parse.unquote_to_bytes(file["address"]) == name)
        assert desk.content(release, file["address"]) == (plugin.work.where / os.fsdecode(name)).read_bytes()
        assert desk.get(release, "diff/file/", path=file["address"]).status_code == 200
    tree = desk.get(release, "files/").json()["files"]
    assert {file["path"] for file in tree} == set(files)
    assert desk.approve(release).status_code == 200


def test_attributes_of_the_repository_hide_nothing(plugin: Plugin, waiting: Make, live: Make, desk: Desk) -> None:
    attributes = "*.php -diff binary export-ignore\n*.txt linguist-generated diff=nothing\n"
    live(plugin.push({".gitattributes": attributes, "a.php": "<?php 1;\n"}))
    release = waiting(plugin.push({"a.php": "<?php system(1);\n"}))
    assert "+<?php system(1);" in desk.file(release, "a.php")["diff"]
