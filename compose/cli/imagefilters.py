"""What `--filter` says of images, for the verbs that list or remove them."""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from compose.errors import UsageError
from compose.showing.moments import moment
from engine.errors import ImageError
from engine.images.model import Image
from engine.images.references import parse_reference

Takes = Callable[[str, Image], bool]
"""Whether an image under a name (empty: none) is meant."""


def parse_filters(texts: Iterable[str], known: tuple[str, ...], *, now_ns: int, find: Callable[[str], Image]) -> Takes:
    """Whether an image passes filters such as `dangling=true`, `label=a=b`, `until=24h`; UsageError for others.

    An image must pass those of each key; of several with one key, one is enough (but for labels: all).
    `find` gives the image that `before` and `since` name.
    """
    tests: dict[str, list[Takes]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if key == "label!":
            key, value = "label", f"!{value}"
        if not equals or key not in known:
            raise UsageError(f"--filter {text}: no such filter", hint=f"known are: {', '.join(known)} (as KEY=VALUE)")
        group = f"{key} {value}" if key == "label" else key
        tests.setdefault(group, []).append(_test(key, value, now_ns, find))
    return lambda name, image: all(any(test(name, image) for test in group) for group in tests.values())


def _test(key: str, value: str, now_ns: int, find: Callable[[str], Image]) -> Takes:
    match key:
        case "dangling":
            wanted = _truth(value)
            return lambda name, _image: (not name) == wanted
        case "label":
            return lambda _name, image: _has_label(image, value.removeprefix("!")) != value.startswith("!")
        case "reference":
            return lambda name, _image: bool(name) and _matches(name, value)
        case "until":
            moment_ns = moment("--filter until", value, now_ns=now_ns)
            return lambda _name, image: image.created_ns < moment_ns
        case "before":
            border_ns = find(value).created_ns
            return lambda _name, image: image.created_ns < border_ns
        case _:  # since
            border_ns = find(value).created_ns
            return lambda _name, image: image.created_ns > border_ns


def _has_label(image: Image, wanted: str) -> bool:
    key, equals, value = wanted.partition("=")
    return key in image.config.labels and (not equals or image.config.labels[key] == value)


def _matches(name: str, pattern: str) -> bool:
    """Whether a name, with or without its tag and its registry, is like the pattern."""
    forms = {name}
    try:
        reference = parse_reference(name)
    except ImageError:
        return False
    for each in (reference, reference._replace(tag="", digest="")):
        forms |= {each.familiar, each.canonical}
    return any(fnmatchcase(form, pattern) for form in forms)


def _truth(value: str) -> bool:
    truths = {"true": True, "1": True, "false": False, "0": False}
    if value not in truths:
        raise UsageError(f"--filter dangling={value}: neither true nor false", hint="write dangling=true")
    return truths[value]
