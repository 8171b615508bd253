"""What the runbooks of docs/runbooks tell an operator to type, in their order."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

PROJECT = Path(__file__).resolve().parents[3]
RUNBOOKS = PROJECT / "docs/runbooks"

CONTROLLER = "controller"
HOST = "host"
# The words after a fence's backticks, and where its commands are run.
PLACES = {"sh": CONTROLLER, "sh host": HOST}
# What a page shows and nobody types; '' is an indented block.
SHOWN = ("", "text", "yaml")


class RunbookError(Exception):
    """A page has something that cannot be run, or could not be told from what can."""


@dataclass(frozen=True)
class Command:
    """One command, with its continued lines joined, and where it stands."""

    page: str
    line: int
    text: str

    @property
    def where(self) -> str:
        """The place in the page, as editors know it."""
        return f"docs/runbooks/{self.page}.md:{self.line}"

    @property
    def program(self) -> str:
        """The program's name."""
        return self.text.split(None, 1)[0].rpartition("/")[2]

    def bound(self, names: dict[str, str]) -> str:
        """Put values into the places of the names in capitals that stand for them."""
        text = self.text
        for name, value in names.items():
            text = re.sub(rf"(?<![A-Z]){name}(?![A-Z])", value.replace("\\", r"\\"), text)
        return text


@dataclass(frozen=True)
class Block:
    """A fenced block of commands under a heading."""

    heading: str
    language: str
    place: str
    line: int
    commands: tuple[Command, ...]


@dataclass(frozen=True)
class Page:
    """A runbook."""

    name: str
    blocks: tuple[Block, ...]
    # Code that is shown and not run: line and text, of blocks and of words within a sentence.
    shown: tuple[tuple[int, str], ...]

    @property
    def commands(self) -> Iterator[Command]:
        """All its commands in their order."""
        for block in self.blocks:
            yield from block.commands


def names() -> list[str]:
    """Name the runbooks there are."""
    return sorted(path.stem for path in RUNBOOKS.glob("*.md"))


def load(name: str) -> Page:
    """Read one of the runbooks."""
    return parse(name, (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8"))


def parse(name: str, text: str) -> Page:
    """Read a page from its text."""
    blocks: list[Block] = []
    shown: list[tuple[int, str]] = []
    heading = ""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for before, token in zip([None, *tokens], tokens, strict=False):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "inline":
            if before and before.type == "heading_open":
                heading = token.content
            shown += [(line, child.content) for child in token.children or [] if child.type == "code_inline"]
        elif token.type in ("fence", "code_block"):
            language = " ".join(token.info.split())
            if language in PLACES:
                blocks.append(_block(name, heading, language, token))
            elif language in SHOWN:
                first = line + (token.type == "fence")
                shown += [(first + index, shown_line) for index, shown_line in enumerate(token.content.splitlines())]
            else:
                raise RunbookError(f"docs/runbooks/{name}.md:{line}: a block is of no known kind: {language}")
    return Page(name, tuple(blocks), tuple(shown))


def _block(page: str, heading: str, language: str, token: Token) -> Block:
    """Read a fence's commands; a backslash at a line's end continues it."""
    assert token.map
    first = token.map[0] + 2
    commands: list[Command] = []
    parts: list[str] = []
    begun = 0
    for number, line in enumerate(token.content.splitlines(), first):
        if not parts and (not line.strip() or line.lstrip().startswith("#")):
            continue
        begun = begun if parts else number
        parts.append(line.strip().removesuffix("\\").strip())
        if not line.endswith("\\"):
            commands.append(Command(page, begun, " ".join(parts)))
            parts = []
    if parts:
        raise RunbookError(f"docs/runbooks/{page}.md:{begun}: the last line of the block is continued")
    if not commands:
        raise RunbookError(f"docs/runbooks/{page}.md:{first - 1}: a block without a command")
    return Block(heading, language, PLACES[language], first, tuple(commands))


def stray(page: Page, programs: set[str]) -> list[str]:
    """Tell where a page has a command that is in no block, by the programs that commands begin with."""
    found = []
    for line, text in page.shown:
        try:
            words = shlex.split(text)
        except ValueError:
            words = text.split()
        if len(words) > 1 and words[0].rpartition("/")[2] in programs:
            found.append(f"docs/runbooks/{page.name}.md:{line}: {text}")
    return found
