"""What the history, the comments and the e-mails of a case become."""

from __future__ import annotations

from datetime import UTC, datetime

from answerby.domain.event import ActorRole, EventType
from tests.kit.platforms.salesforce import ANA, CASE, VIP, WANG

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def polled(connector):
    events, cursor = [], ""
    while True:
        page = await connector.poll(cursor, LONG_AGO)
        assert page.problems == ()
        events += page.events
        cursor = page.cursor
        if not page.more:
            return events


def told(events):
    return [(one.type, one.actor, one.actor_id, one.data) for one in events]


async def test_a_case_and_what_people_do_with_it(connector, salesforce):
    salesforce.update({"Priority": "Medium", "OwnerId": VIP}, ANA)
    salesforce.update({"Status": "On Hold"}, ANA)
    salesforce.mail("since noon", incoming=True)
    salesforce.update({"Status": "Working"}, ANA)
    salesforce.mail("we come", incoming=False)
    salesforce.say("a secret", ANA, published=False)
    salesforce.say("thank you", "005Ws000000PORTAIA", published=True, kind="CspLitePortal")
    salesforce.say("anything else?", ANA, published=True)
    salesforce.update({"Status": "Closed"}, ANA)
    salesforce.update({"Status": "Working"}, ANA)
    agent, customer = ActorRole.AGENT, ActorRole.CUSTOMER
    assert told(await polled(connector)) == [
        (
            EventType.RECEIVED,
            customer,
            WANG,
            {
                "text.subject": "电池起火",
                "text.body": "充电时冒烟",
                "channel": "email",
                "customer.id": WANG,
                "contact.name": "王芳",
                "contact.email": "wang@example.com",
            },
        ),
        (EventType.UPDATED, agent, ANA, {"override.priority": "P1"}),
        (EventType.UPDATED, agent, ANA, {"override.department": "vip"}),
        (EventType.ON_HOLD, agent, ANA, {}),
        (EventType.CUSTOMER_REPLIED, customer, WANG, {"text.body": "since noon"}),
        (EventType.RESUMED, agent, ANA, {}),
        (EventType.REPLIED, agent, ANA, {"text.body": "we come"}),
        (EventType.UPDATED, agent, ANA, {}),
        (EventType.CUSTOMER_REPLIED, customer, "005Ws000000PORTAIA", {"text.body": "thank you"}),
        (EventType.REPLIED, agent, ANA, {"text.body": "anything else?"}),
        (EventType.CLOSED, agent, ANA, {}),
        (EventType.REOPENED, agent, ANA, {}),
    ]


async def test_a_comment_that_does_not_change_its_case_is_found(connector, salesforce):
    page = await connector.poll("", LONG_AGO)
    salesforce.say("hello", ANA, published=True)
    before = salesforce.case["SystemModstamp"]
    events = (await connector.poll(page.cursor, LONG_AGO)).events
    assert events[-1].data == {"text.body": "hello"}
    assert salesforce.case["SystemModstamp"] == before


async def test_our_own_writes_are_no_events_and_the_process_of_the_org_is_no_person(connect, salesforce, to_case):
    settings = {"fields": {"status": "Status"}}
    payload = {"priority": "P0", "department": "vip", "status": "On Hold"}
    await connect(**settings).deliver(to_case(payload=payload))
    assert [one.type for one in await polled(connect(**settings))] == [EventType.RECEIVED]
    salesforce.update({"Priority": "Medium"}, "005Ws000000AUTOIA4")
    salesforce.tables["CaseHistory"][-1]["CreatedBy"] = {"UserType": "AutomatedProcess"}
    last = (await polled(connect(**settings)))[-1]
    assert (last.type, last.actor, last.data) == (EventType.UPDATED, ActorRole.SYSTEM, {})


async def test_a_case_that_is_deleted_brings_nothing_and_a_merged_one_says_so(connector, http_server, salesforce):
    salesforce.case["IsDeleted"] = True
    assert await polled(connector) == []
    salesforce.case["MasterRecordId"] = CASE.replace("ABCDE", "OTHER")
    last = (await polled(connector))[-1]
    assert (last.type, last.data) == (EventType.MERGED, {"merged.into": "500Ws00000OTHERIA4"})


async def test_without_emails_their_table_is_not_asked(connect, http_server, salesforce):
    del salesforce.tables["EmailMessage"]
    assert [one.type for one in await polled(connect(emails=False))] == [EventType.RECEIVED]


async def test_a_poll_and_a_case_cost_one_call_each(connector, http_server):
    await polled(connector)
    assert [call.path for call in http_server.calls] == [
        "/services/oauth2/token",
        "/services/data/v65.0/composite",
        "/services/data/v65.0/composite",
    ]


async def test_more_changes_of_one_second_than_a_page_come_once_each(connector, http_server, salesforce):
    numbers = [f"500Ws00000{at:05}IA4" for at in range(60)]

    def handle(call):
        answer = salesforce.handle(call)
        if not call.path.endswith("/composite"):
            return answer
        asked, part = call.json["compositeRequest"][0], answer.content["compositeResponse"][0]
        if asked["referenceId"] == "Case":
            limit, stamp = int(asked["url"].rpartition("%20")[2]), salesforce.case["SystemModstamp"]
            part["body"] = {"done": True, "records": [{"Id": n, "SystemModstamp": stamp} for n in numbers[:limit]]}
        else:
            number = asked["url"].split("%27")[1]
            part["body"] = {"done": True, "records": [{**salesforce.case, "Id": number}]}
        return answer

    http_server.handler = handle
    events = await polled(connector)
    assert sorted(one.request_id for one in events) == numbers
