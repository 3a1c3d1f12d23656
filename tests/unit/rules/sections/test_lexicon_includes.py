"""Includes of lexicons: deep, wide, shared and in circles. Checked against a search from every lexicon on its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from answerby.rules.sections.reference_cycles import strong_components
from tests.kit.examples import examples


def reachable(graph, start):
    """Everything that `start` refers to, itself included only by a circle."""
    seen, waiting = set(), list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph[name]
    return seen


@st.composite
def graphs(draw):
    """What each of some names refers to."""
    names = [f"n{i}" for i in range(draw(st.integers(1, 12)))]
    return {name: draw(st.lists(st.sampled_from(names), max_size=2)) for name in names}


@examples(200)
@given(graph=graphs())
def test_components_are_what_a_search_finds(graph):
    names = list(graph)

    found = strong_components(graph)

    assert sorted(name for group in found for name in group) == sorted(names)
    group_of = {name: number for number, group in enumerate(found) for name in group}
    for a in names:
        for b in names:
            together = a == b or (b in reachable(graph, a) and a in reachable(graph, b))
            assert (group_of[a] == group_of[b]) == together
        assert all(group_of[b] <= group_of[a] for b in graph[a]), "what is referred to comes first"


@examples(20)
@given(data=st.data())
def test_a_lexicon_holds_the_terms_of_all_that_it_includes(load, data):
    terms = st.sets(st.integers(0, 40).map("term{}".format), min_size=1, max_size=3).map(sorted)
    own = {f"l{i}": data.draw(terms) for i in range(30)}
    below = {f"l{i}": st.sets(st.integers(0, i - 1).map("l{}".format), max_size=2) for i in range(1, 30)}
    graph = {"l0": []} | {name: sorted(data.draw(names)) for name, names in below.items()}
    lines = [f"  {n}: {{include: {list(graph[n])}, terms: {own[n]}}}" for n in graph if graph[n]]
    lines += [f"  {n}: {own[n]}" for n in graph if not graph[n]]
    lines = data.draw(st.permutations(lines))

    lexicons = load({"deep.yaml": "lexicons:\n" + "\n".join(lines)}).rulebook.lexicons

    for name in graph:
        expected = {term for other in {name, *reachable(graph, name)} for term in own[other]}
        assert lexicons[name].terms == tuple(sorted(expected))


def test_a_thousand_levels_are_no_matter(load):
    lines = [f"  l{i}: {{include: l{i + 1}, terms: [t{i}]}}" for i in range(1000)]

    lexicons = load({"deep.yaml": "lexicons:\n" + "\n".join(lines) + "\n  l1000: [end]"}).rulebook.lexicons

    assert len(lexicons["l0"].terms) == 1001
    assert lexicons["l999"].terms == ("end", "t999")


def test_every_include_on_a_circle_is_reported(load):
    text = "lexicons:\n  a: {include: b}\n  b: {include: [c, d]}\n  c: {include: a}\n  d: [x]\n  e: {include: e}\n"

    found = load({"deep.yaml": text}).diagnostics

    assert [(d.code, d.line) for d in found] == [("lexicon-cycle", line) for line in (2, 3, 4, 6)]


def test_who_includes_a_lexicon_takes_over_its_exceptions(load):
    text = """
lexicons:
  fire: {except: harmless, terms: [着火]}
  harmless: [没有着火]
  danger: {include: [fire], except: more, terms: [漏电]}
  more: [漏电保护]
"""
    lexicons = load({"deep.yaml": text}).rulebook.lexicons

    assert lexicons["fire"].exceptions == ("harmless",)
    assert lexicons["danger"].exceptions == ("harmless", "more")
    assert lexicons["harmless"].exceptions == ()


def test_exceptions_are_part_of_the_revision(load):
    with_it = load({"deep.yaml": "lexicons:\n  a: {except: b, terms: [x]}\n  b: [xy]\n"}).rulebook.revision
    without = load({"deep.yaml": "lexicons:\n  a: {terms: [x]}\n  b: [xy]\n"}).rulebook.revision

    assert with_it != without
