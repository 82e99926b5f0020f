"""What the package index says of a version of a package, by its JSON API."""

from __future__ import annotations

from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.wire import client
from amlwizard.cloud_port import PackageRelease
from amlwizard.errors import CloudError
from amlwizard.json_types import parsed

TIMEOUT_SECONDS = 20


def release(profile: CloudProfile, requirement: str) -> PackageRelease | None:
    """What the index has of ``name==version``; None if it does not answer, or makes no sense."""
    import httpx

    name, _, version = requirement.partition("==")
    url = f"{profile.packages}/pypi/{name.partition('[')[0]}/{version}/json"
    try:
        with client(profile, TIMEOUT_SECONDS) as asking:
            answer = asking.get(url, follow_redirects=True)
        if answer.status_code == 404:
            return PackageRelease(requirement, is_there=False)
        answer.raise_for_status()
        body = parsed(answer.text)
        files = body["urls"]
        wheels = [file["python_version"] for file in files if file["packagetype"] == "bdist_wheel"]
        return PackageRelease(
            requirement,
            python=str(body["info"].get("requires_python") or ""),
            tags=frozenset(tag for wheel in wheels for tag in str(wheel).split(".")),
            from_source=any(file["packagetype"] == "sdist" for file in files),
        )
    except (httpx.HTTPError, CloudError, ValueError, KeyError, TypeError, AttributeError):
        return None
