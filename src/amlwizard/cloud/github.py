"""GitHub's OIDC token for a job: valid for five minutes, issued as often as needed."""

from __future__ import annotations

import os

from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.wire import client
from amlwizard.errors import SignInError
from amlwizard.language import _
from amlwizard.secret import hide, remember

URL, TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
AUDIENCE = "api://AzureADTokenExchange"  # the one that federated credentials expect
TIMEOUT_SECONDS = 30


def here() -> bool:
    """Whether this is a GitHub Actions job that may request tokens (``id-token: write``)."""
    return bool(os.environ.get(URL) and os.environ.get(TOKEN))


def assertion(profile: CloudProfile) -> str:
    """A fresh token (JWT) that names the job's repository and branch. Raises SignInError if GitHub
    issues none."""
    import httpx

    remember(os.environ[TOKEN])
    url = httpx.URL(os.environ[URL]).copy_merge_params({"audience": AUDIENCE})
    try:
        with client(profile, TIMEOUT_SECONDS) as asking:
            answer = asking.get(url, headers={"Authorization": f"Bearer {os.environ[TOKEN]}"})
        answer.raise_for_status()
        given = str(answer.json()["value"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise SignInError(
            _("GitHub issued no token for this job (workload-identity)."),
            why=hide(f"{type(error).__name__}: {error}").splitlines()[0],
            fix=_(
                "Give the job {permission}; a job that has ended, or one for a pull request from a "
                "fork, gets no token.",
                permission="`permissions: id-token: write`",
            ),
        ) from None
    remember(given)
    return given
