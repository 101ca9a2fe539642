"""Requests to one registry: authorised when it asks, followed where it leads, its credentials told to nobody else."""

import base64
import threading
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple
from urllib.parse import urlencode, urljoin

import msgspec

from engine.errors import ImageError
from engine.registries.challenges import Challenge, read_challenges
from engine.registries.endpoints import Settings, may_ask_for_credentials, origin_of, origin_of_registry
from engine.registries.wire import Answer, Body, UnreachableError, Wire

_MOST_REDIRECTS: Final = 5
_LARGEST_TOKEN: Final = 1 << 20
_REDIRECTS = frozenset((301, 302, 303, 307, 308))


class Credentials(NamedTuple):
    """A user's name and password, or (with an empty name) an identity token that buys tokens."""

    user: str
    secret: str

    def __repr__(self) -> str:
        """Without the secret: it belongs into no message."""
        return f"Credentials(user={self.user!r})"


class _Token(msgspec.Struct, frozen=True):
    token: str = ""
    access_token: str = ""


class Access:
    """How one repository of a registry is spoken to. May be used by several threads at once.

    `credentials` is called when the registry wants some: it may run a program.
    """

    def __init__(
        self,
        registry: str,
        repository: str,
        *,
        settings: Settings,
        wire: Wire,
        credentials: Callable[[], Credentials | None] = lambda: None,
        actions: str = "pull",
        also_pulled: tuple[str, ...] = (),
    ) -> None:
        self.registry = registry
        self.repository = repository
        self.origin = origin_of_registry(registry, settings)
        self._settings = settings
        self._wire = wire
        self._find_credentials = credentials
        self._credentials: Credentials | None = None
        self._scopes = [f"repository:{repository}:{actions}"] if repository else []
        self._scopes += [f"repository:{other}:pull" for other in also_pulled]
        self._authorization = ""
        self._lock = threading.Lock()

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: Body = None) -> Answer:
        """Sends a request to the registry and returns the last answer: no redirect, no call for authorisation.

        `path` begins behind the registry's /v2/, or is a whole address that the registry gave.

        ImageError when the registry refuses, UnreachableError when it may answer later.
        """
        url = path if "://" in path else f"{self.origin.url}/v2/{path}"
        used = self._authorization
        answer = self._follow(method, url, headers or {}, used, body)
        if answer.status == 401:
            challenges = read_challenges(answer.headers("WWW-Authenticate"))
            answer.body(_LARGEST_TOKEN)
            with self._lock:
                if self._authorization == used:  # another thread may have been faster
                    self._authorization = self._authorize(challenges)
            answer = self._follow(method, url, headers or {}, self._authorization, body)
        if answer.status in {401, 403}:
            answer.close()
            raise self._denied()
        if answer.status == 429 or answer.status >= 500:
            answer.close()
            reason = "has had too many requests" if answer.status == 429 else f"fails (HTTP {answer.status})"
            raise UnreachableError(
                f"the registry {self.registry} {reason}",
                hint="try again later",
                wait_seconds=_seconds(answer.header("Retry-After")),
            )
        return answer

    def _follow(
        self, method: str, url: str, headers: Mapping[str, str], authorization: str, body: Body = None
    ) -> Answer:
        origin = self.origin if url.startswith(f"{self.origin.url}/") else origin_of(url, self._settings)
        for _ in range(_MOST_REDIRECTS + 1):
            own = {"Authorization": authorization} if authorization and origin == self.origin else {}
            answer = self._wire.ask(method, origin, url, {**headers, **own}, body)
            if answer.status not in _REDIRECTS:
                return answer
            url = urljoin(url, answer.header("Location"))
            answer.close()
            origin = origin_of(url, self._settings)
        raise ImageError(f"the registry {self.registry} leads from one address to the next without end")

    def _authorize(self, challenges: tuple[Challenge, ...]) -> str:
        self._credentials = self._credentials or self._find_credentials()
        for challenge in challenges:
            if challenge.scheme == "bearer" and "realm" in challenge.parameters:
                return f"Bearer {self._token(challenge.parameters)}"
            if challenge.scheme == "basic" and self._credentials and self._credentials.user:
                return _basic(self._credentials)
        raise self._denied()

    def _token(self, parameters: Mapping[str, str]) -> str:
        realm = parameters["realm"]
        origin = origin_of(realm, self._settings)
        query = [("service", parameters["service"])] if "service" in parameters else []
        trusted = may_ask_for_credentials(self.registry, self.origin, origin, self._settings)
        credentials = self._credentials if trusted else None
        if credentials and not credentials.user:
            form = [*query, ("grant_type", "refresh_token"), ("client_id", "windlass")]
            form += [("scope", " ".join(self._scopes))] if self._scopes else []
            form.append(("refresh_token", credentials.secret))
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self._wire.ask("POST", origin, realm, headers, urlencode(form).encode())
        else:
            headers = {"Authorization": _basic(credentials)} if credentials else {}
            query += [("scope", scope) for scope in self._scopes]
            separator = "&" if "?" in realm else "?"
            answer = self._wire.ask("GET", origin, f"{realm}{separator}{urlencode(query)}", headers)
        body = answer.body(_LARGEST_TOKEN)
        if answer.status >= 500 or answer.status == 429:
            reason = f"fails (HTTP {answer.status})"
            raise UnreachableError(
                f"the token service of {self.registry} {reason}",
                hint="try again later",
                wait_seconds=_seconds(answer.header("Retry-After")),
            )
        if answer.status != 200:
            raise self._denied()
        try:
            found = msgspec.json.decode(body, type=_Token)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ImageError(f"the token service of {self.registry} answers with what is no token") from None
        token = found.token or found.access_token
        if not token or not token.isprintable() or " " in token:
            raise ImageError(f"the token service of {self.registry} answers with what is no token")
        return token

    def _denied(self) -> ImageError:
        name = f"{self.registry}/{self.repository}" if self.repository else self.registry
        if self._credentials is None:
            hint = f"it may not exist, or be private: windlass login {self.registry}"
        else:
            hint = f"the credentials for {self.registry} do not suffice, or are out of date"
        return ImageError(f"the registry refuses access to {name}", hint=hint)


def _seconds(retry_after: str) -> float:
    """What a Retry-After header asks for; nothing where it names a date."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0


def _basic(credentials: Credentials) -> str:
    return "Basic " + base64.b64encode(f"{credentials.user}:{credentials.secret}".encode()).decode()
