"""The pipeline's script and the reconciler's compose on a target behind a real OpenSSH server."""

from collections.abc import Iterator

import pytest

from provisioning.containers.start import start_containers
from tests.provisioning.containers.fixtures import make_stage, slot, stage
from tests.provisioning.containers.stage import Stage, docker
from tests.provisioning.inventory.sshd import Sshd, keygen, running_sshd

__all__ = ["make_stage", "slot", "stage"]
pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as found:
        yield found


def over_ssh(stage: Stage, sshd: Sshd, **changes: str) -> dict[str, str]:
    known = sshd.root / "known_hosts"
    known.write_text(sshd.known_host + "\n")
    return {
        "BERTH_TARGETS": f"ssh {sshd.user}@127.0.0.1:{sshd.port} {stage.home}",
        "BERTH_SSH_KEY": str(sshd.key), "BERTH_SSH_KNOWN_HOSTS": str(known),
    } | changes  # fmt: skip


def test_a_release_goes_live_on_a_target_behind_ssh(stage: Stage, sshd: Sshd) -> None:
    stage.variables = {"GREETING": "over ssh, $literal"}
    stage.started(**over_ssh(stage, sshd))
    assert stage.text() == "hello from over ssh, $literal"
    assert (stage.home / "variables.php").stat().st_mode & 0o777 == 0o444
    assert stage.home.stat().st_mode & 0o777 == 0o700


def test_several_targets_each_get_the_release(stage: Stage, sshd: Sshd) -> None:
    first = over_ssh(stage, sshd)["BERTH_TARGETS"]
    second = f"local {stage.root}/releases/second live-web live-app"
    result = stage.deploy(**over_ssh(stage, sshd, BERTH_TARGETS=f"{first}\n{second}"))
    assert result.returncode == 0, result.stderr
    assert (stage.root / "releases/second/code/index.php").exists()
    assert result.stdout.count("berth: started live-web live-app on ") == 2


def test_a_host_with_another_key_gets_nothing(stage: Stage, sshd: Sshd) -> None:
    environment = over_ssh(stage, sshd)
    other = keygen(stage.root / "other")
    (stage.root / "known").write_text(f"[127.0.0.1]:{sshd.port} {other}\n")
    result = stage.deploy(**environment | {"BERTH_SSH_KNOWN_HOSTS": str(stage.root / "known")})
    assert result.returncode == 1
    assert "berth: failed: " in result.stderr
    assert "Host key verification failed" in result.stderr
    assert not stage.home.exists()


def test_a_key_file_is_needed(stage: Stage, sshd: Sshd) -> None:
    result = stage.deploy(**over_ssh(stage, sshd, BERTH_SSH_KEY=""))
    assert result.returncode == 1
    assert "needs the file variables BERTH_SSH_KEY and BERTH_SSH_KNOWN_HOSTS" in result.stderr


def test_a_host_that_is_down_may_pass(stage: Stage, sshd: Sshd) -> None:
    environment = over_ssh(stage, sshd, BERTH_TARGETS=f"ssh {sshd.user}@127.0.0.1:1 {stage.home}")
    result = stage.deploy(**environment)
    assert result.returncode == 1
    assert "berth: retry: " in result.stderr


def test_what_was_removed_there_by_hand_is_made_again(stage: Stage, sshd: Sshd) -> None:
    stage.started(**over_ssh(stage, sshd))
    docker("rm", "-f", stage.web, stage.app)
    start_containers(sshd.target(), stage.spec, services=["live-web", "live-app"])
    stage.wait()
    assert stage.text() == "hello from nobody"
