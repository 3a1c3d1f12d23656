"""Circles of names that refer to each other, found in time linear in the size of the graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def strong_components(graph: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Returns the strongly connected components of `graph`. Each component follows the components that it refers to.

    `graph` maps each name to the names that it refers to. Every name referred to must be a key.

    The algorithm is Tarjan's. It keeps its own stack, because rule files may nest deeper than Python recurses.
    """
    found: list[list[str]] = []
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_names: dict[str, None] = {}
    for start in graph:
        if start in order:
            continue
        path: list[tuple[str, Iterator[str]]] = [(start, iter(graph[start]))]
        order[start] = lowest[start] = len(order)
        open_names[start] = None
        while path:
            name, references = path[-1]
            reference = next(references, None)
            if reference is None:
                path.pop()
                if path:
                    above = path[-1][0]
                    lowest[above] = min(lowest[above], lowest[name])
                if lowest[name] == order[name]:
                    found.append(_close(open_names, name))
            elif reference not in order:
                order[reference] = lowest[reference] = len(order)
                open_names[reference] = None
                path.append((reference, iter(graph[reference])))
            elif reference in open_names:
                lowest[name] = min(lowest[name], order[reference])
    return found


def _close(open_names: dict[str, None], first: str) -> list[str]:
    """Removes and returns the names of `open_names` from `first` to the end. They form one component."""
    component = []
    while True:
        name, _ = open_names.popitem()
        component.append(name)
        if name == first:
            return component
