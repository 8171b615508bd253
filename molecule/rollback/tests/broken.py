"""Releases of the gateway that do not work, each in a way of its own."""

from __future__ import annotations

STUB = """
import http.server, os, socket, sys
ANSWERS = {answers}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = ANSWERS.get(self.path, ANSWERS["*"])
        if status == 0:
            os._exit(1)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
if "--check" in sys.argv:
    sys.exit(0)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 4018), Handler)
told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
server.serve_forever()
"""
HEALTHY = {"/healthz": (200, '{"ok": true}'), "/readyz": (200, '{"ready": true}'), "*": (401, "{}")}


def stub(**answers: tuple[int, str]) -> str:
    """Return a program that says it is ready and answers these paths in its own way."""
    changed = {("*" if name == "rest" else f"/{name}"): answer for name, answer in answers.items()}
    return STUB.format(answers=HEALTHY | changed)


GATEWAY = "import sys\nfrom hx_gateway.cli import main\n"

# A program takes the place of the command hx-gateway.
PROGRAMS = {
    "ends at once": "import sys\nsys.exit(1)\n",
    "ends at once and says that all is well": "import sys\nsys.exit(0)\n",
    "ends after 3 seconds": "import os, threading\nthreading.Timer(3, os._exit, [1]).start()\n"
    + GATEWAY
    + "sys.exit(main())\n",
    "is killed by a signal": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "listens on another port": GATEWAY + "sys.exit(main([*sys.argv[1:], '--listen', '127.0.0.1:4999']))\n",
    "hangs before it listens": "import time\ntime.sleep(600)\n",
    "listens and answers nothing": STUB.format(answers=HEALTHY).replace(
        "server.serve_forever()", "import time\ntime.sleep(600)"
    ),
    "refuses the configuration": "import sys\nsys.stderr.write('embeddings: unknown key')\nsys.exit(78)\n",
    "answers 500 to /healthz": stub(healthz=(500, "{}")),
    "answers 500 to /readyz": stub(readyz=(500, "{}")),
    "is never ready": stub(readyz=(503, '{"ready": false, "reason": "never"}')),
    "is another program": stub(healthz=(200, "<html>"), readyz=(200, "<html>")),
    "answers 500 to every request": stub(rest=(500, "{}")),
    "ends at the first request": stub(rest=(0, "")),
    # Only what comes after the switch can find these.
    "works only in its trial": GATEWAY + "sys.exit(main() if any('trial.yml' in word for word in sys.argv) else 1)\n",
    "works until it serves": GATEWAY + "sys.exit(1 if any('/gateway.yml' in word for word in sys.argv) else main())\n",
}

# Health, readiness and the list of models are as they should be.
FAILS_MODELS = (
    "from hx_gateway.middlewares.json_body import JsonBody\n"
    "passed = JsonBody.__call__\n"
    "def fail(self, request, call_next):\n"
    "    if request.method == 'POST': raise RuntimeError\n"
    "    return passed(self, request, call_next)\n"
    "JsonBody.__call__ = fail\n" + GATEWAY + "sys.exit(main())\n"
)

# A command is run in the release's folder.
PACKAGES = "venv/lib/python3*/site-packages"
COMMANDS = {
    "misses a file": f"rm {PACKAGES}/hx_gateway/life.py",
    "misses a package": f"rm -r {PACKAGES}/aiohttp",
    "cannot be imported": f"echo 'raise ImportError(1)' >>$(echo {PACKAGES}/hx_gateway)/server/__init__.py",
    "is not Python": f"echo 'def (' >>$(echo {PACKAGES}/hx_gateway)/cli.py",
    "has no interpreter": "rm venv/bin/python*",
    "has an interpreter that cannot be executed": "cd venv/bin && rm python && echo >python && chmod 0644 python",
    "can be read by root alone": "chmod 0700 venv",
}

KINDS = [*PROGRAMS, *COMMANDS]
