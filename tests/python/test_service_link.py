"""Links to single posts, quotations, and files in bodies, through the whole service."""

import re

from people import (
    FRICTION, LAG, SUN, TITLE, reply_on_canvas, reply_on_forum, start_on_canvas, start_on_forum, wait_for_entries,
    wait_for_posts,
)

PART = SUN.split(",")[0] + "."
OTHER = "Which harbours have only one tide a day"




def body_of(world, title, number):
    return world.posts(world.forum_topic(title))[number - 1]["raw"]


def same_twice(world, title, topic_id):
    """Nothing is written when everything is looked at again, and no text changes."""
    world.settle()
    raw = [post["raw"] for post in world.posts(world.forum_topic(title))]
    html = [entry.get("message") for entry in world.entries(topic_id)]
    versions = [post["version"] for post in world.posts(world.forum_topic(title))]
    world.service.process.stop()
    world.forget_calls()
    world.sync()
    world.sync()
    assert [path for _, path in world.writes()] == []
    assert [post["raw"] for post in world.posts(world.forum_topic(title))] == raw
    assert [entry.get("message") for entry in world.entries(topic_id)] == html
    assert [post["version"] for post in world.posts(world.forum_topic(title))] == versions
    world.service.start()


def test_links_to_single_posts_lead_to_their_mirrors(world):
    first = start_on_canvas(world)
    one = reply_on_canvas(world, "alice", first.id, SUN)
    mirror, posts = wait_for_posts(world, TITLE, 2)
    world.settle()
    page = f"/courses/{world.course.id}/discussion_topics/{first.id}"
    entry = f"{page}?entry_id={one.id}"
    post = f"{world.discourse.url}/t/{mirror['id']}/2"
    # Within the thread, from Canvas; Canvas's own interface makes both forms.
    reply_on_canvas(world, "bob", first.id, f'As <a href="{page}#entry-{one.id}">Alice</a> said, in many words.')
    wait_for_posts(world, TITLE, 3)
    assert body_of(world, TITLE, 3).strip() == f"As [Alice]({post}) said, in many words."
    # From another thread, from either side.
    second = start_on_canvas(world, OTHER, f'Unlike <a href="{entry}">this</a> one, where there are two a day.')
    wait_for_posts(world, OTHER, 1)
    assert body_of(world, OTHER, 1).strip() == f"Unlike [this]({post}) one, where there are two a day."
    other = world.forum_topic(OTHER)
    links = [f"{world.discourse.url}/t/{mirror['slug']}/{mirror['id']}/2", f"{world.discourse.url}/p/{posts[1]['id']}"]
    text = f"[The one]({links[0]}) and [the same]({links[1]}), in many words."
    reply_on_forum(world, "alice", other["id"], text)
    _, entries = wait_for_entries(world, OTHER, 1)
    assert entries[0]["message"].count(f'{entry}"') == 2 and world.discourse.url not in entries[0]["message"]
    assert body_of(world, OTHER, 2) == text, "the author's own words stay"
    same_twice(world, OTHER, second.id)
    # Somebody edits one word in Canvas: the links of the author stay as they were typed.
    message = entries[0]["message"].replace("many words", "few words")
    mine = world.canvas_as("alice").get_discussion_topic(second.id).get_entries([entries[0]["id"]])[0]
    mine.update(message=message)
    world.wait_until(lambda: "few words" in body_of(world, OTHER, 2), what="the edit")
    world.settle()
    assert world.discourse.url in body_of(world, OTHER, 2) and "courses" not in body_of(world, OTHER, 2)
    assert {entity["status"] for entity in world.service.entities()} == {"in_sync"}


def test_a_quotation_on_the_forum_names_and_links_the_entry(world):
    first = start_on_forum(world)
    reply_on_forum(world, "alice", first["topic_id"], SUN)
    topic, entries = wait_for_entries(world, TITLE, 1)
    world.settle()
    number = first["topic_id"]
    # Less than the whole post: Discourse itself takes the quotation of all of it away.
    quote = f'[quote="alice, post:2, topic:{number}"]\n{PART}\n[/quote]\n\n{LAG}'
    unknown = f'[quote="zoe, post:77, topic:{number}"]\nGone words of somebody.\n[/quote]\n\n{FRICTION}'
    reply_on_forum(world, "bob", number, quote)
    reply_on_forum(world, "bob", number, unknown)
    _, entries = wait_for_entries(world, TITLE, 3)
    page = f"/courses/{world.course.id}/discussion_topics/{topic.id}?entry_id={entries[0]['id']}"
    message = entries[1]["message"]
    assert "<blockquote" in message and f'{page}"' in message and PART in message and LAG in message
    assert re.search(r'entry_id=\d+"[^>]*>[^<]+</a> wrote:', message)
    assert "zoe wrote:" in entries[2]["message"] and "Gone words of somebody." in entries[2]["message"]
    assert "entry_id" not in entries[2]["message"]
    same_twice(world, TITLE, topic.id)
    # An edit of the words below leaves the quotation's own source alone.
    mine = world.canvas_as("bob").get_discussion_topic(topic.id).get_entries([entries[1]["id"]])[0]
    mine.update(message=message.replace(LAG, FRICTION))
    world.wait_until(lambda: FRICTION in body_of(world, TITLE, 3), what="the edit")
    assert body_of(world, TITLE, 3) == quote.replace(LAG, FRICTION)
    world.settle()
    assert {entity["status"] for entity in world.service.entities()} == {"in_sync"}


def test_links_to_files_are_stable_and_give_nothing_away(world):
    topic = start_on_canvas(world)
    course = world.course.id
    html = (
        f'See <a class="instructure_file_link" href="/courses/{course}/files/7/download?verifier=SECRET&amp;wrap=1">'
        f'notes.pdf</a> and <img src="/courses/{course}/files/8/preview?verifier=SECRET" alt="a chart"> here.'
    )
    reply_on_canvas(world, "alice", topic.id, html)
    wait_for_posts(world, TITLE, 2)
    raw = body_of(world, TITLE, 2)
    base = f"{world.canvas.url}/courses/{course}/files"
    assert raw == f"See [notes.pdf]({base}/7/download) and ![a chart]({base}/8/preview) here."
    text = "![a map|690x400, 50%](upload://abcDEF123.png) and [a.pdf|attachment](upload://xyz789.pdf) (12.4 KB), both new."
    reply_on_forum(world, "bob", world.forum_topic(TITLE)["id"], text)
    _, entries = wait_for_entries(world, TITLE, 2)
    assert "upload://abcDEF123.png" in entries[1]["message"] and "upload://xyz789.pdf" in entries[1]["message"]
    same_twice(world, TITLE, topic.id)
    mine = world.canvas_as("bob").get_discussion_topic(topic.id).get_entries([entries[1]["id"]])[0]
    mine.update(message=entries[1]["message"] + f"<p>{SUN}</p>")
    world.wait_until(lambda: SUN in body_of(world, TITLE, 3), what="the edit")
    assert body_of(world, TITLE, 3) == f"{text}\n\n{SUN}"
    for posts in world.posts(world.forum_topic(TITLE)):
        assert "SECRET" not in posts["raw"] and "verifier" not in posts["raw"]
