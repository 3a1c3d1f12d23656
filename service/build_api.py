"""Builds service/answerby/api from proto/: run by the package build, and by `make gen`. Its output is never edited.

The package build also gathers here what ships beside the code: the protocol, the rules, the pages of the diagnostics,
and the commit that the package was built from.
"""

from __future__ import annotations

import os
import re
import runpy
import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "proto"
TARGET = ROOT / "service" / "answerby" / "api"
# protoc writes imports from the root of the proto tree; ours live below answerby.api.
SHIPPED = {
    "proto/answerby": "answerby/proto/answerby",
    "proto/google": "answerby/proto/google",
    "rules": "answerby/shipped/rules",
    "service/docs/errors": "answerby/shipped/docs/errors",
}
"""Places in the source tree to places in an installed package."""
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
    if protoc.main(arguments + sorted(str(p) for p in (SOURCE / "answerby").rglob("*.proto"))) != 0:
        raise RuntimeError("protoc refused a file in proto/, see above")
    shutil.rmtree(TARGET, ignore_errors=True)
    # protoc names the folders by the proto package, answerby.v1; the Python package is answerby.api.v1.
    shutil.move(scratch / "answerby", TARGET)
    shutil.rmtree(scratch)
    for package in (TARGET, TARGET / "v1"):
        (package / "__init__.py").touch()
    describe = runpy.run_path(str(ROOT / "service" / "build_openapi.py"))["describe"]
    (TARGET / "openapi.json").write_text(describe(SOURCE, _version()), encoding="utf-8")
    for path in [*TARGET.rglob("*.py"), *TARGET.rglob("*.pyi")]:
        path.write_text(rewrite(path.read_text(encoding="utf-8")), encoding="utf-8")


def _version() -> str:
    text = (ROOT / "service" / "answerby" / "__init__.py").read_text("utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    return found[1] if found else "0"


def rewrite(text: str) -> str:
    """The text with its imports below answerby.api."""
    return REFERENCE.sub(r"answerby.api.v1.\1", IMPORT.sub(r"\1answerby.api.v1", text))


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # `make gen` needs no build backend
    pass
else:

    class ApiBuildHook(BuildHookInterface[Any]):
        """Puts in what git does not keep: for a wheel the API and what ships, for both kinds of package the commit."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """An editable install (`version` says so) runs from the source tree: it needs the API and no copies."""
            self._scratch = tempfile.TemporaryDirectory(prefix="answerby-build-")
            included: dict[str, str] = build_data["force_include"]
            if self.target_name == "sdist":
                included.update(self._revision("service/answerby"))
                return
            generate()
            build_data["artifacts"].append("service/answerby/api/**")
            if version != "editable":
                included.update({str(ROOT / place): target for place, target in SHIPPED.items()})
                included.update(self._revision("answerby"))

        def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
            del version, build_data, artifact_path  # the interface hands them over
            self._scratch.cleanup()

        def _revision(self, package: str) -> dict[str, str]:
            """A file with the commit, and its place in the package. None where it is unknown or noted already."""
            # By its path: what is being built need not be importable, and another version may be.
            module = runpy.run_path(str(ROOT / "service" / "answerby" / "revision.py"))
            commit = module["revision"]()
            if not commit or module["NOTE"].is_file():
                return {}
            note = Path(self._scratch.name) / "revision.txt"
            note.write_text(f"{commit}\n", "utf-8")
            return {str(note): f"{package}/revision.txt"}


if __name__ == "__main__":
    generate()
