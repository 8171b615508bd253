"""Labels come from known sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hx_gateway.metrics.labels import ROUTES, Models, route_of


@pytest.mark.parametrize(
    ("target", "route"),
    [
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions?x=1", "/v1/chat/completions"),
        ("/v1/embeddings/", "/v1/embeddings"),
        ("/v1/models", "/v1/models"),
        ("/v1/models/gpt-4", "/v1/models/..."),
        ("/v1/files/file-1/content", "/v1/files/..."),
        ("/v1/responses", "/v1/responses"),
        ("/v1/responses/resp_1/cancel", "/v1/responses/..."),
        ("/v1/messages/count_tokens", "/v1/messages/count_tokens"),
        ("/healthz", "/healthz"),
        ("/v1/", "other"),
        ("/v1/nothing", "other"),
        ("/v1/nothing/files/1", "other"),
        ("/files/1", "other"),
        ("http://gateway/v1/models", "other"),
        ("*", "other"),
        ("", "other"),
    ],
)
def test_routes(target: str, route: str) -> None:
    assert route_of(target) == route


def test_there_are_few_routes() -> None:
    @given(st.one_of(st.text(), st.text().map(lambda text: f"/v1/{text}"), st.text().map(lambda t: f"/v1/files/{t}")))
    def look(target: str) -> None:
        assert route_of(target) in ROUTES

    look()
    assert len(ROUTES) < 80


def test_models_are_configured_or_served() -> None:
    models = Models(["a", "b"], 2)
    assert models.label("a", served=False) == "a"
    assert models.label("", served=True) == ""
    assert models.label("c", served=False) == "other"
    assert models.label("c", served=True) == "c"
    assert models.label("c", served=False) == "c"
    assert models.label("x" * 129, served=True) == "other"
    assert models.label("d", served=True) == "d"
    assert models.label("e", served=True) == "other"
    assert models.label("b", served=True) == "b"
