"""Dockerfiles whose images are to be the same whoever builds them: text, and files besides those of CONTEXT."""

CONTEXT = {
    "a.txt": "a\n",
    "b.txt": "b\n",
    "run.sh": "#!/bin/sh\necho run\n",
    "private": "private\n",
    "tree/one": "1\n",
    "tree/deep/two": "2\n",
    "tree/.hidden": "h\n",
    "tree/link": "-> one",
    "link-to-tree": "-> tree",
    "link-to-file": "-> a.txt",
    "logs/x.log": "x\n",
    "logs/keep.log": "k\n",
}

BASE = "FROM localhost/bb:1\n"

CASES: dict[str, tuple[str, dict[str, str]]] = {
    "settings": (
        BASE
        + """ENV A=1 B="two words" C=$A
ENV D ${A}${MISSING:-default}${A:+set}
LABEL one=1 "two words"="x y" three=$A
EXPOSE 80 53/udp 8000-8002
VOLUME /data ["/x"]
VOLUME ["/y", "/z"]
STOPSIGNAL 9
USER nobody:1
HEALTHCHECK --interval=5s --timeout=1m --start-period=2s --retries=4 CMD echo ok
SHELL ["/bin/sh", "-ec"]
ENTRYPOINT run this
CMD ["a", "b"]
""",
        {},
    ),
    "entrypoint-resets-command": (BASE + 'CMD ["x"]\n', {}),
    "healthcheck-none": (BASE + "HEALTHCHECK NONE\nSTOPSIGNAL SIGRTMIN+3\n", {}),
    "workdirs": (
        BASE + "WORKDIR /one/two\nWORKDIR three\nWORKDIR ../four\nRUN pwd > here\n"
        "ENV W=/env\nWORKDIR $W/x\nWORKDIR /tmp\n",
        {},
    ),
    "workdir-of-user": (
        BASE + "RUN echo app:x:7:8::/:/bin/sh >> /etc/passwd\nUSER app\nWORKDIR /made/by/app\nUSER 9\nWORKDIR /by/nine\n"
        "USER 5:6\nWORKDIR /by/five\n",
        {},
    ),
    "copies": (
        BASE
        + """COPY a.txt /
COPY a.txt /dir/
COPY a.txt b.txt /both/
COPY a.txt /renamed
COPY tree /tree
COPY tree/ /tree2/
COPY tree /tree3/x
COPY *.txt /globbed/
COPY t*e/o?e /question
COPY [ab].txt /class/
COPY run.sh private /modes/
COPY link-to-tree /through
COPY link-to-file /followed
COPY tree/link /linked
COPY ["a.txt", "/json/with space/"]
""",
        {},
    ),
    "copies-into-links": (
        BASE + "RUN mkdir /real && ln -s /real /alias && ln -s real /rel && ln -s /nowhere/x /dangling\n"
        "COPY a.txt /alias/\nCOPY b.txt /rel/sub/\nCOPY tree /alias/tree\nCOPY a.txt /alias\n",
        {},
    ),
    "copy-over-directory": (BASE + "RUN mkdir -p /d/a.txt\nCOPY a.txt /d/\n", {}),
    "copy-over-file": (BASE + "RUN echo old > /f && chmod 600 /f && chown 5 /f\nCOPY a.txt /f\nRUN mkdir /e\n", {}),
    "copy-merges-directories": (
        BASE + "RUN mkdir -m 700 /t && chown 4:4 /t && echo x > /t/kept && mkdir -m 711 /t/deep\nCOPY tree /t\n",
        {},
    ),
    "owners": (
        BASE
        + """RUN echo app:x:7:8::/:/bin/sh >> /etc/passwd && echo grp:x:9: >> /etc/group
COPY --chown=app a.txt /by/name/
COPY --chown=app:grp tree /by/both
COPY --chown=5 a.txt /by/number
COPY --chown=5:6 tree /by/numbers/deep/
COPY --chown=:9 a.txt /by/group
USER app
COPY a.txt /as/user
ADD --chown=app packed.tar.gz /packed/
""",
        {},
    ),
    "modes": (BASE + "COPY --chmod=750 tree /tree\nCOPY --chmod=0604 a.txt /f\nADD --chmod=700 b.txt /made/here/\n", {}),
    "links": (BASE + "RUN mkdir /d\nCOPY --link a.txt /d/\nCOPY --link --chown=3:4 tree /x/y/\n", {}),
    "archives": (BASE + "ADD packed.tar.gz /\nADD packed.tar.gz /to/\nADD packed.tar.gz a.txt /with/\nCOPY packed.tar.gz /p/\n", {}),
    "stages": (
        "ARG BASE=bb:1\nFROM localhost/$BASE AS one\nRUN mkdir -p /o/s && echo x > /o/s/f && chown -R 3:4 /o && ln -s s /o/l "
        "&& chmod 4755 /o/s/f && ln /o/s/f /o/hard\n"
        "FROM one AS two\nRUN echo y > /o/s/g\nFROM scratch\nCOPY --from=one /o /one\nCOPY --from=1 /o/l /two\n"
        "COPY --from=two /o/l/ /three/\nCOPY --from=localhost/bb:1 /etc/passwd /etc/\n",
        {},
    ),
    "scratch": ('FROM scratch\nCOPY a.txt /\nCMD ["/a"]\n', {}),
    "arguments": (
        "ARG GLOBAL=g\nARG V\n" + BASE + "ARG GLOBAL\nARG X=1 Y=${X}2\nARG V=d\nENV Y=env\nRUN echo $GLOBAL $X $Y $V > /said\n"
        'LABEL l="$GLOBAL $X $Y ${V:-none} ${NONE:-n}"\nARG X\nRUN echo $X >> /said\n',
        {},
    ),
    "platforms": (
        BASE + "ARG TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT BUILDPLATFORM\n"
        "RUN echo $TARGETPLATFORM $TARGETOS $TARGETARCH [$TARGETVARIANT] $BUILDPLATFORM > /p\n",
        {},
    ),
    "expansions": (
        BASE + 'ENV P=/usr/local/lib.tar.gz Q=foofoo\nLABEL a=${P#*/} b=${P##*/} c=${P%.*} d=${P%%.*} e=${Q/foo/x} f=${Q//foo/x} '
        'g="$P" h=\'$P\' i=\\$P j="\\"q\\"" k=a\\ b\n',
        {},
    ),
    "heredocs": (
        BASE
        + """ENV N=v
RUN <<EOF
echo "$N" > /script
EOF
RUN <<'EOF' cat > /quoted
$N
EOF
RUN cat <<A > /a && cat <<-B > /b
\ta $N
A
\tb
\tB
COPY <<EOF <<"RAW" /docs/
$N \\$N "quoted"
EOF
$N \\$N
RAW
COPY --chmod=600 --chown=3:4 <<one /named
1
one
RUN <<EOF
#!/bin/sh
echo $0 | wc -l > /made-by-script
EOF
""",
        {},
    ),
    "continued": (
        "# escape=`\n" + BASE + "RUN echo a `\n  # comment\n\n  b > /said && `\n  echo \\ >> /said\nCOPY a.txt C:\\x\n",
        {},
    ),
    "mounts": (
        BASE
        + """RUN --mount=target=/in ls /in/tree > /listed
RUN --mount=type=cache,target=/root/.cache/x echo x > /root/.cache/x/f
RUN --mount=type=tmpfs,target=/t/m touch /t/m/f
RUN --mount=target=/one,source=a.txt cp /one /copied
RUN --mount=from=localhost/bb:1,source=/etc,target=/mnt/etc cp /mnt/etc/passwd /p
RUN --mount=type=secret,id=none test ! -e /run/secrets/none && echo ok > /s
RUN --network=none ls /sys/class/net > /net
""",
        {},
    ),
    "onbuild": (
        BASE + 'ONBUILD RUN echo x\nONBUILD COPY a.txt /x\nONBUILD ENV A="1 2"\nONBUILD WORKDIR /w\n',
        {},
    ),
    "onbuild-of-a-stage": (
        "FROM localhost/bb:1 AS one\nONBUILD RUN echo x > /triggered\nFROM one\nRUN echo y > /y\n",
        {},
    ),
    "ignored": (
        BASE + "COPY . /all/\nCOPY logs /logs/\n",
        {
            ".dockerignore": "# comment\n*.txt\n!b.txt\n**/*.log\n!logs/keep.log\ntree/*\n!tree/deep\n/private\nlink-*\n"
            ".dockerignore\nDockerfile\npacked*\ncompose.yaml\n"
        },
    ),
    "ignored-beside": (
        BASE + "COPY . /all/\n",
        {"Dockerfile.dockerignore": "*\n!a.txt\n!tree/**/two\n", ".dockerignore": "a.txt\n"},
    ),
    "special-files": (
        BASE + "RUN mkfifo /fifo && mkdir -m 1777 /sticky && chmod 2755 /etc && ln /etc/passwd /hard && rm /bin/zcat\n",
        {},
    ),
    "deleted": (
        BASE + "RUN mkdir /d && touch /d/a /d/b\nRUN rm /d/a\nRUN rm -r /d && mkdir /d && touch /d/c\n",
        {},
    ),
    "command-then-entrypoint": ('FROM localhost/bb:1 AS b\nCMD ["x"]\nFROM b\nENTRYPOINT ["e"]\n', {}),
    "fails-missing": (BASE + "COPY nothing /\n", {}),
    "fails-exit": (BASE + "RUN exit 3\n", {}),
    "fails-up": (BASE + "COPY ../x /\n", {}),
    "copies-several": (BASE + "COPY a.txt b.txt /f\nCOPY a.txt tree /g\nRUN mkdir -m 700 /h && chown 5 /h\nCOPY tree a.txt /h\n", {}),
    "owners-and-modes-of-directories": (
        "FROM localhost/bb:1 AS one\nRUN mkdir -p -m 711 /o/p/q && chown -R 3:4 /o && chmod 700 /o/p\nFROM localhost/bb:1\n"
        "COPY --from=one /o /new\nCOPY --from=one /o/ /new2/\nCOPY --from=one --chown=8:9 /o /new3\nRUN mkdir -m 777 /new4\n"
        "COPY --from=one /o /new4\nCOPY --from=one --chmod=755 /o /new5/deep/\n",
        {},
    ),
    "fails-unknown": (BASE + "NOTHING x\n", {}),
    "fails-ignored": (BASE + "COPY a.txt /\n", {".dockerignore": "a.txt\n"}),
}
