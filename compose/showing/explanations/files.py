"""Explains the codes WL0xx: files, YAML, variables."""

from compose import codes
from compose.showing.explanations.model import Explanation

EXPLANATIONS = (
    Explanation(
        codes.NO_FILE,
        "there is no Compose file",
        """\
Without -f and COMPOSE_FILE, windlass looks for compose.yaml, compose.yml, docker-compose.yml or docker-compose.yaml in
the working directory, then in each directory above it. Go to the project's directory, name the file with -f, or write
one; `windlass init` writes a first one.
""",
    ),
    Explanation(
        codes.UNREADABLE,
        "a file cannot be read",
        """\
The file is there, but opening it failed: it may belong to somebody else, be a directory, or lie on a broken disk. The
message has the kernel's reason.
""",
    ),
    Explanation(
        codes.EMPTY_FILE,
        "a file holds nothing",
        """\
A Compose file without a single value, perhaps nothing but comments. Describe at least one service, or take the file
out of -f and COMPOSE_FILE.
""",
        wrong="# nothing yet\n",
        right="""\
services:
  web:
    image: nginx
""",
    ),
    Explanation(
        codes.TOO_LARGE,
        "a file is too large",
        """\
Files beyond 10 MiB are not read: they are hardly ever Compose files or files of variables, and reading them would take
long.
""",
    ),
    Explanation(
        codes.NOT_TEXT,
        "a file is no text",
        """\
Compose files and files of variables are UTF-8 text. Editors offer to save in this encoding; `iconv -f latin1 -t utf-8`
converts older files. Control characters cannot stand in YAML, either: write them escaped in double quotes ("\\x1b").
""",
        wrong="""\
services:
  web:
    image: "ngi\x01nx"
""",
        right="""\
services:
  web:
    image: "nginx"
""",
    ),
    Explanation(
        codes.NOT_YAML,
        "the text is not YAML",
        """\
The text breaks YAML's own rules, so nothing can be said yet about what it means. Most often the indentation is uneven
or made of tabs, a quote is not closed, or text that holds ': ' or ' #' needs quotes. Look at the line that the message
names and at the one before.
""",
        wrong="""\
services:
  web:
    image: nginx
     command: nginx -g 'daemon off;'
""",
        right="""\
services:
  web:
    image: nginx
    command: nginx -g 'daemon off;'
""",
    ),
    Explanation(
        codes.DUPLICATE_KEY,
        "a key stands twice in one mapping",
        """\
YAML allows a key once in a mapping. Readers that let the last one win hide mistakes, so windlass refuses the file, as
Compose does. Keep one of the two, or put their values together.
""",
        wrong="""\
services:
  web:
    image: nginx
    environment:
      COLOR: blue
    environment:
      SIZE: large
""",
        right="""\
services:
  web:
    image: nginx
    environment:
      COLOR: blue
      SIZE: large
""",
    ),
    Explanation(
        codes.KEY_NOT_TEXT,
        "a key is no text",
        """\
The keys of a Compose file are text. YAML takes an unquoted number, true, false or null for something else: put such a
key in quotes.
""",
        wrong="""\
services:
  web:
    image: nginx
    labels:
      8080: status page
""",
        right="""\
services:
  web:
    image: nginx
    labels:
      "8080": status page
""",
    ),
    Explanation(
        codes.UNKNOWN_TAG,
        "a tag means nothing here",
        """\
A word that begins with ! is a tag of YAML. Compose files know two of their own: !reset takes back what an earlier file
said, !override replaces it. Text that begins with ! needs quotes.
""",
        wrong="""\
services:
  web:
    image: nginx
    environment:
      PASSWORD: !secret
""",
        right="""\
services:
  web:
    image: nginx
    environment:
      PASSWORD: "!secret"
""",
    ),
    Explanation(
        codes.ENDLESS_ALIAS,
        "aliases multiply each other",
        """\
An alias (*name) stands for all that its anchor (&name) marks. Aliases inside of what other aliases repeat can make a
small file grow beyond any memory, and an alias inside of its own anchor has no end. Such files are refused.
""",
        wrong="""\
x-common: &common
  again: *common
services:
  web:
    image: nginx
""",
        right="""\
x-common: &common
  restart: always
services:
  web:
    <<: *common
    image: nginx
""",
    ),
    Explanation(
        codes.WRONG_MERGE,
        "<< does not merge a mapping",
        """\
The key << puts the entries of another mapping into this one: give it an alias of a mapping, or a list of such aliases.
""",
        wrong="""\
x-name: &name nginx
services:
  web:
    <<: *name
""",
        right="""\
x-common: &common
  image: nginx
services:
  web:
    <<: *common
""",
    ),
    Explanation(
        codes.INTERPOLATION,
        "variables in a text cannot be put in",
        """\
Compose files know $NAME, ${NAME}, and ${NAME} with :- - :? ? :+ or +, followed by a text that may hold variables in
turn. A dollar sign that is meant as such is written twice: $$.
""",
        wrong="""\
services:
  web:
    image: nginx:${TAG:latest}
""",
        right="""\
services:
  web:
    image: nginx:${TAG:-latest}
""",
    ),
    Explanation(
        codes.REQUIRED_VARIABLE,
        "a variable that must be set is not",
        """\
The file asks for a variable with ${NAME:?message} (set, and not empty) or ${NAME?message} (set). Set it in the
environment, in the file .env of the project's directory, or in a file that --env-file names.
""",
        wrong="""\
services:
  db:
    image: postgres
    environment:
      POSTGRES_PASSWORD: ${DB_PASSWORD:?set a password}
""",
        right="""\
services:
  db:
    image: postgres
    environment:
      POSTGRES_PASSWORD: ${DB_PASSWORD:-change-me}
""",
    ),
    Explanation(
        codes.ENV_FILE_MISSING,
        "a file of variables is not there",
        """\
A service's env_file, or a file that --env-file names, does not exist. Paths of env_file count from the directory of the
Compose file. A file that may be missing is written with `required: false`.
""",
        wrong="""\
services:
  web:
    image: nginx
    env_file: web.env
""",
        right="""\
services:
  web:
    image: nginx
    env_file:
      - path: web.env
        required: false
""",
    ),
    Explanation(
        codes.ENV_FILE_LINE,
        "a line in a file of variables is wrong",
        """\
Files of variables (.env, env_file) hold lines of the form NAME=value. Values with spaces, # or several lines stand in
quotes; variables in them are put in unless the quotes are single ones. Behind the closing quote only a comment may
follow.
""",
        wrong="""\
services:
  web:
    image: nginx
    env_file: web.env
""",
        right="""\
services:
  web:
    image: nginx
    env_file: web.env
""",
        beside={"web.env": 'GREETING="good day"\n'},
        beside_wrong={"web.env": 'GREETING="good day\n'},
    ),
    Explanation(
        codes.PROJECT_NAME,
        "a name cannot be a project's",
        """\
A project's name goes into the names of its containers, networks and volumes: lower case letters, digits, - and _, with
a letter or digit first. It comes from -p, COMPOSE_PROJECT_NAME, the file's `name:`, or the directory's name; in the
last two capitals become small, and what a name cannot have is left out, so that nothing may be left.
""",
        wrong="""\
name: "???"
services:
  web:
    image: nginx
""",
        right="""\
name: my-shop
services:
  web:
    image: nginx
""",
    ),
)
