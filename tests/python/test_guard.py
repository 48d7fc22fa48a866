"""Guards: what went by accident on one side stays on the other until a person agrees, and an edit storm is stopped."""

from people import SUN, TITLE, delete_entry, reply_on_canvas, start_on_canvas


def test_a_thread_that_is_suddenly_empty_keeps_its_copies(start_world):
    world = start_world(is_served=False)
    topic = start_on_canvas(world)
    entries = [reply_on_canvas(world, "alice", topic.id, f"{SUN} Number {number}.") for number in range(5)]
    world.sync()
    assert len(world.posts(world.forum_topic(TITLE))) == 6
    for entry in entries:
        delete_entry(world, topic.id, entry.id)
    world.service.execute("sync", "--once")
    held = [entity for entity in world.service.entities("post") if entity["status"] == "held"]
    assert len(held) == 5
    assert {entity["reason"]["code"] for entity in held} == {"SYNC-5010"}
    posts = world.posts(world.forum_topic(TITLE))
    assert [post["deleted_at"] for post in posts] == [None] * 6
    operations = [found for found in world.service.read("operation", "list") if found["state"] == "held"]
    for operation in operations:
        world.service.run("operation", "release", operation["id"])
    world.service.execute("sync", "--once")
    posts = [post for post in world.posts(world.forum_topic(TITLE)) if not post["deleted_at"]]
    assert len(posts) == 1


def test_an_edit_storm_holds_the_topic_and_not_its_thread(start_world):
    world = start_world(is_served=False)
    topic = start_on_canvas(world)
    world.sync()
    for number in range(5):
        world.canvas_as("tina").get_discussion_topic(topic.id).update(title=f"{TITLE}, part {number}")
        world.service.execute("sync", "--once")
    held = world.entity("topic", "canvas", topic.id)
    assert (held["status"], held["reason"]["code"]) == ("held", "SYNC-5004")
    reply_on_canvas(world, "alice", topic.id, SUN)
    world.service.execute("sync", "--once")
    mirror = world.forum_topic(f"{TITLE}, part 3")
    assert [post["raw"] for post in world.posts(mirror)[1:]] == [SUN]
    assert world.entity("topic", "canvas", topic.id)["status"] == "held"
