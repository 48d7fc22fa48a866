"""One `antiphon serve` and two `antiphon worker` on one PostgreSQL, while workers are killed and started again."""

import os
import random
import shutil
import subprocess
import time

import pytest

from people import check_equal, check_unique, titles_once
from test_service_crash import post_work

SERVER = os.environ.get("ANTIPHON_TEST_POSTGRES")


def psql(statement):
    command = [shutil.which("psql") or "psql", "--quiet", "--dbname", SERVER, "--command", statement]
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=30)


@pytest.fixture
def database():
    """A PostgreSQL schema of the test's own."""
    assert SERVER, "set ANTIPHON_TEST_POSTGRES; `cargo xtask test` does"
    schema = f"scaling_{os.getpid()}_{time.time_ns()}"
    psql(f"CREATE SCHEMA {schema}")
    separator = "&" if "?" in SERVER else "?"
    yield f"{SERVER}{separator}options=-csearch_path%3D{schema}"
    psql(f"DROP SCHEMA {schema} CASCADE")


class Workers:
    """Worker processes on the configuration of a world's service."""

    def __init__(self, world, processes, count):
        self.world = world
        self.processes = processes
        self.running = [self.start() for _ in range(count)]

    def start(self):
        return self.processes.start("antiphon worker", "worker", "--config", self.world.service.config)

    def replace(self, index):
        """Kills one as a power cut would, and starts another in its place."""
        self.running[index].kill()
        self.running[index] = self.start()

    def alive(self):
        return [node for node in self.world.service.read("node", "list") if node["alive"]]


@pytest.mark.parametrize("seed", [1, 2])
def test_workers_are_killed_and_nothing_is_lost_or_doubled(database, start_world, processes, seed):
    chance = random.Random(seed)
    world = start_world(tables={"database": {"url": database}}, sync={"lease": "2s"})
    workers = Workers(world, processes, 2)
    world.wait_until(lambda: len(workers.alive()) == 3, what="three processes")
    for number in range(2):
        for step, _ in enumerate(post_work(world, number)):
            time.sleep(chance.random() * 0.3)
            workers.replace(step % 2)
            if number == 1 and step == 2:
                # The service has the duties: a worker takes them over, and the work goes on.
                world.service.kill()
                time.sleep(3)
                world.service.start()
            if step == 4:
                # The next step closes a topic: Canvas would take what comes late from the service only, and not in
                # the name of a student.
                world.wait_until(lambda: check_equal(world), 60, "equal sides")
    world.wait_until(lambda: check_equal(world), 60, "equal sides")
    world.settle()
    check_equal(world)
    check_unique(world)
    assert {entity["status"] for entity in world.service.entities()} == {"in_sync"}
    assert len(titles_once(world)) == 4
    assert {node["role"] for node in workers.alive()} == {"serve", "worker"}


def test_a_sqlite_database_is_for_one_process(start_world):
    world = start_world(is_served=False)
    assert "docs/scaling.md" in world.service.fail("worker")
