"""The log: one JSON object a line, request and job ids in it, and nothing that a caller or a backend wrote.

No prompt, picture, token, key, cookie, upstream body, path or internal host is ever put in. What is logged of an error
is its catalogue code. Tracebacks carry no locals.
"""

import logging
import sys
from typing import Any

import msgspec
import structlog

Logger = structlog.stdlib.BoundLogger
#: Libraries that print URLs with queries, or bodies, at their lower levels.
QUIET = ("httpx", "httpcore", "aiohttp", "asyncio", "uvicorn", "uvicorn.error", "uvicorn.access", "PIL", "litestar")


def configure(level: str, style: str) -> None:
    """Set the log up for this process."""
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=logging.WARNING, handlers=[_Foreign()], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _describe_exception,
    ]
    if style == "console":
        processors = [*shared, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
        factory: Any = structlog.PrintLoggerFactory(sys.stderr)
    else:
        processors = [*shared, structlog.processors.JSONRenderer(serializer=_to_json)]
        factory = structlog.BytesLoggerFactory(sys.stderr.buffer)
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )


class _Foreign(logging.Handler):
    """Writes that a library said something: where in its code, how grave, and of an exception only type and places.

    Its words are written only where they are a template of its own: a finished sentence may be made of anything.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record on."""
        said = record.msg if record.args else None
        if isinstance(record.msg, OSError):
            said = record.msg.strerror
        logger(record.name).log(
            record.levelno,
            "library.said",
            said=said,
            place=f"{record.filename}:{record.lineno} {record.funcName}",
            exc_info=record.exc_info[1] if record.exc_info else None,
        )


def _to_json(event: dict[str, Any], **_options: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)


def _describe_exception(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Turn an exception into its type and where it was raised: its message may hold what must stay inside."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["exception"] = type(error).__name__
        places = []
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            places.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        event["places"] = places[-12:]
    return event


def logger(name: str) -> Any:
    """Return a logger that says who speaks."""
    return structlog.get_logger(component=name)
