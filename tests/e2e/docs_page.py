"""A page of the documentation as a program: its blocks in order, what each is, and what it shows as its output."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Languages whose blocks are run, and those that show what came of it.
RUN = frozenset({"sh", "shell", "python"})
SHOWN = frozenset({"text", "json"})
_OPEN = re.compile(r"^( *)(`{3,})(\w*)[ ]*(.*)$")
_TITLE = re.compile(r'title="([^"]+)"')
#: The same as the first line of the block.
_NAMED = re.compile(r"# ([\w./-]+\.\w+)\n")
#: What starts something that goes on until it is stopped: the last line of a block.
_SERVER = re.compile(
    r"^(?:\w+=\S+ )*(?:make run|(?:\.venv/bin/)?triptych (?:serve|sandbox \w+))\b(?!.*(--tokens|--help))"
)


@dataclass(frozen=True)
class Block:
    """One block of a page."""

    page: str
    line: int
    language: str
    text: str
    #: The file that it is, where it is one.
    title: str | None = None
    #: What the page shows as the output of this block.
    output: "Block | None" = None

    @property
    def where(self) -> str:
        """Where it stands, for messages."""
        return f"{self.page}:{self.line}"

    @property
    def server(self) -> str | None:
        """The command that goes on until it is stopped, if it ends with one."""
        lines = [line.partition("  #")[0].strip() for line in self.text.strip().splitlines()]
        return lines[-1] if self.language in RUN and lines and _SERVER.match(lines[-1]) else None


def pages() -> list[str]:
    """Return the pages whose commands are run: the README, and all that is written for readers."""
    written = sorted((ROOT / "docs").rglob("*.md"))
    return ["README.md", *(path.relative_to(ROOT).as_posix() for path in written if "site" not in path.parts)]


def blocks(page: str) -> list[Block]:
    """Return a page's blocks; one that shows the output of the block above it belongs to that block."""
    found: list[Block] = []
    between = True
    lines = iter(enumerate((ROOT / page).read_text().splitlines(), 1))
    for number, line in lines:
        opened = _OPEN.match(line)
        if opened is None:
            between = between or bool(line.strip())
            continue
        indent, fence, language, rest = opened.groups()
        inner = []
        for _, text in lines:
            if text.strip() == fence:
                break
            inner.append(text.removeprefix(indent))
        whole = "\n".join(inner) + "\n"
        title = _TITLE.search(rest) or _NAMED.match(whole)
        block = Block(page, number, language, whole, title[1] if title else None)
        above = found[-1] if found else None
        if above and not between and language in SHOWN and block.title is None and _runs(above):
            found[-1] = Block(above.page, above.line, above.language, above.text, above.title, block)
        else:
            found.append(block)
        between = False
    return found


def _runs(block: Block) -> bool:
    return block.language in RUN and block.output is None and block.title is None
