"""B14, B19: nothing is approved that was not shown. Each omission is named, and an approval has to cover it."""

import os
from collections.abc import Callable
from typing import Any

from provisioning.repositories.reading import difference
from tenants.models import Release, ShownFile
from tenants.releases.services.authorship import Pushers, release_pushers_record
from tests.attacks.review.conftest import Desk
from tests.code_repositories import Plugin
from tests.factories import make_reviewer, owner_of

Make = Callable[..., Release]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


def test_all_302_files_of_a_first_release_are_shown(plugin: Plugin, waiting: Make, desk: Desk) -> None:
    files: dict[str, str | bytes] = {f"f{number:03}.php": f"<?php echo {number};\n" for number in range(302)}
    release = waiting(plugin.push(files))
    diff = desk.diff(release)
    assert {file["path"]: file["diff"] for file in diff["files"]} == {
        path: f"@@ -0,0 +1,1 @@\n+{str(text)[:-1]}\n" for path, text in files.items()
    }
    assert diff["omitted"] == {"files": 0, "lines": 0, "reasons": {}}
    assert desk.approve(release).status_code == 200


def test_a_large_file_in_which_every_line_changed_is_shown(
    plugin: Plugin, waiting: Make, live: Make, desk: Desk
) -> None:
    live(plugin.push({"big.php": "<?php\n" + "".join(f"$a{n} = 1;\n" for n in range(4500))}))
    release = waiting(plugin.push({"big.php": "<?php eval($_GET[0]);\n" + "".join(f"$b{n}=2;\n" for n in range(4500))}))
    file = desk.file(release, "big.php")
    assert "+<?php eval($_GET[0]);" in file["diff"]
    assert (file["lines_added"], file["lines_removed"], file["omitted"]) == (4501, 4501, None)


def test_a_long_lock_file_starves_no_other_and_must_be_read_or_named(
    plugin: Plugin, waiting: Make, desk: Desk, db: None
) -> None:
    files: dict[str, str | bytes] = {f"src/{number:03}.php": "<?php\n" * 12 for number in range(310)}
    release = waiting(plugin.push({**files, "lock.json": "".join(f'"{n}"\n' for n in range(12_000))}))
    diff = desk.diff(release)
    cut = [file for file in diff["files"] if file["omitted"]]
    assert [(file["path"], file["omitted"]["reason"], file["omitted"]["lines"]) for file in cut] == [
        ("lock.json", "long", 12_001 - difference.HEAD_LINES)
    ]
    assert diff["omitted"] == {"files": 1, "lines": 12_001 - difference.HEAD_LINES, "reasons": {"long": 1}}
    assert diff["unread"] == [{"path": "lock.json", "reason": "long", "lines": 12_001}]

    refused = desk.approve(release)
    assert (refused.status_code, refused.json()["code"]) == (409, "review_incomplete")
    assert refused.json()["errors"][0]["field"] == "acknowledged"
    assert "lacks lock.json, which was not shown whole to you (long)" in refused.json()["errors"][0]["message"]
    # A look at its end alone is no reading.
    end = desk.get(release, "diff/file/", path="lock.json", offset=11_999)
    assert end.json()["is_last"]
    assert desk.approve(release).status_code == 409

    offset, read = 0, ""
    while offset is not None:
        piece = desk.get(release, "diff/file/", path="lock.json", offset=offset).json()
        read, offset = read + piece["diff"], piece["next_offset"]
    assert read.count("\n") == 12_001
    assert desk.diff(release)["unread"] == []
    assert desk.approve(release).status_code == 200


def test_a_file_shown_to_one_reviewer_is_not_shown_to_another(plugin: Plugin, waiting: Make, desk: Desk) -> None:
    release = waiting(plugin.push({"a.php": "<?php\n", "logo.png": PNG}))
    assert desk.content(release, "logo.png") == PNG
    assert desk.diff(release)["unread"] == []
    other = Desk(make_reviewer("ruth"))
    assert other.diff(release)["unread"] == [{"path": "logo.png", "reason": "binary", "lines": 0}]
    assert other.approve(release).status_code == 409
    assert other.approve(release, acknowledged=["another.png"]).status_code == 409
    assert other.approve(release, acknowledged=["logo.png"]).status_code == 200


def test_a_binary_file_is_named_with_size_and_digest(plugin: Plugin, waiting: Make, desk: Desk) -> None:
    release = waiting(plugin.push({"logo.png": PNG}))
    file = desk.file(release, "logo.png")
    blob = plugin.work.run("rev-parse", "HEAD:logo.png").stdout.strip()
    assert (file["is_binary"], file["new_size"], file["new_blob"], file["diff"]) == (True, len(PNG), blob, "")
    assert file["omitted"]["reason"] == "binary"


def test_more_than_one_part_is_read_part_by_part(plugin: Plugin, waiting: Make, desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr(difference, "PART_LINES", 10)
    release = waiting(plugin.push({f"f{number}.php": "<?php\n" * 3 for number in range(7)}))
    first = desk.diff(release)
    assert first["parts"] == 4
    assert first["omitted"]["reasons"] == {"other_part": 5}
    assert all(file["omitted"]["part"] in (2, 3, 4) for file in first["files"] if file["omitted"])
    assert desk.get(release, "diff/", part=5).json()["errors"][0]["field"] == "part"
    for part in (2, 3, 4):
        assert desk.approve(release).status_code == 409
        assert len([file for file in desk.diff(release, part=part)["files"] if file["diff"]]) in (1, 2)
    assert desk.approve(release).status_code == 200


def test_a_file_too_large_to_compare_is_named(plugin: Plugin, waiting: Make, desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr("provisioning.repositories.reading.texts.MAX_TEXT_BYTES", 1000)
    release = waiting(plugin.push({"a.php": "<?php\n" + "x" * 2000}))
    file = desk.file(release, "a.php")
    assert (file["omitted"]["reason"], file["is_binary"], file["new_size"]) == ("too_large", False, 2006)
    assert desk.get(release, "diff/file/", path="a.php").status_code == 400
    assert desk.approve(release).status_code == 409
    assert desk.approve(release, acknowledged=["a.php"]).status_code == 200


def test_another_live_release_makes_the_reviewer_read_again(
    plugin: Plugin, waiting: Make, live: Make, desk: Desk
) -> None:
    live(plugin.push({"a.php": "<?php 1;\n"}))
    release = waiting(plugin.push({"a.php": "<?php 2;\n"}))
    before = desk.diff(release)
    assert "-<?php 1;" in before["files"][0]["diff"]
    other = live(plugin.push({"a.php": "<?php 3;\n"}))
    # A worker looks up anew who pushed what: see the attacks on authors.
    owner = owner_of(plugin.app.organization).pk
    release_pushers_record(release=release, pushers=Pushers(pushed={(owner, owner): 1}))
    refused = desk.approve(release)
    assert (refused.status_code, refused.json()["code"]) == (409, "review_outdated")
    after = desk.diff(release)
    assert after["base_release"] == other.pk
    assert "-<?php 3;" in after["files"][0]["diff"]
    assert desk.approve(release, base_release=before["base_release"]).json()["code"] == "review_outdated"
    assert desk.approve(release, base_release=other.pk).status_code == 200


def test_a_past_release_is_held_against_what_was_live_then(
    plugin: Plugin, waiting: Make, live: Make, desk: Desk
) -> None:
    first = live(plugin.push({"a.php": "<?php 1;\n"}))
    second = live(plugin.push({"a.php": "<?php 2;\n"}))
    live(plugin.push({"a.php": "<?php 3;\n"}))
    diff = desk.diff(second)
    assert (diff["base_release"], diff["base_number"]) == (first.pk, first.number)
    assert diff["files"][0]["diff"] == "@@ -1 +1 @@\n-<?php 1;\n+<?php 2;\n"
    assert desk.diff(first)["base"] is None


def test_a_live_commit_that_is_gone_makes_everything_new(plugin: Plugin, waiting: Make, live: Make, desk: Desk) -> None:
    old = live("1" * 40)
    release = waiting(plugin.push({"a.php": "<?php 2;\n"}))
    diff = desk.diff(release)
    assert (diff["base"], diff["base_is_gone"], diff["base_release"]) == (None, True, old.pk)
    assert desk.approve(release).status_code == 200


def test_a_developer_reads_without_being_noted(plugin: Plugin, waiting: Make, desk: Desk) -> None:
    release = waiting(plugin.push({"logo.bin": os.urandom(3000)}))
    owner = Desk(owner_of(plugin.app.organization))
    assert len(owner.content(release, "logo.bin")) == 3000
    assert not ShownFile.objects.exists()
