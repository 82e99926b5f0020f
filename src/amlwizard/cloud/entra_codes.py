"""What Entra's error codes mean to the user, and what to do: one line each.

From Microsoft's reference of Entra error codes. Codes missing there (530003, 530036, 700024,
7002xx) are from Microsoft's pages on Conditional Access and workload identities, and from public
reports.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal, NamedTuple

from amlwizard.language import _

# What to do: sign in `again`, sign in another `way` (or from another place or device), or only what
# the entry's own fix says.
Cure = Literal["again", "way", "else"]


class Meaning(NamedTuple):
    """Why Entra refused, what helps, and a fix of its own if there is one."""

    why: str
    cure: Cure = "else"
    fix: str = ""


# What to do about a secret, not one.
SECRET = _(
    "Create a new one: az ad app credential reset --id CLIENT_ID, and set AZURE_CLIENT_SECRET."
)
APPLICATION = _("Correct AZURE_CLIENT_ID and AZURE_TENANT_ID.")
TENANT = _("Correct sign_in.tenant.")
FEDERATED = _(
    "Compare it with the application's: az ad app federated-credential list --id CLIENT_ID."
)
INVITE = _(
    "Have the account invited to the tenant, sign in with another account, or correct "
    "sign_in.tenant."
)
ADMINISTRATOR = _("Ask the tenant's administrators.")
ASSERTION = _(
    "Run it again with a fresh one. On GitHub use sign_in.login: workload-identity and "
    "give the job `permissions: id-token: write`: then a new one is fetched for every "
    "token. A file (AZURE_FEDERATED_TOKEN_FILE) must be kept fresh by whoever writes it."
)
CLOCK = _(
    "Set the clock of this machine, or of what made the proof (timedatectl set-ntp true), "
    "then run it again."
)
NOT_IN_TIME = 700024
TIMES = re.compile(
    r"Current time: (\S+), assertion valid from (\S+), expiry time of assertion (\S+)",
    re.IGNORECASE,
)
LONGEST_PROOF = timedelta(hours=1)
SECOND_FACTOR = _("Sign in to that tenant itself: set sign_in.tenant.")

MEANINGS: Mapping[int, Meaning] = MappingProxyType({
    # expired or revoked sign-ins
    50173: Meaning(_("The sign-in was revoked: by an administrator, or with a new password."), "again"),
    70043: Meaning(_("The tenant's sign-in frequency requires a new sign-in now."), "again"),
    70008: Meaning(_("The sign-in has expired or was revoked."), "again"),
    700082: Meaning(_("The sign-in has expired, because it was not used for too long."), "again"),
    700084: Meaning(_("The sign-in has expired."), "again"),
    50089: Meaning(_("The sign-in has expired."), "again"),
    50132: Meaning(_("The sign-in ended with a password that expired or was changed."), "again"),
    50133: Meaning(_("The sign-in ended with a password that expired or was changed."), "again"),
    70000: Meaning(_("The sign-in is no longer valid."), "again"),
    50013: Meaning(_("The credential that was presented is not valid."), "again"),
    700020: Meaning(_("Entra requires you to sign in interactively for this."), "again"),
    # multi-factor authentication
    50072: Meaning(_("The tenant requires you to set up multi-factor authentication."), "again"),
    50074: Meaning(_("The tenant requires multi-factor authentication."), "again"),
    50076: Meaning(_("The tenant requires multi-factor authentication."), "again", SECOND_FACTOR),
    50078: Meaning(_("The multi-factor authentication has expired: the tenant requires it again."), "again"),
    50079: Meaning(_("The tenant requires you to set up multi-factor authentication."), "again",
                   _("Sign in to that tenant in a browser once.")),
    50158: Meaning(_("The tenant requires proof from a service outside Entra."), "way"),
    53004: Meaning(_("Multi-factor authentication must be set up first, and this sign-in was judged a risk."),
                   "else", ADMINISTRATOR),
    # Conditional Access and security defaults
    53000: Meaning(_("A Conditional Access policy requires a compliant device, and this one is "
                     "not compliant."), "way",
                   _("Enrol the device in Intune, or use a compliant one.")),
    53001: Meaning(_("A Conditional Access policy requires a device that is joined to the domain."), "way",
                   _("Use such a device.")),
    53002: Meaning(_("A Conditional Access policy requires an approved application."), "way"),
    53003: Meaning(_("A Conditional Access policy forbids this sign-in."), "way"),
    530003: Meaning(_("A Conditional Access policy requires a device that the organisation manages."), "way",
                    _("Use such a device.")),
    530032: Meaning(_("A security policy of the tenant forbids this sign-in."), "way"),
    530034: Meaning(_("The account is judged to be at risk in its own tenant."), "else", ADMINISTRATOR),
    530035: Meaning(_("The tenant's security defaults forbid this kind of sign-in."), "way"),
    530036: Meaning(_("A Conditional Access policy blocks sign-ins by device code."),
                    "way"),
    53011: Meaning(_("The account is judged to be at risk in its own tenant."), "else", ADMINISTRATOR),
    50005: Meaning(_("A Conditional Access policy does not allow this platform."), "way"),
    50097: Meaning(_("The tenant requires the device itself to authenticate."), "way",
                   _("Use a device that is registered with the organisation.")),
    50129: Meaning(_("The device is not registered with the organisation."), "way"),
    50131: Meaning(_("Conditional Access has refused this device or location."), "way"),
    50187: Meaning(_("The device could not authenticate."), "way"),
    # the account
    50034: Meaning(_("The tenant has no such account."), "else", INVITE),
    50020: Meaning(_("The account belongs to another tenant and is not a guest in this one."), "else", INVITE),
    51004: Meaning(_("The tenant has no such account."), "else", INVITE),
    90072: Meaning(_("The account belongs to another tenant and is not a guest in this one."), "else", INVITE),
    500212: Meaning(_("The account's own tenant does not let it into this one."), "else", ADMINISTRATOR),
    500213: Meaning(_("The tenant does not let accounts of that other tenant in."), "else", ADMINISTRATOR),
    50053: Meaning(_("The account is locked after too many attempts, or its IP address is judged "
                     "malicious."), "else", _("Try again later, or ask the tenant's administrators.")),
    50055: Meaning(_("The password has expired."), "else", _("Set a new one in a browser, then sign in.")),
    50144: Meaning(_("The password has expired."), "else", _("Set a new one in a browser, then sign in.")),
    50057: Meaning(_("The account is disabled."), "else", ADMINISTRATOR),
    50105: Meaning(_("The account is not assigned to the application that signs in."), "else",
                   _("Have an administrator assign it (Enterprise applications, Users and groups).")),
    50126: Meaning(_("The user name or the password is wrong."), "else", _("Correct them, then "
                                                                           "sign in again.")),
    # consent
    65001: Meaning(_("Nobody has consented to the application that signs in."), "again",
                   _("Consent in the browser when asked, or have an administrator consent.")),
    65004: Meaning(_("You did not consent to the application."), "again"),
    90094: Meaning(_("An administrator must consent to the application."), "else", ADMINISTRATOR),
    # the application
    700016: Meaning(_("The tenant has no such application."), "else", APPLICATION),
    7000112: Meaning(_("The application is disabled in the tenant."), "else", ADMINISTRATOR),
    70001: Meaning(_("The application is disabled in the tenant."), "else", ADMINISTRATOR),
    7000215: Meaning(_("The client secret is wrong."), "else", _("Correct AZURE_CLIENT_SECRET. {fix}", fix=SECRET)),
    7000222: Meaning(_("The client secret has expired."), "else", SECRET),
    700027: Meaning(_("The application does not have the client's certificate."), "else",
                    _("Correct AZURE_CLIENT_CERTIFICATE_PATH, or add the certificate to the application.")),
    700024: Meaning(_("The workload's token (client assertion) has expired: those of GitHub are "
                      "valid for five minutes."),
                    "else", ASSERTION),
    70021: Meaning(_("The application does not trust the workload's token."), "else",
                   _("Add a federated credential to the application: az ad app federated-credential create.")),
    700211: Meaning(_("The application trusts no workload of that issuer."), "else", FEDERATED),
    700212: Meaning(_("The application trusts no workload token for that audience."), "else", FEDERATED),
    700213: Meaning(_("The application trusts no workload of that subject (repository, branch, "
                      "environment)."), "else", FEDERATED),
    # tenant and service
    90002: Meaning(_("There is no such tenant."), "else", TENANT),
    900023: Meaning(_("That is not a tenant: it is neither an id nor a domain."), "else", TENANT),
    90038: Meaning(_("The tenant belongs to a national cloud."), "else", TENANT),
    500011: Meaning(_("The tenant does not know the service."), "else",
                    _("If it is the wrong tenant, correct sign_in.tenant. Otherwise register the "
                      "service's provider first (az provider register).")),
    650052: Meaning(_("The tenant has not enabled the service."), "else", ADMINISTRATOR),
    # the device code
    70016: Meaning(_("Nobody has completed the sign-in in the browser yet."), "again"),
    70018: Meaning(_("The code that was entered is wrong."), "again"),
    70019: Meaning(_("The device code expired before the sign-in was completed."), "again",
                   _("Start again and enter the new code in time. If the browser said that you "
                     "do not have access or that the sign-in is blocked, device codes are "
                     "blocked in this tenant: here they only stay pending. In that case set "
                     "sign_in.login: browser, or azure-cli after az login.")),
    70020: Meaning(_("The sign-in was declined in the browser."), "again",
                   _("Start again and choose Continue.")),
})  # fmt: skip

NOT_ENABLED = (500011, 650052)  # registering the service's provider adds it to the tenant
# The codes of OAuth's own words, for responses without a code.
OAUTH: Mapping[str, int] = MappingProxyType({"expired": 70019, "declined": 70020})

OTHER_WAYS: Mapping[str, str] = MappingProxyType({
    "device-code": _("Policies block device codes most of all: set sign_in.login: browser, or "
                     "azure-cli after az login."),
    "notebook": _("Use another sign_in.notebook_login: access-token lends the notebook a token of yours."),
})  # fmt: skip
AGAIN: Mapping[str, str] = MappingProxyType({
    "device-code": _("Run it again and sign in again: it continues from here."),
    "browser": _("Run it again and sign in again: it continues from here."),
    "azure-cli": _("Sign in again with az login, then run it again: it continues from here."),
})  # fmt: skip
AGAIN_OTHERWISE = _("Run it again with credentials that are valid: it continues from here.")


def code_in(text: str) -> int | None:
    """The first Entra error code in a text, or None."""
    found = re.search(r"AADSTS(\d{4,})", text)
    return int(found[1]) if found else None


def code_of(text: str) -> int | None:
    """The error code in the message of a sign-in, which may be in OAuth's words."""
    return code_in(text) or next((code for word, code in OAUTH.items() if word in text), None)


def reason(code: int, login: str, words: str) -> tuple[str, str]:
    """The cause, and the fix for someone who signed in by `login`; `words` are Entra's own."""
    meaning = _of_clock(code, words) or MEANINGS.get(code)
    if meaning is None:
        page = f"https://login.microsoftonline.com/error?code={code}"
        return words, _("Look it up at {page}, or ask the tenant's administrators.", page=page)
    if meaning.cure == "again" and not meaning.fix:
        return meaning.why, AGAIN.get(login, AGAIN_OTHERWISE)
    if meaning.cure == "way":
        other = OTHER_WAYS.get(login, "Use another sign_in.login.")
        ways = _("{other} Otherwise ask the tenant's administrators for an exception.", other=other)
        return meaning.why, f"{meaning.fix} {ways}".strip()
    return meaning.why, meaning.fix


def _of_clock(code: int, words: str) -> Meaning | None:
    """The meaning of a proof that is not valid yet: whoever made it has a clock that is ahead. One
    that this machine makes (from a certificate) is not valid any more if its clock is behind."""
    times = TIMES.search(words) if code == NOT_IN_TIME else None
    if times is None:
        return None
    now, begins, ends = (datetime.fromisoformat(time[:19]) for time in times.groups())
    if now < begins:
        ahead = round((begins - now).total_seconds() / 60)
        return Meaning(
            _("The proof is not valid yet: a clock is {minutes} minutes ahead.", minutes=ahead),
            fix=CLOCK,
        )
    if now - ends > LONGEST_PROOF:
        behind = round((now - ends).total_seconds() / 60)
        why = _(
            "The proof expired {minutes} minutes ago: it is old, or a clock is behind.",
            minutes=behind,
        )
        return Meaning(why, fix=f"{ASSERTION} {CLOCK}")
    return None


def can_ask(code: int | None) -> bool:
    """Whether prompting the user again may help."""
    return code is None or code not in MEANINGS or MEANINGS[code].cure == "again"
