"""The certificates that every client trusts, and the errors for others.

The sandbox is trusted by the certificate that it created for itself and by nothing else. Other
clouds are trusted by the system's store, by certifi (where the system has no store of its own), and
by the CAs in the files that the usual variables name: companies that inspect TLS distribute those.
They are added to the store: a file that holds only the company's CA is enough.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from amlwizard.cloud.profile import CloudProfile
from amlwizard.errors import CloudError, InvalidInputError
from amlwizard.language import _

# The variables of requests, curl and OpenSSL; each of these reads only its own.
VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
SECONDS = 5  # timeout of a second handshake, to describe a certificate that was refused


class UntrustedCertificateError(CloudError):
    """A server's certificate is not trusted; nothing was sent to it."""


def context(profile: CloudProfile, also: Iterable[Path] = ()) -> ssl.SSLContext:
    """The SSL context for a client of this cloud; `also` are PEM files of further CAs.

    Raises InvalidInputError for a file or folder that holds no certificates.
    """
    if profile.ca:
        with _usable(Path(profile.ca), _("The description of the cloud")):
            made = ssl.create_default_context(cafile=profile.ca)
    else:
        import certifi
        import truststore

        made = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.load_verify_locations(cafile=certifi.where())
        for variable in VARIABLES:
            given = os.environ.get(variable)
            if given:
                _add(made, Path(given), variable)
    for file in also:
        _add(made, file, _("The recipe"))
    return made


def _add(made: ssl.SSLContext, place: Path, who: str) -> None:
    with _usable(place, who):
        if place.is_dir():
            made.load_verify_locations(capath=place)
            # OpenSSL finds only files with hashed names in a folder; users put plain files there.
            for file in [*place.glob("*.pem"), *place.glob("*.crt")]:
                made.load_verify_locations(cafile=file)
        else:
            made.load_verify_locations(cafile=place)


@contextmanager
def _usable(place: Path, who: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # includes SSLError; and of a NUL in a path
        reason = getattr(error, "strerror", None) or error
        reason = _("no certificate in it") if isinstance(error, ssl.SSLError) else reason
        raise InvalidInputError(
            _(
                "{who} names {place} for certificates to trust, and it cannot be used.",
                who=who,
                place=place,
            ),
            why=str(reason),
            fix=_(
                "Name a PEM file with the certificates of the authorities to trust, or unset {who}.",
                who=who,
            )
            if who in VARIABLES
            else _("Name a PEM file with the certificates of the authorities to trust."),
        ) from None


def refused(
    error: BaseException, url: str, profile: CloudProfile
) -> UntrustedCertificateError | None:
    """The error to raise if a certificate caused `error`; None if it did not."""
    cause = next((e for e in causes(error) if isinstance(e, ssl.SSLCertVerificationError)), None)
    if cause is None:
        return None
    host = urlsplit(url).hostname or url
    said = str(getattr(cause, "verify_message", "") or cause)
    seen = _seen(url, profile)
    why = [f"{said[:1].upper()}{said[1:]}."]
    if seen:
        why.append(_("It was issued by {issuer}.", issuer=seen[0]))
    if "expired" in said or "not yet valid" in said:
        what = _("The certificate of {host} is not valid now: {error}.", host=host, error=said)
        fix = _(
            "If this machine's clock is wrong, set it. Otherwise whoever runs {host} must renew it.",
            host=host,
        )
    elif "ostname mismatch" in said or "IP address mismatch" in said:
        what = _("The certificate of {host} is for another name.", host=host)
        if seen:
            names = ", ".join(seen[1])
            why.append(
                _("It is good for {names}.", names=names) if names else _("It is good for no name.")
            )
        fix = _(
            "Check which machine the name resolves to, and whether a proxy answers in its place."
        )
    else:
        what = _("The certificate of {host} is not trusted here.", host=host)
        fix = _(
            "If a proxy of your company inspects TLS, or the issuer is your own: set "
            "REQUESTS_CA_BUNDLE (or SSL_CERT_FILE) to a PEM file with that issuer's root "
            "certificate, or add it to the system's store. All clients use it."
        )
    return UntrustedCertificateError(
        what, code="CertificateVerifyFailed", why=" ".join(why), fix=fix
    )


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all its causes, however the libraries wrapped them."""
    open_, met = [error], set()
    while open_:
        one = open_.pop()
        if one is None or id(one) in met:
            continue
        met.add(id(one))
        yield one
        inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        open_ += [e for e in inner if isinstance(e, BaseException)]


def _seen(url: str, profile: CloudProfile) -> tuple[str, list[str]] | None:
    """Issuer and names of the certificate that a server presents, from a second handshake in which
    nothing is sent; None if that fails."""
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(_shown(url, profile))
        issuer = certificate.issuer.rfc4514_string()
    except (OSError, ValueError):
        return None
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return issuer, []
    return issuer, [str(name.value) for name in names]


def _shown(url: str, profile: CloudProfile) -> bytes:
    """The certificate (DER) that the server at `url` presents, through the proxy that requests
    use."""
    import http.client
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(profile.must_allow(url))
    host, port = parts.hostname or "", parts.port or 443
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    proxy = None if profile.loopback_only or proxy_bypass(host) else getproxies().get("https")
    if proxy:
        via = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        connection = http.client.HTTPSConnection(
            via.hostname or "", via.port or 80, timeout=SECONDS, context=unverified
        )
        connection.set_tunnel(host, port)
    else:
        connection = http.client.HTTPSConnection(host, port, timeout=SECONDS, context=unverified)
    try:
        connection.connect()
        return bytes(connection.sock.getpeercert(binary_form=True) or b"")
    except http.client.HTTPException as error:
        raise OSError(str(error)) from None
    finally:
        connection.close()
