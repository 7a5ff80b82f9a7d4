"""Make `chat_protos/` from `protos/`: messages, service stubs, and their types.

Run by `make protos`. The generated modules import each other as `chat.v1`; that
name is not ours to install, so it is rewritten to `chat_protos.chat.v1`.
"""

import re
import sys
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "protos"
TARGET = ROOT / "chat_protos"


def generate() -> int:
    """Write the stubs of every proto file; return the compiler's exit status."""
    protos = sorted(str(path.relative_to(SOURCES)) for path in SOURCES.rglob("*.proto"))
    well_known = resources.files("grpc_tools") / "_proto"
    status = int(
        protoc.main(
            [
                "protoc",
                f"-I{SOURCES}",
                f"-I{well_known}",
                f"--python_out={TARGET}",
                f"--mypy_out={TARGET}",
                f"--grpc_python_out={TARGET}",
                f"--mypy_grpc_out={TARGET}",
                *protos,
            ]
        )
    )
    for path in (*TARGET.rglob("*_pb2*.py"), *TARGET.rglob("*_pb2*.pyi")):
        text = path.read_text(encoding="utf-8")
        path.write_text(
            re.sub(r"^from chat\.", "from chat_protos.chat.", text, flags=re.MULTILINE),
            encoding="utf-8",
        )
        package = path.parent
        while package != TARGET:
            (package / "__init__.py").touch()
            package = package.parent
    return status


if __name__ == "__main__":
    sys.exit(generate())
