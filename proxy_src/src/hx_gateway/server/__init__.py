"""The client's side: aiohttp's low-level server, made to speak the pipeline's messages.

`gateway` listens and drains, `connection` is what a client connects to, `exchange` handles one request, `body` reads
its body, `protocol` checks what the parser does not, `transport` ends connections.
"""

from hx_gateway.server.gateway import GatewayServer

__all__ = ["GatewayServer"]
