"""One of a service's containers, as the file asks for it."""

from typing import NamedTuple

from compose.model import Service


class Replica(NamedTuple):
    """Which of a service's containers is meant; `number` counts from 1 to `total`."""

    service: Service
    number: int
    total: int
