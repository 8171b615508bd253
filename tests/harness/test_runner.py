"""The runner counts what ran, and never calls a failure a success."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from types import ModuleType

import pytest

PROGRAM = str(Path(__file__).resolve().parents[1] / "run")
SUITE = (
    '<testsuites><testsuite tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}"/></testsuites>'
)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [((5, 0, 0, 0), (5, 0)), ((5, 1, 1, 0), (3, 2)), ((5, 0, 0, 2), (3, 0)), ((0, 0, 0, 0), (0, 0))],
)
def test_junit_is_counted(
    runner: ModuleType, tmp_path: Path, numbers: tuple[int, ...], expected: tuple[int, int]
) -> None:
    names = ("tests", "failures", "errors", "skipped")
    (tmp_path / "x.xml").write_text(SUITE.format(**dict(zip(names, numbers, strict=True))))
    assert runner.junit_totals(tmp_path / "x.xml") == runner.Totals(*expected)


def test_a_missing_report_has_no_tests(runner: ModuleType, tmp_path: Path) -> None:
    assert runner.junit_totals(tmp_path / "absent.xml") == runner.Totals()


@pytest.mark.parametrize(
    ("kind", "succeeded", "tests", "expected"),
    [
        ("plain", True, (0, 0), (1, 0)),
        ("plain", False, (0, 0), (0, 1)),
        ("pytest", True, (7, 0), (7, 0)),
        ("pytest", False, (6, 1), (6, 1)),
        ("pytest", False, (6, 0), (6, 1)),
        ("pytest", False, (0, 0), (0, 1)),
        ("scenario", True, (4, 0), (5, 0)),
        ("scenario", False, (3, 1), (3, 2)),
        ("scenario", False, (0, 0), (0, 1)),
        ("scenario", True, (0, 0), (0, 1)),
    ],
)
def test_a_check_is_judged(
    runner: ModuleType, kind: str, succeeded: bool, tests: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert runner.judge(kind, succeeded, runner.Totals(*tests)) == runner.Totals(*expected)


def test_a_pytest_check_without_a_test_fails(runner: ModuleType) -> None:
    assert runner.judge("pytest", True, runner.Totals()) == runner.Totals(failed=1)


def _run(tmp_path: Path, *commands: str) -> subprocess.CompletedProcess[str]:
    table = tmp_path / "checks.toml"
    rows = [f'[[check]]\nname = "check-{i}"\ncommand = "{command}"\n' for i, command in enumerate(commands)]
    table.write_text("\n".join(rows))
    words = [PROGRAM, "--table", str(table), "--logs", str(tmp_path / "logs")]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_it_goes_on_after_a_failure_and_ends_with_the_totals(tmp_path: Path) -> None:
    result = _run(tmp_path, "true", "echo what went wrong; false", "true")
    assert result.returncode == 1
    assert result.stdout.splitlines()[-1] == "2 passed, 1 failed"
    assert result.stdout.count("what went wrong") == 2  # when it fails, and before the totals


def test_what_failed_is_named_again_before_the_totals(tmp_path: Path) -> None:
    tests = tmp_path / "test_it.py"
    tests.write_text('def test_good(): pass\n\ndef test_bad(): assert 0, "the reason\\nand more"\n')
    command = f"python -m pytest -q -c /dev/null -p no:cacheprovider {tests}"
    table = tmp_path / "checks.toml"
    table.write_text(
        f'[[check]]\nname = "some"\nkind = "pytest"\ncommand = "{command}"\n'
        '[[check]]\nname = "other"\ncommand = "true"\n'
    )
    words = [PROGRAM, "--table", str(table), "--logs", str(tmp_path / "logs"), "--jobs", "1"]
    lines = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
    assert lines[-4] == "some failed", lines
    assert lines[-3].strip().startswith("test_bad: AssertionError: the reason"), lines
    assert lines[-1] == "2 passed, 1 failed"


def test_nothing_runs_beside_a_check_that_wants_to_be_alone(tmp_path: Path) -> None:
    table = tmp_path / "checks.toml"
    busy = tmp_path / "busy"
    meet = f"touch {busy}; for _ in $(seq 100); do sleep 0.1; test $(ls {busy}* | wc -l) = 2 && exit 0; done; exit 1"
    rows = [
        ("one", meet.replace(f"touch {busy};", f"touch {busy}-1;"), False),
        ("two", meet.replace(f"touch {busy};", f"touch {busy}-2;"), False),
        ("three", f"rm {busy}*; touch {busy}-3; sleep 0.5; rm {busy}-3", True),
        ("four", f"! ls {busy}*", False),
    ]
    table.write_text(
        "\n".join(
            f"[[check]]\nname = '{name}'\ncommand = '{run}'\nalone = {str(alone).lower()}" for name, run, alone in rows
        )
    )
    words = [PROGRAM, "--table", str(table), "--logs", str(tmp_path / "logs")]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.stdout.splitlines()[-1] == "4 passed, 0 failed", result.stdout


def test_success_is_exit_status_zero(tmp_path: Path) -> None:
    result = _run(tmp_path, "true")
    assert result.returncode == 0
    assert result.stdout.splitlines()[-1] == "1 passed, 0 failed"


def test_an_unknown_check_is_refused_by_name() -> None:
    result = subprocess.run([PROGRAM, "nonsense"], capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "nonsense" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_runs_ends_with_it(tmp_path: Path, number: signal.Signals) -> None:
    started = tmp_path / "started"
    table = tmp_path / "checks.toml"
    command = f"echo $$ >{started}; sleep 60"
    table.write_text("\n".join(f"[[check]]\nname = '{name}'\ncommand = '{command}'" for name in ("one", "next")))
    words = [PROGRAM, "--table", str(table), "--logs", str(tmp_path / "logs"), "--jobs", "1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        while not (started.exists() and started.read_text()):
            time.sleep(0.05)
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "next: running" not in output
    assert not Path(f"/proc/{started.read_text().strip()}").exists()
