#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_file
short_description: Write a configuration file that is judged first and overwrites no stranger's work
version_added: 1.0.0
description:
  - Writes a file in one step, after O(validate) has accepted it. The file in place stays as it is when it has not.
  - Notes what it wrote. A file that somebody else changed since then is copied before it is replaced, and the task warns and
    names file and copy, in check mode as well. What was there before the first time is kept as the original.
  - Refuses a path that leads through a symbolic link. Only root's own links are followed, in folders that only root can write
    to, and none in the place of the file or of its folder.
  - A file that is as it should be costs neither a judgement nor a copy.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
attributes:
  check_mode:
    support: full
    details:
      - The content is judged, unless a program that O(validate) names by its absolute path is still missing.
  diff_mode:
    support: full
    details:
      - Nothing is shown with O(secret).
  idempotent:
    support: full
options:
  path:
    description:
      - The file. Its folder must exist, except in check mode.
    type: path
    required: true
  content:
    description:
      - What is to be in it.
    type: str
    required: true
  owner:
    description:
      - Name of its owner.
    type: str
    default: root
  group:
    description:
      - Name of its group.
    type: str
    default: root
  mode:
    description:
      - Its mode, in octal digits.
    type: str
    default: "0644"
  secret:
    description:
      - Whether its content is to be left out of the output.
    type: bool
    default: false
  validate:
    description:
      - Program and arguments that judge the content. V(%s) in them is a file with it beside O(path), which has the final owner
        and mode already.
    type: list
    elements: str
    default: []
  format:
    description:
      - What the content has to be in any case. V(environment) is a file that systemd reads with C(EnvironmentFile=). A complaint
        names the line and never its value.
    type: str
    choices: [text, environment]
    default: text
  state_dir:
    description:
      - Folder of the record and of the copies, which only root can enter.
    type: path
    default: /var/lib/hx-gateway
"""

EXAMPLES = r"""
- name: Write the gateway's configuration
  hx.gateway.gateway_file:
    path: /opt/HX-Infrastructure-/api-gateway/config/api-gateway/gateway.yml
    content: "{{ lookup('ansible.builtin.template', 'gateway.yml.j2') }}"
    group: hx-gateway
    mode: "0640"
    validate: [/opt/HX-Infrastructure-/api-gateway/gateway/current/venv/bin/hx-gateway, --config, "%s", --check]
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /etc/redis/redis.conf
by_hand:
  description: Whether somebody else had changed it since it was last written.
  returned: success
  type: bool
  sample: false
copy:
  description: The copy of what was replaced; empty when that was written by this module.
  returned: success
  type: str
  sample: ""
"""

import grp
import os
import pwd
import re
import tempfile
import typing as t
from contextlib import contextmanager

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hx.gateway.plugins.module_utils._environment_file import environment_problem
from ansible_collections.hx.gateway.plugins.module_utils._kept_files import Content, KeptError, read
from ansible_collections.hx.gateway.plugins.module_utils._links import LinkError, refuse_planted_link
from ansible_collections.hx.gateway.plugins.module_utils._written import STATE, Written, digest, kept_edit


class FileError(Exception):
    """The file cannot be written."""


class ConfigurationFile:
    """One file, as it is and as it is to be."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.path: str = module.params["path"]
        self.written = Written(module.params["state_dir"])
        if not os.path.isabs(self.path):
            raise FileError(f"path must be absolute, {self.path} is not")
        refuse_planted_link(self.path)
        self.before = read(self.path)
        self.noted = self.written.load().get(self.path)
        self.by_hand = self.written.is_by_hand(self.path, self.before)
        self.after = self._wanted()

    def _wanted(self) -> Content:
        params = self.module.params
        if not re.fullmatch("0?[0-7]{3}", params["mode"]):
            raise FileError(f"mode must be three octal digits, {params['mode']} is not")
        try:
            uid, gid = pwd.getpwnam(params["owner"]).pw_uid, grp.getgrnam(params["group"]).gr_gid
        except KeyError as error:
            if not self.module.check_mode:
                raise FileError(
                    f"cannot give {self.path} to {params['owner']}:{params['group']}: {error.args[0]}"
                ) from error
            uid, gid = -1, -1  # made by a task that check mode only predicts
        return Content(params["content"].encode(), int(params["mode"], 8), uid, gid)

    def apply(self) -> dict[str, t.Any]:
        """Write the file if it is not as it is to be."""
        changed = self.before != self.after
        replaced = self.before is not None and self.before.data != self.after.data
        copy = ""
        if self.before and replaced and (self.by_hand or self.noted is None):
            copy = self.written.copy_of(self.path, known=self.noted is not None)
            if self.by_hand:
                self.module.warn(kept_edit(self.path, copy))
        if not self.before or replaced:
            self._write(copy)
        elif changed and not self.module.check_mode:
            os.chown(self.path, self.after.uid, self.after.gid, follow_symlinks=False)
            os.chmod(self.path, self.after.mode)
        if not self.module.check_mode:
            self.written.note({self.path: digest(self.after.data)})
        return {"changed": changed, "path": self.path, "by_hand": self.by_hand, "copy": copy, "diff": self._diff()}

    def _write(self, copy: str) -> None:
        with self._folder() as folder, self._beside(folder) as beside:
            self._judge(beside)
            if self.module.check_mode:
                return
            if copy and self.before:
                self.written.set_aside(copy, self.before)
            os.replace(beside, self.path)

    @contextmanager
    def _folder(self) -> t.Iterator[str]:
        """Tell where to write: beside the file, or in check mode where nothing is left of it."""
        if not self.module.check_mode:
            yield os.path.dirname(self.path)
            return
        with tempfile.TemporaryDirectory(dir="/run" if os.access("/run", os.W_OK) else None) as folder:
            os.chmod(folder, 0o711)  # noqa: S103 - the program that judges may be another user
            yield folder

    @contextmanager
    def _beside(self, folder: str) -> t.Iterator[str]:
        """Have the content in a file of its own, which nobody reads before it has its owner and mode."""
        handle, beside = tempfile.mkstemp(dir=folder, prefix=f".{os.path.basename(self.path)}.", suffix=".part")
        try:
            with open(handle, "wb") as file:
                file.write(self.after.data)
                file.flush()
                if self.after.uid >= 0:
                    os.fchown(handle, self.after.uid, self.after.gid)
                    os.fchmod(handle, self.after.mode)
                os.fsync(handle)
            yield beside
        finally:
            if os.path.lexists(beside):
                os.unlink(beside)

    def _judge(self, beside: str) -> None:
        if self.module.params["format"] == "environment" and (problem := environment_problem(self.after.data)):
            raise FileError(f"{self.path} was left as it is: {problem}.")
        command = [part.replace("%s", beside) for part in self.module.params["validate"]]
        missing = any(os.path.isabs(part) and not os.path.exists(part) for part in command)
        if not command or (self.module.check_mode and missing):
            return
        status, output, complaint = self.module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"})
        if status != 0:
            told = f"{complaint.strip()}\n{output.strip()}".strip().replace(beside, self.path)
            raise FileError(f"{self.path} was left as it is: its new content was refused.\n{told}")

    def _diff(self) -> dict[str, t.Any]:
        if self.module.params["secret"]:
            return {}
        texts = [content.data.decode(errors="replace") if content else "" for content in (self.before, self.after)]
        return {"before_header": self.path, "after_header": self.path, "before": texts[0], "after": texts[1]}


def main() -> t.NoReturn:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "content": {"type": "str", "required": True, "no_log": True},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "root"},
            "mode": {"type": "str", "default": "0644"},
            "secret": {"type": "bool", "default": False, "no_log": False},
            "format": {"type": "str", "choices": ["text", "environment"], "default": "text"},
            "validate": {"type": "list", "elements": "str", "default": []},
            "state_dir": {"type": "path", "default": STATE},
        },
        supports_check_mode=True,
    )
    if not module.params["secret"]:
        # Kept out of the host's log all the same, but not out of the diff.
        module.no_log_values.discard(module.params["content"])
    try:
        result = ConfigurationFile(module).apply()
    except (FileError, KeptError, LinkError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"cannot write {error.filename or module.params['path']}: {error.strerror}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
