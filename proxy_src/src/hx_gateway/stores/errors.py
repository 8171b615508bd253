"""What a store raises. None of these is an answer to a client: whoever asks a store decides what its absence means."""

from __future__ import annotations


class StoreError(Exception):
    """The store did not do what it was asked."""


class StoreUnavailableError(StoreError):
    """No answer: not connected, connection lost, or so much is waiting that more would only wait too."""


class StoreTimeoutError(StoreUnavailableError):
    """No answer in time. Whether the command was executed is not known."""


class StoreReplyError(StoreError):
    """The store answered with an error."""

    @property
    def code(self) -> str:
        """First word of the error, such as `NOSCRIPT`, `OOM`, `READONLY`, `NOPERM`, `WRONGPASS`."""
        return str(self).partition(" ")[0]
