"""Explains the codes WL101 to WL110: what any value may be."""

from compose import codes
from compose.showing.explanations.model import Explanation

EXPLANATIONS = (
    Explanation(
        codes.UNKNOWN_KEY,
        "a key that Compose files do not know",
        """\
Each mapping of a Compose file has its own keys; others are refused, because a misspelt key would otherwise do nothing
without a word. The key may be misspelt, or stand one level too high or too low. Keys of your own begin with x- and may
stand anywhere.
""",
        wrong="""\
services:
  web:
    image: nginx
    restrat: always
""",
        right="""\
services:
  web:
    image: nginx
    restart: always
    x-owner: the shop's team
""",
    ),
    Explanation(
        codes.WRONG_KIND,
        "a value of another kind than wanted",
        """\
The key wants text, a number, true or false, a list or a mapping, and the value is something else. Text that looks like
a number, a date or a truth value needs quotes; the entries of a list begin with "- ".
""",
        wrong="""\
services:
  web:
    image: nginx
    hostname: 42
    ports: 8080:80
""",
        right="""\
services:
  web:
    image: nginx
    hostname: "42"
    ports:
      - 8080:80
""",
    ),
    Explanation(
        codes.WRONG_VALUE,
        "a value that cannot work",
        """\
The value is of the right kind, but nothing could be done with it. The message says what is wrong with it.
""",
    ),
    Explanation(
        codes.NO_SUCH_CHOICE,
        "a word that is none of the choices",
        """\
The key takes one of a few words, which the message lists.
""",
        wrong="""\
services:
  web:
    image: nginx
    depends_on:
      db:
        condition: service_helthy
  db:
    image: postgres
""",
        right="""\
services:
  web:
    image: nginx
    depends_on:
      db:
        condition: service_healthy
  db:
    image: postgres
    healthcheck:
      test: pg_isready
""",
    ),
    Explanation(
        codes.OUT_OF_RANGE,
        "a number that is too small or too large",
        """\
The number lies outside of what the key allows; the message has the limit.
""",
        wrong="""\
services:
  web:
    image: nginx
    scale: -1
""",
        right="""\
services:
  web:
    image: nginx
    scale: 2
""",
    ),
    Explanation(
        codes.MISSING_KEY,
        "a mapping lacks a key that it needs",
        """\
Some mappings mean nothing without one of their keys: a dependency needs its condition, a long port its target.
""",
        wrong="""\
services:
  web:
    image: nginx
    ports:
      - published: 8080
""",
        right="""\
services:
  web:
    image: nginx
    ports:
      - published: 8080
        target: 80
""",
    ),
    Explanation(
        codes.WRONG_NAME,
        "a name with characters that it may not have",
        """\
Names of services, networks, volumes and the like consist of letters, digits, '.', '_' and '-', for they become part of
other names. Names of containers are two characters or longer and begin with a letter or digit.
""",
        wrong="""\
services:
  my web:
    image: nginx
""",
        right="""\
services:
  my-web:
    image: nginx
""",
    ),
    Explanation(
        codes.WRONG_SIZE,
        "a value that is no size",
        """\
Sizes are a number of bytes, or a number with b, k, m, g, t or p behind it (also kb, kib and so on), each being 1024
times the one before.
""",
        wrong="""\
services:
  web:
    image: nginx
    mem_limit: 512 megs
""",
        right="""\
services:
  web:
    image: nginx
    mem_limit: 512m
""",
    ),
    Explanation(
        codes.WRONG_DURATION,
        "a text that is no duration",
        """\
Durations are numbers with units behind them: ns, us, ms, s, m, h, d, w. Several may follow each other, as in 1m30s.
""",
        wrong="""\
services:
  web:
    image: nginx
    stop_grace_period: "20"
""",
        right="""\
services:
  web:
    image: nginx
    stop_grace_period: 20s
""",
    ),
    Explanation(
        codes.WRONG_COMMAND,
        "a line that cannot be split into words",
        """\
A command that is written as text is split into words by a shell's rules for quotes, though no shell runs it. A quote
without partner or a bracket outside of quotes leaves no words. Write the command as a list, or give it to a shell:
`command: sh -c '...'`.
""",
        wrong="""\
services:
  web:
    image: nginx
    command: echo "hello
""",
        right="""\
services:
  web:
    image: nginx
    command: [echo, hello]
""",
    ),
)
