"""Requests that are malformed or hostile, each with what the gateway does about it.

A row is name, bytes, status; status 0 means that the connection is closed without an answer. None may reach the
upstream, none may have a byte of it repeated, and after each the connection is closed unless `STAYS` has its name.
"""

from __future__ import annotations

from typing import NamedTuple

LINE = b"GET /v1/secret HTTP/1.1\r\n"
HOST = b"Host: gateway\r\n"
GET = LINE + HOST
POST = b"POST /v1/secret HTTP/1.1\r\nHost: gateway\r\n"
FORM = POST + b"Content-Type: multipart/form-data; boundary=b\r\n"
END = b"\r\n"


class Row(NamedTuple):
    """One request."""

    name: str
    sent: bytes
    status: int = 400


def target(text: bytes) -> bytes:
    """Return a request for `text`."""
    return b"GET " + text + b" HTTP/1.1\r\n" + HOST + END


def host(value: bytes) -> bytes:
    """Return a request with the Host `value`."""
    return LINE + b"Host: " + value + b"\r\n\r\n"


def length(value: bytes) -> bytes:
    """Return a request with the Content-Length `value`."""
    return POST + b"Content-Length: " + value + b"\r\n\r\nsecret"


def coding(value: bytes) -> bytes:
    """Return a request with the Transfer-Encoding `value` and an empty chunked body."""
    return POST + b"Transfer-Encoding: " + value + b"\r\n\r\n0\r\n\r\n"


REQUEST_LINES = [
    Row("empty line and junk", b"\r\n\r\nsecret\r\n\r\n"),
    Row("no spaces", b"secret\r\n\r\n"),
    Row("method alone", b"GET\r\n\r\n"),
    Row("HTTP/0.9", b"GET /v1/secret\r\n\r\n"),
    Row("HTTP/0.9 with headers", b"GET /v1/secret\r\n" + HOST + END),
    Row("something after the version", b"GET /v1/secret HTTP/1.1 x\r\n" + HOST + END),
    Row("tab for a space", b"GET\t/v1/secret\tHTTP/1.1\r\n" + HOST + END),
    Row("leading space", b" GET /v1/secret HTTP/1.1\r\n" + HOST + END),
    Row("HTTP/1.2", b"GET /v1/secret HTTP/1.2\r\n" + HOST + END),
    Row("HTTP/1.10", b"GET /v1/secret HTTP/1.10\r\n" + HOST + END),
    Row("HTTP/01.1", b"GET /v1/secret HTTP/01.1\r\n" + HOST + END),
    Row("HTTP/2.0", b"GET /v1/secret HTTP/2.0\r\n" + HOST + END),
    Row("HTTP/3", b"GET /v1/secret HTTP/3\r\n" + HOST + END),
    Row("HTTP/1.x", b"GET /v1/secret HTTP/1.x\r\n" + HOST + END),
    Row("HTTP/1,1", b"GET /v1/secret HTTP/1,1\r\n" + HOST + END),
    Row("lower-case protocol", b"GET /v1/secret http/1.1\r\n" + HOST + END),
    Row("no protocol", b"GET /v1/secret /1.1\r\n" + HOST + END),
    Row("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    Row("HTTP/2 preface and frames", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
    Row("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03secret\r\n\r\n"),
    Row("SSH", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    Row("SMTP", b"EHLO secret\r\n\r\n"),
    Row("Redis", b"*1\r\n$4\r\nPING\r\n\r\n"),
    Row("SOCKS", b"\x05\x01\x00\r\n\r\n"),
    Row("PROXY protocol", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n" + GET + END),
    Row("PROXY protocol 2", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + b"\0" * 12 + GET + END),
    Row("unknown method", b"SECRET /v1/x HTTP/1.1\r\n" + HOST + END),
    Row("lower-case method", b"get /v1/x HTTP/1.1\r\n" + HOST + END),
    Row("method with a NUL", b"GE\0T /v1/x HTTP/1.1\r\n" + HOST + END),
    Row("method with a colon", b"GET: /v1/x HTTP/1.1\r\n" + HOST + END),
    Row("bare LF after the line", b"GET /v1/x HTTP/1.1\n" + HOST + END),
    Row("bare CR after the line", b"GET /v1/x HTTP/1.1\r" + HOST + END),
    Row("CONNECT", b"CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n"),
    Row("CONNECT and a tunnelled request", b"CONNECT gateway:80 HTTP/1.1\r\nHost: gateway:80\r\n\r\n" + GET + END),
    Row("CONNECT to a path", b"CONNECT /v1/x HTTP/1.1\r\n" + HOST + END),
    Row("TRACE", b"TRACE /v1/secret HTTP/1.1\r\n" + HOST + END),
    Row("TRACE with a body", b"TRACE /v1/secret HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx"),
    Row("target of 20 kB", target(b"/v1/" + b"s" * 20_000)),
    Row("query of 20 kB", target(b"/v1/x?" + b"s" * 20_000)),
]

TARGETS = [
    Row("space", target(b"/v1/a b")),
    Row("NUL", target(b"/v1/a\0b")),
    Row("tab", target(b"/v1/a\tb")),
    Row("DEL", target(b"/v1/a\x7fb")),
    Row("vertical tab", target(b"/v1/a\x0bb")),
    Row("byte above ASCII", target(b"/v1/\xe9")),
    Row("UTF-8", target("/v1/\u00e9".encode())),
    Row("overlong UTF-8", target(b"/v1/\xc0\xae\xc0\xae/key")),
    Row("no slash", target(b"v1/models")),
    Row("question mark first", target(b"?/v1/models")),
    Row("asterisk with GET", target(b"*")),
    Row("asterisk with OPTIONS", b"OPTIONS * HTTP/1.1\r\n" + HOST + END),
    Row("authority-form", target(b"gateway:80")),
    Row("another host", target(b"http://evil.example/v1/models")),
    Row("the upstream's address", target(b"http://127.0.0.1:4000/v1/models")),
    Row("https and another host", target(b"https://evil.example/v1/models")),
    Row("user information", target(b"http://gateway@evil.example/v1/models")),
    Row("user information before the host", target(b"http://evil.example@gateway/v1/models")),
    Row("no host", target(b"http:///v1/models")),
    Row("broken IPv6", target(b"http://[::1/v1/models")),
    Row("other scheme", target(b"file:///etc/passwd")),
    Row("scheme without slashes", target(b"http:gateway/v1/models")),
    Row("one slash after the scheme", target(b"http:/gateway/v1/models")),
    Row("network path", target(b"//evil.example/v1/models")),
    Row("network path of its own", target(b"//v1/models")),
    Row("backslash", target(b"/v1\\models")),
    Row("backslash and dots", target(b"/v1/..\\key")),
    Row("fragment", target(b"/v1/a#b")),
    Row("fragment in the query", target(b"/v1/a?b#c")),
    *(
        Row(f"path {path.decode()}", target(b"/v1/" + path))
        for path in (
            b"../key/info", b"./models", b"..", b".", b"models/..", b"../v1/models", b"..;/key", b".;/key",
            b"..;a=b/key", b"%2e%2e/key", b"%2E%2E/key", b".%2e/key", b"%2e./key", b"%2e/models", b"a%2fb", b"..%2fkey",
            b"..%2Fkey", b"..%5ckey", b"a%5Cb", b"a//b", b"/key", b"models//", b"%252e%252e/key", b"%25%32%65/key",
            b"a%00",
            b"%0d%0aX:%20y", b"%0a", b"%1f", b"%7f", b"%", b"%4", b"%zz", b"%u002e", b"%c0%ae%c0%ae/key", b"%ff",
            b"%e0%80%ae/key", b"%ed%a0%80", b"a%3fb", b"a%23b", b"a%3Bb", b"....//key", b"a/../../key",
            b"a/%2e%2e/%2e%2e/key",
        )
    ),
    Row("dots before /v1", target(b"/../v1/models")),
    Row("encoded slash after /v1", target(b"/v1%2fmodels")),
    Row("LiteLLM's keys", target(b"/key/info"), 404),
    Row("LiteLLM's health", target(b"/health"), 404),
    Row("LiteLLM's console", target(b"/ui/"), 404),
    Row("root", target(b"/"), 404),
    Row("prefix without a slash", target(b"/v1"), 404),
    Row("longer prefix", target(b"/v1x/models"), 404),
    Row("capital prefix", target(b"/V1/models"), 404),
    Row("encoded prefix", target(b"/%761/models"), 404),
]  # fmt: skip

HOSTS = [
    Row("missing", LINE + END),
    Row("doubled", LINE + HOST + HOST + END),
    Row("two different", LINE + HOST + b"Host: evil.example\r\n\r\n"),
    *(
        Row(f"host {value!r}", host(value))
        for value in (
            b"", b"a b", b"a/b", b"a,b", b"user@gateway", b"gateway:", b"gateway:port", b"gateway:123456",
            b"gateway:-1",
            b"gateway#x", b"gateway?x", b"[::1", b"[gg]", b"http://gateway", b".gateway", b"-gateway", b"gate\\way",
            b"gateway\xe9", b"gateway%00", b"*", b"'gateway'",
        )
    ),
]  # fmt: skip

HEADERS = [
    Row("no colon", LINE + b"Host gateway\r\n\r\n"),
    Row("space before the colon", GET + b"X : secret\r\n\r\n"),
    Row("tab before the colon", GET + b"X\t: secret\r\n\r\n"),
    Row("space before Host's colon", LINE + b"Host : gateway\r\n\r\n"),
    Row("no name", GET + b": secret\r\n\r\n"),
    Row("space in a name", GET + b"X Y: secret\r\n\r\n"),
    Row("slash in a name", GET + b"X/Y: secret\r\n\r\n"),
    Row("bracket in a name", GET + b"X[Y]: secret\r\n\r\n"),
    Row("parenthesis in a name", GET + b"X(Y): secret\r\n\r\n"),
    Row("NUL in a name", GET + b"X\0: secret\r\n\r\n"),
    Row("byte above ASCII in a name", GET + b"X\xe9: secret\r\n\r\n"),
    Row("NUL in a value", GET + b"X: a\0b\r\n\r\n"),
    Row("bare CR in a value", GET + b"X: a\rb\r\n\r\n"),
    Row("bare CR hides a header", GET + b"X: a\rContent-Length: 6\r\n\r\nsecret"),
    Row("bare LF in a value", GET + b"X: a\nY: b\r\n\r\n"),
    Row("bare LF ends the head", GET + b"X: a\n\n"),
    Row("folding with a space", GET + b"X: a\r\n b\r\n\r\n"),
    Row("folding with a tab", GET + b"X: a\r\n\tb\r\n\r\n"),
    Row("folding of the first header", LINE + b" Host: gateway\r\n\r\n"),
    Row("folding hides a length", GET + b"X: a\r\n Content-Length: 6\r\n\r\nsecret"),
    Row("folded Transfer-Encoding", POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    Row("control in a value", GET + b"X: a\x01b\r\n\r\n"),
    Row("DEL in a value", GET + b"X: a\x7fb\r\n\r\n"),
    Row("value of 20 kB", GET + b"X: " + b"s" * 20_000 + b"\r\n\r\n"),
    Row("name of 20 kB", GET + b"X" * 20_000 + b": secret\r\n\r\n"),
    Row("101 headers", LINE + b"X: secret\r\n" * 100 + HOST + END),
    Row("1,000 headers", GET + b"X: secret\r\n" * 1000 + END),
    Row("head of 72 kB", GET + b"".join(b"X-%d: " % n + b"s" * 8000 + b"\r\n" for n in range(9)) + END),
    Row("head of 1 MB", GET + b"".join(b"X-%d: " % n + b"s" * 8000 + b"\r\n" for n in range(125)) + END),
    Row("old WebSocket key", GET + b"Sec-WebSocket-Key1: secret\r\n\r\n"),
    Row("WebSocket", GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"),
    Row("WebSocket without Connection", GET + b"Upgrade: websocket\r\n\r\n"),
    Row("WebSocket and frames", GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x06secret"),
    Row("Upgrade to TLS", GET + b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n"),
    Row("several upgrades", GET + b"Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n\r\n"),
    Row("doubled Upgrade", GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n\r\n"),
    Row("empty Upgrade", GET + b"Connection: Upgrade\r\nUpgrade:\r\n\r\n"),
    Row("unknown expectation", GET + b"Expect: a-pony\r\n\r\n", 417),
    Row("doubled Authorization", GET + b"Authorization: Bearer secret\r\nAuthorization: Bearer secret\r\n\r\n"),
    Row("doubled key", GET + b"x-api-key: secret\r\nX-Api-Key: secret\r\n\r\n"),
    Row("doubled Content-Type", POST + b"Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 6\r\n\r\nsecret"),
    Row("Basic credentials", GET + b"Authorization: Basic c2VjcmV0\r\n\r\n", 401),
    Row("two tokens in one value", GET + b"Authorization: Bearer secret secret\r\n\r\n", 401),
    Row("list of tokens", GET + b"Authorization: Bearer secret, Bearer secret\r\n\r\n", 401),
    Row("SQL in a token", GET + b"Authorization: Bearer secret' OR 1=1 --\r\n\r\n", 401),
    Row("no token", GET + b"Authorization: Bearer\r\n\r\n", 401),
    Row("token of 5 kB", GET + b"Authorization: Bearer " + b"s" * 5000 + b"\r\n\r\n", 401),
    Row("escape in a token", GET + b"Authorization: Bearer secret%00\r\n\r\n", 401),
    Row("byte above ASCII in a token", GET + b"Authorization: Bearer secret\xe9\r\n\r\n", 401),
]

LENGTHS = [
    Row("negative", length(b"-1")),
    Row("plus sign", length(b"+6")),
    Row("hexadecimal", length(b"0x6")),
    Row("list of one value", length(b"6, 6")),
    Row("list of two values", length(b"6, 5")),
    Row("spaces within", length(b"6 6")),
    Row("empty", length(b"")),
    Row("fraction", length(b"6.0")),
    Row("exponent", length(b"6e0")),
    Row("underscore", length(b"6_0")),
    Row("quoted", length(b'"6"')),
    Row("trailing junk", length(b"6x")),
    Row("other digits", length("\u0666".encode())),
    Row("2^64", length(b"18446744073709551616")),
    Row("23 digits", length(b"99999999999999999999999")),
    Row("doubled, different", POST + b"Content-Length: 6\r\nContent-Length: 5\r\n\r\nsecret"),
    Row("doubled, the same", POST + b"Content-Length: 6\r\nContent-Length: 6\r\n\r\nsecret"),
    Row("doubled, other case", POST + b"Content-Length: 6\r\ncontent-length: 5\r\n\r\nsecret"),
    Row("length, then chunked", POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    Row("chunked, then length", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n"),
    Row("length 0 and chunked", POST + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
]

CODINGS = [
    Row("chunked, identity", coding(b"chunked, identity")),
    Row("identity", coding(b"identity")),
    Row("xchunked", coding(b"xchunked")),
    Row("chunked;q=1", coding(b"chunked;q=1")),
    Row("quoted", coding(b'"chunked"')),
    Row("vertical tab first", coding(b"\x0bchunked")),
    Row("gzip", coding(b"gzip")),
    Row("empty", coding(b"")),
    Row("doubled", POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    Row("chunked, then identity", POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    Row("identity, then chunked", POST + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    Row("HTTP/1.0", b"POST /v1/x HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
]

IN_CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"

BODIES = [
    Row("no size", IN_CHUNKS + b"\r\nsecret\r\n"),
    Row("size is a word", IN_CHUNKS + b"secret\r\n"),
    Row("negative size", IN_CHUNKS + b"-1\r\n\r\n"),
    Row("0x size", IN_CHUNKS + b"0x6\r\nsecret\r\n0\r\n\r\n"),
    Row("plus sign", IN_CHUNKS + b"+6\r\nsecret\r\n0\r\n\r\n"),
    Row("space before the size", IN_CHUNKS + b" 6\r\nsecret\r\n0\r\n\r\n"),
    Row("space after the size", IN_CHUNKS + b"6 \r\nsecret\r\n0\r\n\r\n"),
    Row("size of 18 digits", IN_CHUNKS + b"ffffffffffffffffff\r\na"),
    Row("chunk longer than its size", IN_CHUNKS + b"5\r\nabcdefgh\r\n0\r\n\r\n"),
    Row("bare LF after the size", IN_CHUNKS + b"6\nsecret\r\n0\r\n\r\n"),
    Row("bare LF after a chunk", IN_CHUNKS + b"6\r\nsecret\n0\r\n\r\n"),
    Row("bare CR after the size", IN_CHUNKS + b"6\rsecret\r\n0\r\n\r\n"),
    Row("bare LF in an extension", IN_CHUNKS + b"6;a\nb\r\nsecret\r\n0\r\n\r\n"),
    Row("NUL in an extension", IN_CHUNKS + b"6;\0\r\nsecret\r\n0\r\n\r\n"),
    Row(
        "extension of 70 kB",
        IN_CHUNKS + b"6;" + b"x" * 70_000 + b"\r\nsecret\r\n0\r\n\r\n",
    ),
    Row("last chunk with 70 kB", IN_CHUNKS + b"0;" + b"x" * 70_000 + b"\r\n\r\n"),
    Row("trailer of 20 kB", IN_CHUNKS + b"0\r\nX: " + b"s" * 20_000 + b"\r\n\r\n"),
    Row("1,000 trailers", IN_CHUNKS + b"0\r\n" + b"X: s\r\n" * 1000 + b"\r\n"),
    Row(
        "30 kB of trailers",
        IN_CHUNKS + b"0\r\n" + (b"X: " + b"s" * 500 + b"\r\n") * 60 + END,
    ),
    Row("NUL in a trailer", IN_CHUNKS + b"0\r\nX: a\0b\r\n\r\n"),
    Row("bare CR in a trailer", IN_CHUNKS + b"0\r\nX: a\rb\r\n\r\n"),
    Row("trailer without a colon", IN_CHUNKS + b"0\r\nsecret\r\n\r\n"),
    Row("folded trailer", IN_CHUNKS + b"0\r\nX: a\r\n b\r\n\r\n"),
    Row("announced body above the limit", POST + b"Content-Length: 99999999\r\n\r\n", 413),
    Row("announced form above the limit", FORM + b"Content-Length: 99999999\r\n\r\n", 413),
]

GROUPS = {
    "request line": REQUEST_LINES,
    "target": TARGETS,
    "host": HOSTS,
    "header": HEADERS,
    "length": LENGTHS,
    "coding": CODINGS,
    "body": BODIES,
}

STAYS = {401, 404}
"""After these a connection may go on: what was asked was read without doubt."""
