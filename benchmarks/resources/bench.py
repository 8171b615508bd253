"""Times how long a run takes that changes nothing: many resources at once, and one by one.

    benchmarks/resources/bench.py [--models 200] [--keys 500] [--rounds 5]

The environment names the LiteLLM (LITELLM_API_BASE) and its master key (LITELLM_API_KEY). The models and keys are made
on it and removed at the end: it is one of one's own, that is there for tests.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MARK = "hx.gateway.bench"
LIMIT_MS = 60


def run(module: str, **arguments: Any) -> dict[str, Any]:
    """Run one module in a process of its own, as Ansible does."""
    stated = {**arguments, "_ansible_remote_tmp": tempfile.gettempdir()}
    done = subprocess.run(
        [sys.executable, ROOT / f"plugins/modules/{module}.py"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": stated}),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / ".ansible/collections")},
    )
    result = dict(json.loads(done.stdout))
    if result.get("failed"):
        sys.exit(f"{module}: {result['msg']}")
    return result


def lists(models: int, keys: int) -> dict[str, list[dict[str, Any]]]:
    """The resources: models, and keys that name some of them."""
    return {
        "models": [
            {"model_name": f"bench-{number}", "model": "openai/x", "api_base": "http://127.0.0.1:9", "rpm": number}
            for number in range(models)
        ],
        "keys": [
            {"key_alias": f"bench-{number}", "models": [f"bench-{number % models}"], "max_budget": 10, "rpm_limit": 60}
            for number in range(keys)
        ],
    }


def timed(rounds: int, module: str, **arguments: Any) -> list[float]:
    """Seconds of each of several runs, none of which may change anything."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        result = run(module, **arguments)
        seconds.append(time.perf_counter() - start)
        if result["changed"]:
            sys.exit(f"{module} was to change nothing and says that it did")
    return seconds


def main() -> None:
    """Make, time, remove."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--keys", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    wanted = lists(options.models, options.keys)
    number = options.models + options.keys
    start = time.perf_counter()
    try:
        run("litellm_resources", managed_by=MARK, **wanted)
        print(f"made {number} resources in {time.perf_counter() - start:.1f} s")
        together = timed(options.rounds, "litellm_resources", managed_by=MARK, **wanted)
        each = statistics.median(together) / number * 1000
        whole = statistics.median(together)
        print(f"unchanged, together: median {whole:.2f} s, {each:.2f} ms a resource (at most {LIMIT_MS})")
        alone: list[float] = []
        for key in wanted["keys"][: options.rounds]:
            alone += timed(1, "litellm_key", **key)
        one = statistics.median(alone) * 1000
        print(f"unchanged, one process each: median {one:.0f} ms a key, {one / each:.0f} times as long")
    finally:
        run("litellm_resources", managed_by=MARK, purge=True, models=[], keys=[])
    sys.exit(each > LIMIT_MS)


if __name__ == "__main__":
    main()
