# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL as a server that was built without TLS shows itself."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

TLS_REQUEST = struct.pack("!ii", 8, 80877103)


class PlainServer:
    """Answers that there is no TLS, and hands everything else to the real server."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.sockets = [self.listener]

    def __enter__(self) -> int:
        threading.Thread(target=self._accept, daemon=True).start()
        return int(self.listener.getsockname()[1])

    def __exit__(self, *_exception: object) -> None:
        for open_socket in self.sockets:
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self.listener.accept()[0],), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self.sockets.append(client)
        with contextlib.suppress(OSError):
            first = client.recv(65536)
            if first == TLS_REQUEST:
                client.sendall(b"N")
                first = client.recv(65536)
            if not first:
                client.close()
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            self.sockets.append(server)
            server.sendall(first)
            threading.Thread(target=self._copy, args=(server, client), daemon=True).start()
            self._copy(client, server)

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)
