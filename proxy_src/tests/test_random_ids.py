"""Ids nobody can predict."""

from __future__ import annotations

import os

import pytest

from hx_gateway.random_ids import random_digits


@pytest.mark.parametrize("count", [1, 16, 32, 8192])
def test_they_have_the_length_asked_for(count: int) -> None:
    digits = random_digits(count)
    assert len(digits) == count
    assert set(digits) <= set("0123456789abcdef")


def test_none_is_given_twice() -> None:
    assert len({random_digits(32) for _ in range(5000)}) == 5000


def test_a_child_has_its_own() -> None:
    random_digits(8)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, random_digits(32).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 64).decode() != random_digits(32)
    os.close(reading)
    os.close(writing)
