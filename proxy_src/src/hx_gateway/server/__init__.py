"""The client's side: HTTP/1.1 on the event loop's protocols and aiohttp's C parser, in the pipeline's messages.

`gateway` listens and drains; `connections` and `connection` are what clients connect to, `intake` and `framing` read
their requests within the limits, `write_clock` lets go of those that take nothing, `departures` notices those that
leave while nothing is read; `exchange` handles one request, `body` reads its body, `answer` and `stream` write its
answer; `under_way` counts those of one pipeline, `protocol` checks what the parser does not, `refusals` tells what
never became a request, `transport` ends connections.
"""

from hx_gateway.server.gateway import GatewayServer

__all__ = ["GatewayServer"]
