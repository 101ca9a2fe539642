"""Log lines as JSON, one object a line."""

import json

from engine.logreader import Run


class JsonLog:
    """Stands where Prefixes do; says more, and nothing but JSON."""

    def __init__(self, services: dict[str, str]) -> None:
        """`services` are the containers' services by container name."""
        self._services = dict(services)

    def add(self, name: str, service: str = "") -> None:
        """Takes note of one more container."""
        self._services.setdefault(name, service)

    def text(self, name: str, run: Run, lines: bytes, *, stamped: bool = True) -> bytes:
        """A container's lines as they are printed; the time is always told."""
        del stamped
        told = {
            "time": run.stamp.decode(),
            "service": self._services.get(name, ""),
            "container": name,
            "stream": run.stream,
        }
        return b"".join(
            json.dumps({**told, "text": line.decode("utf-8", "replace")}, ensure_ascii=False).encode() + b"\n"
            for line in lines.split(b"\n")
        )

    def ended(self, name: str, exit_code: int | None, *, restarting: bool) -> str:
        """An end is no line of a log: `events` tells it."""
        del name, exit_code, restarting
        return ""
