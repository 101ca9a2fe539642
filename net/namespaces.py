"""How this package gets into a network namespace: through a function that it is given."""

from collections.abc import Callable
from contextlib import AbstractContextManager

Enter = Callable[[int], AbstractContextManager[None]]
"""Runs a block inside the network namespace behind a descriptor, then returns to the namespace it came from."""
