"""Which transfer codings an answer may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multidict import CIMultiDict, CIMultiDictProxy


def check_codings(headers: CIMultiDict[str] | CIMultiDictProxy[str], version: tuple[int, int] | None) -> None:
    """Refuse transfer codings nobody asked for (RFC 9112 section 6.1): passing them on needs undoing them.

    `version` is the answer's. Raises ValueError.
    """
    if "Transfer-Encoding" in headers:
        codings = headers.getall("Transfer-Encoding")
        if len(codings) != 1 or codings[0].lower() != "chunked" or version is None or version < (1, 1):
            raise ValueError("unknown transfer coding")
