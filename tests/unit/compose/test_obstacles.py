"""What cannot be served yet is shown by `config`, and refused by what starts something."""

from compose.places import Place
from compose.reading.document import read_documents
from compose.reading.obstacles import obstacles

TEXT = """
services:
  web:
    tty: true
    volumes:
      - {type: bind, bind: {recursive: enabled}}
  off:
    tty: true
networks:
  n: {driver_opts: {a: b}}
x-note: {tty: true}
"""
LATER = {Place("f", line, column) for line, column in ((4, 5), (6, 29), (8, 5), (10, 7), (11, 10))}


def found(later: set[Place]) -> list[str]:
    return [str(each) for each in obstacles(read_documents(TEXT, "f")[0], later, {"off"})]


def test_every_key_at_a_place_that_comes_later_is_told_by_its_path_but_for_disabled_services_and_notes() -> None:
    assert found(LATER) == [
        "f:4:5: services.web.tty is not supported yet",
        "f:6:29: services.web.volumes[0].bind.recursive is not supported yet",
        "f:10:7: networks.n.driver_opts is not supported yet",
    ]


def test_a_key_that_a_later_file_removed_is_no_obstacle() -> None:
    assert found({Place("g", 4, 5)}) == []
