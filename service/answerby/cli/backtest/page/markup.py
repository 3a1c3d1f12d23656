"""HTML and SVG that escape what they are given: only an element made here is taken as markup."""

from __future__ import annotations

from html import escape


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str | float) -> Markup:
    """An element. Plain text among the children is escaped; `class_` is `class`, an underscore within is a hyphen."""
    words = [tag, *(f'{_name(name)}="{escape(str(value))}"' for name, value in attributes.items())]
    return Markup(f"<{' '.join(words)}>{join(*children)}</{tag}>")


def join(*children: str) -> Markup:
    return Markup("".join(child if isinstance(child, Markup) else escape(_clean(child)) for child in children))


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-") if name != "viewBox" else name


def _clean(text: str) -> str:
    """Without the control characters that HTML does not allow, and without lone surrogates."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)
