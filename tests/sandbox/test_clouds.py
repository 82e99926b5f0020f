"""One process may use several clouds in turn: no state of the first affects the second."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from azure.core.credentials import AccessToken
from support import Sandbox

from amlwizard.cloud import CloudProfile
from amlwizard.cloud.ml import MachineLearning
from amlwizard.errors import CloudError

WORKSPACE = (
    "/subscriptions/{}/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/w"
)


class Nobody:
    """A credential that is not asked for a token."""

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        raise NotImplementedError


def test_a_second_sandbox_is_not_taken_for_the_first(sandbox: Callable[..., Sandbox]) -> None:
    for _ in range(2):
        cloud = sandbox("--clock", "instant")
        workspace = WORKSPACE.format(cloud.description["subscription"])
        with pytest.raises(CloudError) as refused:
            cloud.cloud().ml(workspace).tracking_uri()
        assert refused.value.code == "ResourceGroupNotFound"
        assert any(call.endswith("/workspaces/w") for call in cloud.calls)


def test_the_environment_does_not_choose_the_cloud_of_machine_learning(
    sandbox: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "AzureChinaCloud")
    monkeypatch.setenv("ARM_CLOUD_METADATA_URL", "https://127.0.0.1:9/metadata")
    profile = CloudProfile("azure", "https://management.azure.com", "https://login.example")
    client = MachineLearning(profile, Nobody(), WORKSPACE.format("s"))._client
    assert client._base_url == "https://management.azure.com"


def test_a_private_cloud_is_asked_itself() -> None:
    profile = CloudProfile("mine", "https://arm.example", "https://login.example")
    client = MachineLearning(profile, Nobody(), WORKSPACE.format("s"))._client
    assert client._base_url == "https://arm.example"
