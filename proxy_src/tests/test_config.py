"""The configuration file: defaults, and one line for what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hx_gateway.config import Config, ConfigError, load
from hx_gateway.config.middlewares import MIDDLEWARES
from hx_gateway.pipeline import ordered

EXAMPLE = Path(__file__).parent.parent / "example.yml"
UPSTREAM = "upstream: {url: 'http://127.0.0.1:4000'}\n"


def write(path: Path, text: str | bytes) -> Path:
    file = path / "gateway.yml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_the_example_holds_every_key_with_its_default() -> None:
    minimal = Config.model_validate({"upstream": {"url": "http://127.0.0.1:4000"}})
    assert load(EXAMPLE) == minimal
    assert yaml.safe_load(EXAMPLE.read_text()) == minimal.model_dump()


def test_the_readme_explains_every_key() -> None:
    def keys(section: dict[str, Any], prefix: str = "") -> list[str]:
        return [
            key
            for name, value in section.items()
            for key in (keys(value, f"{prefix}{name}.") if isinstance(value, dict) and value else [prefix + name])
        ]

    readme = (EXAMPLE.parent / "README.md").read_text()
    assert [key for key in keys(load(EXAMPLE).model_dump()) if f"| `{key}` |" not in readme] == []


def test_names_of_middlewares_agree_with_the_pipeline() -> None:
    assert tuple(name for name, _ in ordered()) == MIDDLEWARES


WRONG = [
    ("port: 1", "port: unknown key"),
    ("listen: {prot: 1}", "listen.prot: unknown key"),
    ("listen: {port: '4010'}", "listen.port: input should be a valid integer"),
    ("listen: {port: 65536}", "listen.port: input should be less than or equal to 65535"),
    ("listen: {port: -1}", "listen.port: input should be greater than or equal to 0"),
    ("listen: {port: true}", "listen.port: input should be a valid integer"),
    ("listen: {port: 1.5}", "listen.port: input should be a valid integer"),
    ("listen: {port: }", "listen.port: input should be a valid integer"),
    ("listen: {address: localhost}", "listen.address: must be an IP address"),
    ("listen: {address: 1}", "listen.address: input should be a valid string"),
    ("listen: 4010", "listen: must be a mapping"),
    ("listen: [1]", "listen: must be a mapping"),
    ("listen: {keepalive_timeout: 0}", "listen.keepalive_timeout: input should be greater than 0"),
    ("limits: {body_read_max: 10}", "limits.body_read_max: input should be greater than or equal to 1024"),
    ("drain: {timeout: -1}", "drain.timeout: input should be greater than or equal to 0"),
    ("drain: {timeout: .inf}", "drain.timeout: input should be a finite number"),
    ("drain: {timeout: .nan}", "drain.timeout: input should be a finite number"),
    ("drain: {timeout: 30s}", "drain.timeout: input should be a valid number"),
    ("log: {level: verbose}", "log.level: input should be 'debug', 'info', 'warning' or 'error'"),
    ("log: {sample: 1.5}", "log.sample: input should be less than or equal to 1"),
    ("log: {format: text}", "log.format: unknown key"),
    ("embeddings: {default: maybe}", "embeddings.default: input should be 'replace', 'both', 'reverse' or 'off'"),
    ("embeddings: {rules: [{model: a}]}", "embeddings.rules[0].mode: required, but not given"),
    ("embeddings: {rules: [{model: '', mode: off}]}", "embeddings.rules[0].model: string should have at least"),
    ("embeddings: {rules: [{model: a, mode: x}]}", "embeddings.rules[0].mode: input should be 'replace'"),
    ("embeddings: {rules: {a: both}}", "embeddings.rules: input should be a valid list"),
    ("tracing: {sample: 2}", "tracing.sample: input should be less than or equal to 1"),
    ("tracing: {endpoint: 'collector:4318'}", "tracing.endpoint: must be http://HOST:PORT/PATH"),
    ("tracing: {endpoint: 'http://u:p@c:4318/v1/traces'}", "tracing.endpoint: must not hold credentials"),
    ("tracing: {endpoint: 'http://c:4318/v1/traces?key=x'}", "tracing.endpoint: must not hold credentials"),
    ("tracing: {endpoint: 'http://c:x/'}", "tracing.endpoint: is not a URL"),
    ("tracing: {headers: {a: b}}", "tracing.headers: unknown key"),
    (
        "tracing: {enabled: true}\nmiddlewares: {disable: [trace_context]}",
        "tracing.enabled: needs the middleware trace_context",
    ),
    ("cache: {enabled: true, store: redis}", "cache.store: redis needs redis.enabled: true"),
    ("admin: {socket: relative.sock}", "admin.socket: "),
    ("sessions: {enabled: true, store: redis}", "sessions.store: redis needs redis.enabled: true"),
    ("sessions: {ttl: 0}", "sessions.ttl: input should be greater than 0"),
    ("cache: {store: disk}", "cache.store: input should be 'memory' or 'redis'"),
    ("cache: {auth_ttl: 0}", "cache.auth_ttl: input should be greater than 0"),
    ("cache: {ttl_by_model: [{model: a}]}", "cache.ttl_by_model[0].ttl: required, but not given"),
    ("middlewares: {disable: [path-gate]}", "middlewares.disable[0]: input should be 'request_id'"),
    ("middlewares: {replace: {errors: x}}", "middlewares.replace: must be package.module:callable"),
    ("middlewares: {replace: {nothing: a:b}}", "middlewares.replace.nothing"),
    ("middlewares: {add: [{factory: os}]}", "middlewares.add[0].factory: must be package.module:callable"),
    ("middlewares: {add: [{factory: a:b, before: x}]}", "middlewares.add[0].before"),
    ("redis: {enabled: yes please}", "redis.enabled: input should be a valid boolean"),
    ("redis: {url: 'redis://:secret@h'}", "redis.url: unknown key"),
    ("redis: {timeout: 0}", "redis.timeout: input should be greater than 0"),
    ("rate_limits: {on_store_failure: open}", "rate_limits.on_store_failure: input should be 'fail_open' or 'fail_cl"),
    ("rate_limits: {limits: [{}]}", "rate_limits.limits[0].name: required, but not given (and 3 more)"),
    *(
        (f"rate_limits: {{limits: [{{name: a, count: requests, scope: [key], amount: 1, {wrong}}}]}}", f"{line}")
        for wrong, line in (
            ("window: 0", "rate_limits.limits[0].window: input should be greater"),
            ("burst: -1", "rate_limits.limits[0].burst: input should be greater"),
            ("per: key", "rate_limits.limits[0].per: unknown key"),
            ("key_hashes: [sk-secret]", "rate_limits.limits[0].key_hashes: must be SHA-256 hashes"),
            (f"key_hashes: [{'A' * 64}]", "rate_limits.limits[0].key_hashes: must be SHA-256 hashes"),
        )
    ),
    *(
        (f"rate_limits: {{limits: [{{name: {name}, count: {count}, scope: {scope}, amount: {amount}}}]}}", line)
        for name, count, scope, amount, line in (
            ("A b", "requests", "[key]", 1, "limits[0].name: string should match pattern"),
            ("a", "bytes", "[key]", 1, "limits[0].count: input should be 'requests', 'tokens' or 'concurrent'"),
            ("a", "tokens", "[]", 1, "limits[0].scope: list should have at least 1 item"),
            ("a", "tokens", "[user]", 1, "limits[0].scope[0]: input should be 'key', 'model', 'client' or 'global'"),
            ("a", "tokens", "[key, key]", 1, "limits[0].scope: must not repeat itself"),
            ("a", "tokens", "[key, global]", 1, "limits[0].scope: global stands alone"),
            ("a", "tokens", "[key]", 0, "limits[0].amount: input should be greater than 0"),
            ("a", "tokens", "[key]", 10**12 + 1, "limits[0]: amount and window are too large"),
        )
    ),
    (
        "rate_limits: {limits: [&a {name: a, count: tokens, scope: [key], amount: 1}, *a]}",
        "rate_limits.limits: a is the name of two",
    ),
    ("forwarded: {trusted_proxies: [10.0.0.1/8]}", "forwarded.trusted_proxies: must be networks"),
    ("metrics: {listen: {address: localhost}}", "metrics.listen.address: must be an IP address"),
    ("usage: {database_schema: Own}", "usage.database_schema: must be lower-case letters"),
    *((f"usage: {{database_schema: {name}}}", "must be a schema of its own") for name in ("public", "pg_x")),
    ("? [a]\n: 1", "found unhashable key"),
    ("1: 2", "[1]: keys should be strings"),
]


@pytest.mark.parametrize(("text", "line"), WRONG)
def test_wrong_values_are_named(text: str, line: str, tmp_path: Path) -> None:
    file = write(tmp_path, f"{UPSTREAM}{text}\n")
    with pytest.raises(ConfigError) as error:
        load(file)
    assert str(error.value).startswith(f"{file}: ")
    assert line in str(error.value)
    assert "\n" not in str(error.value)


WRONG_UPSTREAM = [
    ("{}", "upstream.url: required, but not given"),
    ("", "upstream: must be a mapping"),
    ("{url: }", "upstream.url: input should be a valid string"),
    ("{url: 127.0.0.1:4000}", "upstream.url: must be http://HOST:PORT"),
    ("{url: ftp://a:1}", "upstream.url: must be http://HOST:PORT"),
    ("{url: 'http://'}", "upstream.url: "),
    ("{url: 'http://a:99999'}", "upstream.url: "),
    ("{url: 'http://a:0'}", "upstream.url: must be"),
    ("{url: 'http://[::1'}", "upstream.url: is not a URL"),
    ("{url: 'http://user:secret@a:1'}", "upstream.url: must not hold credentials"),
    ("{url: 'http://a:1/v1'}", "upstream.url: must not have a path"),
    ("{url: 'http://a:1/?x'}", "upstream.url: must not have a path"),
    ("{url: 'http://a:1/#x'}", "upstream.url: must not have a path"),
    ("{url: 'http://a:1', timeouts: {conect: 1}}", "upstream.timeouts.conect: unknown key"),
    ("{url: 'http://a:1', timeouts: {connect: 100000}}", "upstream.timeouts.connect: input should be less than"),
    ("{url: 'http://a:1', readiness: {path: health}}", "upstream.readiness.path: "),
    ("{url: 'http://a:1', readiness: {path: '/a b'}}", "upstream.readiness.path: "),
    ("{url: 'http://a:1', readiness: {require_database: 'yes'}}", "upstream.readiness.require_database: input should"),
    ("{url: 'http://a:1', more_urls: ['http://b', 'http://A:1/']}", "upstream.more_urls: names a server twice"),
    ("{url: 'http://a:1', max_connections: -1}", "upstream.max_connections: input should be greater"),
]


@pytest.mark.parametrize(("text", "line"), WRONG_UPSTREAM)
def test_wrong_upstreams_are_named(text: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load(write(tmp_path, f"upstream: {text}\n"))
    assert line in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "upstream: required, but not given"),
        ("- a", "must be a mapping of sections"),
        ("text", "must be a mapping of sections"),
        ("a: [", "line 1: "),
        ("a: b: c", "line 1: "),
        ("log: {}\nlog: {}", "line 2: log: given twice"),
        ("log: {level: info, level: debug}", "line 1: level: given twice"),
        ("a: !!python/object/apply:os.system [x]", "line 1: "),
        ("a: \x01", "is not YAML"),
        ("a: 1\nb: 2024-02-30", "line 2: no timestamp: day is out of range"),
        (f"a: {'9' * 5000}", "line 1: no int: "),
        ("a: !!bool maybe", "line 1: no bool: "),
        ("[" * 5000, "is nested too deeply"),
        (b"\xff\xfe\xff", "is not UTF-8"),
    ],
)
def test_what_is_no_configuration(text: str | bytes, line: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load(write(tmp_path, text))
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.yml: cannot be read: No such file"):
        load(tmp_path / "missing.yml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_several_errors_are_counted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown key \(and 1 more\)$"):
        load(write(tmp_path, UPSTREAM + "a: 1\nb: 2\n"))


def test_the_command_line_takes_the_place_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, "upstream: {url: 'http://a:1', max_connections: 7}\nlisten: {port: 1, backlog: 5}\n")
    config = load(file, upstream_url="http://b:2", listen=("::1", 3))
    assert (config.upstream.url, config.upstream.max_connections) == ("http://b:2", 7)
    assert (config.listen.address, config.listen.port, config.listen.backlog) == ("::1", 3, 5)
    with pytest.raises(ConfigError, match=r"command line: upstream\.url: must be"):
        load(None, upstream_url="b")
    with pytest.raises(ConfigError, match="upstream: must be a mapping"):
        load(write(tmp_path, "upstream: 1"), upstream_url="http://b:2")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://LiteLLM:4000/", "http://litellm:4000"),
        ("https://a", "https://a"),
        ("http://a:80", "http://a"),
        ("http://[::1]:4000", "http://[::1]:4000"),
    ],
)
def test_upstream_urls(url: str, origin: str) -> None:
    assert load(None, upstream_url=url).upstream.url == origin
