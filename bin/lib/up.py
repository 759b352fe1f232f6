"""bin/up: sets everything up, starts the platform, shows that it works, and stays until it is asked to stop."""

import argparse
import json
import signal
import subprocess
import time

from lib import configuration as settings
from lib import dns, down, engine, health, home, packages, ports, processes, setup, supervisor
from lib.configuration import PYTHON, ROOT, Configuration
from lib.console import Failure, Interrupted, say, step


def main() -> int:
    started = time.monotonic()
    arguments = _parse()
    _stop_on_signals()
    configuration = settings.load()
    if not arguments.install:
        packages.refuse_missing(packages.PLATFORM)
    home.make(configuration)
    with home.locked(configuration):
        if supervisor.state(configuration) is not None:
            _take_up(configuration)
            _print_places(configuration)
            return 0
        supervisord = _bring_up(configuration)
    say(f"\nup in {time.monotonic() - started:.1f} s\n")
    status = 0
    try:
        if arguments.demo:
            status = _demo(configuration)
        _print_places(configuration)
        if status:
            again = f"{PYTHON.relative_to(ROOT)} manage.py demo"
            say(f"\nThe demo FAILED with status {status}. The platform is up; to run the demo again: {again}")
        if arguments.detach:
            return 1 if status else 0
        say("\nCtrl-C stops it.")
        while supervisord.is_alive():
            time.sleep(0.5)
    except (KeyboardInterrupt, Interrupted):
        _stop_on_signals(ignore=True)
        say("\nstopping")
        with home.locked(configuration):
            down.stop(configuration)
        return 1 if status else 0
    if (configuration.run / "supervisord.pid").exists():
        raise Failure(f"the process manager died; its log: {configuration.logs / 'supervisord.log'}; run bin/up again")
    say("stopped by bin/down")
    return 1 if status else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/up",
        description="Sets up everything Berth needs on this machine, starts it, and runs the demo.",
        epilog="Settings come from the environment; docs/reference/settings.md has them all.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--no-install",
        dest="install",
        action="store_false",
        help="install no system packages: print those that are missing and exit with status 2",
    )
    parser.add_argument("--detach", action="store_true", help="return when everything is up, instead of staying")
    parser.add_argument("--no-demo", dest="demo", action="store_false", help="leave the demo out")
    return parser.parse_args()


def _bring_up(configuration: Configuration) -> processes.Process:
    """Everything runs and is healthy when this returns; where that fails, what was started is stopped again."""
    # What an earlier run left behind when it was killed would hold the ports.
    processes.stop(processes.of_home(configuration.home), patience_s=8)
    ports.ensure_free(configuration)
    settings.write(configuration)
    try:
        setup.machine(configuration, packages.PLATFORM, "base")
        if configuration.has_embedded_dns:
            dns.make(configuration)
        commands = ["build_images", "migrate", "host_register"]
        if configuration.has_embedded_forge:
            commands.append("forge_bootstrap")
        commands.append("dns_register" if configuration.has_embedded_dns else "dns_unregister")
        printed = setup.manage(configuration, [*commands, "certificates", "edge_config", "fallback_config"])
        edge_argv, fallback_argv = json.loads(printed["edge_config"]), json.loads(printed["fallback_config"])
        found = supervisor.programs(configuration, edge_argv=edge_argv, fallback_argv=fallback_argv)
        with step("processes") as current:
            supervisord = supervisor.start(configuration, found)
            engine.note_user(configuration, supervisord.pid)
            health.wait(configuration, [program.name for program in found])
            current.note = f"{', '.join(program.name for program in found)} healthy"
    except BaseException:
        _stop_on_signals(ignore=True)
        say("\nstopping what was started")
        try:
            down.stop(configuration)
        except Failure as failure:
            # What went wrong first is what the user must know.
            say(str(failure))
        raise
    return supervisord


def _take_up(configuration: Configuration) -> None:
    """A platform that runs already: what died of it is started again, and everything is healthy when this returns."""
    changed = settings.differences(configuration)
    if changed:
        raise Failure("it runs already, with other settings: run bin/down first\n    " + "\n    ".join(changed))
    revived = supervisor.revive(configuration)
    health.wait(configuration, sorted(supervisor.state(configuration) or {}))
    say(f"it is up already{'; started again: ' + ', '.join(revived) if revived else ''}\n")


def _demo(configuration: Configuration) -> int:
    argv = [str(PYTHON), str(ROOT / "manage.py"), "demo"]
    running = subprocess.Popen(argv, stdin=subprocess.DEVNULL, cwd=ROOT, env=configuration.environment())
    try:
        return running.wait()
    except BaseException:
        running.terminate()
        running.wait()
        raise


def _print_places(configuration: Configuration) -> None:
    places = [
        ("portal", f"{configuration.web_url}/"),
        ("API", f"{configuration.web_url}/api/v1/"),
        ("API docs", f"{configuration.web_url}/api/v1/docs/"),
        ("apps (edge)", _edge(configuration)),
        *([("DNS", _dig(configuration))] if configuration.has_embedded_dns else []),
        ("forge", configuration.settings["FORGE_URL"]),
        ("logs", f"{configuration.logs}/"),
        ("settings", str(configuration.home / "settings.env")),
    ]
    demo = configuration.home / "demo.json"
    if demo.exists():
        places.append(("demo's people", f"{demo} (names, passwords and tokens)"))
    places.append(("to stop it", "bin/down"))
    say("\n".join(f"  {name:<14} {place}" for name, place in places))


def _edge(configuration: Configuration) -> str:
    address = settings.reachable(configuration.edge_address)
    tls = f" and https://{address}:{configuration.edge_tls_port}/" if configuration.edge_tls_port else ""
    return f"http://{address}:{configuration.edge_port}/{tls}, by hostname"


def _dig(configuration: Configuration) -> str:
    address = settings.reachable(configuration.dns_address).strip("[]")
    return f"dig @{address} -p {configuration.dns_port} app1000001.{configuration.apps_domain}"


def _stop_on_signals(*, ignore: bool = False) -> None:
    """SIGTERM and a closed terminal end the command in order, as Ctrl-C does; a second one does not interrupt that."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN if ignore else interrupt)
    signal.signal(signal.SIGINT, signal.SIG_IGN if ignore else signal.default_int_handler)
