"""What an operator learns before the first decision."""

from __future__ import annotations

import pytest

from answerby_connectors.kit.base import CheckableConnector, PlatformUnavailable


async def test_says_who_we_are_and_which_mapping_leads_nowhere(connect, redmine):
    values = {"priority": {"P0": "Urgent", "P1": "Gigantic"}, "department": {"vip": "vip", "quality": "QA"}}
    connector = connect(projects=["1"], values=values, fields={"role": "cf_12"})
    assert isinstance(connector, CheckableConnector)
    found = await connector.check()
    assert [(one.good, one.text) for one in found] == [
        (True, "logged in as the account 5"),
        (True, "priority goes to priority_id, which has 5 choices"),
        (False, "priority P1 leads nowhere: priority_id has no Gigantic"),
        (True, "category goes to category_id of 1, which has 2 choices"),
        (True, "department goes to assigned_to_id of 1, which has 122 choices"),
        (False, "department quality leads nowhere: assigned_to_id of 1 has no QA"),
        (True, "due.resolution goes to due_date"),
        (True, "role goes to cf_12"),
    ]
    assert redmine.puts == []


async def test_what_cannot_be_listed_is_a_finding_and_the_rest_is_checked(connect):
    found = await connect(projects=["no-such-project"]).check()
    assert [one.text for one in found if not one.good] == [
        "list categories: HTTP 404",
        "list memberships: HTTP 404",
    ]


async def test_a_refused_key_is_a_finding_and_is_not_told(connect):
    (found,) = await connect(key="wrong-key").check()
    assert (found.good, "refused" in found.text, "wrong-key" in found.text) == (False, True, False)


async def test_a_platform_that_does_not_answer_is_unavailable(connect, http_server, answer):
    http_server.faults = [answer(503, {"Retry-After": "7"})]
    with pytest.raises(PlatformUnavailable) as caught:
        await connect().check()
    assert caught.value.retry_after == 7.0
