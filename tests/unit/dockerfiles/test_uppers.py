import struct

import pytest

from engine.dockerfiles.uppers import plain_capability, shifted_back
from engine.errors import ImageError


def test_ids_are_those_that_the_container_saw() -> None:
    assert shifted_back(600_000, 600_000) == 0
    assert shifted_back(665_535, 600_000) == 65_535
    assert shifted_back(0, 600_000) == 0
    assert shifted_back(1000, 0) == 1000


def test_an_id_of_somebody_else_is_refused() -> None:
    with pytest.raises(ImageError, match="belongs to id 1000, outside 600000"):
        shifted_back(1000, 600_000)


def test_file_capabilities_lose_the_root_that_they_were_bound_to() -> None:
    bound = struct.pack("<6I", 0x03000001, 0x400, 0, 0, 0, 600_000)

    assert plain_capability(bound, 600_000) == struct.pack("<5I", 0x02000001, 0x400, 0, 0, 0)
    assert plain_capability(bound, 700_000) == bound
