"""Virtual keys."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import LiteLLM
from lifecycle import Case, prove

OF_THEIR_OWN = ("key", "key_file", "key_file_owner", "key_file_group", "regenerate")
KEY = "sk-given-by-the-task-0123456789"


def test_key(litellm: LiteLLM, name: str) -> None:
    for module, option in (
        ("litellm_user", "user_id"),
        ("litellm_budget", "budget_id"),
        ("litellm_team", "team_alias"),
    ):
        litellm.do(module, **{option: name})
    prove(
        litellm,
        Case(
            "key",
            identity={"key_alias": name},
            create={"models": ["ollama-chat"], "max_budget": 10, "metadata": {"a": {"b": [1]}}, "duration": "30d"},
            updates=[
                {"models": ["openai-chat", "ollama-chat"]},
                {"models": []},
                {"max_budget": 0},
                {"max_budget": None},
                {"budget_duration": "30d"},
                {"budget_duration": None},
                {"rpm_limit": 0, "tpm_limit": 1000, "tpd_limit": 2**40, "max_parallel_requests": 3},
                {"rpm_limit": None, "tpm_limit": None, "tpd_limit": None, "max_parallel_requests": None},
                {"model_rpm_limit": {"ollama-chat": 5}, "model_tpm_limit": {"ollama-chat": 50}},
                {"model_rpm_limit": {}, "model_tpm_limit": None},
                {"duration": "1h"},
                {"duration": None},
                {"allowed_routes": ["/v1/chat/completions"]},
                {"allowed_routes": []},
                {"aliases": {"mine": "ollama-chat"}},
                {"aliases": {}},
                {"blocked": True},
                {"blocked": False},
                {"metadata": {"c": "ü"}},
                {"metadata": {}},
                {"budget_id": name},
                {"team": name},
                {"team": None},
                {"user_id": name},
            ],
            untried=dict.fromkeys(OF_THEIR_OWN, "stated in a test of its own"),
        ),
    )


def test_a_given_value_works_and_is_never_shown(litellm: LiteLLM, name: str) -> None:
    made = litellm.do("litellm_key", key_alias=name, key=KEY)
    assert KEY not in made.text
    assert made["virtual_key"]["token"] == hashlib.sha256(KEY.encode()).hexdigest()
    assert litellm.do("litellm_key", key_alias=name, key=KEY)["changed"] is False
    refusal = litellm.refusal("litellm_key", key_alias=name, key=f"{KEY}-other")
    assert "LiteLLM cannot change key of one that exists" in refusal
    assert KEY not in litellm.do("litellm_key", key_alias=name, state="absent").text


def test_a_value_is_made_up_and_told_once(litellm: LiteLLM, name: str) -> None:
    made = litellm.do("litellm_key", key_alias=name)
    assert made["key"].startswith("sk-")
    assert made["virtual_key"]["token"] == hashlib.sha256(made["key"].encode()).hexdigest()
    assert "key" not in litellm.do("litellm_key", key_alias=name).data
    [told] = litellm.do("litellm_key_info", key_alias=name)["keys"]
    assert made["key"] not in str(told)
    litellm.do("litellm_key", key_alias=name, state="absent")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"models": ["no-such-model"]}, "models: LiteLLM has no model 'no-such-model'"),
        ({"team": "no such team"}, "team: LiteLLM has no team 'no such team'"),
        ({"user_id": "nobody"}, "user_id: LiteLLM has no user 'nobody'"),
        ({"budget_id": "none"}, "budget_id: LiteLLM has no budget 'none'"),
        ({"max_budget": -0.5}, "max_budget must be 0 or more, not -0.5"),
        ({"key": "no-prefix"}, "key must begin with 'sk-'"),
        ({"duration": "soon"}, "duration must be a number with s, m, h, d, w or mo behind it, not 'soon'"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_nothing_is_made_of_bad_input(
    litellm: LiteLLM, name: str, options: dict[str, object], problem: str, check: bool
) -> None:
    assert problem in litellm.refusal("litellm_key", key_alias=name, check=check, **options)
    assert litellm.do("litellm_key_info", key_alias=name)["keys"] == []


def test_a_file_keeps_a_value_that_is_made_up(litellm: LiteLLM, name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    options = {"key_alias": name, "key_file": str(path), "key_file_owner": "root", "key_file_group": "daemon"}
    assert litellm.do("litellm_key", check=True, **options)["changed"] is True
    assert not path.exists()
    made = litellm.do("litellm_key", **options)
    key = path.read_text().strip()
    assert made["virtual_key"]["token"] == hashlib.sha256(key.encode()).hexdigest()
    assert key not in made.text
    assert (path.stat().st_mode & 0o777, path.group()) == (0o600, "daemon")
    assert litellm.do("litellm_key", **options)["changed"] is False
    path.chmod(0o644)
    assert litellm.do("litellm_key", **options)["changed"] is True
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("sk-something-else")
    assert "holds another value" in litellm.refusal("litellm_key", **options)
    path.unlink()
    assert "cannot be read (No such file or directory)" in litellm.refusal("litellm_key", **options)
    litellm.do("litellm_key", key_alias=name, state="absent")
    litellm.do("litellm_key", **options)
    assert path.read_text().strip() != key
    litellm.do("litellm_key", key_alias=name, state="absent")


def test_regenerating_needs_enterprise_and_loses_nothing(litellm: LiteLLM, name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    options = {"key_alias": name, "key_file": str(path)}
    litellm.do("litellm_key", **options)
    before = path.read_text()
    assert litellm.do("litellm_key", check=True, regenerate=True, **options)["changed"] is True
    assert "this needs LiteLLM Enterprise" in litellm.refusal("litellm_key", regenerate=True, **options)
    assert path.read_text() == before
    assert litellm.do("litellm_key", **options)["changed"] is False
    litellm.do("litellm_key", key_alias=name, state="absent")


def test_two_creators_at_once_end_with_one(litellm: LiteLLM, name: str) -> None:
    for number in range(4):
        alias = f"{name} {number}"
        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(litellm.process, "litellm_key", key_alias=alias, max_budget=1) for _ in range(2)]
            outcomes = [run.result() for run in runs]
        assert [outcome.get("failed", False) for outcome in outcomes] == [False, False], outcomes
        [left] = litellm.do("litellm_key_info", key_alias=alias)["keys"]
        told = [outcome["key"] for outcome in outcomes if "key" in outcome]
        assert [hashlib.sha256(key.encode()).hexdigest() for key in told] == [left["token"]]
        litellm.do("litellm_key", key_alias=alias, state="absent")
