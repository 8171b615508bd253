"""The command line of the harness."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from testhost import access, container, image, network
from testhost.engine import command
from testhost.machine import look
from testhost.paths import CACHE
from testhost.shell import HarnessError, locked, root_prefix, run, say

if TYPE_CHECKING:
    from collections.abc import Sequence


def _image(arguments: argparse.Namespace) -> None:
    for release in arguments.release:
        print(image.ensure(release))


def _up(arguments: argparse.Namespace) -> None:
    host = container.up(arguments.name, arguments.release, arguments.ip)
    print(json.dumps({**asdict(host), "subnet": str(network.subnet())}))


def _destroy(arguments: argparse.Namespace) -> None:
    names = [host.name for host in container.all_hosts()] if arguments.all else arguments.name
    if not arguments.all and not names:
        raise HarnessError("Name the hosts to destroy, or say --all.")
    for name in names:
        say(f"Removing {name}")
        container.destroy(name)
    # Scenarios side by side end together: only one of them may find that it is the last, and none may just be starting.
    with locked(container.LOCK):
        if not container.all_hosts():
            network.remove()


def _reboot(arguments: argparse.Namespace) -> None:
    container.reboot(arguments.name, hard=arguments.hard)


def _list(_arguments: argparse.Namespace) -> None:
    for host in container.all_hosts():
        print(f"{host.name:32} {host.release:10} {host.address:16} {host.state}")


def _inventory(arguments: argparse.Namespace) -> None:
    there = {host.name: host.address for host in container.all_hosts()}
    missing = [name for name in arguments.name if name not in there]
    if missing:
        raise HarnessError(f"There is no test host {', '.join(missing)}.")
    text = access.inventory({name: there[name] for name in arguments.name}, str(network.subnet()))
    if arguments.output is None:
        print(text, end="")
    elif not arguments.output.exists() or arguments.output.read_text() != text:
        arguments.output.write_text(text)


def _exec(arguments: argparse.Namespace) -> None:
    if container.find(arguments.name) is None:
        raise HarnessError(f"There is no test host {arguments.name}.")
    terminal = ["--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    words = [*root_prefix(), *command("exec", "--interactive", *terminal, arguments.name, *arguments.words)]
    sys.stdout.flush()
    os.execvp(words[0], words)


def _machine(_arguments: argparse.Namespace) -> None:
    print(json.dumps(asdict(look()), indent=2))


def _clean(_arguments: argparse.Namespace) -> None:
    _destroy(argparse.Namespace(all=True, name=[]))
    image.remove_all()
    if CACHE.exists():
        say(f"Removing {CACHE}")
        run(["rm", "-rf", str(CACHE)], as_root=shutil.which("sudo") is not None or os.geteuid() == 0)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="testhost", description="Debian containers with systemd, as hosts for tests.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    sub = commands.add_parser("image", help="build the images of releases, where they are missing")
    sub.add_argument("release", nargs="+", choices=image.RELEASES)
    sub.set_defaults(run=_image)

    sub = commands.add_parser("up", help="start a host; print its address as JSON")
    sub.add_argument("name")
    sub.add_argument("--release", default=image.RELEASES[0], choices=image.RELEASES)
    sub.add_argument("--ip", help="a fixed address in the network's subnet")
    sub.set_defaults(run=_up)

    sub = commands.add_parser("destroy", help="remove hosts")
    sub.add_argument("name", nargs="*")
    sub.add_argument("--all", action="store_true", help="every test host of this machine")
    sub.set_defaults(run=_destroy)

    sub = commands.add_parser("reboot", help="restart a host")
    sub.add_argument("name")
    sub.add_argument("--hard", action="store_true", help="as if the power had failed")
    sub.set_defaults(run=_reboot)

    sub = commands.add_parser("list", help="show the hosts there are")
    sub.set_defaults(run=_list)

    sub = commands.add_parser("inventory", help="write an Ansible inventory source that says how hosts are reached")
    sub.add_argument("name", nargs="+")
    sub.add_argument("--output", type=Path, help="a file; standard output without it")
    sub.set_defaults(run=_inventory)

    sub = commands.add_parser("exec", help="run a command in a host")
    sub.add_argument("name")
    sub.add_argument("words", nargs=argparse.REMAINDER, metavar="WORD")
    sub.set_defaults(run=_exec)

    sub = commands.add_parser("machine", help="show what the harness found out about this machine")
    sub.set_defaults(run=_machine)

    sub = commands.add_parser("clean", help="remove every host, image and cached file")
    sub.set_defaults(run=_clean)
    return top


def main(words: Sequence[str] | None = None) -> int:
    """Run a command; errors are one readable text, not a traceback."""
    arguments = parser().parse_args(words)
    try:
        arguments.run(arguments)
    except HarnessError as error:
        say(f"testhost: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
