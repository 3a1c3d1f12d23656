"""Builds service/answerby/api from proto/: run by the package build, and by `make gen`. Its output is never edited."""

from __future__ import annotations

import os
import re
import shutil
import sys
from importlib import resources
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "proto"
TARGET = ROOT / "service" / "answerby" / "api"
# protoc writes imports from the root of the proto tree; ours live below answerby.api.
IMPORT = re.compile(r"^(from |import )answerby\.v1", re.MULTILINE)
REFERENCE = re.compile(r"(?<![\w.\"'/])answerby\.v1\.(\w+_pb2)")


def generate() -> None:
    """Writes messages, stubs and type information. Raises RuntimeError when protoc refuses a file."""
    from grpc_tools import protoc

    # The stub generators lie beside the interpreter, which need not be on the PATH.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    scratch = TARGET.with_name("api.new")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    arguments = ["protoc", f"-I{SOURCE}", f"-I{resources.files('grpc_tools') / '_proto'}"]
    arguments += [f"--python_out={scratch}", f"--mypy_out={scratch}"]
    arguments += [f"--grpc_python_out={scratch}", f"--mypy_grpc_out={scratch}"]
    if protoc.main(arguments + sorted(str(p) for p in SOURCE.rglob("*.proto"))) != 0:
        raise RuntimeError("protoc refused a file in proto/, see above")
    shutil.rmtree(TARGET, ignore_errors=True)
    # protoc names the folders by the proto package, answerby.v1; the Python package is answerby.api.v1.
    shutil.move(scratch / "answerby", TARGET)
    shutil.rmtree(scratch)
    for package in (TARGET, TARGET / "v1"):
        (package / "__init__.py").touch()
    for path in [*TARGET.rglob("*.py"), *TARGET.rglob("*.pyi")]:
        path.write_text(rewrite(path.read_text(encoding="utf-8")), encoding="utf-8")


def rewrite(text: str) -> str:
    """The text with its imports below answerby.api."""
    return REFERENCE.sub(r"answerby.api.v1.\1", IMPORT.sub(r"\1answerby.api.v1", text))


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # `make gen` needs no build backend
    pass
else:

    class ApiBuildHook(BuildHookInterface[Any]):
        """Generates the API before a wheel or an editable install is put together."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            del version  # the interface hands it over; nothing here depends on it
            generate()
            build_data["artifacts"].append("service/answerby/api/**")


if __name__ == "__main__":
    sys.exit(generate())
