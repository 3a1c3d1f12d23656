"""The connectors that ship pass what their manifests claim."""

from __future__ import annotations

from answerby_connectors.conformance import Conformance
from tests.kit.platforms.django_helpdesk_stage import DjangoHelpdeskStage
from tests.kit.platforms.glpi_stage import GlpiStage
from tests.kit.platforms.hubspot_stage import HubSpotStage
from tests.kit.platforms.jira_stage import JiraStage
from tests.kit.platforms.rt_stage import RtStage
from tests.kit.platforms.salesforce_stage import SalesforceStage
from tests.kit.stages import (
    ChatwootStage,
    EscalatedStage,
    FileStage,
    FreshdeskStage,
    RedmineStage,
    WebhookStage,
    ZammadStage,
    ZendeskStage,
)


class TestFile(Conformance):
    stage_type = FileStage


class TestWebhook(Conformance):
    stage_type = WebhookStage


class TestDjangoHelpdesk(Conformance):
    stage_type = DjangoHelpdeskStage


class TestEscalated(Conformance):
    stage_type = EscalatedStage


class TestRedmine(Conformance):
    stage_type = RedmineStage


class TestFreshdesk(Conformance):
    stage_type = FreshdeskStage


class TestZendesk(Conformance):
    stage_type = ZendeskStage


class TestZammad(Conformance):
    stage_type = ZammadStage


class TestHubSpot(Conformance):
    stage_type = HubSpotStage


class TestChatwoot(Conformance):
    stage_type = ChatwootStage


class TestSalesforce(Conformance):
    stage_type = SalesforceStage


class TestGlpi(Conformance):
    stage_type = GlpiStage


class TestRt(Conformance):
    stage_type = RtStage


class TestJira(Conformance):
    stage_type = JiraStage
