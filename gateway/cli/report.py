"""A report of `triptych verify` as a table for people, JSON for programs, and JUnit for CI. No server's words in it."""

from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts.verify import Report, Result, Verdict

#: Tables that go to a file are this wide: what reads them wraps them anyhow.
WIDTH = 160
STYLES: dict[Verdict, str] = {
    "pass": "green",
    "drift": "bold red",
    "no_answer": "red",
    "not_served": "yellow",
    "not_seen": "yellow",
}
WORDS: dict[Verdict, str] = {
    "pass": "pass",
    "drift": "DRIFT",
    "no_answer": "no answer",
    "not_served": "not served",
    "not_seen": "not seen",
}


def show(report: Report, title: str) -> None:
    """Print the table, and what it comes to."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in ("check", "route", "promised", "observed", "verdict"):
        table.add_column(column, overflow="fold")
    for each in report.results:
        observed = Text("\n".join(dict.fromkeys((each.observed, *each.faults))))
        verdict = Text(WORDS[each.verdict], style=STYLES[each.verdict])
        table.add_row(each.check, each.route, Text(each.promised), observed, verdict)
    console.print(table)
    console.print(summary(report))


def summary(report: Report) -> str:
    """Return how many promises were kept, and which build answers."""
    counts = {verdict: sum(each.verdict == verdict for each in report.results) for verdict in WORDS}
    told = ", ".join(f"{count} {WORDS[verdict]}" for verdict, count in counts.items() if count)
    return f"{report.dialect}, profile {report.profile or 'unknown'}: {told}"


def write_json(report: Report, path: Path) -> None:
    """Write the report as JSON, in the fields of contracts.verify.Report."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


def write_junit(report: Report, path: Path) -> None:
    """Write the report as a JUnit file: a drift is a failure, no answer an error, what is not there is skipped."""
    results = report.results
    suite = Element(
        "testsuite",
        name=f"triptych.verify.{report.dialect}",
        tests=str(len(results)),
        failures=str(sum(each.verdict == "drift" for each in results)),
        errors=str(sum(each.verdict == "no_answer" for each in results)),
        skipped=str(sum(each.verdict in ("not_served", "not_seen") for each in results)),
        time=f"{sum(each.seconds for each in results):.3f}",
    )
    properties = SubElement(suite, "properties")
    for name, value in (("profile", report.profile), ("assumed", report.assumed), ("level", report.level)):
        SubElement(properties, "property", name=name, value=value or "")
    for each in results:
        _case(suite, report, each)
    indent(suite)
    ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


_ELEMENTS: dict[Verdict, str] = {
    "drift": "failure",
    "no_answer": "error",
    "not_served": "skipped",
    "not_seen": "skipped",
}


def _case(suite: Element, report: Report, result: Result) -> None:
    case = SubElement(
        suite,
        "testcase",
        classname=f"{report.dialect}.{report.profile or 'unknown'}",
        name=result.check,
        time=f"{result.seconds:.3f}",
    )
    if result.verdict in _ELEMENTS:
        said = SubElement(case, _ELEMENTS[result.verdict], type=result.verdict, message=result.observed)
        lines = (f"{result.route}: promised {result.promised}", *result.faults, f"known from {result.source}")
        said.text = "\n".join(lines)
