"""Entry point: ``python3 -m hx_provider_standin --listen 127.0.0.1:11434``."""

from __future__ import annotations

import argparse

from hx_provider_standin.server import Server


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="hx_provider_standin", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:11434", metavar="ADDRESS:PORT")
    parser.add_argument("--keep", type=int, default=1000, help="requests kept in the record")
    arguments = parser.parse_args()
    address, _, port = arguments.listen.rpartition(":")
    with Server(address, int(port), arguments.keep) as server:
        print(f"Stand-in provider listening on {arguments.listen}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
