"""Pages for people: one shell, one sheet of style, no script, nothing from anywhere else."""

import base64
import hashlib
import html
from collections.abc import Iterable, Sequence

from litestar.response import Response

from gateway.v1.answer import answer

#: The colours are those of /docs; whoever prefers the dark gets it.
STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--soft:#59636e;--page:#fff;--card:#f6f8fa;--line:#d8dee4;--link:#3b5bdb;
--good:#1a7f37;--bad:#b42318;--warn:#9a6700}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#9aa4b2;--page:#14171c;--card:#1c2128;--line:#323943;
--link:#91a7ff;--good:#56d364;--bad:#ff8f85;--warn:#e3b341}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.6 system-ui,sans-serif}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
header,main,footer{max-width:62rem;margin:0 auto;padding:0 1.25rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;align-items:baseline;padding-top:1rem;padding-bottom:1rem;
border-bottom:1px solid var(--line)}
header b{margin-right:auto;font-size:1.1rem}header b a{color:inherit}
main{padding-top:1.5rem;padding-bottom:3rem}
footer{padding-top:1rem;padding-bottom:2rem;border-top:1px solid var(--line);color:var(--soft);font-size:.875rem}
h1{font-size:1.75rem;line-height:1.25;margin:.25rem 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.25rem 0 .6rem}h3{font-size:1rem;margin:1.25rem 0 .4rem}
p{margin:.5rem 0}.lead{font-size:1.1rem}.soft{color:var(--soft)}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em}
h1 code{font-size:1em}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1rem;overflow-x:auto;line-height:1.5;
font-size:.85rem}
.tag{display:inline-block;border:1px solid currentColor;border-radius:999px;padding:0 .6rem;font-size:.8rem;
line-height:1.5rem;white-space:nowrap}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
.do{border-left:4px solid var(--link);background:var(--card);border-radius:0 8px 8px 0;padding:.75rem 1rem;
margin:1rem 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.6rem 1.5rem;margin:1rem 0}
dt{color:var(--soft)}dd{margin:0}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th{color:var(--soft);font-weight:600;text-align:left}
th,td{padding:.45rem .75rem .45rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td code{overflow-wrap:anywhere}td.code{white-space:nowrap}td.number{font-variant-numeric:tabular-nums}
.list{table-layout:fixed;min-width:44rem}.list th:nth-child(1){width:34%}.list th:nth-child(2){width:8%}
.list th:nth-child(4){width:12%}.list th:nth-child(5){width:14%}
@media(max-width:40rem){dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.6rem}td.code{white-space:normal}}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_LINKS = (("/docs", "Contract"), ("/v1/errors", "Errors"), ("/openapi.json", "OpenAPI"), ("/asyncapi.json", "AsyncAPI"))


def page(title: str, body: str, *, foot: str = "") -> Response[bytes]:
    """Return a page whose body is HTML that the caller made, and made safe."""
    links = "".join(f'<a href="{address}">{name}</a>' for address, name in _LINKS)
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{safe(title)} - Triptych</title><style>{STYLE}</style></head>\n"
        f'<body><header><b><a href="/docs">Triptych</a></b>{links}</header>\n<main>{body}</main>\n'
        f"<footer>{foot}</footer></body></html>\n"
    )
    headers = {"Content-Security-Policy": POLICY, "Vary": "Accept"}
    return answer(text.encode(), headers=headers, media_type="text/html")


def safe(text: object) -> str:
    """Return a text as it may stand in HTML, inside a tag's quotes too."""
    return html.escape(str(text), quote=True)


def prose(text: str) -> str:
    """Return a sentence of the catalogue, with the addresses that it names as links to follow."""
    return safe(text).replace("GET /v1/models", '<a href="/v1/models">GET /v1/models</a>')


def word(text: object) -> str:
    """Return a word of the wire."""
    return f"<code>{safe(text)}</code>"


def heading(text: str) -> str:
    """Return a code as a page's heading, which may be broken where its parts meet."""
    return f"<h1><code>{safe(text).replace('.', '.<wbr>').replace('_', '_<wbr>')}</code></h1>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, classes: tuple[str, ...] = (), kind: str = "") -> str:
    """Return a table; its cells are HTML. A column in which nothing stands is left out."""
    lines = list(rows)
    kept = [index for index in range(len(head)) if any(line[index] for line in lines)]
    names = (*classes, *("",) * len(head))
    shown = "".join(f"<th>{head[index]}</th>" for index in kept)
    body = "".join(f"<tr>{''.join(_cell(line[index], names[index]) for index in kept)}</tr>" for line in lines)
    return f'<div class="wide"><table class="{kind}"><thead><tr>{shown}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(cell: str, name: str) -> str:
    return f'<td class="{name}">{cell}</td>' if name else f"<td>{cell}</td>"
