#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_release
short_description: Keep what a release serves with, and go back to a release with it
version_added: 1.0.0
description:
  - With O(state=kept) it copies O(files) as they are beside the release that C(current) points to, into a folder that only
    root can enter, and notes that this release has passed its gate.
  - With O(state=current) it makes a release the current one again and puts the files back that were kept with it. One that
    somebody else changed since the roles wrote it is copied first, as M(hx.gateway.gateway_file) does, and named in a warning.
  - It never builds, starts or stops anything.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Names the files. What is in them may be secret, and is not shown.
  idempotent:
    support: full
options:
  root:
    description:
      - Folder of the component, which has C(releases/) and the link C(current) in it.
    type: path
    required: true
  state:
    description:
      - V(kept) after a gate, V(current) to go back.
    type: str
    choices: [current, kept]
    default: current
  release:
    description:
      - For O(state=current), V(previous) is the release that served before the current one, V(served) the one that passed its
        gate last, which may be the current one. Anything else is a release's name, or a version that one release has.
      - An incomplete release is refused.
    type: str
    default: served
  written:
    description:
      - For O(state=kept), count the files as written by the roles, for example after a restore. Otherwise
        M(hx.gateway.gateway_file) goes on to tell what somebody else has changed.
    type: bool
    default: false
  state_dir:
    description:
      - Folder of the record of M(hx.gateway.gateway_file).
    type: path
    default: /var/lib/hx-gateway
  files:
    description:
      - Absolute paths of the files that belong to the service, such as units, configuration and environment files. One that is
        not there is kept as absent.
      - For O(state=current), only these are put back.
    type: list
    elements: path
    default: []
seealso:
  - module: hx.gateway.gateway_release_info
"""

EXAMPLES = r"""
- name: Keep what serves
  hx.gateway.gateway_release:
    root: /opt/HX-Infrastructure-/api-gateway/gateway
    state: kept
    files:
      - /opt/HX-Infrastructure-/api-gateway/config/api-gateway/gateway.yml
      - /etc/systemd/system/hx-gateway-ml.service

- name: Go back to what served before
  hx.gateway.gateway_release:
    root: /opt/HX-Infrastructure-/api-gateway/gateway
    release: previous
"""

RETURN = r"""
release:
  description: The release that was kept, or that is the current one.
  returned: success
  type: str
  sample: 1.0.0-0a1b2c3d
before:
  description: The release that was the current one before.
  returned: success
  type: str
  sample: 1.0.1-4e5f6071
files:
  description: The files that were written or removed, or copied for O(state=kept).
  returned: success
  type: list
  elements: str
  sample: []
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hx.gateway.plugins.module_utils._kept_files import Content, KeptError, KeptFiles, read, write
from ansible_collections.hx.gateway.plugins.module_utils._releases import SERVED, ReleaseError, Releases
from ansible_collections.hx.gateway.plugins.module_utils._written import STATE, Written, digest, kept_edit


class ReleaseSwitch:
    """Keeps a release's files, or makes a release the current one."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.releases = Releases(module.params["root"])
        self.files: list[str] = module.params["files"]
        for path in self.files:
            if not os.path.isabs(path):
                raise KeptError(f"files must hold absolute paths, {path} is not one")
        self.before = self.releases.current
        self.written = Written(module.params["state_dir"])

    def keep(self) -> dict[str, t.Any]:
        """Copy the files beside the current release and note that it serves."""
        name = self.releases.choose(self.before)
        present = {path: read(path) for path in self.files}
        kept = KeptFiles(self.releases.kept_folder(name))
        stored = kept.load()
        differing = [path for path in present if path not in stored or stored[path] != present[path]]
        history = self.releases.history_with(name)
        if not self.module.check_mode:
            if self.module.params["written"]:
                self._note(present)
            if differing or list(stored) != list(present):
                kept.save(present)
            if history != self.releases.history:
                line = "\n".join(history) + "\n"
                write(
                    os.path.join(self.releases.root, SERVED), Content(line.encode(), 0o644, os.geteuid(), os.getegid())
                )
        return self._result(name, differing, changed=bool(differing))

    def go(self) -> dict[str, t.Any]:
        """Make a release the current one, its files first: the link is what decides."""
        name = self.releases.choose(self.module.params["release"])
        stored = KeptFiles(self.releases.kept_folder(name)).load()
        wanted = {path: content for path, content in stored.items() if path in self.files}
        differing = [path for path, content in wanted.items() if read(path) != content]
        self._keep_edits(differing)
        if not self.module.check_mode:
            for path in differing:
                self._put(path, wanted[path])
            self._note(wanted)
            if name != self.before:
                self._link(name)
        return self._result(name, differing, changed=bool(differing) or name != self.before)

    def _keep_edits(self, paths: list[str]) -> None:
        """Copy what somebody else wrote before it is replaced, and name it."""
        for path in paths:
            present = read(path)
            if present is not None and self.written.is_by_hand(path, present):
                copy = self.written.copy_of(path, known=True)
                if not self.module.check_mode:
                    self.written.set_aside(copy, present)
                self.module.warn(kept_edit(path, copy))

    def _note(self, contents: dict[str, Content | None]) -> None:
        self.written.note({path: digest(content.data) if content else None for path, content in contents.items()})

    def _put(self, path: str, content: Content | None) -> None:
        if content is None:
            os.unlink(path)
        else:
            write(path, content)

    def _link(self, name: str) -> None:
        current = os.path.join(self.releases.root, "current")
        beside = f"{current}.part"
        if os.path.lexists(beside):
            os.unlink(beside)
        os.symlink(os.path.join("releases", name), beside)
        os.replace(beside, current)

    def _result(self, name: str, files: list[str], *, changed: bool) -> dict[str, t.Any]:
        diff = {"before": {"release": self.before, "files": []}, "after": {"release": name, "files": files}}
        return {
            "changed": changed,
            "release": name,
            "before": self.before,
            "files": files,
            "diff": diff if changed else {},
        }


def main() -> t.NoReturn:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["current", "kept"], "default": "current"},
            "release": {"type": "str", "default": "served"},
            "written": {"type": "bool", "default": False},
            "state_dir": {"type": "path", "default": STATE},
            "files": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        switch = ReleaseSwitch(module)
        result = switch.keep() if module.params["state"] == "kept" else switch.go()
    except (ReleaseError, KeptError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"cannot change {error.filename}: {error.strerror}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
