"""An Azure Machine Learning workspace through azure-ai-ml: tracking URI, models, endpoint keys,
logs."""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import TYPE_CHECKING

from amlwizard.cloud.container_log import last_exception
from amlwizard.cloud.errors import retried, translated
from amlwizard.cloud.import_lock import made_once
from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.wire import transport
from amlwizard.errors import AmlwizardError, CloudError
from amlwizard.json_types import MutableDocument
from amlwizard.language import _
from amlwizard.secret import Secret, hide

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.core.credentials import TokenCredential

LOG_LINES = 300  # of a container; a traceback of two exceptions has about a hundred
PUBLIC = "https://management.azure.com"
CHOOSING = ("AZUREML_CURRENT_CLOUD", "ARM_CLOUD_METADATA_URL")


class MachineLearning:
    """`workspace_id` is the ARM id of the workspace."""

    def __init__(
        self, profile: CloudProfile, credential: TokenCredential, workspace_id: str
    ) -> None:
        self.profile, self.credential, self.workspace_id = profile, credential, workspace_id

    @made_once
    def _client(self) -> MLClient:
        for variable in CHOOSING:
            # The package reads it on import and prefers it to its arguments.
            os.environ.pop(variable, None)
        from azure.ai.ml import MLClient

        _print_nothing()
        parts = self.workspace_id.strip("/").split("/")
        client = MLClient(
            self.credential,
            parts[1],
            parts[3],
            parts[-1],
            enable_telemetry=False,
            show_progress=False,
            transport=transport(self.profile),
            **self._cloud(),
        )
        # azure-ai-ml falls back to the public endpoint silently: check before the first call.
        if client._base_url.rstrip("/") != self.profile.arm:
            raise AmlwizardError(
                _(
                    "A client was about to contact {url} instead of {expected}.",
                    url=client._base_url,
                    expected=self.profile.arm,
                ),
                why=_("azure-ai-ml chose another cloud; nothing was sent."),
                fix=_("Report this: a client of amlwizard ignored its endpoint."),
            )
        return client

    def _cloud(self) -> dict[str, object]:
        """The arguments that select the cloud for azure-ai-ml. An unknown cloud must be described;
        its name is the endpoint, because azure-ai-ml never updates the description of a name."""
        profile = self.profile
        if profile.arm == PUBLIC:
            return {"cloud": "AzureCloud"}
        described = {
            "azure_portal": profile.arm,
            "resource_manager": profile.arm,
            "active_directory": profile.authority,
            "aml_resource_id": profile.ml_scope.removesuffix("/.default"),
            "storage_endpoint": "core.windows.net",
            "registry_discovery_endpoint": profile.arm,
        }
        return {"cloud": profile.arm, "cloud_metadata": described}

    def tracking_uri(self) -> str:
        """The URI that the workspace reports: with private link it follows no pattern. Raises
        CloudError if there is none."""
        name = self.workspace_id.rsplit("/", 1)[-1]
        found = retried(_("read the workspace"), lambda: self._client.workspaces.get(name))
        uri = str(found.mlflow_tracking_uri or "")
        if not uri:
            raise CloudError(
                _("The workspace reports no MLflow tracking URI."), code="NoTrackingUri"
            )
        self.profile.must_allow(uri)
        return uri

    def model_versions(self, name: str) -> list[MutableDocument]:
        """Versions of a registered model, newest first: version, tags, run_id, id."""
        try:
            found = retried(
                _("list model versions"), lambda: list(self._client.models.list(name=name))
            )
        except CloudError as error:
            if error.status == 404:
                return []
            raise
        versions = [
            {
                "version": str(m.version),
                "tags": dict(m.tags or {}),
                "run_id": m.job_name or "",
                "id": f"{self.workspace_id}/models/{name}/versions/{m.version}",
            }
            for m in found
        ]
        return sorted(
            versions, key=lambda m: int(m["version"]) if m["version"].isdigit() else 0, reverse=True
        )

    def keys(self, endpoint: str) -> Secret:
        """The primary key of an online endpoint, or a token for one that takes tokens."""
        fetch = partial(self._client.online_endpoints.get_keys, endpoint)
        keys = retried(_("fetch the endpoint's keys"), fetch, again_every=self.profile.retry)
        return Secret(str(getattr(keys, "primary_key", None) or keys.access_token))

    def last_exception(self, endpoint: str, deployment: str, since: float | None = None) -> str:
        """The last error in the deployment's container since a time of the cloud (epoch seconds), or
        since its start; empty if there is none, or its log cannot be read."""
        try:
            with translated(_("read the deployment's logs")):
                text = self._client.online_deployments.get_logs(deployment, endpoint, LOG_LINES)
        except CloudError:
            return ""
        return hide(last_exception(str(text), since))


def _print_nothing() -> None:
    """azure-ai-ml prints what it logs, the traceback of an answer that it cannot read as well."""
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("azure.ai.ml"):
            logger = logging.getLogger(name)
            logger.handlers.clear()
            logger.propagate = True
