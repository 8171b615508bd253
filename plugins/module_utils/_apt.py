# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection

from ansible.module_utils.basic import AnsibleModule

_MARKS = "/var/lib/apt/extended_states"
# Only what depends on a package keeps it, not what would merely go well with it.
_OPTIONS = ("APT::AutoRemove::RecommendsImportant=false", "APT::AutoRemove::SuggestsImportant=false")


class AptError(Exception):
    """The package manager has refused."""


class Apt:
    """The host's package manager. What is only asked changes nothing, not even the marks of automatic installations."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module

    def installed(self, names: Collection[str]) -> set[str]:
        """Return those of the packages that are installed."""
        if not names:
            return set()
        query = ["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}${Package}\n", *names]
        status, output, complaint = self.module.run_command(query)
        if status not in (0, 1):
            raise AptError(f"cannot ask for packages: {complaint.strip()}")
        return set(re.findall("^.i.(.+)$", output, re.MULTILINE))

    def superfluous(self, names: Collection[str]) -> set[str]:
        """Return what nothing on the host would need if these packages had been installed for something else only."""
        with tempfile.TemporaryDirectory() as folder:
            marks, settings = os.path.join(folder, "marks"), os.path.join(folder, "apt.conf")
            with open(marks, "w", encoding="utf-8") as file:
                file.write(marked(_read(_MARKS), names, self._output(["dpkg", "--print-architecture"]).strip()))
            # Without the parts: those of packages protect themselves from being found superfluous.
            with open(settings, "w", encoding="utf-8") as file:
                file.write('Dir::Etc::Parts "/dev/null";\n')
            options = [
                part for option in (*_OPTIONS, f"Dir::State::extended_states={marks}") for part in ("-o", option)
            ]
            simulation = self._output(["apt-get", "--simulate", *options, "autoremove"], {"APT_CONFIG": settings})
        return set(re.findall(r"^(?:Remv|Purg) ([^\s:]+)", simulation, re.MULTILINE))

    def purge(self, names: Collection[str]) -> None:
        """Purge just these packages; refuse when others would go with them."""
        command = ["apt-get", "--quiet", "--assume-yes", "-o", "DPkg::Lock::Timeout=60", "purge", *sorted(names)]
        going = re.findall(r"^(?:Remv|Purg) ([^\s:]+)", self._output([*command, "--simulate"]), re.MULTILINE)
        if others := set(going) - set(names):
            raise AptError(f"nothing was purged: {', '.join(sorted(others))} would go, too")
        self._output(command)

    def _output(self, command: list[str], environment: dict[str, str] | None = None) -> str:
        quiet = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", **(environment or {})}
        status, output, complaint = self.module.run_command(command, environ_update=quiet)
        if status != 0:
            raise AptError(f"{' '.join(command[:2])} has failed: {complaint.strip() or output.strip()}")
        return str(output)


def marked(marks: str, names: Collection[str], architecture: str) -> str:
    """Mark packages as installed automatically, in the form of apt's extended_states.

    Source: apt-mark(8), and the stanzas apt itself writes.
    """
    others = [stanza for stanza in marks.split("\n\n") if stanza.strip() and _package(stanza) not in names]
    automatic = [f"Package: {name}\nArchitecture: {architecture}\nAuto-Installed: 1" for name in sorted(names)]
    return "".join(f"{stanza.strip()}\n\n" for stanza in [*others, *automatic])


def _package(stanza: str) -> str:
    found = re.search(r"^Package:\s*(\S+)", stanza, re.MULTILINE)
    return found.group(1) if found else ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
