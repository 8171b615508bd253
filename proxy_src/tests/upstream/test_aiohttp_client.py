"""What only the reference client does; what both do is in test_clients.py."""

from __future__ import annotations

from unittest.mock import AsyncMock, Mock, patch

import pytest
from multidict import CIMultiDict

from hx_gateway.errors import UpstreamBrokenError
from hx_gateway.message import BytesBody
from hx_gateway.upstream.aiohttp_client import AiohttpUpstream

from running import configured


async def test_header_values_that_would_split_a_message() -> None:
    """aiohttp's parser refuses them too; another client in its place might not."""
    response = Mock(status=200, headers=CIMultiDict({"X": "a\nSet-Cookie: b"}))
    client = AiohttpUpstream(configured().upstream)
    with patch.object(client._session, "request", AsyncMock(return_value=response)):
        with pytest.raises(UpstreamBrokenError):
            await client.send("GET", "/v1/x", CIMultiDict(), BytesBody(b""))
    response.close.assert_called_once_with()
    await client.aclose()
