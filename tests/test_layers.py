"""Who may import whom: the arrows of the design as data, and one walk over the sources."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PROJECT = {"chat_service", "chat_cli", "chat_protos", "chat_text"}
IMPURE = {"asyncio", "logging", "os", "random", "secrets", "socket", "sqlite3", "threading"}
IMPURE |= {"time", "datetime"}
WIRE = {"google", "grpc", "grpc_health", "grpc_reflection", "grpc_status"}

# The pure part of the launcher.
LAUNCHER_RULES = ("actions", "outbox", "place", "places", "supervisor", "wishes")

# For each part: what of the project it may import, and what of the rest it may not. A module
# belongs to the longest part that its name begins with; a part always knows itself.
ARROWS: dict[str, tuple[set[str], set[str]]] = {
    "chat_protos": (set(), set()),
    "chat_text": (set(), IMPURE - {"datetime"} | WIRE),
    "chat_service.core": (set(), IMPURE | WIRE),
    "chat_service.histogram": (set(), IMPURE | WIRE),
    "chat_service.log": ({"chat_service.core", "chat_service.histogram"}, WIRE),
    "chat_service.hub": ({"chat_service.core", "chat_service.histogram"}, WIRE),
    "chat_service.edge": (
        {
            f"chat_service.{part}"
            for part in ("codes", "core", "histogram", "log", "hub", "retention")
        }
        | {"chat_protos"},
        set(),
    ),
    "chat_service.retention": ({"chat_service.core"}, IMPURE | WIRE),
    "chat_service.hub.limits": (set(), IMPURE | WIRE),
    "chat_service.log.limits": (set(), IMPURE | WIRE),
    "chat_service.edge.limits": (set(), IMPURE | WIRE),
    "chat_service.plain": (set(), IMPURE | WIRE),
    "chat_service.config": (
        {f"chat_service.{part}" for part in ("retention", "plain")}
        | {f"chat_service.{part}.limits" for part in ("core", "log", "hub", "edge")},
        WIRE,
    ),
    "chat_service.settings": (
        {f"chat_service.{part}" for part in ("config", "retention")}
        | {"chat_service.core.limits", "chat_service.core.names"},
        IMPURE | WIRE,
    ),
    "chat_service.logs": ({"chat_text"}, WIRE),
    "chat_service.posix": ({"chat_service.config"}, WIRE),
    "chat_service.address": ({"chat_service.config"}, WIRE),
    "chat_service.certificates": ({"chat_service.config"}, WIRE | {"cryptography"}),
    "chat_service.renewal": (
        {f"chat_service.{part}" for part in ("certificates", "config", "edge")},
        WIRE,
    ),
    "chat_service.codes": (set(), IMPURE - {"secrets"} | WIRE),
    "chat_service.link": (set(), IMPURE | WIRE),
    "chat_service.launcher": (
        {
            f"chat_service.{part}"
            for part in ("certificates", "codes", "config", "link", "logs", "posix")
        },
        WIRE,
    ),
    **{
        f"chat_service.launcher.{part}": (
            {"chat_service.config", "chat_service.link"}
            | {f"chat_service.launcher.{other}" for other in LAUNCHER_RULES},
            IMPURE | WIRE,
        )
        for part in LAUNCHER_RULES
    },
    "chat_service.admin": (
        {"chat_service.config", "chat_service.link", "chat_service.logs"}
        | {"chat_protos", "chat_text"},
        set(),
    ),
    "chat_service.transcripts": (
        {f"chat_service.{part}" for part in ("config", "core", "log")} | {"chat_text"},
        WIRE,
    ),
    "chat_service.cli": (
        {f"chat_service.{part}" for part in ("certificates", "config", "settings", "launcher")},
        WIRE,
    ),
    "chat_service.instance": (
        {f"chat_service.{part}" for part in ("config", "address", "logs", "posix", "server")},
        WIRE,
    ),
    "chat_service.live": (
        {f"chat_service.{part}" for part in ("core", "log", "edge", "config")}
        | {"chat_service.renewal", "chat_service.transcripts"},
        WIRE,
    ),
    "chat_service.services": (
        {f"chat_service.{part}" for part in ("log", "hub", "edge")},
        WIRE,
    ),
    "chat_service.following": (
        {f"chat_service.{part}" for part in ("log", "hub", "edge", "transcripts")},
        WIRE,
    ),
    "chat_service.wiring": (
        {
            f"chat_service.{part}"
            for part in ("core", "log", "hub", "edge", "config", "live", "posix", "renewal")
        }
        | {f"chat_service.{part}" for part in ("transcripts", "following", "services")},
        WIRE,
    ),
    "chat_service.server": (
        {f"chat_service.{part}" for part in ("config", "core", "renewal", "wiring")},
        WIRE,
    ),
    "chat_cli": ({"chat_cli", "chat_text"}, WIRE),
    "chat_cli.session": ({"chat_cli", "chat_protos", "chat_text"}, set()),
    "chat_cli.admin": ({"chat_cli", "chat_protos", "chat_text"}, set()),
}


def under(name: str, part: str) -> bool:
    """Tell whether a module is a part or inside it."""
    return f"{name}.".startswith(f"{part}.")


def imports(source: str, package: str) -> Iterator[str]:
    """Give the full name of everything that a source imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def violations(root: Path) -> list[str]:
    """Return a line for each import that no arrow allows."""
    found = []
    for path in sorted(path for top in PROJECT for path in (root / top).rglob("*.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        package = ".".join(path.relative_to(root).parent.parts)
        part = max((part for part in ARROWS if under(module, part)), key=len, default="")
        allowed, forbidden = ARROWS.get(part, (set(), WIRE))
        for name in imports(path.read_text(encoding="utf-8"), package):
            if name.split(".")[0] in PROJECT:
                wrong = not any(under(name, other) for other in {part, *allowed} - {""})
            else:
                wrong = name.split(".")[0] in forbidden
            if wrong:
                found.append(f"{module} imports {name}")
    return found


def test_imports_follow_the_arrows() -> None:
    """No module imports what its layer may not know."""
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("importer", "line", "imported"),
    [
        ("chat_service.core.decide", "import time", "time"),
        ("chat_service.core.decide", "from os import path", "os.path"),
        ("chat_service.core.decide", "from ..log import b", "chat_service.log.b"),
        ("chat_service.core.decide", "from chat_service import hub", "chat_service.hub"),
        ("chat_service.log.sqlite", "def f():\n import grpc.aio", "grpc.aio"),
        ("chat_service.log.__init__", "from .. import hub", "chat_service.hub"),
        ("chat_service.hub.ring", "import chat_protos.chat", "chat_protos.chat"),
        ("chat_service.edge.wire", "import chat_service.server", "chat_service.server"),
        ("chat_service.edge.wire", "import chat_cli.model", "chat_cli.model"),
        ("chat_service.hub.limits", "import asyncio", "asyncio"),
        ("chat_service.config", "import chat_service.edge.pace", "chat_service.edge.pace"),
        ("chat_service.launcher", "import grpc", "grpc"),
        ("chat_service.launcher.entry", "from .. import server", "chat_service.server"),
        ("chat_service.launcher.place", "import time", "time"),
        ("chat_service.launcher.place", "from . import entry", "chat_service.launcher.entry"),
        ("chat_service.server", "import chat_protos", "chat_protos"),
        ("chat_service.new", "import chat_service.core", "chat_service.core"),
        ("chat_cli.render", "import grpc", "grpc"),
        ("chat_cli.session", "import chat_service.core", "chat_service.core"),
        ("chat_protos.new", "import chat_cli.model", "chat_cli.model"),
    ],
)
def test_planted_import_is_found(tmp_path: Path, importer: str, line: str, imported: str) -> None:
    """An import against the arrows is told by both names, in whatever form it is written."""
    planted = tmp_path.joinpath(*importer.split(".")).with_suffix(".py")
    planted.parent.mkdir(parents=True)
    planted.write_text(f"import dataclasses\n{line}\n", encoding="utf-8")
    assert violations(tmp_path) == [f"{importer.removesuffix('.__init__')} imports {imported}"]


def test_maps_have_every_module() -> None:
    """The docstring of a package says what each of its modules is, also of the newest one."""
    missing = []
    # Nobody writes what the compiler makes.
    written = PROJECT - {"chat_protos"}
    for source in sorted(path for name in written for path in ROOT.glob(f"{name}/**/__init__.py")):
        package = source.parent
        told = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
        parts = {path.stem for path in package.glob("[!_]*.py")}
        parts |= {path.parent.name for path in package.glob("*/__init__.py")}
        named = set(re.findall(r"\w+", told))
        missing += [f"{package.relative_to(ROOT)}: {part}" for part in sorted(parts - named)]
    assert missing == []


def test_launcher_never_loads_grpc() -> None:
    """What starts the processes has, also indirectly, loaded nothing of gRPC or the servers.

    Nor what it needs for encryption alone.
    """
    slow = ["asyncio", "chat_protos", "cryptography", "google", "grpc", "sqlite3", "ssl"]
    program = (
        "import sys, chat_service.cli, chat_service.launcher\n"
        f"print([name for name in {slow} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "[]\n"
