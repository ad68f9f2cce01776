"""Settings of alerts: a typo is found when the worker starts, not on the day of the alert."""

from __future__ import annotations

import pytest

from musterwerk.errors import AlertError, UsageError
from musterwerk.notify import Mailbox, MailServer, Message, Settings, Webhook

GOOD = {
    "MUSTERWERK_SMTP": "smtps://ops:p%40ss@mail.example",
    "MUSTERWERK_MAIL_FROM": "musterwerk@example.com",
    "MUSTERWERK_ALERT_MAIL": "ada@example.com, bob@example.com,",
    "MUSTERWERK_ALERT_WEBHOOK": "https://hooks.example/secret",
    "MUSTERWERK_LANGUAGE": "de",
}


def test_everything_is_read() -> None:
    settings = Settings.from_environment(GOOD)
    names = [target.name for target in settings.targets]
    assert names == ["webhook", "mail:ada@example.com", "mail:bob@example.com"]
    ada = settings.targets[1]
    assert isinstance(ada, Mailbox)
    assert ada.server == MailServer("mail.example", 465, True, "ops", "p@ss")
    assert settings.language == "de"


def test_anybody_can_be_written_to_where_a_mail_server_is_configured() -> None:
    settings = Settings.from_environment(GOOD)
    mailbox = settings.mailbox("eve@example.org")
    assert mailbox is not None
    assert mailbox.name == "mail:eve@example.org"
    assert str(mailbox.sender) == "musterwerk@example.com"
    without = {k: v for k, v in GOOD.items() if "SMTP" not in k and "ALERT_MAIL" not in k}
    assert Settings.from_environment(without).mailbox("eve@example.org") is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "eve",
        "eve@",
        "eve@x\r\nBcc: all@example.com",
        "eve@x, bob@x",
        "<eve@x>",
        "\u00e4@x",
        "\0@x",
    ],
)
def test_no_mail_goes_to_what_is_no_address(address: str) -> None:
    assert Settings.from_environment(GOOD).mailbox(address) is None


async def test_an_address_that_http_cannot_use_is_a_failed_alert() -> None:
    """The activity would fail with an error that nobody expects of it."""
    with pytest.raises(AlertError, match="InvalidURL"):
        await Webhook("http://hooks.example/\0").send(Message("key", "subject", "text", {}))


def test_nothing_set_alerts_nobody() -> None:
    assert Settings.from_environment({}) == Settings()


def test_a_mail_server_without_a_sender_is_refused() -> None:
    """The worker would say that mail is on, and nobody would get any."""
    alone = {"MUSTERWERK_SMTP": "smtp://mail.example"}
    with pytest.raises(UsageError, match="MUSTERWERK_SMTP is set, so MUSTERWERK_MAIL_FROM has"):
        Settings.from_environment(alone)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"MUSTERWERK_SMTP": "mail.example:25"}, r"MUSTERWERK_SMTP: smtp://"),
        ({"MUSTERWERK_SMTP": "smtp://mail.example:port"}, r"MUSTERWERK_SMTP: smtp://"),
        ({"MUSTERWERK_SMTP": ""}, r"so MUSTERWERK_SMTP has to be set too"),
        ({"MUSTERWERK_MAIL_FROM": ""}, r"so MUSTERWERK_MAIL_FROM has to be set too"),
        ({"MUSTERWERK_MAIL_FROM": "musterwerk"}, r"MUSTERWERK_MAIL_FROM: .* name@domain"),
        ({"MUSTERWERK_ALERT_MAIL": "ada@@x"}, r"MUSTERWERK_ALERT_MAIL: 'ada@@x' is no mail"),
        ({"MUSTERWERK_ALERT_WEBHOOK": "hooks.example"}, r"MUSTERWERK_ALERT_WEBHOOK: http://"),
        ({"MUSTERWERK_LANGUAGE": "fr"}, r"MUSTERWERK_LANGUAGE is 'fr'; en or de"),
    ],
)
def test_a_wrong_setting_is_named(change: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Settings.from_environment(GOOD | change)


@pytest.mark.parametrize(
    ("given", "console"),
    [
        ("https://desk.example.com", "https://desk.example.com"),
        ("https://desk.example.com:8443/", "https://desk.example.com:8443"),
        ("http://localhost:8420", "http://localhost:8420"),
        ("http://127.0.0.1:8420", "http://127.0.0.1:8420"),
        ("http://[::1]:8420/", "http://[::1]:8420"),
        ("", None),
    ],
)
def test_where_the_console_is(given: str, console: str | None) -> None:
    assert Settings.from_environment({"MUSTERWERK_CONSOLE_URL": given}).console == console


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("http://desk.example.com", r"links in mails are secret, so https:// is expected"),
        ("http://localhost.example.com", r"https:// is expected"),
        ("desk.example.com", r"https://HOST is expected"),
        ("ftp://desk.example.com", r"https://HOST is expected"),
        ("https://", r"https://HOST is expected"),
        ("https://desk.example.com/console", r"nothing more is expected"),
        ("https://desk.example.com?a=b", r"nothing more is expected"),
        ("https://desk.example.com#a", r"nothing more is expected"),
        ("https://ada:secret@desk.example.com", r"nothing more is expected"),
        ("https://desk.example.com\r\nBcc: all", r"https://HOST is expected"),
    ],
)
def test_links_lead_nowhere_else(given: str, message: str) -> None:
    with pytest.raises(UsageError, match=r"MUSTERWERK_CONSOLE_URL.*" + message):
        Settings.from_environment({"MUSTERWERK_CONSOLE_URL": given})
