"""The log is one JSON object a line, with ids in it, and nothing that a caller, a backend or an exception said."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SECRET = "a-very-secret-shiba"
#: What every one of these little programs begins with: something raised with a secret in its message and its locals.
BEGIN = f"""
import logging, structlog
from gateway.ops import log
SECRET = {SECRET!r}
def inner(prompt):
    held = {{"prompt": prompt}}
    raise ValueError("cannot paint " + prompt, held)
def outer():
    try:
        inner(SECRET)
    except ValueError as error:
        raise RuntimeError(SECRET) from error
"""


def run(body: str, *, level: str = "info", style: str = "json") -> list[str]:
    """Run a program that logs, in a process of its own as the real one does; return its lines."""
    program = f"{BEGIN}log.configure({level!r}, {style!r})\n{textwrap.dedent(body)}"
    child = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=60, check=True)
    assert child.stdout == b""
    return child.stderr.decode().splitlines()


def records(body: str, **how: str) -> list[dict[str, Any]]:
    """Run a program that logs; return what it wrote, each line a JSON object."""
    return [json.loads(line) for line in run(body, **how)]


def test_a_line_is_a_json_object_that_says_who_and_when() -> None:
    """Event, component, level, time in UTC, and every fact as a field of its own."""
    (line,) = records('log.logger("engine").info("job.ended", job_id="job_1", seconds=0.25, code=None, odd={1: 2})')
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "job.ended", "component": "engine", "level": "info",
        "job_id": "job_1", "seconds": 0.25, "code": None, "odd": {"1": 2},
    }  # fmt: skip


def test_what_is_bound_to_a_request_is_in_each_of_its_lines() -> None:
    """The request's id goes along without being named, and is gone when the request is."""
    lines = records("""
        tokens = structlog.contextvars.bind_contextvars(request_id="req_1")
        log.logger("http").info("one")
        logging.getLogger("uvicorn.error").warning("said %s", SECRET)
        structlog.contextvars.reset_contextvars(**tokens)
        log.logger("http").info("two")
    """)
    assert [line.get("request_id") for line in lines] == ["req_1", "req_1", None]


@pytest.mark.parametrize(
    "call",
    [
        'log.logger("engine").exception("engine.crashed", job_id="job_1")',
        'log.logger("engine").error("engine.crashed", job_id="job_1", exc_info=True)',
        'log.logger("engine").error("engine.crashed", job_id="job_1", exc_info=error)',
    ],
)
@pytest.mark.parametrize("style", ["json", "console"])
def test_an_exception_is_its_type_and_its_places(call: str, style: str) -> None:
    """Neither its message, nor that of its cause, nor a local variable appears; where it was raised does."""
    body = f"""
        try:
            outer()
        except RuntimeError as error:
            {call}
    """
    lines = run(body, style=style)
    assert SECRET not in "\n".join(lines)
    if style == "json":
        (line,) = (json.loads(each) for each in lines)
        assert (line["event"], line["job_id"], line["exception"]) == ("engine.crashed", "job_1", "RuntimeError")
        assert [place.partition(" ")[2] for place in line["places"]] == ["<module>", "outer"]
        assert "exc_info" not in line
    else:
        assert "RuntimeError" in "\n".join(lines)
        assert "outer" in "\n".join(lines)


def test_only_the_last_places_are_told() -> None:
    """A bottomless recursion does not fill the disk."""
    (line,) = records("""
        def deep(n):
            return deep(n - 1) if n else inner(SECRET)
        try:
            deep(100)
        except ValueError:
            log.logger("engine").exception("engine.crashed")
    """)
    assert len(line["places"]) == 12
    assert line["places"][-1].endswith(" inner")


@pytest.mark.parametrize("style", ["json", "console"])
def test_what_libraries_say_is_no_way_around(style: str) -> None:
    """Their finished sentences and exceptions, which may hold anything, are told by place and type alone."""
    lines = run(
        """
        import asyncio, gc
        try:
            outer()
        except RuntimeError as error:
            logging.getLogger("uvicorn.error").error(f"Exception in {SECRET}", exc_info=error)
            logging.getLogger("aiohttp.server").exception("Error handling %s", SECRET)
            logging.getLogger("uvicorn.error").error(error)
        logging.getLogger("multipart").warning("odd part %r", SECRET)
        logging.getLogger("uvicorn.error").error(OSError(98, "Address already in use", SECRET))
        async def forgotten():
            task = asyncio.create_task(asyncio.to_thread(inner, SECRET), name="forgotten")
            await asyncio.wait([task])
            del task
            gc.collect()
        asyncio.run(forgotten())
        """,
        style=style,
    )
    assert SECRET not in "\n".join(lines)
    assert "RuntimeError" in "\n".join(lines)
    if style == "json":
        found = [json.loads(line) for line in lines]
        assert [line["component"] for line in found] == [
            "uvicorn.error", "aiohttp.server", "uvicorn.error", "multipart", "uvicorn.error", "asyncio",
        ]  # fmt: skip
        assert [line["said"] for line in found] == [
            None, "Error handling %s", None, "odd part %r", "Address already in use", None,
        ]  # fmt: skip
        assert [line.get("exception") for line in found] == [
            "RuntimeError",
            "RuntimeError",
            None,
            None,
            None,
            "ValueError",
        ]
        assert all(line["place"] for line in found)
        assert found[-1]["places"][-1].endswith(" inner")


def test_quiet_libraries_are_quiet() -> None:
    """What prints signed URLs and bodies at its lower levels is not heard there, not even at `debug`."""
    lines = records(
        """
        for name in log.QUIET:
            logging.getLogger(name).info("GET https://x/?sig=%s", SECRET)
            logging.getLogger(name + ".child").debug(SECRET)
        log.logger("http").debug("ours")
        """,
        level="debug",
    )
    assert [line["event"] for line in lines] == ["ours"]


@pytest.mark.parametrize(
    ("level", "heard"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_the_level_is_a_bound(level: str, heard: list[str]) -> None:
    """What is less grave is not written."""
    lines = records(
        """
        for name in ("debug", "info", "warning", "error"):
            getattr(log.logger("x"), name)("event")
        """,
        level=level,
    )
    assert [line["level"] for line in lines] == heard
