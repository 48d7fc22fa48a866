"""`antiphon convert`: one body, many bodies, maps, and merges, on standard input and output."""

import json
import subprocess

import pytest

from process import binary

MAP = {
    "users": {"42": {"username": "ann_lee", "name": "Ann Lee"}},
    "hosts": {"canvas": "https://canvas.example.edu", "discourse": "https://forum.example.edu"},
}
MENTION = '<p>Hi <span class="mceNonEditable mention" data-mention="42" data-reactroot="">@Ann Lee</span></p>'


def convert(*arguments, text="", fails=False):
    command = [binary(), "convert", *map(str, arguments)]
    done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=60, check=False)
    assert (done.returncode != 0) == fails, done.stderr.decode()
    return done.stderr.decode() if fails else done.stdout.decode()


def test_one_body_each_way():
    assert convert("--from", "canvas", "--to", "discourse", text="<p>a <b>b</b> @c</p>") == "a **b** @\u2060c"
    assert convert("--from", "discourse", "--to", "canvas", text="a **b**") == "<p>a <strong>b</strong></p>"
    canvas = convert("--from", "canvas", "--canonical", text="<p>a<br>b")
    assert canvas == convert("--from", "discourse", "--canonical", text="a\nb")


def test_a_batch_keeps_its_order_and_answers_every_line():
    lines = ['{"id": 1, "input": "<p>a</p>"}', "no JSON", '{"id": 3}', json.dumps({"id": "x", "input": MENTION})]
    told = convert("--from", "canvas", "--to", "discourse", "--batch", text="\n".join(lines))
    answers = [json.loads(line) for line in told.splitlines()]
    assert answers[0] == {"id": 1, "output": "a", "losses": [], "needs": []}
    assert "error" in answers[1] and "error" in answers[2] and answers[2]["id"] == 3
    assert answers[3]["needs"] == [{"kind": "canvas_user", "id": "42"}]
    assert 'data-mention="42"' in answers[3]["output"], "carried, because nothing is known"


def test_a_map_names_people(tmp_path):
    path = tmp_path / "map.json"
    path.write_text(json.dumps(MAP), encoding="utf-8")
    markdown = convert("--from", "canvas", "--to", "discourse", "--map", path, text=MENTION)
    assert markdown == "Hi @ann_lee"
    assert convert("--from", "discourse", "--to", "canvas", "--map", path, text=markdown) == MENTION
    path.write_text("[1]", encoding="utf-8")
    assert str(path) in convert("--from", "canvas", "--to", "discourse", "--map", path, text="x", fails=True)


@pytest.mark.parametrize(("prefer", "word"), [("left", "red"), ("right", "blue")])
def test_a_merge_keeps_both_edits_and_prefers_one_where_they_meet(tmp_path, prefer, word):
    texts = {
        "base": "one two\n\nthree\n\nfour",
        "left": "one red\n\nthree\n\nfour five",
        "right": "zero\n\none blue\n\nthree\n\nfour",
    }
    paths = []
    for name, text in texts.items():
        paths.append(tmp_path / name)
        paths[-1].write_text(text, encoding="utf-8")
    merged = convert("--from", "discourse", "--merge", *paths, "--prefer", prefer)
    assert merged == f"zero\n\none {word}\n\nthree\n\nfour five"
