"""Texts with a few pieces replaced by others, as a slip of the hand leaves them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st


@st.composite
def mangled_texts(draw: st.DrawFn, text: str, pieces: Sequence[str], most: int = 6) -> str:
    """The text with up to so many places of up to three characters replaced, each by one of the pieces."""
    signs = list(text)
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(signs) - 1))
        signs[at : at + draw(st.integers(0, 3))] = draw(st.sampled_from(pieces))
    return "".join(signs)
