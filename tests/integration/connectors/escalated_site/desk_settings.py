"""Django settings of the help desk that the platform tests start. Everything comes from the environment."""

import os

SECRET_KEY = "only for tests, on loopback, for a minute " * 2
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "desk_urls"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
INERTIA_LAYOUT = "layout.html"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["DESK_DATABASE"],
        # A transaction that reads first and then writes fails at once when another writes meanwhile. So each asks to write.
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "inertia",
    "escalated",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "escalated.api_middleware.AuthenticateApiToken",
    "desk_limit.CountingRateLimit",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]
ESCALATED = {
    "API_ENABLED": True,
    "API_RATE_LIMIT": int(os.environ["DESK_LIMIT"]),
    "UI_ENABLED": False,
    "ALLOW_PRIVATE_WEBHOOK_URLS": True,
    "NOTIFICATION_CHANNELS": [],
}
