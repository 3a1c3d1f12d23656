"""Log lines: JSON, and no word of a customer in them."""

from __future__ import annotations

import io
import json

from answerby.server.base.logs import make_logger


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_holds_what_is_safe_and_names_what_was_dropped():
    stream = io.StringIO()
    make_logger("info", stream).bind(tenant="one").info("decided", request_id="R-1", body="secret words", name="Jane")
    (line,) = lines(stream)
    assert line["event"] == "decided"
    assert (line["tenant"], line["request_id"], line["level"]) == ("one", "R-1", "info")
    assert line["dropped"] == ["body", "name"]
    assert "secret" not in stream.getvalue()


def test_an_exception_is_told_by_type_and_place_only():
    stream = io.StringIO()
    try:
        int("secret words")
    except ValueError as error:
        make_logger("info", stream).exception("failed", exc_info=error)
    (line,) = lines(stream)
    assert line["error"] == "ValueError"
    assert line["where"][-1].startswith("test_logs.py:")
    assert "secret" not in stream.getvalue()


def test_lines_below_the_level_are_left_out():
    stream = io.StringIO()
    logger = make_logger("warning", stream)
    logger.info("quiet")
    logger.warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]
