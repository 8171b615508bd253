"""nginx twice: as the contender everything is compared with, and as the upstream behind all of them."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

READINESS = '{"status": "healthy", "db": "connected"}'

_COMMON = """
%(user)s
daemon off;
worker_processes 1;
worker_rlimit_nofile 65536;
pid %(folder)s/nginx-%(port)d.pid;
error_log stderr error;
events { worker_connections 16384; }
http {
    access_log off;
    client_body_temp_path %(folder)s/body-%(port)d;
    proxy_temp_path %(folder)s/proxy-%(port)d;
    fastcgi_temp_path %(folder)s/fastcgi-%(port)d;
    uwsgi_temp_path %(folder)s/uwsgi-%(port)d;
    scgi_temp_path %(folder)s/scgi-%(port)d;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_buffer_size 64k;
    %(http)s
}
"""

_PROXY = """
    upstream behind { server 127.0.0.1:%d; keepalive 1024; keepalive_requests 1000000000; }
    server {
        listen 127.0.0.1:%d backlog=4096;
        location / {
            proxy_pass http://behind;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_read_timeout 600s;
        }
    }
"""

_UPSTREAM = """
    server {
        listen 127.0.0.1:%d backlog=4096;
        default_type application/json;
        location = /health/readiness { return 200 '%s'; }
        location = /v1/models { return 200 '{"object": "list", "data": [{"id": "gpt-bench", "object": "model"}]}'; }
        location / {
            add_header x-litellm-call-id 3f1c0f0e-5f0a-4a43-9a6e-2f6b1c1e9d55;
            add_header x-litellm-model-id c0ffee;
            add_header x-litellm-response-cost 0.0000125;
            return 200 '%s';
        }
    }
"""


def answer() -> str:
    """Return a chat completion of 1 KiB, its usage at the end, as LiteLLM writes one."""
    document = {
        "id": "chatcmpl-9a6e2f6b1c1e9d55",
        "created": 1764000000,
        "model": "gpt-bench",
        "object": "chat.completion",
        "choices": [{"finish_reason": "stop", "index": 0, "message": {"content": "%", "role": "assistant"}}],
        "usage": {"completion_tokens": 180, "prompt_tokens": 40, "total_tokens": 220},
    }
    text = json.dumps(document, separators=(",", ":"))
    return text.replace("%", ("lorem ipsum " * 90)[: 1025 - len(text)])


def available() -> bool:
    """Say whether nginx is installed."""
    return path() is not None


def path() -> str | None:
    """Return where nginx is, which for most users is not in PATH."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def proxy(folder: Path, port: int, upstream: int) -> list[str]:
    """Return the command of a reverse proxy: one worker, kept-alive connections to the upstream."""
    return _command(folder, port, _PROXY % (upstream, port))


def upstream(folder: Path, port: int) -> list[str]:
    """Return the command of an upstream that answers 1 KiB to everything, with some of LiteLLM's headers."""
    return _command(folder, port, _UPSTREAM % (port, READINESS, answer()))


def _command(folder: Path, port: int, http: str) -> list[str]:
    user = "user root;" if os.geteuid() == 0 else ""
    file = folder / f"nginx-{port}.conf"
    file.write_text(_COMMON % {"user": user, "folder": folder, "port": port, "http": http})
    return [path() or "nginx", "-c", str(file), "-p", str(folder), "-e", "stderr"]
