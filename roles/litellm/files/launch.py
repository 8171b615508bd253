"""Run LiteLLM out of the release this file lies in.

launch.py serve [options of the litellm command]   the server, which keeps to the port it was given
launch.py migrate                                  LiteLLM's own migration job, no server
launch.py generate                                 Prisma's Python client, once, when the release is built
"""

from __future__ import annotations

import argparse
import importlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

RELEASE = Path(__file__).resolve().parent
VENV = RELEASE / "venv"
PRISMA = RELEASE / "prisma"
PRISMA_CLI = PRISMA / "node_modules" / "prisma" / "build" / "index.js"


def enter_release(arguments: list[str]) -> None:
    """Start again from the release's own path if this process came through the link `current`.

    LiteLLM imports most of itself late; through the link a running process would import from the next release.
    """
    if Path(sys.prefix) != VENV:
        python = str(VENV / "bin" / "python")
        os.execv(python, [python, "-I", "-u", "-B", str(RELEASE / "launch.py"), *arguments])


def use_prisma() -> None:
    """Point Prisma at the engines and the command line that the release carries."""
    os.environ["PATH"] = f"{VENV / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    if PRISMA.is_dir():
        os.environ |= {
            "PRISMA_BINARY_CACHE_DIR": str(PRISMA),
            "PRISMA_QUERY_ENGINE_BINARY": str(PRISMA / "query-engine"),
            "PRISMA_SCHEMA_ENGINE_BINARY": str(PRISMA / "schema-engine"),
            "PRISMA_CLI_QUERY_ENGINE_TYPE": "binary",
            # Past the Python wrapper, which imports the whole generated client for each command.
            "PRISMA_OFFLINE_MODE": "true",
            "PRISMA_CLI_PATH": str(PRISMA_CLI),
        }


def require_free_port(options: list[str]) -> None:
    """Stop at once when the port is taken, instead of after the long import."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4000)
    wanted, _rest = parser.parse_known_args(options)
    family = socket.AF_INET6 if ":" in wanted.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((wanted.host, wanted.port))
        except OSError as error:
            sys.exit(f"cannot listen on {wanted.host} port {wanted.port}: {error.strerror}")


def replace(owner: object, replacement: object, *names: str) -> None:
    """Replace one function of LiteLLM by all names that its versions have for it; stop if this one has none of them."""
    present = [name for name in names if callable(getattr(owner, name, None))]
    if not present:
        sys.exit(f"this LiteLLM has no {names[0]}; launch.py has to be adapted to it")
    for name in present:
        setattr(owner, name, replacement)


def serve(options: list[str]) -> None:
    """Run the server without two habits of LiteLLM's command line."""
    require_free_port(options)
    cli = importlib.import_module("litellm.proxy.proxy_cli")
    check = importlib.import_module("litellm.proxy.db.check_migration")
    # It would move to a random port when it finds 4000 taken.
    helpers = cli.ProxyInitializationHelpers
    replace(helpers, staticmethod(lambda *_: False), "is_port_in_use", "_is_port_in_use")
    # It would run `prisma migrate diff` with the database's URL, password included, among the arguments.
    replace(check, lambda **_: None, "check_prisma_schema_diff")
    cli.run_server(options)


def engine_is_native() -> bool:
    """Tell Prisma's own program from the one that runs on Node."""
    with (PRISMA / "schema-engine").open("rb") as program:
        return program.read(2) != b"#!"


def take_password_out(url: str) -> str:
    """Move the password into PGPASSWORD: Prisma's command line hands the URL to the schema engine as an argument.

    The native engine does not know PGPASSWORD; ours and psycopg do.
    """
    parts = urlsplit(url)
    if parts.password is None:
        return url
    os.environ["PGPASSWORD"] = unquote(parts.password)
    user, _at, address = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}@{address}"))


def limit_lock_waits(url: str) -> str:
    """Have a statement that waits for a lock longer than HX_LOCK_TIMEOUT seconds give up: those after it wait, too.

    LiteLLM takes the migration back and tries again.
    """
    seconds = os.environ.get("HX_LOCK_TIMEOUT", "0")
    if seconds == "0":
        return url
    parts = urlsplit(url)
    option = f"options={quote(f'-c lock_timeout={seconds}s')}"
    return urlunsplit(parts._replace(query="&".join(filter(None, [parts.query, option]))))


def migrate(_options: list[str]) -> None:
    """Run LiteLLM's own migration job, without the server that the litellm command would import first."""
    settings = importlib.import_module("litellm.proxy.db.db_url_settings")
    manager = importlib.import_module("litellm_proxy_extras.utils").ProxyExtrasDBManager
    url = limit_lock_waits(settings.translate_libpq_ssl_params(os.environ["DATABASE_URL"]))
    os.environ["DATABASE_URL"] = url if engine_is_native() else take_password_out(url)
    # Before 1.105 the job was the migration alone.
    job = getattr(manager, "run_migration_job", None) or manager.setup_database
    try:
        complete = job(use_migrate=True, use_v2_resolver=True)
    except RuntimeError as error:
        sys.exit(f"the migration cannot go on: {error}")
    if not complete:
        sys.exit("the migration is not complete; its log says what is missing")
    # The interpreter's own way out takes three seconds with all of LiteLLM in it.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def generate(_options: list[str]) -> None:
    """Write Prisma's Python client into the venv."""
    schema = next(VENV.glob("lib/python3*/site-packages/litellm/proxy/schema.prisma"))
    sys.exit(subprocess.run(["node", str(PRISMA_CLI), "generate", "--schema", str(schema)], check=False).returncode)


COMMANDS = {"serve": serve, "migrate": migrate, "generate": generate}


def main() -> None:
    """Run the command named by the first argument."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] not in COMMANDS:
        sys.exit(__doc__)
    enter_release(arguments)
    use_prisma()
    COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    main()
