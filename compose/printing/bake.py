"""What `build --print` prints: the builds as a file of `docker buildx bake`."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from compose.decoding.builds import SERVICE
from compose.model import Build, Content


def bake_file(
    builds: Mapping[str, Build],
    wanted: Iterable[str],
    *,
    image_of: Callable[[str], str],
    secrets: Mapping[str, Content],
    labels: Callable[[str], Mapping[str, str]],
    pushes: bool = False,
) -> dict[str, Any]:
    """The targets of some services' builds, by service; `labels` are those that an image gets from its service."""
    targets = {name: _target(name, build, image_of, secrets, labels(name), pushes) for name, build in builds.items()}
    return {"group": {"default": {"targets": list(wanted)}}, "target": targets}


def _target(
    name: str,
    build: Build,
    image_of: Callable[[str], str],
    secrets: Mapping[str, Content],
    labels: Mapping[str, str],
    pushes: bool,
) -> dict[str, Any]:
    entries: dict[str, Any] = {
        "context": build.context,
        "contexts": {key: _context(place) for key, place in build.contexts.items()},
        "dockerfile": "" if build.dockerfile_inline is not None else str(Path(build.context) / build.dockerfile),
        "dockerfile-inline": build.dockerfile_inline or "",
        "args": {key: value for key, value in build.args.items() if value is not None},
        "labels": dict(sorted({**build.labels, **labels}.items())),
        "tags": [*build.tags, image_of(name)],
        "target": build.target,
        "secret": [_secret(key, secrets[source]) for key, source in build.secrets],
        "ssh": [f"{key}={path}" for key, path in build.ssh],
        "pull": build.pull,
        "no-cache": build.no_cache,
        "no-cache-filter": list(build.no_cache_filter),
        "network": build.network,
        "shm-size": str(build.shm_size_bytes or ""),
        "ulimits": [
            f"{limit.name}={limit.soft}" + ("" if limit.soft == limit.hard else f":{limit.hard}")
            for limit in build.ulimits
        ],
        "entitlements": list(build.entitlements),
        "extra-hosts": dict(build.extra_hosts),
        "output": [f"type={'registry' if pushes else 'docker'}"],
    }
    return {key: value for key, value in entries.items() if value}


def _context(place: str) -> str:
    return place.replace(SERVICE, "target:", 1) if place.startswith(SERVICE) else place


def _secret(key: str, content: Content) -> str:
    if content.environment:
        return f"id={key},type=env,env={content.environment}"
    return f"id={key},type=file,src={content.file}"
