"""Every setting can be set by file and by environment, unknown ones are refused by name, and secrets stay outside."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tomli_w
from msgspec import inspect

from gateway.settings import Settings, SettingsError, load

BACKEND: dict[str, Any] = {"dialect": "sdcpp", "base_url": "http://127.0.0.1:3000"}
#: Of settings whose values are not told by their type.
LEGAL: dict[str, Any] = {
    "backends": {"studio": BACKEND},
    "aliases": {"best": ["studio/flux", "ima2/gpt-5.4"]},
    "timeouts": {"submit_s": 7.5},
    "faces": {"ima2": {"team": "design", "listen": "127.0.0.1:3333"}},
}


def values(info: Any, name: str = "") -> Iterator[Any]:
    """Yield legal values of a setting that are not its default."""
    match info:
        case inspect.Metadata():
            yield from values(info.type, name)
        case inspect.UnionType():
            yield from (each for member in info.types for each in values(member, name))
        case inspect.LiteralType():
            yield from info.values
        case inspect.VarTupleType():
            yield ["one", "two"]
        case inspect.DictType():
            yield LEGAL[name]
        case inspect.StructType():
            yield from ({field.name: each} for field in info.fields for each in values(field.type, field.name))
        case _:
            yield from scalars(info)


def scalars(info: Any) -> Iterator[Any]:
    """Yield a legal text, number or truth that is not a default."""
    match info:
        case inspect.StrType():
            yield "https://x.example" if info.pattern else "some text"
        case inspect.IntType():
            yield int(info.ge or 0) + 3
        case inspect.FloatType():
            yield 12.5
        case inspect.BoolType():
            yield True


def leaves(info: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every setting: where it is, and a value for it."""
    if isinstance(info, inspect.StructType):
        for field in info.fields:
            yield from leaves(field.type, (*path, field.name))
        return
    yield from ((path, each) for each in values(info, path[-1]))
    if path == ("backends",):
        yield from leaves(info.value_type, ("backends", "studio"))


def all_settings() -> list[tuple[tuple[str, ...], Any]]:
    """Return every setting with a value."""
    return list(leaves(inspect.type_info(Settings)))


EVERY = all_settings()
IDS = [".".join(path) for path, _ in EVERY]


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return a document with one setting; a backend comes with what every backend needs."""
    document: dict[str, Any] = {"backends": {"studio": dict(BACKEND)}} if path[:2] == ("backends", "studio") else {}
    inner = document
    for name in path[:-1]:
        inner = inner.setdefault(name, {})
    inner[path[-1]] = value
    return document


def variable(path: tuple[str, ...]) -> str:
    """Return the environment variable of a setting."""
    return "TRIPTYCH_" + "__".join(path).upper()


def text(value: Any) -> str:
    """Return a value as it is written in the environment: lists and tables as JSON."""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def got(settings: Any, path: tuple[str, ...]) -> Any:
    """Return a setting as it was read."""
    for name in path:
        settings = settings[name] if isinstance(settings, dict) else getattr(settings, name)
    return settings


def same(found: Any, value: Any) -> bool:
    """Say whether a setting is what was written, whatever its container."""
    read = msgspec.to_builtins(found)
    if isinstance(value, dict) and isinstance(read, dict):
        return all(name in read and same(read[name], each) for name, each in value.items())
    return list(read) == value if isinstance(value, list) else bool(read == value)


def faults(path: Path | None = None, environ: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """Return what is wrong: places and reasons."""
    with pytest.raises(SettingsError) as caught:
        load(path, environ or {})
    return [(fault.pointer, fault.reason) for fault in caught.value.faults]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where a file of settings is to be."""
    return tmp_path / "triptych.toml"


def test_every_section_is_covered_here() -> None:
    """What is read off the type reaches every section and every field of a backend."""
    assert {path[0] for path, _ in EVERY} == {
        "data_dir", "server", "backends", "aliases", "faces", "assets", "review", "inputs", "limits", "keep",
        "shutdown", "verify", "log",
    }  # fmt: skip
    assert len(EVERY) > 40


@pytest.mark.parametrize(("path", "value"), EVERY, ids=IDS)
def test_every_setting_is_read_from_a_file(path: tuple[str, ...], value: Any, file: Path) -> None:
    """TOML, by its own name in its own section."""
    file.write_text(tomli_w.dumps(nested(path, value)))
    assert same(got(load(file, {}), path), value)


@pytest.mark.parametrize(("path", "value"), EVERY, ids=IDS)
def test_every_setting_is_read_from_the_environment(path: tuple[str, ...], value: Any) -> None:
    """`TRIPTYCH_SECTION__NAME`, numbers and booleans as text, lists and tables as JSON."""
    needed = {variable(("backends", "studio", name)): each for name, each in BACKEND.items()}
    environ = (needed if path[:2] == ("backends", "studio") else {}) | {variable(path): text(value)}
    assert same(got(load(None, environ), path), value)


@pytest.mark.parametrize(("path", "value"), EVERY, ids=IDS)
def test_a_setting_beside_a_wrong_one_is_not_accused(path: tuple[str, ...], value: Any) -> None:
    """Numbers of the environment are text, and right: only the wrong setting is told."""
    needed = {variable(("backends", "studio", name)): each for name, each in BACKEND.items()}
    environ = (needed if path[0] == "backends" and len(path) > 1 else {}) | {variable(path): text(value)}
    wrong = "TRIPTYCH_SERVER__NOWHERE" if path == ("server", "port") else "TRIPTYCH_SERVER__PORT"
    expected = {"TRIPTYCH_SERVER__NOWHERE": "/server/nowhere", "TRIPTYCH_SERVER__PORT": "/server/port"}[wrong]
    assert faults(environ={**environ, wrong: "70000"}) == [
        (expected, "unknown_field" if path == ("server", "port") else "range")
    ]


@pytest.mark.parametrize(("path", "value"), EVERY, ids=IDS)
def test_a_misspelt_setting_is_refused_by_its_name(path: tuple[str, ...], value: Any, file: Path) -> None:
    """A setting that is set in vain would be worse than one that is refused."""
    if path in (("backends",), ("aliases",)) or path[-2:-1] == ("timeouts",):
        path = (f"{path[0]}x",)
    else:
        path = (*path[:-1], f"{path[-1]}x")
    file.write_text(tomli_w.dumps(nested(path, value)))
    with pytest.raises(SettingsError, match=f"{'.'.join(path)}: there is no field '{path[-1]}' here"):
        load(file, {})
