"""A deployment refuses nothing that passed a review: the same list of checks was run before it."""

import pytest

from provisioning.logs.redaction import MAX_LINE
from tests.end_to_end.people import Cast
from tests.end_to_end.plugins import Plugin, docker, page, until

pytestmark = pytest.mark.docker
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "1" * 64 + "\nsize 12345\n"
SECRET = "Kq7-secret-of-the-plugin-Zx9"


@pytest.fixture(scope="module")
def plugin(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    return Plugin(cast, tmp_path_factory.mktemp("checks"))


def test_a_bad_name_a_pointer_and_a_syntax_error_are_refused_before_the_review_all_at_once(plugin: Plugin) -> None:
    plugin.push({"index.php": "<?php\n\necho 'x';;\nif (\n", "a\tb.txt": "x", "big.bin": POINTER})
    refused = plugin.submit()
    assert refused["state"] == "failed"
    assert refused["whose_move"] == "developer"
    checks = {check["name"]: check for check in refused["checks"]}
    assert {name: check["state"] for name, check in checks.items()} == {"tree": "failed", "php": "failed"}
    found = [finding for check in checks.values() for finding in check["findings"]]
    assert {(one["check"], one["path"], one["line"]) for one in found} == {
        ("name", "a\\tb.txt", None),
        ("lfs", "big.bin", None),
        ("php", "index.php", 5),
    }
    for told in ("a\\tb.txt has a control character", "big.bin is a pointer of git LFS", "index.php, line 5: Unclosed"):
        assert told in refused["error"]
    # The timeline has one line of it.
    assert "\n" not in plugin.timeline("release.failed")[0]["message"]


def test_what_is_worth_a_look_reaches_the_reviewer_and_goes_live(plugin: Plugin) -> None:
    plugin.git.run("rm", "--quiet", "--", "a\tb.txt", "big.bin")
    plugin.push({"index.php": page("mended"), "INDEX.php": "<?php"})
    asked = plugin.ask()
    [tree] = [check for check in asked["checks"] if check["name"] == "tree"]
    assert (tree["state"], [one["severity"] for one in tree["findings"]]) == ("warned", ["warning"])
    plugin.approve(asked)
    plugin.settled(asked)
    assert plugin.get().text == "mended"
    steps = {step["name"]: step for step in plugin.deployment(asked)["steps"]}
    assert "read the commit before its review" in steps["ensure_leases"]["output"]


def test_a_page_that_takes_three_seconds_is_slow_and_not_ill(plugin: Plugin) -> None:
    plugin.settled(plugin.release({"index.php": "<?php sleep(3); echo 'slow';"}))
    assert plugin.get().text == "slow"


def test_a_page_that_fails_through_the_edge_alone_is_the_developers(plugin: Plugin) -> None:
    plugin.push(
        {"index.php": "<?php if (isset($_SERVER['HTTP_X_FORWARDED_FOR'])) { http_response_code(500); } echo 'x';"}
    )
    asked = plugin.ask()
    plugin.approve(asked)
    failed = plugin.failed(asked)
    assert (failed["error_code"], failed["whose_move"]) == ("page_unhealthy", "developer")
    assert "500 Internal Server Error (the container answers 200 OK" in failed["error"].split("\n")[0]
    assert plugin.get().text == "slow"


def test_an_error_of_php_is_one_line_with_file_and_number(plugin: Plugin) -> None:
    plugin.push({"index.php": "<?php\n\nnosuch();"})
    asked = plugin.ask()
    plugin.approve(asked)
    failed = plugin.failed(asked)
    first, *rest = failed["error"].split("\n")
    assert "500 Internal Server Error" in first
    assert first.endswith("index.php, line 3: Uncaught Error: Call to undefined function nosuch()")
    assert sum("Call to undefined function nosuch()" in line for line in rest) == 1
    assert any("Call to undefined function nosuch()" in line and "times)" in line for line in rest)
    assert failed["steps"][-1]["state"] == "not_reached"
    assert "\n" not in plugin.timeline("release.deployment_failed")[0]["message"]


def test_a_strangers_container_of_the_same_name_is_named_on_the_deployment(plugin: Plugin, cast: Cast) -> None:
    plugin.push({"index.php": page("behind a stranger")})
    asked = plugin.ask()
    [running] = plugin.containers(role="live", part="web")
    name = running.rsplit("-r", 1)[0] + f"-r{asked['number']}-web"
    image = docker("inspect", "--format", "{{.Config.Image}}", running).strip()
    docker("create", "--name", name, image)
    try:
        plugin.approve(asked)
        failed = plugin.failed(asked)
    finally:
        docker("rm", "-f", name)
    assert (failed["error_code"], failed["whose_move"]) == ("container_name_taken", "operator")
    assert name in failed["error"]
    assert failed["next_step"].startswith("Remove or rename the container")


@pytest.mark.parametrize("before", [8 * 1024 - 40, 16 * 1024 - 40, 9_000])
def test_a_secret_in_a_long_line_of_php_is_masked(plugin: Plugin, before: int) -> None:
    """php-fpm cut lines at 8 KiB, Docker cuts them at 16: each half of a secret came out."""
    plugin.set_variable("PASSWORD", SECRET)
    code = f"$line = str_repeat('x', {before}) . getenv('PASSWORD') . str_repeat('y', 9000);"
    say = "error_log($line); fwrite(fopen('php://stderr', 'w'), 'E' . $line . PHP_EOL);"
    plugin.settled(plugin.release({"index.php": f"<?php if (isset($_GET['log'])) {{ {code} {say} }} echo {before};"}))
    assert plugin.get("/?log").status_code == 200
    long = until(
        lambda: [line["line"] for line in plugin.logs() if "x" * 8000 in line["line"]] or None, "the long lines"
    )
    told = " ".join(line["line"] for line in plugin.logs())
    for at in range(len(SECRET) - 7):
        assert SECRET[at : at + 8] not in told
    assert all("[MASKED]" in line for line in long if len(line) > before and before < MAX_LINE - 100)
