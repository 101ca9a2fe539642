"""What a container uses, as `stats` lists it, with the fields that Compose gives it."""

from compose.showing.formats import Row, Shape
from compose.times import binary_size_text, size_text
from engine.state import ContainerRecord
from engine.usage import Usage

USAGES = Shape(
    columns=("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"),
    headers={
        "BlockIO": "BLOCK I/O",
        "CPUPerc": "CPU %",
        "Container": "CONTAINER",
        "ID": "CONTAINER ID",
        "MemPerc": "MEM %",
        "MemUsage": "MEM USAGE / LIMIT",
        "Name": "NAME",
        "NetIO": "NET I/O",
        "PIDs": "PIDS",
    },
)
Moment = tuple[Usage, int]
"""A usage, and the nanoseconds on some clock that it was read at."""


def usage_row(record: ContainerRecord, now: Moment | None, before: Moment | None, *, whole: bool = False) -> Row:
    """A container's usage; processor time is what it took between the two moments, 100 % is one processor."""
    usage = now[0] if now else Usage()
    limit = usage.memory_limit_bytes
    container_id = record.spec.id if whole else record.spec.id[:12]
    fields = {
        "BlockIO": f"{size_text(usage.read_bytes)} / {size_text(usage.written_bytes)}",
        "CPUPerc": f"{processor_percent(now, before):.2f}%",
        "Container": container_id,
        "ID": container_id,
        "MemPerc": f"{100 * usage.memory_bytes / limit if limit else 0:.2f}%",
        "MemUsage": f"{binary_size_text(usage.memory_bytes)} / {binary_size_text(limit)}",
        "Name": record.spec.name,
        "NetIO": f"{size_text(usage.received_bytes)} / {size_text(usage.sent_bytes)}",
        "PIDs": str(usage.processes),
    }
    return Row(fields, record.spec.labels)


def processor_percent(now: Moment | None, before: Moment | None) -> float:
    """The share of one processor that was used between two moments; 0 without both, or after a new start."""
    if now is None or before is None or now[1] <= before[1]:
        return 0.0
    return max(0.0, 100 * (now[0].processor_ns - before[0].processor_ns) / (now[1] - before[1]))
