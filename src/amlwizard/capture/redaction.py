"""Redacts exchanges: secrets are removed; ids, names and addresses are replaced by stand-ins. The
structure stays: keys, types, codes, versions, and which values are equal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from amlwizard.capture.names import WORD, names_in, types_in, words_of
from amlwizard.capture.standins import StandIns

GONE = "REDACTED"
SECRET = re.compile(
    r"(?i)(token|password|secret|assertion|passphrase|kubeconfigs|client_info|string_value|signature)$"
    r"|^(nonce|code_verifier|code_challenge|session_state|sig)$"
    r"|(device|user)_?code$|^code$|(key|connectionstring)\d?$|protected_?settings$|pem(file)?$|cert$"
)
# Named like a secret, but public.
PUBLIC = re.compile(r"(?i)^(public_?key|key|partition_?key|state|code)$")
# Where `code` and `state` are secrets: the requests and answers of Entra's sign-in.
OF_A_SIGN_IN = ("grant_type", "redirect_uri", "session_state", "response_mode")
TOKENS = re.compile(
    r"eyJ[\w-]{10,}\.[\w-]*(\.[\w-]*)?|(?i:bearer)\s+[\w.~+/=-]{8,}"
    r"|-----BEGIN [A-Z ]+-----.*?(-----END [A-Z ]+-----|$)|ssh-(rsa|ed25519) \S+"
    r"|(?i:claims)=\"[^\"]+\"|[A-Za-z0-9+/=]{400,}",
    re.S,
)
GUID = re.compile(r"(?i)(?<![0-9a-f])[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-f])")
ROLE = re.compile(r"(?i)roleDefinitions/$")
WELL_KNOWN = frozenset({
    "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d",  # Azure Databricks
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46",  # the public client that users sign in with
    "00000000-0000-0000-0000-000000000000",
})  # fmt: skip
ADDRESS = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(/\d{1,2})?(?![\w.]*\d\.)(?!\w)")
SIX = re.compile(r"(?i)(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f:]*[0-9a-f](?![\w:])")
HOST = re.compile(
    r"(?i)(?<![\w@.-])((?:[a-z0-9_-]+\.)+)(com|net|org|io|ms|internal|local|localdomain|corp|lan|home"
    r"|example|test|invalid|eu|ch|de|fr|uk|nl|it|es|at|be|se|no|dk|fi|pl|us|ca|au|jp|in|dev|app|ai|cloud)"
    r"(?![\w-])"
)
SERVICES = re.compile(
    r"(?i)((?:^|\.)(?:azure|windows|microsoft|microsoftonline|azureml|azurecr|azuredatabricks|azmk8s"
    r"|databricks|azure-automation|vaultcore|onmicrosoft|aka|visualstudio|trafficmanager|cloudapp"
    r"|githubusercontent|github|w3|pypi)\.)$"
)
MAIL = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
OPAQUE = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9_-]{24,}={0,2}(?![\w-])")
NUMBER = re.compile(r"(?<!\d)\d{10,19}(?!\d)")
NAMES_ARE_KEYS = ("traffic", "mirrorTraffic")  # their keys are names of deployments
QUERY = re.compile(r"([?&])([\w$.-]+)=([^&#\s\"']*)")


class Redactor:
    """Learns from every exchange; `clean` replaces what is known by then."""

    def __init__(self) -> None:
        self._made = StandIns()
        self._words: dict[str, str] = {}
        self._regions: set[str] = set()
        self._types: set[str] = set()
        self._secrets: set[str] = set()

    def learn(self, url: str, *bodies: object) -> None:
        """Add the secrets, regions, resource types and names of an exchange."""
        self._secrets.update(s for body in bodies for s in _secrets(body) if len(s) >= 8)
        for body in bodies:
            self._regions.update(_locations(body))
        self._types |= types_in(url, *bodies)
        for word in self._types & self._words.keys():
            del self._words[word]
        self.know(names_in(url, *bodies))

    def know(self, names: Iterable[str]) -> None:
        """Add names that users chose."""
        for name in names:
            for host in HOST.finditer(name):
                if SERVICES.search(host[1]):
                    name = name.replace(host[0], host[0][: SERVICES.search(host[1]).start()])  # type: ignore[union-attr]
            for word in words_of(name) - self._regions - self._types:
                if not GUID.search(name) and word not in self._words.values():
                    self._words.setdefault(word, self._made.word(word))

    def clean(self, value: object, key: str = "", secret: bool = False) -> object:
        """A redacted copy of a JSON value at `key`; `secret` is whether it is part of a secret."""
        if isinstance(value, dict):
            names = key in NAMES_ARE_KEYS
            return {
                self.text(str(k)) if names or GUID.search(str(k)) or "/" in str(k) else k: (
                    self.clean(v, k, secret or _is_secret(k, value))
                )
                for k, v in value.items()
            }
        if isinstance(value, list):
            return [self.clean(item, key, secret) for item in value]
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int) and key.lower().endswith("id") and value >= 10**9:
            return int(self._made.opaque(str(value)))
        if not isinstance(value, str):
            return value
        return GONE if secret and value else self.text(value)

    def text(self, text: str) -> str:
        """A text with its secrets, ids, names and addresses replaced."""
        for known in self._secrets:
            text = text.replace(known, GONE)
        text = TOKENS.sub(GONE, text)
        text = QUERY.sub(self._query, text)
        text = MAIL.sub(self._mail, text)
        text = GUID.sub(self._guid, text)
        text = ADDRESS.sub(lambda m: self._address(m[0]), text)
        text = SIX.sub(lambda m: f"fd00::{self._made.opaque(m[0].replace(':', ''))[:4]}", text)
        text = HOST.sub(self._host, text)
        text = OPAQUE.sub(lambda m: m[0] if GUID.fullmatch(m[0]) else self._opaque(m[0]), text)
        text = NUMBER.sub(lambda m: self._made.opaque(m[0]), text)
        return WORD.sub(lambda m: self._word(m[0]), text)

    def again(self, value: object, key: str = "") -> object:
        """A value that was cleaned earlier, without the names and secrets learned since."""
        if isinstance(value, dict):
            names = key in NAMES_ARE_KEYS
            return {self.again(k) if names else k: self.again(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.again(item) for item in value]
        if isinstance(value, str):
            for known in self._secrets:
                value = value.replace(known, GONE)
            return WORD.sub(lambda m: self._word(m[0]), value)
        return value

    def _word(self, word: str) -> str:
        return self._made.word(word) if word.lower() in self._words else word

    def _guid(self, found: re.Match[str]) -> str:
        known = found[0].lower() in WELL_KNOWN or ROLE.search(found.string[: found.start()])
        return found[0] if known else self._made.guid(found[0])

    def _address(self, text: str) -> str:
        try:
            return self._made.address(text)
        except ValueError:
            return text  # a version, perhaps

    def _mail(self, found: re.Match[str]) -> str:
        local, _, domain = found[0].partition("@")
        self.know([local, domain.rpartition(".")[0]])
        return f"{WORD.sub(lambda m: self._made.word(m[0]), local)}@{self._domain(domain)}"

    def _domain(self, domain: str) -> str:
        labels, _, top = domain.rpartition(".")
        return f"{WORD.sub(lambda m: self._made.word(m[0]), labels)}.{top}"

    def _host(self, found: re.Match[str]) -> str:
        """In Azure's own hosts, the first labels may be names; in others, all labels are."""
        service = SERVICES.search(found[1])
        if service is None:
            self.know([found[1]])
            return self._domain(found[0])
        if "onmicrosoft" in service[1].lower():
            self.know([found[1][: service.start()]])
        return WORD.sub(lambda m: self._word(m[0]), found[0])

    def _query(self, found: re.Match[str]) -> str:
        if SECRET.search(found[2]):
            return f"{found[1]}{found[2]}={GONE}"
        signed = len(found[2]) == 1  # Azure's signature of the URL of an operation
        return f"{found[1]}{found[2]}={self._opaque(found[3])}" if signed else found[0]

    def _opaque(self, text: str) -> str:
        return self._made.opaque(text)


def _is_secret(key: str, beside: dict[str, object]) -> bool:
    """Whether the value at `key` is secret; `beside` is the object that contains it."""
    if key == "value" and any(k.lower() in ("keyname", "permissions") for k in beside):
        return True
    if key in ("code", "state"):
        return any(name in beside for name in OF_A_SIGN_IN)
    return SECRET.search(key) is not None and PUBLIC.match(key) is None


def _secrets(value: object, secret: bool = False) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _secrets(inner, secret or _is_secret(key, value))
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item, secret)
    elif secret and isinstance(value, str):
        yield value


def _locations(value: object, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for inner, content in value.items():
            yield from _locations(content, inner)
    elif isinstance(value, list):
        for content in value:
            yield from _locations(content, key)
    elif isinstance(value, str) and key in ("location", "locations", "region"):
        yield value.replace(" ", "").lower()
