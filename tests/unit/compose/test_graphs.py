"""A stack's services and who waits for whom, as text and as pictures."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import pytest

from compose.model import Stack
from compose.showing.graphs.layout import layout
from compose.showing.graphs.markup import graph_dot, graph_mermaid
from compose.showing.graphs.model import Graph, graph_of
from compose.showing.graphs.svg import graph_svg
from compose.showing.graphs.text import graph_text
from engine.spec import ContainerSpec, Process
from engine.state import ContainerRecord, ContainerState

SHOP = """
services:
  web:
    image: nginx
    ports: ["8080:80"]
    depends_on: {api: {condition: service_healthy}, log: {condition: service_started, required: false}}
  api: {image: api, scale: 2, networks: [default, back], depends_on: {db: {condition: service_healthy}}}
  db: {image: 'pg "16"', networks: [back], volumes: ["data:/d"]}
  log: {image: log, depends_on: [db]}
  job: {build: .}
networks: {back: }
volumes: {data: }
"""


@pytest.fixture
def graph(read: Callable[..., Stack]) -> Callable[..., Graph]:
    """The graph of a file's text."""
    return lambda text=SHOP, records=(): graph_of(read(text), records)


Drawn = Callable[..., Graph]


def test_the_tree_shows_who_waits_for_whom_then_order_networks_and_volumes(graph: Drawn) -> None:
    assert (
        graph_text(graph())
        == """\
Stack proj:
web  nginx  8080->80/tcp
├─ (healthy) api x2  api
│  └─ (healthy) db  pg "16"
└─ (started, if there) log  log
   └─ (started) db
job  built here

Order:
  1. db, job
  2. api, log
  3. web

Networks:
  default: job, api, log, web
  back: db, api

Volumes:
  data: db
"""
    )


def test_what_was_drawn_before_is_not_drawn_again(graph: Drawn) -> None:
    text = """
services:
  a: {image: x, depends_on: [b, c]}
  b: {image: x, depends_on: [c]}
  c: {image: x, depends_on: [d]}
  d: {image: x}
"""
    assert graph_text(graph(text)).splitlines()[1:6] == [
        "a  x",
        "├─ (started) b  x",
        "│  └─ (started) c  x",
        "│     └─ (started) d  x",
        "└─ (started) c ...",
    ]


def test_mermaid(graph: Drawn) -> None:
    assert (
        graph_mermaid(graph())
        == """\
flowchart TD
    s0["db<br>pg #34;16#34;<br>data:/d<br>networks: back"]
    s1["job<br>built here<br>networks: default"]
    s2["api x2<br>api<br>networks: default, back"]
    s3["log<br>log<br>networks: default"]
    s4["web<br>nginx<br>8080-#62;80/tcp<br>networks: default"]
    s2 -->|healthy| s0
    s3 -->|started| s0
    s4 -->|healthy| s2
    s4 -.->|started| s3
"""
    )


def test_dot(graph: Drawn) -> None:
    text = graph_dot(graph())
    assert '    "db" [label="db\\npg \\"16\\"\\ndata:/d\\nnetworks: back", fillcolor="#f4f5f7"];\n' in text
    assert '    "web" -> "log" [label="started", style=dashed];\n' in text
    assert text.startswith('digraph "proj" {\n')
    assert text.endswith("}\n")


def _record(
    service: str,
    status: Literal["running", "exited"],
    health: Literal["none", "healthy", "unhealthy", "starting"] = "none",
    code: int | None = None,
) -> ContainerRecord:
    spec = ContainerSpec(
        id=service,
        name=service,
        stack="proj",
        service=service,
        number=1,
        image_id="",
        image_name="x",
        layers=(),
        process=Process(argv=("x",)),
        hostname=service,
        config_hash="",
    )
    return ContainerRecord(spec=spec, state=ContainerState(id=service, status=status, health=health, exit_code=code))


def test_what_runs_is_shown_with_its_health_and_the_weakest_replica_counts(graph: Drawn) -> None:
    records = [
        _record("web", "running"),
        _record("api", "running", "healthy"),
        _record("api", "running", "unhealthy"),
        _record("db", "running", "healthy"),
        _record("job", "exited", code=0),
        _record("log", "exited", code=1),
    ]
    drawn = graph(SHOP, records)
    health = {vertex.name: vertex.health for vertex in drawn.vertices}
    assert health == {"db": "healthy", "job": "done", "api": "failed", "log": "failed", "web": "running"}
    assert "web  [running]  nginx  8080->80/tcp\n├─ (healthy) api x2  [failed]  api\n" in graph_text(drawn)
    assert "    classDef failed fill:#fad7d7\n    class s2,s3 failed\n" in graph_mermaid(drawn)
    assert "fill='#fad7d7'" in graph_svg(drawn)


def test_dependants_stand_above_what_they_wait_for(graph: Drawn) -> None:
    found = layout(graph())
    assert {name: spot.layer for name, spot in found.spots.items()} == {
        "web": 0,
        "api": 1,
        "log": 1,
        "db": 2,
        "job": 2,
    }
    assert [spot.layer for spot in found.lines["web", "api"]] == [0, 1]


def test_boxes_of_a_layer_never_overlap_and_lines_pass_layers_beside_boxes(graph: Drawn) -> None:
    names = [f"s{index}" for index in range(40)]
    services = [
        f"  {name}: {{image: x, depends_on: [{', '.join({names[index // 2], names[index // 3]})}]}}"
        for index, name in enumerate(names)
        if index > 1
    ]
    found = layout(graph("\n".join(["services:", "  s0: {image: x}", "  s1: {image: x}", *services]) + "\n"))
    rows: dict[int, list[float]] = {}
    for spot in found.spots.values():
        rows.setdefault(spot.layer, []).append(spot.x)
    for row in rows.values():
        assert all(right - left > 0.999 for left, right in pairwise(sorted(row)))
    for line in found.lines.values():
        for spot in line[1:-1]:
            assert all(abs(spot.x - x) > 0.6 for x in rows[spot.layer])


def test_an_order_without_crossings_is_found(graph: Drawn) -> None:
    text = "services:\n" + "".join(
        f"  {one}: {{image: x, depends_on: [{two}]}}\n" for one, two in (("a", "z"), ("b", "y"), ("c", "w"))
    )
    found = layout(graph(text + "".join(f"  {name}: {{image: x}}\n" for name in ("w", "y", "z"))))
    upper = sorted("abc", key=lambda name: found.spots[name].x)
    assert [{"a": "z", "b": "y", "c": "w"}[name] for name in upper] == sorted(
        "wyz", key=lambda name: found.spots[name].x
    )


def test_parts_of_a_stack_that_do_not_touch_stand_side_by_side(graph: Drawn) -> None:
    pairs = "".join(
        f"  a{number}: {{image: x, depends_on: [b{number}]}}\n  b{number}: {{image: x}}\n" for number in range(8)
    )
    found = layout(graph("services:\n" + pairs + "  alone: {image: x}\n"))
    places = sorted({round(spot.x, 3) for spot in found.spots.values()})
    assert places == [float(number) for number in range(9)]


def test_the_picture_is_sound_xml_with_every_service_and_edge(graph: Drawn) -> None:
    root = ET.fromstring(graph_svg(graph()))  # noqa: S314 - of our own making
    space = "{http://www.w3.org/2000/svg}"
    texts = ["".join(text.itertext()) for text in root.iter(f"{space}text")]
    assert {"web", "api\N{MULTIPLICATION SIGN}2", "db", "log", "job", 'pg "16"', "data:/d"} <= set(texts)
    assert sorted("".join(title.itertext()) for title in root.iter(f"{space}title")) == [
        "api waits until db is healthy",
        "log waits until db is started",
        "proj",
        "web waits until api is healthy",
        "web waits until log is started",
    ]


def test_a_stack_without_services_is_an_empty_picture(graph: Drawn) -> None:
    empty = graph("services: {a: {image: x, profiles: [p]}}\n")
    assert graph_text(empty) == "Stack proj:\n"
    assert ET.fromstring(graph_svg(empty)).tag.endswith("svg")  # noqa: S314 - of our own making
