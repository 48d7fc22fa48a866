"""Failures reach people: a mail server and a receiver of the test's own get one message for a cause, and its end."""

import hashlib
import hmac
import http.server
import json
import threading
import time

import pytest
from aiosmtpd.controller import Controller

from people import start_on_canvas
from process import free_port, wait_until

SECRET = "what-messages-are-signed-with"
TOLD = 90.0


class Mailbox:
    """An SMTP server that keeps what it gets."""

    def __init__(self):
        self.mails = []
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self.controller.start()
        self.port = self.controller.port

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.mails.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 taken"


class Receiver:
    """An HTTP server that keeps what is posted; it refuses as many posts as it is told."""

    def __init__(self):
        self.posts, self.refusals = [], 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posts.append((self.path, self.headers, body))
                outer.refusals -= 1
                self.send_response(204 if outer.refusals < 0 else 503)
                self.end_headers()

            def log_message(self, *_):
                """Says nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self, path="/hook"):
        """What the signed posts say; a wrong signature fails."""
        found = []
        for where, headers, body in self.posts:
            if where != path:
                continue
            at, _, signature = headers["Antiphon-Signature"].removeprefix("t=").partition(",v1=")
            wanted = hmac.new(SECRET.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
            assert hmac.compare_digest(signature, wanted)
            document = json.loads(body)
            assert headers["Idempotency-Key"] == document["id"]
            found.append(document)
        return found


@pytest.fixture
def mailbox():
    mailbox = Mailbox()
    yield mailbox
    mailbox.controller.stop()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()


def configure(world, mailbox, receiver):
    """Three channels; a list of tables comes after everything else in the file."""
    config = world.service.config
    config.write_text(config.read_text() + f"""
[[notify.email]]
host = "127.0.0.1"
port = {mailbox.port}
encryption = "none"
from = "Antiphon <antiphon@example.edu>"
to = ["ops@example.edu"]

[[notify.webhook]]
url = "{receiver.url}/hook"
secret = "{SECRET}"
allow_private = true

[[notify.chat]]
url = "{receiver.url}/chat"
allow_private = true
""")


def test_the_test_command_reaches_every_channel_or_says_which_it_does_not(start_world, mailbox, receiver):
    world = start_world(is_served=False)
    configure(world, mailbox, receiver)
    assert [done["sent"] for done in world.service.read("notify", "test")] == [True] * 3
    assert len(mailbox.mails) == 1 and [post[0] for post in receiver.posts] == ["/hook", "/chat"]
    assert receiver.events()[0]["event"] == "test"
    receiver.refusals = 1
    told = world.service.run("notify", "test", "--channel", "chat", expected=1)
    assert "answered 503" in told and receiver.url not in told, told


@pytest.mark.waits
def test_a_cause_is_told_once_on_every_channel_across_a_restart(start_world, mailbox, receiver):
    world = start_world(is_served=False)
    configure(world, mailbox, receiver)
    receiver.refusals = 1
    world.discourse.setting(watched_words_block="tides")
    world.service.start()
    start_on_canvas(world)
    wait_until(lambda: mailbox.mails and len(receiver.posts) >= 3, TOLD, "messages and a repetition")
    to, mail = mailbox.mails[0]
    assert to == ["ops@example.edu"] and "SYNC-2306 topic in Discourse" in mail and "action needed" in mail
    assert "tides" not in mail.lower(), "words of people"
    assert {event["id"] for event in receiver.events()} == {receiver.events()[0]["id"]}
    event = receiver.events()[-1]
    assert (event["event"], event["code"], event["origin"], event["count"]) == ("opened", "SYNC-2306", "discourse", 1)
    all_sent = lambda: {line["state"] for line in world.service.read("notify", "list")} == {"sent"}  # noqa: E731
    world.wait_until(all_sent, what="all sent")
    world.service.kill()
    before = (len(mailbox.mails), len(receiver.posts))
    world.service.start()
    # Twice the pace at which messages are looked for.
    time.sleep(12)
    assert all_sent()
    assert (len(mailbox.mails), len(receiver.posts)) == before
