"""The host's package mirrors as its apt sources name them (sources.list(5))."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_POCKETS = ("", "-updates", "-security", "/updates")
_MAIN = "main"
_MIRROR_LIST = "mirror+file:"
_SCHEMES = ("http://", "https://", "file:", _MIRROR_LIST)


class Source(NamedTuple):
    """One mirror's suite. `signed_by` is the absolute path of a keyring, or empty for apt's own."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""

    @property
    def line(self) -> str:
        """The source in the one-line form."""
        options = f"[signed-by={self.signed_by}] " if self.signed_by else ""
        return f"deb {options}{self.uri} {self.suite} {' '.join(self.components)}"


def sources_for(suite: str, sources: Iterable[Source]) -> tuple[Source, ...]:
    """Those that serve a suite with its updates; none when the suite itself is not among them."""
    wanted = {suite + pocket for pocket in _POCKETS}
    found = tuple(dict.fromkeys(source for source in sources if source.suite in wanted and _MAIN in source.components))
    return found if any(source.suite == suite for source in found) else ()


def read_sources(apt: Path = Path("/etc/apt")) -> tuple[Source, ...]:
    """The host's sources; what cannot be read, or is not a plain mirror, is left out."""
    paths = [apt / "sources.list"]
    directory = apt / "sources.list.d"
    if directory.is_dir():
        paths += sorted(directory.iterdir())
    found: list[Source] = []
    for path in paths:
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        if path.suffix == ".sources":
            found += parse_stanzas(text)
        elif path.suffix == ".list":
            found += parse_lines(text)
    return tuple(_resolved(source) for source in found if source.uri.startswith(_SCHEMES))


def parse_lines(text: str) -> Iterator[Source]:
    """Reads the one-line form."""
    for line in text.splitlines():
        content = line.partition("#")[0].strip()
        options = ""
        if "[" in content:
            before, _, rest = content.partition("[")
            options, _, after = rest.partition("]")
            content = f"{before} {after}"
        words = content.split()
        if len(words) >= 4 and words[0] == "deb":
            settings = dict(word.partition("=")[::2] for word in options.split())
            yield Source(words[1], words[2], tuple(words[3:]), settings.get("signed-by", ""))


def parse_stanzas(text: str) -> Iterator[Source]:
    """Reads the deb822 form. Keys written into a stanza are of no use elsewhere: such stanzas are left out."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in "\n".join(line.rstrip() for line in lines).split("\n\n"):
        fields = _fields(stanza)
        signed_by = fields.get("signed-by", "")
        disabled = fields.get("enabled", "yes").lower() in {"no", "false"}
        if disabled or "deb" not in fields.get("types", "").split() or (signed_by and not signed_by.startswith("/")):
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, tuple(fields.get("components", "").split()), signed_by)


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line[:1].isspace():
            fields[name] = f"{fields.get(name, '')} {line.strip()}"
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def _resolved(source: Source) -> Source:
    """A list of mirrors on this host means nothing inside an image: its first mirror stands for it."""
    if not source.uri.startswith(_MIRROR_LIST):
        return source
    path = Path(source.uri.removeprefix(_MIRROR_LIST).replace("//", "/"))
    words = path.read_text(errors="replace").split() if path.is_file() else []
    return source._replace(uri=words[0]) if words else source
