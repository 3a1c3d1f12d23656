"""Fills an empty help desk with what the tests need, then serves it until it is stopped."""

import json
import os
from pathlib import Path

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from escalated import models  # noqa: E402
from waitress import serve  # noqa: E402

SUBSCRIBED = [
    "ticket.created",
    "ticket.updated",
    "ticket.status_changed",
    "ticket.priority_changed",
    "ticket.department_changed",
    "ticket.assigned",
    "reply.created",
    "note.created",
]
TAGS = ["answerby:category=complaint", "answerby:category=consultation", "safety", "keep"]


def account(name: str, *, staff: bool) -> str:
    """A user and its API token."""
    user = get_user_model().objects.create(username=name, email=f"{name}@desk.test", first_name=name, is_staff=staff)
    return models.ApiToken.create_token(user, name, ["*"])["plain_text_token"]


def fill() -> dict[str, str]:
    tokens = {name: account(name, staff=name != "customer") for name in ("bot", "agent", "admin", "customer")}
    bot = get_user_model().objects.get(username="bot")
    tokens["bot again"] = models.ApiToken.create_token(bot, "bot again", ["*"])["plain_text_token"]
    for name in ("general", "quality"):
        department = models.Department.objects.create(name=name, slug=name)
        actions = [{"type": "department", "value": department.pk}]
        models.Macro.objects.create(name=f"Move to {name}", actions=actions, is_shared=True)
    models.Department.objects.create(name="nobody", slug="nobody")
    for number, name in enumerate(TAGS):
        models.Tag.objects.create(name=name, slug=f"tag-{number}")
    models.Webhook.objects.create(
        url=os.environ["DESK_HOOK"], secret=os.environ["DESK_SECRET"], active=True, events=SUBSCRIBED
    )
    return tokens


call_command("migrate", verbosity=0)
written = Path(os.environ["DESK_TOKENS"])
draft = written.with_suffix(".new")
draft.write_text(json.dumps(fill()))
application = get_wsgi_application()
draft.rename(written)
serve(application, host="127.0.0.1", port=int(os.environ["DESK_PORT"]), threads=6)
