from pathlib import Path

from engine.images.aptsources import parse_lines, parse_stanzas, read_sources, sources_for

STANZAS = """\
# a comment
Types: deb deb-src
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
Enabled: no
URIs: http://off.test/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://embedded.test/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
"""

LINES = """\
deb http://mirror.test/debian bookworm main # the base
deb [arch=amd64 signed-by=/keys/s.gpg] http://mirror.test/security bookworm-security main
deb-src http://mirror.test/debian bookworm main
deb cdrom:[disc]/ bookworm main
# deb http://commented.test/debian bookworm main
"""


def test_stanzas_are_read_and_disabled_ones_left_out() -> None:
    assert [source.line for source in parse_stanzas(STANZAS)] == [
        "deb [signed-by=/usr/share/keyrings/debian.gpg] http://mirror.test/debian bookworm main contrib",
        "deb [signed-by=/usr/share/keyrings/debian.gpg] http://mirror.test/debian bookworm-updates main contrib",
    ]


def test_one_line_sources_are_read_with_their_keyrings() -> None:
    assert [source.line for source in parse_lines(LINES)][:2] == [
        "deb http://mirror.test/debian bookworm main",
        "deb [signed-by=/keys/s.gpg] http://mirror.test/security bookworm-security main",
    ]


def test_a_suite_comes_with_its_updates_but_without_other_products() -> None:
    sources = (*parse_lines(LINES), *parse_lines("deb http://other.test/apt nodistro main"))

    assert [source.suite for source in sources_for("bookworm", sources) if source.uri.startswith("http")] == [
        "bookworm",
        "bookworm-security",
    ]
    assert sources_for("trixie", sources) == ()


def test_a_list_of_mirrors_is_replaced_by_its_first_mirror(tmp_path: Path) -> None:
    (tmp_path / "mirrors.list").write_text("http://first.test/debian\nhttp://second.test/debian\n")
    (tmp_path / "sources.list").write_text(f"deb mirror+file:{tmp_path}/mirrors.list bookworm main\n")

    assert [source.uri for source in read_sources(tmp_path)] == ["http://first.test/debian"]


def test_a_host_without_apt_has_no_sources(tmp_path: Path) -> None:
    assert read_sources(tmp_path / "missing") == ()
