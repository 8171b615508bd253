"""What `systemctl status` says of the service (STATUS=, sd_notify(3)); Ansible's `gateway_unit_info` reads it too."""

from __future__ import annotations

from dataclasses import dataclass

_REASON_MAX = 1000
"""systemd drops a message above 4096 bytes."""


@dataclass(frozen=True)
class Status:
    """The configuration that is in force, and what became of the one read last; times as in `Source.changed_at`."""

    configuration_of: str
    restart_needed: tuple[str, ...] = ()
    """Keys of that configuration which wait for a restart."""
    refused_of: str = ""
    """Age of the file that was refused since; empty if none was."""
    refused_reason: str = ""

    def __str__(self) -> str:
        """Return one line."""
        text = "Serving"
        if self.configuration_of:
            text += f" with the configuration of {self.configuration_of}"
        if self.restart_needed:
            text += f"; restart needed: {', '.join(self.restart_needed)}"
        if self.refused_reason:
            of = f" that of {self.refused_of}" if self.refused_of else ""
            text += f"; refused{of}: {' '.join(self.refused_reason.split())[:_REASON_MAX]}"
        return text
