"""The clients in examples/: how each is built, and one of them running."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.e2e.launched import PATIENCE, Lines

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / "examples" / "node"
GO = ROOT / "examples" / "go"

BUILD_S = 600.0
"""How long a first build may take, with all that has to be fetched for it."""


@dataclass(frozen=True)
class Program:
    """A client that is ready to run."""

    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def run(*command: str, cwd: Path = ROOT, **environment: str) -> str:
    """Run a command of a build and return its output. A test fails with it if it does."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_S,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{' '.join(command)} in {cwd}:\n{done.stdout}", pytrace=False)
    return done.stdout


def build_node(cache: Path) -> Program:
    """Install what the Node client needs into `cache`, unless it is there already.

    The installation is made aside and renamed, so that two runs of the tests at once,
    or one that was interrupted, leave nothing half done.
    """
    wanted = [NODE / "package.json", NODE / "package-lock.json"]
    installed = cache / "node"
    if any(
        not (installed / file.name).exists()
        or (installed / file.name).read_bytes() != file.read_bytes()
        for file in wanted
    ):
        with tempfile.TemporaryDirectory(dir=cache) as name:
            fresh = Path(name) / "node"
            fresh.mkdir()
            for file in wanted:
                shutil.copy(file, fresh)
            # Scripts of packages are not needed, so they are not run.
            run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=fresh)
            if installed.exists():
                installed.rename(Path(name) / "old")
            fresh.rename(installed)
    modules = str(installed / "node_modules")
    return Program(("node", str(NODE / "client.js")), {"NODE_PATH": modules})


def build_go(target: Path) -> Program:
    """Build the Go client into the directory `target`."""
    need_go()
    # The version of the checkout is not wanted in it, and git need not be there.
    run("go", "build", "-buildvcs=false", "-o", str(target / "client"), ".", cwd=GO)
    return Program((str(target / "client"),))


def need_go() -> None:
    """Skip the test where Go is older than the module asks, and cannot fetch that version."""
    found = subprocess.run(
        ("go", "list", "-m"), cwd=GO, capture_output=True, text=True, timeout=BUILD_S, check=False
    )
    if found.returncode:
        pytest.skip(f"this Go cannot read examples/go/go.mod: {found.stderr.strip()}")


def generate_go(target: Path) -> dict[str, str]:
    """Generate the Go stubs as examples/go/README.md says; return the text of each file.

    Without the lines that name versions of generators.
    """
    need_go()
    plugins = target / "bin"
    run("go", "install", "tool", cwd=GO, GOBIN=str(plugins))
    (target / "out").mkdir()
    run(
        sys.executable,
        *("-m", "grpc_tools.protoc", f"--proto_path={ROOT / 'protos'}"),
        *options_go(target / "out"),
        "chat/v1/chat.proto",
        PATH=f"{plugins}{os.pathsep}{os.environ['PATH']}",
    )
    return stubs_go(target / "out" / "gen")


def options_go(target: Path) -> list[str]:
    """Return the options of the documented command, with its target replaced."""
    readme = (GO / "README.md").read_text(encoding="utf-8")
    options = re.findall(r"--go(?:-grpc)?_(?:out|opt)=\S+", readme)
    return [option.replace("_out=examples/go", f"_out={target}") for option in options]


def stubs_go(root: Path) -> dict[str, str]:
    """Return the text of each stub under `root`, without lines that name versions."""
    return {
        str(path.relative_to(root)): re.sub(
            r"^//\s+-?\s*protoc.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
        for path in root.rglob("*.go")
    }


class Running:
    """A client at work; leaving the block kills one that has not ended."""

    def __init__(self, program: Program, target: str, name: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [*program.command, "--target", target, "--name", name, *arguments],
            env=os.environ | program.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdout = Lines(self._process.stdout)
        self._stderr = Lines(self._process.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        if error is not None:
            # Shown by pytest beside the failure.
            print("stderr of the client:", *self._stderr.rest(), sep="\n")

    def wait_for(self, text: str) -> None:
        """Wait until an event with this text is printed."""
        self._stdout.wait_for(lambda line: json.loads(line)["text"] == text)

    def wait_for_complaint(self, part: str) -> None:
        """Wait for a line on stderr that holds this."""
        self._stderr.wait_for(lambda line: part in line)

    # Any: what a line holds is for the test to say.
    def events(self) -> list[dict[str, Any]]:
        """Return all that it printed, once it has ended well."""
        assert self._process.wait(PATIENCE) == 0, self._stderr.rest()
        return [json.loads(line) for line in self._stdout.rest()]

    def refusal(self) -> tuple[int, list[str]]:
        """Return the exit status and what was said on stderr, once it has ended."""
        return self._process.wait(PATIENCE), self._stderr.rest()
