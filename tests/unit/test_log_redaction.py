"""No secret gets through the log, wherever it hides."""

import io
import json
import logging
import string
import time
from urllib.parse import quote

import httpx
import pytest
import structlog
from hypothesis import assume, example, given
from hypothesis import strategies as st

from daemon import log

SECRET = "hunter2hunter2"


@pytest.fixture
def stream():
    """A configured log; everything is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    log.configure(stream=out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in log.QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()
    log._secrets.clear()


def fail(error, because=None):
    raise error from because


def entries(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


# what is masked

HIDDEN = [
    "key napi_{}",
    "password npg_{} of a role",
    "postgresql://owner:{}@ep-1.example.com/shop?sslmode=require",
    "postgres://:{}@h/d",
    "amqp+ssl://user:{}@host",
    "could not connect to 'postgresql://owner:{}@localhost:5432/db'",
    "host=h user=u password={} dbname=d",
    "password = '{} it\\'s' dbname=d",
    "PGPASSWORD={} psql",
    "sslpassword={}",
    '{{"password": "{}"}}',
    "{{'password': '{}'}}",
    "ALTER ROLE x PASSWORD '{}'",
    "postgresql://h/d?user=u&password={}",
    "https://hooks.slack.com/services/T000/B000/{}",
    "https://hooks.slack-gov.com/services/T0/B0/{}?x=1",
    "Authorization: Bearer {}",
    "authorization=Basic {}",
    "{{'Authorization': 'Bearer {}'}}",
    "('authorization', 'Bearer {}')",
    "(b'Authorization', b'Bearer {}')",
    "Proxy-Authorization: {}",
    "bearer {}",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_a_secret_in_a_text_is_masked(text):
    redacted = log.redact_text(text.format(SECRET))

    assert SECRET not in redacted
    assert log.MASK in redacted
    assert log.redact_text(redacted) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "GET https://console.example.com/api/v2/projects?limit=100 200",
        "the password of role x was reset; reset the password again to undo",
        "3 branches share a password with main",
        "http://127.0.0.1:9090/metrics",
        "project:branch@2026-05-04",
        "authorization failed",
        "postgresql://owner@host/db",
        "npg and napi are prefixes",
        "basic plan",
    ],
)
def test_a_text_without_secrets_stays_as_it_is(text):
    assert log.redact_text(text) == text


PASSWORD = st.text(
    st.characters(codec="utf-8", exclude_categories=["Z", "C"], exclude_characters="/*"), min_size=8, max_size=40
)
TOKEN = st.text(string.ascii_letters + string.digits, min_size=16, max_size=64)


def nested(secret):
    """Any place in any structure that a value can be in."""
    plain = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))
    leaves = st.sampled_from([secret, ValueError(secret), secret.encode(), {secret: 1}])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(st.one_of(plain, inner), max_size=3).map(lambda items: [*items, secret]),
            st.dictionaries(st.text(max_size=5), inner, max_size=3),
            st.tuples(plain, inner),
        ),
        max_leaves=6,
    )


@given(PASSWORD, st.sampled_from(["postgresql", "postgres", "mysql+x", "https"]), st.data())
@example("p@ss:w@rd%2F?#", "postgresql", None)
def test_no_password_of_any_address_gets_through(password, scheme, data):
    assume(password not in f"{scheme}://owner:***@host.example/db")
    text = f"{scheme}://owner:{password}@host.example/db"
    value = data.draw(nested(text)) if data else text

    assert password not in str(log.redact_value(value)).replace("\\\\", "\\")


@given(st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=8), st.sampled_from("'\""))
def test_no_quoted_password_of_a_connection_string_gets_through(password, mark):
    escaped = password.replace("\\", "\\\\").replace(mark, f"\\{mark}")

    redacted = log.redact_text(f"user=u password={mark}{escaped}{mark} dbname=d")

    assert redacted == f"user=u password={log.MASK} dbname=d"


@given(TOKEN, st.data())
def test_no_registered_value_gets_through(token, data):
    log.register_secret(token)
    try:
        redacted = log.redact_value(data.draw(nested(f"before{token}after")))
    finally:
        log._secrets.clear()

    assert token not in str(redacted)


@given(TOKEN)
def test_no_api_key_gets_through(token):
    assert token not in log.redact_text(f"x=napi_{token}&npg_{token}")


@given(st.dictionaries(st.text(), st.recursive(st.text(), st.lists, max_leaves=5)))
def test_masking_is_done_after_one_pass(event):
    once = log.redact_value(event)

    assert log.redact_value(once) == once


def test_a_registered_value_is_masked_as_part_of_an_address_too():
    log.register_secret("a b/c@d=e")
    try:
        text = f"x {quote('a b/c@d=e', safe='')} a+b%2Fc%40d%3De a b/c@d=e"
        assert log.redact_text(text) == "x *** *** ***"
    finally:
        log._secrets.clear()


def test_a_value_that_is_too_short_to_be_a_secret_is_not_registered():
    log.register_secret("main")

    assert log.redact_text("branch main") == "branch main"


@pytest.mark.parametrize("key", ["password", "PGPASSWORD", "api_key", "webhook_url", "target_dsn", "token", "secret"])
def test_a_text_under_a_telling_name_is_masked_whatever_it_looks_like(key):
    assert log.redact_value({key: "plain"}) == {key: log.MASK}
    assert log.redact_value({key: None}) == {key: None}


@pytest.mark.parametrize("piece", ["a", "a.", "a://", "password='", "://b:", "basic ", "'"])
def test_a_long_text_is_masked_in_a_moment(piece):
    start = time.process_time()

    log.redact_text(piece * (200_000 // len(piece)))

    assert time.process_time() - start < 3


def test_a_structure_that_holds_itself_ends():
    value = ["napi_abcdef"]
    value.append(value)

    assert "abcdef" not in str(log.redact_value(value))


# the whole chain


def test_entries_off_a_terminal_are_json_with_context(stream):
    with structlog.contextvars.bound_contextvars(project="p1"):
        structlog.get_logger("daemon").info("cycle finished", branches=12, url=f"postgres://u:{SECRET}@h/d")

    (entry,) = entries(stream)
    timestamp = entry.pop("timestamp")
    assert timestamp.endswith("Z")
    assert entry == {
        "event": "cycle finished",
        "level": "info",
        "logger": "daemon",
        "branches": 12,
        "project": "p1",
        "url": "postgres://u:***@h/d",
    }


def test_the_standard_librarys_loggers_go_the_same_way(stream):
    logging.getLogger("anything").warning("refused %s", f"postgres://u:{SECRET}@h/d", extra={"key": "x"})

    (entry,) = entries(stream)
    assert entry["event"] == "refused postgres://u:***@h/d"
    assert entry["level"] == "warning"


def test_an_exception_is_masked_down_to_its_causes(stream):
    try:
        fail(RuntimeError(f"napi_{SECRET}"), because=ValueError(f"password={SECRET}"))
    except RuntimeError:
        structlog.get_logger("daemon").exception("job failed")

    (entry,) = entries(stream)
    assert "RuntimeError" in entry["exception"]
    assert SECRET not in stream.getvalue()


def test_httpx_does_not_log_its_requests(stream):
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    with httpx.Client(transport=transport) as client:
        client.get(f"https://x.example/{SECRET}")

    assert stream.getvalue() == ""


def test_a_terminal_gets_lines_for_people_masked_as_well(stream):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    log.configure(stream=terminal)
    try:
        fail(ValueError(f"npg_{SECRET}"))
    except ValueError:
        structlog.get_logger("daemon").exception("job failed", dsn=f"postgres://u:{SECRET}@h/d")

    assert "job failed" in terminal.getvalue()
    assert "ValueError" in terminal.getvalue()
    assert SECRET not in terminal.getvalue()


def test_a_branch_name_cannot_steer_a_terminal():
    entry = {"event": "flagged \x1b[2J\nfake line", "name": "a\u202eb", "count": 1, "exception": "E\n\x1b"}

    assert log.printable(None, "info", entry) == {
        "event": "flagged \\x1b[2J\\nfake line",
        "name": "a\\u202eb",
        "count": 1,
        "exception": "E\n\\x1b",
    }


def test_what_is_below_the_level_is_not_written(stream):
    structlog.get_logger("daemon").debug("detail")

    assert stream.getvalue() == ""
