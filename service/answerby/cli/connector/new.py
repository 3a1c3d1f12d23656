"""`answerby connector new`: the package of a connector that passes its proof, for its author to change step by step."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

from answerby.cli.fail import fail
from answerby_connectors.kit.registry import GROUP

NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
"""What can be a module, a type in a configuration and a part of an event source."""
LONGEST = 40
EXAMPLE = "acme"
"""The platform of the templates, which are the files of the howto."""
TEMPLATES = {
    "pyproject.toml.txt": "pyproject.toml",
    "connector.py.txt": "acme_desk/connector.py",
    "stage.py.txt": "acme_desk/stage.py",
    "test.py.txt": "test_acme.py",
}


def new_connector(name: str, folder: Path | None) -> None:
    """Writes the package to the folder, by default one of its name here. Changes no file that is there."""
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        fail(f"{name!r} cannot name a connector: small letters, digits and single _ between them, at most {LONGEST}", 2)
    if name in entry_points(group=GROUP).names:
        fail(f"a connector of type {name!r} is installed already; choose another name", 2)
    place = folder or Path(name)
    texts = written(name)
    there = [path for path in texts if (place / path).exists()]
    if there:
        fail(f"{place / there[0]} is there already, and nothing was written; choose another folder by --folder", 2)
    for path, text in texts.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text, "utf-8")
    print(f"{place} holds a connector that passes its proof against the platform in {name}_desk/stage.py:\n")
    print(f"    cd {place}\n    pip install 'answerby[conformance]' && pip install -e .")
    print(f"    python -m pytest -q test_{name}.py\n")
    print("Now make stage.py answer as your platform does, and connector.py speak to it, until all pass again.")


def written(name: str) -> dict[str, str]:
    """The files of the package by their path, with the name of the platform."""
    title = "".join(part.capitalize() for part in name.split("_"))
    header = name.replace("_", "-")
    folder = files("answerby_connectors") / "new"
    found = {f"{name}_desk/__init__.py": ""}
    for source, path in TEMPLATES.items():
        text = (folder / source).read_text("utf-8")
        text = text.replace(f"x-{EXAMPLE}-key", f"x-{header}-key").replace(f"{EXAMPLE}-desk", f"{header}-desk")
        found[path.replace(EXAMPLE, name)] = text.replace(EXAMPLE.capitalize(), title).replace(EXAMPLE, name)
    return found
