"""Explains the codes WL2xx: what speaks of something else."""

from compose import codes
from compose.showing.explanations.model import Explanation

EXPLANATIONS = (
    Explanation(
        codes.UNKNOWN_SERVICE,
        "a service that does not exist",
        """\
Another service is named (depends_on, links, network_mode: service:NAME and the like) that no file describes. The name
may be misspelt, or a file may be missing from -f. A dependency that need not be there is written with
`required: false`.
""",
        wrong="""\
services:
  web:
    image: nginx
    depends_on: [wrker]
  worker:
    image: worker
""",
        right="""\
services:
  web:
    image: nginx
    depends_on: [worker]
  worker:
    image: worker
""",
    ),
    Explanation(
        codes.DISABLED_SERVICE,
        "a service whose profile is not active",
        """\
The service exists, but it has profiles, and none of them is active; dependencies do not activate profiles. Activate one
with --profile or COMPOSE_PROFILES, take `profiles` away from the service, or write `required: false`.
""",
        wrong="""\
services:
  web:
    image: nginx
    depends_on: [db]
  db:
    image: postgres
    profiles: [full]
""",
        right="""\
services:
  web:
    image: nginx
    depends_on:
      db:
        condition: service_started
        required: false
  db:
    image: postgres
    profiles: [full]
""",
    ),
    Explanation(
        codes.CIRCLE,
        "services that wait for each other",
        """\
depends_on, links and their kin say which service comes first. When they lead in a circle, nobody can come first. The
hint has the place of every step: take one away. A service that merely speaks to another can find it by its name at any
time; it needs no dependency for that.
""",
        wrong="""\
services:
  web:
    image: nginx
    depends_on: [api]
  api:
    image: api
    depends_on: [web]
""",
        right="""\
services:
  web:
    image: nginx
    depends_on: [api]
  api:
    image: api
""",
    ),
    Explanation(
        codes.UNDEFINED,
        "a network, volume, config or secret that is not defined",
        """\
What services use by name is defined once at the top level of the file, even if nothing is to be said about it
(`data:` below `volumes:` is enough). A path on the host begins with /, ./, ../ or ~; anything else before the colon of
a mount is the name of a volume.
""",
        wrong="""\
services:
  db:
    image: postgres
    volumes: [data:/var/lib/postgresql/data]
""",
        right="""\
services:
  db:
    image: postgres
    volumes: [data:/var/lib/postgresql/data]
volumes:
  data:
""",
    ),
    Explanation(
        codes.NO_IMAGE,
        "a service without image",
        """\
A container's files come from an image: name one, or say from which Dockerfile it is built.
""",
        wrong="""\
services:
  web:
    command: nginx
""",
        right="""\
services:
  web:
    build: .
    command: nginx
""",
    ),
    Explanation(
        codes.IMAGE_MISSING,
        "an image that is not here",
        """\
The image is neither in the store nor something that this command may get: pull_policy, --pull and --no-build may
forbid what would otherwise be done. Pull it, build it from a Dockerfile (`build:`), or start from
`debootstrap:bookworm`, which is made from Debian's signed packages.
""",
    ),
    Explanation(
        codes.CONTENT_MISSING,
        "a config or secret without content",
        """\
The file, the variable or the external entry that a config or secret takes its content from is not there when the stack
is started. Paths count from the project's directory; the message says where an external entry is looked for.
""",
    ),
    Explanation(
        codes.NOTHING_TO_RUN,
        "a service without a command",
        """\
Neither the service nor its image says what to run: give the service a `command:`, or the image a CMD or ENTRYPOINT.
""",
    ),
    Explanation(
        codes.PORT_TAKEN,
        "a host port that somebody has",
        """\
Before `up` makes anything it looks whether the host ports are free. The message names who has this one: a container
of this or another stack, or a program with its pid. Stop that, or publish on another port or address; the hint names a
port that is free. A port without a host part (`"80"`) gets any free one, `"8000-8010:80"` the first free one.
""",
    ),
)
