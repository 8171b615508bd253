"""Have LiteLLM load a config.yaml as its server would (litellm --validate_config), and say nothing else.

Argument: the file. The complaint is on standard error, without the secrets of the environment.
"""

from __future__ import annotations

import io
import os
import re
import sys
from urllib.parse import unquote, urlsplit

SECRET = re.compile(r"KEY|URL|PASSWORD|SECRET|TOKEN|CREDENTIAL|PROXY")


def secrets() -> list[str]:
    """List the values of the environment that a message must not repeat, the longest first."""
    values = [value for name, value in os.environ.items() if SECRET.search(name) and len(value) > 3]
    passwords = [urlsplit(value).password for value in values if "://" in value]
    found = {*values, *(text for password in passwords if password for text in (password, unquote(password)))}
    return sorted(found, key=len, reverse=True)


def judge(path: str) -> tuple[int, str]:
    """Run LiteLLM's own command and return its status and its complaint."""
    from litellm.proxy.proxy_cli import run_server  # noqa: PLC0415

    sys.stderr = said = io.StringIO()
    try:
        status = int(run_server.main(["--validate_config", "--config", path], standalone_mode=False) or 0)
    except Exception as error:
        status = 1
        said.write(str(error))
    text = said.getvalue()
    for secret in secrets():
        text = text.replace(secret, "***")
    return status, text


def main() -> None:
    """Judge, and let nothing through that LiteLLM tells by the way."""
    complaints = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    status, text = judge(sys.argv[1])
    os.write(complaints, text.encode())
    # The interpreter's own way out takes three seconds with all of LiteLLM in it.
    os._exit(status)


if __name__ == "__main__":
    main()
