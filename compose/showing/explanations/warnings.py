"""Explains the codes WL5xx: what goes on with a warning."""

from compose import codes
from compose.showing.explanations.model import Explanation

EXPLANATIONS = (
    Explanation(
        codes.UNSET_VARIABLE,
        "a variable that is not set",
        """\
The file puts in a variable that neither the environment nor .env (or --env-file) sets, and gives no default; nothing
stands in its place. Set it, or write ${NAME:-default}; ${NAME:?message} makes it an error. The env_file of a service is
for its containers: it does not count here.
""",
        wrong="""\
services:
  web:
    image: nginx
    environment:
      COLOR: $SHOP_COLOR
""",
        right="""\
services:
  web:
    image: nginx
    environment:
      COLOR: ${SHOP_COLOR:-blue}
""",
    ),
    Explanation(
        codes.NO_EFFECT,
        "something that changes nothing",
        """\
The file says something that has no effect where it stands, such as an option that belongs to mounts of another
type, or that a single Linux host does not have. The rest of the file counts.
""",
        wrong="""\
services:
  web:
    image: nginx
    volumes:
      - ./site:/srv:ro,nocopy
""",
        right="""\
services:
  web:
    image: nginx
    volumes:
      - ./site:/srv:ro
""",
    ),
    Explanation(
        codes.OLD_WORD,
        "a truth value of older YAML",
        """\
In YAML 1.1 yes, no, on and off meant true and false; since YAML 1.2 they are text. Compose still takes them where it
wants true or false.
""",
        wrong="""\
services:
  web:
    image: nginx
    init: yes
""",
        right="""\
services:
  web:
    image: nginx
    init: true
""",
    ),
    Explanation(
        codes.CUT_COMMAND,
        "a command that ends at a shell's operator",
        """\
No shell runs a command that is written as text: as in Compose, it is split into words and ends at the first unquoted
; & | < or >. Write sh -c '...' when a shell is meant, or quotes when the character is.
""",
        wrong="""\
services:
  web:
    image: nginx
    command: migrate && serve
""",
        right="""\
services:
  web:
    image: nginx
    command: sh -c 'migrate && serve'
""",
    ),
    Explanation(
        codes.SEVERAL_FILES,
        "a directory with several Compose files",
        """\
Without -f one file is read, the first of compose.yaml, compose.yml, docker-compose.yml and docker-compose.yaml that is
there, together with its override file. The others count for nothing: remove them, or name what you mean with -f.
""",
    ),
    Explanation(
        codes.UNKNOWN_PROFILE,
        "a profile that no service has",
        """\
--profile or COMPOSE_PROFILES names a profile, and no service of the files has it; nothing is enabled by it. The name
may be misspelt.
""",
    ),
)
