"""What the checks of this scenario share."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from checks.conftest import litellm_api, query, stack
from testinfra.host import Host
from upgrading import administrator

__all__ = ["litellm_api", "query", "stack"]

ROWS, KEYS = 100_000, 500
PREPARED = {
    "LiteLLM_SpendLogs": (
        "request_id",
        f"""
        INSERT INTO "LiteLLM_SpendLogs"
        (request_id, call_type, api_key, spend, total_tokens, "startTime", "endTime", model)
        SELECT 'prepared-' || n, 'acompletion', md5(n::text), n / 7.0, n, now() - n * interval '1 second', now(), 'm'
        FROM generate_series(1, {ROWS}) n""",
    ),
    "LiteLLM_VerificationToken": (
        "token",
        f"""
        INSERT INTO "LiteLLM_VerificationToken" (token, key_name, spend, models, metadata)
        SELECT 'prepared-' || n, 'sk-...' || n, n / 3.0, ARRAY['openai-chat'], '{{"n": "ü"}}'
        FROM generate_series(1, {KEYS}) n""",
    ),
}


@pytest.fixture(scope="module")
def digests(host: Host) -> Callable[[], dict[str, str]]:
    """Prepare rows, and return what counts and hashes them by the columns that there are now."""
    columns = {}
    for table, (key, insert) in PREPARED.items():
        administrator(host, f"DELETE FROM \"{table}\" WHERE {key} LIKE 'prepared-%'")
        administrator(host, insert)
        columns[table] = administrator(
            host,
            "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY column_name) FROM information_schema.columns"
            f" WHERE table_name = '{table}'",
        )

    def digest() -> dict[str, str]:
        return {
            table: administrator(
                host,
                f"SELECT count(*) || ' ' || md5(string_agg(md5(ROW({columns[table]})::text), '' ORDER BY {key}))"
                f" FROM \"{table}\" WHERE {key} LIKE 'prepared-%'",
            )
            for table, (key, _insert) in PREPARED.items()
        }

    return digest


@pytest.fixture(scope="module")
def key(litellm_api: Callable[..., dict[str, Any]]) -> str:
    """A virtual key."""
    return str(litellm_api("/key/generate", {"key_alias": f"upgrade-{time.time_ns()}"})["key"])
