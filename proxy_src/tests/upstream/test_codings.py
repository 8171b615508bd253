"""Which transfer codings an answer may have, with either client."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from hx_gateway.upstream.codings import check_codings

from running import gateway
from wire import ask, request, say, upstream

CHUNKS = b"3\r\nabc\r\n0\r\n\r\n"


@pytest.mark.parametrize("codings", [[], ["chunked"], ["Chunked"]])
def test_none_and_chunked(codings: list[str]) -> None:
    check_codings(CIMultiDict([("transfer-encoding", coding) for coding in codings]), (1, 1))


@pytest.mark.parametrize(
    ("codings", "version"),
    [
        (["gzip"], (1, 1)),
        (["gzip, chunked"], (1, 1)),
        (["gzip", "chunked"], (1, 1)),
        (["chunked", "chunked"], (1, 1)),
        ([""], (1, 1)),
        (["chunked"], (1, 0)),
        (["chunked"], None),
    ],
)
def test_others(codings: list[str], version: tuple[int, int] | None) -> None:
    with pytest.raises(ValueError, match="transfer coding"):
        check_codings(CIMultiDict([("Transfer-Encoding", coding) for coding in codings]), version)


@pytest.mark.usefixtures("each_client")
@pytest.mark.parametrize("coding", ["gzip, chunked", "gzip"])
async def test_what_nobody_asked_for_is_a_broken_answer(coding: str) -> None:
    data = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n".encode() + CHUNKS
    async with upstream(say(data)) as up, gateway(up.url) as gw:
        assert (await ask(gw.port, request())).status == 502
