"""Which phases of reading happen: `config` can leave some out, everything else wants all of them."""

from typing import NamedTuple


class Phases(NamedTuple):
    """What is done with files.

    `normalization` fills in what files leave to Compose, `paths` makes paths absolute, `consistency` checks that the
    parts fit together, `environment` puts env files into environments.
    """

    normalization: bool = True
    paths: bool = True
    consistency: bool = True
    environment: bool = True


ALL = Phases()
