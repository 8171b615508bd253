"""The client's side: aiohttp's low-level server, made to speak the pipeline's messages.

`gateway` listens and drains, `connections` and `connection` are what clients connect to, with their limits,
`exchange` handles one request, `body` reads its body, `protocol` and `framing` check what the parser does not,
`transport` ends connections.
"""

from hx_gateway.server.gateway import GatewayServer

__all__ = ["GatewayServer"]
