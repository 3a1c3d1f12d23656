"""What a connector keeps in memory has a limit."""

from answerby_connectors.kit.bounded import Bounded


def test_the_key_that_was_set_longest_ago_goes_first():
    kept = Bounded[str, int](2)
    kept["a"] = 1
    kept["b"] = 2
    kept["a"] = 3
    kept["c"] = 4
    assert kept == {"a": 3, "c": 4}
