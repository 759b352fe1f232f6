"""One contract, two transports: this machine, and a real OpenSSH server on loopback."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provisioning.exceptions import OperatorError, RetryableError
from provisioning.inventory.transport import TargetSpec, Transport, transport_for
from tests.provisioning.inventory.sshd import Sshd, keygen, running_sshd

LITERALS = ["a b", "$HOME", "$(id)", "`id`", "; id", "'", '"', "\\", "*", "~", "a\nb", "", "-rf", "ä"]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as found:
        yield found


@pytest.fixture(params=["local", "ssh"])
def transport(request: pytest.FixtureRequest, sshd: Sshd) -> Transport:
    return transport_for(sshd.target() if request.param == "ssh" else TargetSpec(name="here", transport="local"))


def test_a_command_gives_output_errors_and_status(transport: Transport) -> None:
    result = transport.run(["sh", "-c", "echo out; echo err >&2; exit 7"], timeout_s=10)
    assert (result.stdout, result.stderr, result.returncode) == ("out\n", "err\n", 7)


def test_arguments_arrive_as_they_are(transport: Transport) -> None:
    result = transport.run(["printf", "%s\\0", *LITERALS], timeout_s=10)
    assert result.stdout.split("\0")[:-1] == LITERALS


def test_input_arrives_and_nothing_else_does(transport: Transport) -> None:
    assert transport.run(["cat"], input="line\nä\n", timeout_s=10).stdout == "line\nä\n"
    assert transport.run(["cat"], timeout_s=10).stdout == ""


def test_a_command_gets_none_of_the_platforms_environment(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERTH_SECRET_KEY", "the-secret")
    monkeypatch.setenv("LC_ALL", "the-secret")
    assert "the-secret" not in transport.run(["env"], timeout_s=10).stdout


def test_a_command_that_takes_too_long_is_ended_and_may_be_tried_again(transport: Transport) -> None:
    started = time.monotonic()
    with pytest.raises(RetryableError, match="longer than 1 s"):
        transport.run(["sleep", "60"], timeout_s=1)
    assert time.monotonic() - started < 30


def test_a_command_that_is_not_there_is_a_clear_failure(transport: Transport) -> None:
    try:
        said = transport.run(["nosuch-command"], timeout_s=10).stderr
    except OperatorError as error:
        said = str(error)
    assert "nosuch-command" in said
    assert "not found" in said or "is not installed" in said


def test_a_tree_goes_with_all_that_is_in_it_and_a_link_in_it_goes_alone(transport: Transport, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "link").symlink_to(kept)
    transport.remove_tree(tree)
    assert not tree.exists()
    assert (kept / "file").read_text() == "x"
    transport.remove_tree(tree)


@pytest.mark.parametrize(
    "path", ["/", "/home", "/var/lib", "relative/a/b", "", "/srv/../etc/x", "/a/b c/d", "/a/b/$HOME", "-rf"]
)
def test_a_path_that_a_slip_could_have_made_is_never_removed(transport: Transport, path: str) -> None:
    with pytest.raises(ValueError, match=r"^path"):
        transport.remove_tree(path)


def test_a_host_with_another_key_is_not_spoken_to(sshd: Sshd, tmp_path: Path) -> None:
    other = f"127.0.0.1 {keygen(tmp_path / 'other')}"
    with pytest.raises(OperatorError, match="not the host that it was"):
        transport_for(sshd.target(ssh_known_host=other)).run(["id"], timeout_s=10)


def test_a_key_that_the_host_does_not_know_is_told_to_the_operator(sshd: Sshd, tmp_path: Path) -> None:
    keygen(tmp_path / "stranger")
    with pytest.raises(OperatorError, match="refuses Berth"):
        transport_for(sshd.target(ssh_key_path=tmp_path / "stranger")).run(["id"], timeout_s=10)


def test_a_host_that_is_down_may_be_tried_again(sshd: Sshd) -> None:
    with pytest.raises(RetryableError, match="can't be reached over SSH"):
        transport_for(sshd.target(ssh_port=1)).run(["id"], timeout_s=10)


@pytest.mark.parametrize(
    ("field", "value"),
    [("ssh_user", "-oProxyCommand=id"), ("ssh_user", "a b"), ("ssh_user", ""), ("address", "-oProxyCommand=id"),
     ("address", "a;id"), ("address", "a@b"), ("ssh_port", 0), ("ssh_port", 65536), ("ssh_known_host", ""),
     ("ssh_known_host", "127.0.0.1 ssh-ed25519"), ("ssh_known_host", "* nosuch AAAA"),
     ("ssh_known_host", "@cert-authority * ssh-ed25519 AAAA")],
)  # fmt: skip
def test_a_target_that_would_be_an_option_is_refused_by_its_field(sshd: Sshd, field: str, value: str | int) -> None:
    with pytest.raises(ValueError, match=f"^{field}"):
        transport_for(replace(sshd.target(), **{field: value}))  # type: ignore[arg-type]


def test_no_key_of_the_users_own_is_offered(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the key that the settings name, even where an agent has one that would open the door."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    (home / ".ssh" / "id_ed25519").write_bytes(sshd.key.read_bytes())
    os.chmod(home / ".ssh" / "id_ed25519", 0o600)  # noqa: PTH101
    monkeypatch.setenv("HOME", str(home))
    keygen(tmp_path / "stranger")
    with pytest.raises(OperatorError):
        transport_for(sshd.target(ssh_key_path=tmp_path / "stranger")).run(["id"], timeout_s=10)
