"""The review's page with a long and a hostile difference, on a phone and on a desk."""

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.models import Repository
from provisioning.releases.services.readings import scope_ensure
from tenants.models import Release
from tenants.releases.choices import ReleaseState
from tenants.releases.services import authorship, releases
from tests.browser.conftest import Browser
from tests.contracts.forge.git import new_repository, with_token
from tests.factories import make_app, make_reviewer, owner_of

WIDTHS = (390, 1440)
LONG = "".join(f'"package-{number}": "1.0.{number}",\n' for number in range(12_000))


@pytest.fixture
def hostile(forge: Any, tmp_path: Path) -> Release:
    """Waits: a long file, a picture, a link, a NUL, a name that is not UTF-8, unseen characters."""
    app = make_app(name="Weather")
    project = forge.gitlab.projects.create({"name": f"weather-{secrets.token_hex(4)}"})
    Repository.objects.update_or_create(
        app=app, defaults={"code_project_id": project.id, "code_path": project.path_with_namespace}
    )
    work = new_repository(tmp_path / "work", with_token(project.http_url_to_repo, forge.token))
    files: dict[str, str | bytes] = {
        "lock.json": LONG,
        "logo.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 30,
        "index.php": b"<?php /*\0*/ system($_GET['c']); // \xe2\x80\xa8 echo 1;\n",
        os.fsdecode(b"caf\xe9-\xe2\x80\xae.php"): "<?php $a\u3164 = 1;\n" + "x" * 900 + "\n",
        **{f"src/{number:02}.php": f"<?php\necho {number};\n" for number in range(20)},
    }
    (work.where / "admin.php").symlink_to("index.php")
    work.commit(files)
    work.push("HEAD:main")
    release = releases.release_submit(
        environment=app.environments.get(name="production"), ref="main", notes="", actor=owner_of(app.organization)
    )
    release.refresh_from_db()
    assert release.state == ReleaseState.CHECKING, release.error
    owner = owner_of(app.organization).pk
    authorship.release_pushers_record(release=release, pushers=authorship.Pushers(pushed={(owner, owner): 1}))
    scope_ensure(release)
    releases.release_checked(release=release, checks=[{"name": "tree", "state": "passed", "detail": ""}])
    return release


@pytest.fixture
def picture(browser: Browser) -> Iterator[Callable[[str], None]]:
    """Keeps a picture of the screen, if BERTH_PICTURES names a directory. The window is afterwards as it was."""
    before = browser.driver.get_window_size()

    def take(name: str) -> None:
        if directory := os.environ.get("BERTH_PICTURES"):
            browser.driver.save_screenshot(f"{directory}/{name}.png")

    yield take
    browser.driver.set_window_size(before["width"], before["height"])


def test_omissions_stand_beside_the_buttons_at_both_widths(
    browser: Browser, hostile: Release, picture: Callable[[str], None]
) -> None:
    browser.sign_in(make_reviewer())
    for width in WIDTHS:
        browser.driver.set_window_size(width, 900)
        browser.go(f"/releases/{hostile.pk}/review/")
        picture(f"top-{width}")
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert browser.driver.execute_script(f"return {overflow}") <= 0
        browser.driver.execute_script("document.querySelector('#decision').scrollIntoView()")
        picture(f"decision-{width}")
        form = browser.find("form.panel").text
        assert "2 of 25 changed files were not shown whole to you" in form
        assert "as shown above" not in form
        assert "lock.json" in form
        assert "logo.png" in form
        # The list has a height of its own: the buttons are within a screen of it.
        distance = (
            "document.querySelector('button[value=approve]').getBoundingClientRect().top"
            " - document.querySelector('.unread').getBoundingClientRect().top"
        )
        assert browser.driver.execute_script(f"return {distance}") < 900
        browser.driver.execute_script("document.querySelector('.file').scrollIntoView()")
        picture(f"files-{width}")
    text = browser.text
    for shown in (
        "a symbolic link to index.php",
        "<?php /*\\x00*/ system($_GET['c']); // \\u2028 echo 1;",
        "caf\\xe9-\\u202e.php",
        "$a\\u3164 = 1;",
        "11901 lines of this file are not shown here",
    ):
        assert shown in text
    assert browser.complaints() == []


def test_a_reviewer_reads_on_acknowledges_by_name_and_approves(
    browser: Browser, hostile: Release, picture: Callable[[str], None]
) -> None:
    browser.driver.set_window_size(1440, 900)
    browser.sign_in(make_reviewer())
    browser.go(f"/releases/{hostile.pk}/review/")
    browser.press("Approve")
    assert "lacks lock.json, which was not shown whole to you" in browser.find("[role=alert]").text
    hostile.refresh_from_db()
    assert hostile.state == ReleaseState.AWAITING_REVIEW
    browser.go(f"/releases/{hostile.pk}/diff/file/?path=lock.json")
    while browser.count("main a.button"):
        browser._leave(browser.find("main a.button"))
    assert "That is the end of it." in browser.text
    picture("piece")
    browser.go(f"/releases/{hostile.pk}/review/")
    assert "1 of 25 changed files was not shown whole to you" in browser.text
    browser.find("input[name=acknowledged][value='logo.png']").click()
    browser.press("Approve")
    hostile.refresh_from_db()
    assert hostile.state in (ReleaseState.APPROVED, ReleaseState.DEPLOYING)


def test_files_of_a_release_are_listed_and_read(browser: Browser, hostile: Release) -> None:
    browser.sign_in(make_reviewer())
    browser.go(f"/releases/{hostile.pk}/files/")
    assert "25 files." in browser.text
    browser.follow("caf\\xe9-\\u202e.php")
    assert "$a\\u3164 = 1;" in browser.text
