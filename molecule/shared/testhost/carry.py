"""What a test host inherits from this machine: package mirrors, proxies, private certificate authorities."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from testhost.shell import output

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
APT_OPTIONS = (
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
)
PIP_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")
PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy")
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n.*?\n-----END CERTIFICATE-----\n?", re.DOTALL)


@dataclass(frozen=True)
class Mirrors:
    """Where Debian's packages come from."""

    main: str = "http://deb.debian.org/debian"
    security: str = "http://deb.debian.org/debian-security"

    def sources(self, release: str) -> list[str]:
        """Return the apt source lines for a release."""
        return [
            f"deb {self.main} {release} main",
            f"deb {self.main} {release}-updates main",
            f"deb {self.security} {release}-security main",
        ]


def _sources(text: str) -> list[tuple[str, list[str]]]:
    """Return (address, suites) of every source in one-line or deb822 text."""
    found = []
    for line in text.splitlines():
        words = re.sub(r"\[.*?\]", "", line).split()
        if len(words) > 2 and words[0] == "deb":
            found.append((words[1], [words[2]]))
    for stanza in re.split(r"\n\s*\n", text):
        fields = {
            key.lower(): value.split() for key, value in re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE)
        }
        found += [(address, fields.get("suites", [])) for address in fields.get("uris", [])]
    return found


def mirrors_in(texts: list[str], codename: str) -> Mirrors:
    """Return the mirrors which the apt sources of a Debian with this codename name."""
    main, security = None, None
    for text in texts:
        for uri, suites in _sources(text):
            address = uri.rstrip("/")
            if not address.startswith(("http://", "https://")):
                continue
            if codename in suites:
                main = main or address
            if f"{codename}-security" in suites:
                security = security or address
    default = Mirrors()
    return Mirrors(main or default.main, security or default.security)


def mirrors() -> Mirrors:
    """Return this machine's own Debian mirrors, or Debian's where it has none."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    if release.get("ID", "").strip('"') != "debian":
        return Mirrors()
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    texts = [file.read_text() for file in files if file.suffix in (".list", ".sources") and file.is_file()]
    return mirrors_in(texts, release.get("VERSION_CODENAME", "").strip('"'))


def _reachable(address: str) -> bool:
    """Whether an address means the same thing inside a container: a proxy on loopback does not."""
    return urlsplit(address).hostname not in ("localhost", "127.0.0.1", "::1")


def apt_options() -> list[str]:
    """Return the lines of this machine's apt configuration that decide how packages are fetched."""
    if shutil.which("apt-config") is None:
        return []
    lines = []
    for line in output(["apt-config", "dump", "Acquire"], check=False).splitlines():
        name, _, value = line.partition(" ")
        if name in APT_OPTIONS and _reachable(value.strip('";')):
            lines.append(line)
    return lines


def pip_options(listing: str) -> dict[str, str]:
    """Choose, from what `pip config list` prints, the settings that hold inside a container too."""
    chosen: dict[str, str] = {}
    rank = {"global": 0, "user": 1, "site": 2, ":env:": 3}
    lines = [line.partition("=") for line in listing.splitlines() if "=" in line]
    for name, _, value in sorted(lines, key=lambda line: rank.get(line[0].split(".")[0], 0)):
        option = name.rpartition(".")[2]
        if option not in PIP_OPTIONS:
            continue
        words = " ".join(shlex.split(value)).split()
        if option.endswith("url") or option == "proxy":
            words = [word for word in words if "://" in word and not word.startswith("file:") and _reachable(word)]
        if words:
            chosen[option] = "\n    ".join(words)
    return chosen


def pip_conf(*, private_authority: bool) -> str:
    """Return the text of /etc/pip.conf, empty where pip's defaults do."""
    options = pip_options(output([sys.executable, "-m", "pip", "config", "list"], check=False))
    if private_authority:
        options["cert"] = str(BUNDLE)
    if not options:
        return ""
    return "[global]\n" + "".join(f"{key} = {value}\n" for key, value in sorted(options.items()))


def proxy_environment(environment: dict[str, str] | None = None) -> str:
    """Return lines for /etc/environment that name this machine's HTTP proxies."""
    env = dict(os.environ) if environment is None else environment
    lines = []
    for name in PROXY_VARIABLES:
        value = env.get(name) or env.get(name.upper())
        if value and (name == "no_proxy" or _reachable(value)):
            lines += [f"{name}={value}", f"{name.upper()}={value}"]
    return "".join(line + "\n" for line in lines)


def private_authorities(theirs: str, ours: str | None = None) -> list[str]:
    """Return the certificates this machine trusts and the test host's own bundle lacks."""
    if ours is None:
        ours = BUNDLE.read_text(errors="replace") if BUNDLE.exists() else ""
    known = {"".join(pem.split()) for pem in CERTIFICATE.findall(theirs)}
    return [pem for pem in CERTIFICATE.findall(ours) if "".join(pem.split()) not in known]
