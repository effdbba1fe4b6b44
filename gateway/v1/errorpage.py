"""The catalogue as people read it: every code on one page, and a page for each with all that is known of it."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Any

import msgspec
from litestar.response import Response

from contracts.catalog import Problem, should_retry
from contracts.codes import CATALOG, Row
from gateway.v1.examples.problems import problem
from gateway.v1.page import heading, page, prose, safe, table, word
from gateway.v1.words import ENDING, GROUPS, LEFT, REFINED, RETRIES, SHORT, WHO


def catalogue_page() -> Response[bytes]:
    """Return all codes, group by group."""
    body = (
        "<h1>The error catalogue</h1>"
        '<p class="lead">Every refusal and every failed job has one of these '
        f"{len(CATALOG)} codes, whichever backend was behind it. "
        "Programs read <code>code</code>, <code>retry</code> and <code>outcome</code>; never the sentence.</p>"
        '<p class="soft">Whether the very same request may be sent again without paying twice, the header '
        "<code>X-Should-Retry</code> says. Who does not ask for HTML gets all this as JSON.</p>"
    )
    for group, rows in groupby(CATALOG.values(), key=lambda row: row.group):
        body += f'<h2 id="{group}">{safe(GROUPS[group])} <span class="soft"><code>{group}.*</code></span></h2>'
        body += table(
            ("Code", "HTTP", "What it means", "Who acts", "Retry"),
            ([link(row), str(row.status), safe(row.title), SHORT[row.blame], _retries(row)] for row in rows),
            classes=("code", "number", "", "", ""),
            kind="list",
        )
    body += '<h2 id="retry">What may be tried again</h2>' + _list({word(name): text for name, text in RETRIES.items()})
    body += '<h2 id="outcome">What an error leaves behind</h2>' + _list(
        {word(name): text for name, text in LEFT.items()}
    )
    return page("Errors", body, foot="On the command line: <code>triptych errors CODE</code>")


def link(row: Row) -> str:
    """Return a link to a code's page."""
    return f'<a href="/v1/errors/{row.code}">{word(row.code)}</a>'


def _retries(row: Row) -> str:
    return ", ".join(row.retry)


def code_page(
    row: Row, example: Problem, operations: Sequence[str], native: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Response[bytes]:
    """Return everything that is known of one code."""
    again = should_retry(row.retry, row.outcome)
    tag = (
        '<span class="tag good">X-Should-Retry: true</span>'
        if again
        else '<span class="tag">X-Should-Retry: false</span>'
    )
    kind = "bad" if row.status >= 500 else "warn"
    statuses = ", ".join(str(each) for each in row.other_statuses)
    others = f" <span class='soft'>where HTTP knows a better one: {statuses}</span>" if statuses else ""
    said = ", ".join(word(each) for each in operations) or (
        '<span class="soft">none of /v1: it stands in the <code>error</code> of a job, or a face answers it</span>'
    )
    if operations and row.group in ENDING:
        said += ' <span class="soft">and in the <code>error</code> of jobs</span>'
    facts = {
        "HTTP": f"{row.status} {safe(HTTPStatus(row.status).phrase)}{others}",
        "Who acts": WHO[row.blame],
        "Retry": "<br>".join(f"{word(each)} {RETRIES[each]}" for each in row.retry),
        "What it leaves behind": f"{word(row.outcome)} {LEFT[row.outcome]}",
        "Refused by": said,
    }
    body = (
        f'<p class="soft"><a href="/v1/errors">Errors</a> / '
        f'<a href="/v1/errors#{row.group}">{safe(GROUPS[row.group])}</a></p>'
        f"{heading(row.code)}"
        f'<p class="lead">{safe(row.title)}. <span class="tag {kind}">HTTP {row.status}</span> {tag}</p>'
        f'<p class="do">{prose(row.action)}</p>'
        f"{_list(facts)}{_shown(example, again=again, answered=bool(operations) and row.group not in ENDING)}"
        f"{_natives(native)}"
    )
    return page(row.code, body, foot=_around(row))


def _list(facts: Mapping[str, str]) -> str:
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{text}</dd>' for name, text in facts.items())}</dl>"


def _shown(example: Problem, *, again: bool, answered: bool) -> str:
    """Return a whole answer as it goes over the wire; of what mostly ends jobs, the object in a job."""
    if answered:
        return f"<h2>As it is answered</h2>{_block(*_head(example, again=again), '', _json(example))}"
    return f"<h2>As it stands in a job</h2>{_block(_json(problem(example.code, answered=False)))}"


def _json(example: Problem) -> str:
    return msgspec.json.format(msgspec.json.encode(example), indent=2).decode()


def _block(*lines: str) -> str:
    whole = "\n".join(lines)
    return f"<pre><code>{safe(whole)}</code></pre>"


def _head(example: Problem, *, again: bool) -> list[str]:
    lines = [
        f"HTTP/1.1 {example.status} {HTTPStatus(example.status).phrase}",
        "Content-Type: application/problem+json",
        f"X-Request-Id: {example.instance}",
        f"X-Should-Retry: {'true' if again else 'false'}",
    ]
    if example.retry_after_s is not None:
        lines.append(f"Retry-After: {example.retry_after_s:.0f}")
    return lines


def _natives(native: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    if not native:
        return ""
    body = (
        "<h2>What backends say that becomes it</h2>"
        '<p class="soft">The rows of the very tables that the gateway reads; of a dialect\'s rows the first that fits '
        "decides. Ask them with <code>triptych errors explain</code>.</p>"
    )
    for dialect, rows in native.items():
        body += f"<h3>{safe(dialect)}</h3>"
        body += table(("Says", "HTTP", "When", "Noted here"), map(_native, rows), classes=("", "number", "", ""))
    return body


def _native(row: Mapping[str, Any]) -> list[str]:
    """Return one row of an error table in four cells."""
    says = [word(each) for name in ("code", "state", "upstream", "error_class") for each in row.get(name, ())]
    if "text" in row:
        says.append(f"<span class='soft'>text like</span> {word(row['text'])}")
    if "shape" in row:
        says.append(f"<span class='soft'>a body that is {safe(' or '.join(row['shape']))}</span>")
    status = row.get("status", "any")
    http = _joined(status)
    when = [f"{name} {word(_joined(row[name]))}" for name in ("route", "param", "profile") if name in row]
    here = [f"{name} {word(row[name])}" for name in ("outcome", "phase", "reason", "pointer", "stage") if name in row]
    here += [f"<span class='soft'>{REFINED[each]}</span>" for each in row.get("refinements", ())]
    return ["<br>".join(says) or "anything", safe(http), "<br>".join(when), "<br>".join(here)]


def _joined(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _around(row: Row) -> str:
    """Return links to the code before and the one after it."""
    rows = list(CATALOG.values())
    at = rows.index(row)
    before = f"&larr; {link(rows[at - 1])}" if at else ""
    after = f"{link(rows[at + 1])} &rarr;" if at + 1 < len(rows) else ""
    return f"{before} &nbsp; {after}"
