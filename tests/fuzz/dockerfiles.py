"""Fuzzes the readers of Dockerfiles and of .dockerignore: whatever they hold, all problems are told, and soon."""

from pathlib import Path

from tests.fuzz.driving import drive, instrumented

with instrumented("engine"):
    from engine.dockerfiles.dockerfile import parse_dockerfile
    from engine.dockerfiles.ignoring import parse_ignore_rules
    from engine.errors import BuildError

SEPARATOR = "\n%%%%\n"
DOCKERFILE = """\
# syntax=docker/dockerfile:1
# escape=`
ARG BASE=debootstrap:bookworm
FROM --platform=linux/amd64 ${BASE:-x} AS build
RUN --mount=type=cache,target=/c --network=none <<EOF cat && [ "a", 'b' ] `
  more
here
EOF
COPY --from=build --chown=1:2 --chmod=755 --link ["a b", "c"] /d/
ADD <<one <<-"two" https://example.com/x.tar /e/
1
one
	2
	two
ENV A=b C="d ${A#x*}" E f
LABEL a=b "c"='d'
HEALTHCHECK --interval=1m30s --retries=3 CMD ["x"]
HEALTHCHECK NONE
ONBUILD RUN echo $A
STOPSIGNAL SIGTERM
SHELL ["/bin/sh", "-c"]
VOLUME /a /b
EXPOSE 80 443/udp
USER a:b
WORKDIR ../x
ENTRYPOINT ["x"]
CMD x \\
  # comment
  y
"""
IGNORED = "**/*.py\n!a/[a-z]?/x\n# no\n/a/../b\n\\!x\n*/**/c*d*e*f"


def check(data: bytes) -> None:
    dockerfile, _, ignored = data.decode(errors="replace").partition(SEPARATOR)
    try:
        parse_dockerfile(dockerfile, "Dockerfile")
    except BuildError as error:
        assert error.message  # noqa: PT017 -- either end is right
        assert error.line > 0  # noqa: PT017 -- likewise
    rules = parse_ignore_rules(ignored, ".dockerignore")
    for path in ("a", "a/b/c.py", "acdef/" * 5 + "x", "c" * 40):
        rules.ignoring(path)


if __name__ == "__main__":
    written = [path.read_text() for path in sorted(Path().glob("[et]*/**/Dockerfile"))]
    drive(check, ((text + SEPARATOR + IGNORED).encode() for text in (DOCKERFILE, *written)), longest=4000)
