"""Markup: what is not made here is text."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from answerby.cli.backtest.page.charts import Row, bars
from answerby.cli.backtest.page.markup import Markup, element, join
from answerby.cli.backtest.report_text import shown


def test_text_and_attributes_are_escaped_and_elements_are_not() -> None:
    inner = element("b", "<i>&\"'")
    made = element("p", inner, " 起火 <", title='"><script>', aria_label="a&b", class_="x")

    assert str(made) == (
        '<p title="&quot;&gt;&lt;script&gt;" aria-label="a&amp;b" class="x">'
        "<b>&lt;i&gt;&amp;&quot;&#x27;</b> 起火 &lt;</p>"
    )


def test_what_no_page_may_hold_is_replaced() -> None:
    assert join("a\x00b\x1b[31m\ud800\nc") == "a\ufffdb\ufffd[31m\ufffd\nc"


def test_joining_keeps_markup_and_makes_markup() -> None:
    assert isinstance(join("<"), Markup)
    assert join(join("<")) == "&lt;"


def test_a_chart_tells_its_figures_in_words_and_escapes_labels() -> None:
    chart = bars("c", "By <role>", [Row("值班 <chief>", 3, 1200), Row("none", 0, 0)])

    assert "值班 &lt;chief&gt;, old: 3" in chart
    assert "1,200 new" in chart
    assert 'role="img"' in chart
    assert "<role>" not in chart
    # The longest bar fills the plot, the other in proportion, nothing is nothing.
    assert [part.split('"')[0] for part in chart.split('<rect x="0"')[1:]] != []
    assert 'width="550"' in chart
    assert 'width="1.4"' in chart
    assert 'width="0"' in chart


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "true"),
        (3.0, "3"),
        (0.5, "0.5"),
        (Decimal("12.50"), "12.50"),
        ([], "-"),
        (["a", True], "a, true"),
        ({"score": Decimal(3), "since": None}, "score 3, since -"),
        (datetime(2026, 3, 2, 9, tzinfo=UTC), "2026-03-02 09:00 UTC"),
    ],
)
def test_values_are_shown_as_people_write_them(value, text):
    assert shown(value) == text
