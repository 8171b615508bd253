#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: npm_bundle
short_description: Pack the Node modules of a lock file into an archive, without npm
version_added: 1.0.0
description:
  - Downloads the packages that a C(package-lock.json) names, checks each against the digest in the lock, and packs them as a
    C(node_modules) tree into one C(tar.gz). Made for the controller; a host gets the archive and needs neither npm nor a registry.
  - No script of any package is run, no C(.bin) folder is made, and the addresses that a lock may hold are not used. A tarball's
    address is made from O(registry), the package's name and its version.
  - The archive depends on nothing but the lock, O(exclude) and O(optional). Its entries are sorted and carry neither the time nor
    the user they were written with.
  - Beside the archive lies a file with C(.json) appended to its name, by which the next run tells that nothing has to be done.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  lock:
    description:
      - Path of a C(package-lock.json) with C(lockfileVersion) 3. Packages that only development needs are left out.
    type: path
    required: true
  dest:
    description:
      - Path of the archive. Its folder is made if it is missing.
    type: path
    required: true
  registry:
    description:
      - URL of the npm registry, or of a mirror of it.
    type: str
    default: https://registry.npmjs.org
  cache_dir:
    description:
      - Folder that keeps the tarballs, each under its digest. What lies there is checked again before it is used.
    type: path
    default: ~/.cache/hx-gateway/npm
  exclude:
    description:
      - Paths in the tree to leave out, as V(node_modules/graphql/*.mjs). C(*) stands for any signs, slashes among them, and a folder
        for all that is in it. A package whose folder is left out is not downloaded.
      - A path that fits nothing is an error, since it would be there to keep something out.
    type: list
    elements: str
    default: []
  optional:
    description:
      - Whether packages that others can do without belong to the archive.
    type: bool
    default: true
  ca_path:
    description:
      - Path of a PEM file with the certificates of the authorities to trust, instead of the system's.
    type: path
  use_proxy:
    description:
      - Whether the proxy that the environment names (E(https_proxy), E(no_proxy)) is used.
    type: bool
    default: true
  timeout:
    description:
      - Seconds that a connection to the registry may stay silent.
    type: int
    default: 60
  threads:
    description:
      - How many tarballs are downloaded at once.
    type: int
    default: 4
"""

EXAMPLES = r"""
- name: Pack the Node modules
  hx.gateway.npm_bundle:
    lock: files/package-lock.json
    dest: "{{ playbook_dir }}/.cache/node-modules.tar.gz"
    exclude:
      - node_modules/graphql/*.mjs
  register: bundle
  delegate_to: localhost

- name: Unpack them on the host
  ansible.builtin.unarchive:
    src: "{{ bundle.dest }}"
    dest: /opt/engines
    owner: root
    group: root

- name: Pack them from a mirror with a certificate of its own
  hx.gateway.npm_bundle:
    lock: files/package-lock.json
    dest: /var/cache/node-modules.tar.gz
    registry: https://mirror.example.org/npm
    ca_path: /etc/ssl/certs/example.pem
  delegate_to: localhost
"""

RETURN = r"""
dest:
  description: Path of the archive.
  returned: success
  type: str
  sample: /var/cache/node-modules.tar.gz
sha256:
  description: SHA-256 of the archive. Empty in check mode while it does not exist as it should.
  returned: success
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
packages:
  description: The packages in the archive.
  returned: success
  type: list
  elements: str
  sample: ["@prisma/debug@6.19.0", "pg@8.23.1"]
downloaded:
  description: Those of them that were not in O(cache_dir) and were downloaded.
  returned: success
  type: list
  elements: str
  sample: ["pg@8.23.1"]
"""

import hashlib
import json
import os
import tempfile
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError, URLError

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import ConnectionError as UrlConnectionError
from ansible.module_utils.urls import open_url
from ansible_collections.hx.gateway.plugins.module_utils._npm import (
    NpmError,
    Package,
    excluded,
    pack,
    read_lock,
    unpack,
    without_password,
)

# Part of the digest by which an archive is known; raise it when the way of packing changes.
LAYOUT = 1
ATTEMPTS = 3


class NpmBundle:
    """Makes the archive, or finds that it is there."""

    def __init__(self, params: dict[str, t.Any], check_mode: bool) -> None:
        self.params = params
        self.check_mode = check_mode
        self.dest = Path(params["dest"])
        self.note = Path(f"{params['dest']}.json")
        self.patterns: list[str] = params["exclude"]
        self.every_package = read_lock(params["lock"], params["optional"])
        self.packages = [package for package in self.every_package if not excluded(package.location, self.patterns)]
        self.downloaded: list[str] = []
        if params["threads"] < 1 or params["timeout"] < 1:
            raise NpmError("threads and timeout must be at least 1")

    def wanted(self) -> dict[str, t.Any]:
        """Describe the archive that is asked for, without making it."""
        inputs = [[package.location, package.label, package.digest] for package in self.packages]
        text = json.dumps([LAYOUT, inputs, sorted(set(self.patterns))])
        return {
            "inputs": hashlib.sha256(text.encode()).hexdigest(),
            "packages": sorted({package.label for package in self.packages}),
        }

    def present(self) -> dict[str, t.Any]:
        """Describe the archive that is there; empty when there is none, or not the one its note tells of."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            if note["sha256"] == hashlib.sha256(self.dest.read_bytes()).hexdigest():
                return t.cast("dict[str, t.Any]", note)
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return {}

    def execute(self) -> dict[str, t.Any]:
        """Bring the archive about and return the module's result."""
        wanted, before = self.wanted(), self.present()
        changed = before.get("inputs") != wanted["inputs"]
        after = before
        if changed:
            after = wanted if self.check_mode else self.make(wanted)
        return {
            "changed": changed,
            "dest": str(self.dest),
            "sha256": after.get("sha256", ""),
            "packages": wanted["packages"],
            "downloaded": sorted(self.downloaded),
            "diff": {
                "before_header": str(self.dest),
                "after_header": str(self.dest),
                "before": _lines(before),
                "after": _lines(wanted),
            },
        }

    def make(self, wanted: dict[str, t.Any]) -> dict[str, t.Any]:
        """Write the archive and its note."""
        with ThreadPoolExecutor(max_workers=self.params["threads"]) as pool:
            trees = list(pool.map(lambda package: unpack(package, self.tarball(package)), self.packages))
        paths = [path for tree in trees for path in tree]
        self.require_useful_patterns(paths)
        content = pack(
            {path: entry for tree in trees for path, entry in tree.items() if not excluded(path, self.patterns)}
        )
        note = {**wanted, "sha256": hashlib.sha256(content).hexdigest()}
        # An archive without its note is made again; a note never stands for another archive, since it holds its digest.
        _write(self.dest, content)
        _write(self.note, json.dumps(note, indent=2).encode() + b"\n")
        return note

    def require_useful_patterns(self, paths: list[str]) -> None:
        """Refuse what would leave nothing out."""
        candidates = [*paths, *(package.location for package in self.every_package)]
        for pattern in self.patterns:
            if not any(excluded(path, [pattern]) for path in candidates):
                raise NpmError(f"exclude: {pattern} fits nothing in the tree")

    def tarball(self, package: Package) -> bytes:
        """Take a tarball out of the cache, or download it into the cache."""
        cached = Path(self.params["cache_dir"], package.algorithm, f"{package.digest}.tgz")
        try:
            content = cached.read_bytes()
            if package.matches(content):
                return content
        except OSError:
            pass
        content = self.download(package)
        self.downloaded.append(package.label)
        _write(cached, content)
        return content

    def download(self, package: Package) -> bytes:
        """Download a tarball; a registry that stumbles is asked again."""
        url = package.url(self.params["registry"])
        problem = ""
        for _attempt in range(ATTEMPTS):
            try:
                with open_url(
                    url,
                    timeout=self.params["timeout"],
                    ca_path=self.params["ca_path"],
                    use_proxy=self.params["use_proxy"],
                    http_agent="hx.gateway.npm_bundle",
                    # The tarball is wanted as it is, whatever the server says about its encoding.
                    decompress=False,
                ) as response:
                    content = t.cast(bytes, response.read())
            except HTTPError as error:
                problem = f"the registry answers {error.code} {error.reason}"
                if error.code < 500 and error.code != 429:
                    break
            except (URLError, UrlConnectionError, OSError, ValueError) as error:
                problem = f"the registry cannot be reached: {getattr(error, 'reason', None) or error}"
            else:
                if package.matches(content):
                    return content
                raise NpmError(
                    f"the tarball of {package.label} is not the one the lock was made from: its {package.algorithm} differs "
                    f"({without_password(url)})"
                )
        raise NpmError(f"cannot download {package.label} from {without_password(url)}: {problem}")


def _lines(archive: dict[str, t.Any]) -> str:
    return "".join(f"{package}\n" for package in archive.get("packages", []))


def _write(path: Path, content: bytes) -> None:
    """Replace a file by a whole one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=str(path.parent), prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            os.chmod(name, 0o644)
            os.replace(name, str(path))
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise NpmError(f"cannot write {path}: {error.strerror}") from error


def main() -> t.NoReturn:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "lock": {"type": "path", "required": True},
            "dest": {"type": "path", "required": True},
            "registry": {"type": "str", "default": "https://registry.npmjs.org"},
            "cache_dir": {"type": "path", "default": "~/.cache/hx-gateway/npm"},
            "exclude": {"type": "list", "elements": "str", "default": []},
            "optional": {"type": "bool", "default": True},
            "ca_path": {"type": "path"},
            "use_proxy": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 60},
            "threads": {"type": "int", "default": 4},
        },
        supports_check_mode=True,
    )
    try:
        result = NpmBundle(module.params, module.check_mode).execute()
    except NpmError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
