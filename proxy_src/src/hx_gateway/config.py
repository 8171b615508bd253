"""The configuration file: its schema, its defaults, and errors that name the key.

Durations are seconds, sizes are bytes, and 0 turns a timeout or a limit off where that is said. No key holds a
secret: secrets come from the environment only.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from yarl import URL

if TYPE_CHECKING:
    from pathlib import Path

MIDDLEWARES = ("request_id", "access_log", "errors", "health", "path_gate", "forwarded", "embeddings")
"""Names of the gateway's own middlewares; their order is decided in pipeline.py."""

_FACTORY = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

Duration = Annotated[float, Field(ge=0, le=86400)]
MiddlewareName = Literal["request_id", "access_log", "errors", "health", "path_gate", "forwarded", "embeddings"]
EmbeddingsMode = Literal["replace", "both", "reverse", "off"]


class ConfigError(Exception):
    """One line that says which key is wrong and why."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Listen(_Section):
    """Where clients connect."""

    address: str = "127.0.0.1"
    """IPv4 or IPv6 address of an interface; 0.0.0.0 or :: for all."""
    port: int = Field(default=4010, ge=0, le=65535)
    """0 takes any free one, which the log then names."""
    keepalive_timeout: float = Field(default=75, gt=0, le=86400)
    """Seconds an idle client connection is kept."""
    backlog: int = Field(default=1024, ge=1, le=65535)
    """Connections that may wait to be accepted."""

    @field_validator("address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        try:
            ipaddress.ip_address(value)
        except ValueError:
            raise ValueError("must be an IP address") from None
        return value


class Timeouts(_Section):
    """How long the upstream may take; 0 means as long as it likes."""

    connect: Duration = 5
    first_byte: Duration = 600
    """From the last byte of the request to the head of the answer."""
    between_bytes: Duration = 300
    """Between two pieces of the answer's body."""
    total: Duration = 0
    """The whole exchange, the client's upload and the stream included."""


class Readiness(_Section):
    """What /readyz asks the upstream."""

    path: str = Field(default="/health/readiness", pattern=r"^/[\x21-\x7e]*$")
    require_database: bool = False
    """Not ready unless the body says that the database is connected."""
    timeout: float = Field(default=5, gt=0, le=300)
    cache: Duration = 1
    """Seconds an answer is reused, so that /readyz cannot be used to load the upstream."""


class Upstream(_Section):
    """The LiteLLM server behind the gateway."""

    url: str
    """http://HOST:PORT or https://HOST:PORT, nothing after it."""
    max_connections: int = Field(default=0, ge=0)
    """Connections at a time, 0 for any number; requests above it wait."""
    keepalive_timeout: float = Field(default=4, gt=0, le=3600)
    """Seconds an idle connection is kept: below uvicorn's 5, so that none is used while it is being closed."""
    timeouts: Timeouts = Timeouts()
    readiness: Readiness = Readiness()

    @field_validator("url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        try:
            url = URL(value)
            port = url.port
        except ValueError:
            raise ValueError("is not a URL") from None
        if url.scheme not in {"http", "https"} or not url.host or not port:
            raise ValueError("must be http://HOST:PORT or https://HOST:PORT")
        if url.user is not None or url.password is not None:
            raise ValueError("must not hold credentials")
        if url.path not in {"", "/"} or url.query_string or url.fragment:
            raise ValueError("must not have a path, a query or a fragment")
        return str(url.origin())


class Limits(_Section):
    """What a request may cost."""

    body_read_max: int = Field(default=33554432, ge=1024)
    """Bytes of a body that a middleware has to read whole; more is answered with 413. Streamed bodies have no limit."""


class Drain(_Section):
    """What SIGTERM does."""

    timeout: Duration = 600
    """Seconds that requests in flight may take to finish; then they are cut. 0 cuts at once."""


class Log(_Section):
    """JSON lines: access log to standard output, everything else to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class AddedMiddleware(_Section):
    """A middleware from another package."""

    factory: str
    """`package.module:callable`, called with the gateway's Services, returns the middleware."""
    before: MiddlewareName | Literal["forwarder"] = "forwarder"
    """The one it stands in front of."""

    @field_validator("factory")
    @classmethod
    def _is_factory(cls, value: str) -> str:
        return _check_factory(value)


class Middlewares(_Section):
    """What differs from the built-in pipeline."""

    disable: list[MiddlewareName] = []
    replace: dict[MiddlewareName, str] = {}
    """Name to `package.module:callable`."""
    add: list[AddedMiddleware] = []

    @field_validator("replace")
    @classmethod
    def _are_factories(cls, value: dict[str, str]) -> dict[str, str]:
        for factory in value.values():
            _check_factory(factory)
        return value


class EmbeddingsRule(_Section):
    """A mode for the models whose name matches."""

    model: str = Field(min_length=1)
    """Shell pattern on the model name the client sends, case-sensitive: `*`, `?`, `[...]`."""
    mode: EmbeddingsMode


class Embeddings(_Section):
    """Translation between `input` and `prompt` on POST /v1/embeddings; the first rule that matches counts."""

    default: EmbeddingsMode = "reverse"
    rules: list[EmbeddingsRule] = []


class Config(_Section):
    """The whole file."""

    listen: Listen = Listen()
    upstream: Upstream
    limits: Limits = Limits()
    drain: Drain = Drain()
    log: Log = Log()
    middlewares: Middlewares = Middlewares()
    embeddings: Embeddings = Embeddings()


def load(path: Path | None, *, upstream_url: str | None = None, listen: tuple[str, int] | None = None) -> Config:
    """Return the configuration in the YAML file `path`, with the given values in place of the file's.

    Raises ConfigError with one line: the file, the dotted path of the first wrong key, and the reason.
    """
    where = str(path) if path is not None else "command line"
    data = _read(path) if path is not None else {}
    if upstream_url is not None:
        data["upstream"] = _section(data, "upstream", where) | {"url": upstream_url}
    if listen is not None:
        data["listen"] = _section(data, "listen", where) | {"address": listen[0], "port": listen[1]}
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_first_error(error)}") from None


def _check_factory(value: str) -> str:
    if not _FACTORY.fullmatch(value):
        raise ValueError("must be package.module:callable")
    return value


def _section(data: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    section = data.get(key, {})
    if not isinstance(section, dict):
        raise ConfigError(f"{where}: {key}: must be a mapping")
    return section


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice, of which YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str):
                if key in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key}: given twice", key_node.start_mark)
                seen.add(key)
        return super().construct_mapping(node, deep)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8") from None
    try:
        data = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"line {mark.line + 1}: " if mark is not None else ""
        raise ConfigError(f"{path}: {line}{error.problem}") from None
    except yaml.YAMLError:
        raise ConfigError(f"{path}: is not YAML") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: must be a mapping of sections")
    return data


def _first_error(error: ValidationError) -> str:
    errors = error.errors(include_url=False, include_input=False)
    first = errors[0]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    reasons = {
        "extra_forbidden": "unknown key",
        "missing": "required, but not given",
        "model_type": "must be a mapping",
        "dict_type": "must be a mapping",
    }
    reason = reasons.get(first["type"])
    if reason is None:
        reason = first["msg"].removeprefix("Value error, ")
        reason = reason[0].lower() + reason[1:]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{key}: {reason}{more}" if key else f"{reason}{more}"
