"""The Machine Learning extension: the settings that its chart reads, and those of the CLI."""

from __future__ import annotations

import base64
import json
import re
import shlex
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import Json, recipe_of
from support.platforms import Change, Platform, both, setting, without

from amlwizard.errors import CloudError
from amlwizard.export import FORMATS
from amlwizard.steps import steps_for

pytestmark = pytest.mark.xdist_group("refusals")

# Settings of Microsoft's ARM template (AML-Kubernetes, files/deployextension.json) for inference.
OF_THE_TEMPLATE = {
    "enableTraining", "enableInference", "clusterPurpose", "cluster_name", "domain",
    "jobSchedulerLocation", "cluster_name_friendly", "clusterId",
    "prometheus.prometheusSpec.externalLabels.cluster_name", "servicebus.enabled",
    "relayserver.enabled", "nginxIngress.enabled", "installNvidiaDevicePlugin", "installPromOp",
    "installVolcano", "installDcgmExporter", "allowInsecureConnections",
    "inferenceRouterServiceType", "inferenceRouterHA", "scoringFe.serviceType.internalLoadBalancer",
}  # fmt: skip
# Options of `az k8s-extension create` (learn.microsoft.com, how-to-deploy-kubernetes-extension).
OF_THE_CLI = {
    "enableTraining", "enableInference", "allowInsecureConnections", "inferenceRouterServiceType",
    "internalLoadBalancerProvider", "sslSecret", "sslCname", "inferenceRouterHA", "nodeSelector",
    "installNvidiaDevicePlugin", "installPromOp", "installVolcano", "installDcgmExporter",
}  # fmt: skip
TLS = {
    "serving__tls_certificate": "cert.pem",
    "serving__tls_key": "key.pem",
    "serving__tls_name": "score.example.org",
}
SETTINGS = "properties.configurationSettings"
NODES = "resourceGroups/MC_rg-mlquick01_aks-mlquick01_westeurope/providers/Microsoft.Network"


def chart(body: Json) -> Json:
    return dict(body["properties"]["configurationSettings"])


def install(platform: Platform, change: Change) -> Json:
    """PUT the extension with a change, and wait for the end of the operation."""
    resource_id, version, body = platform.document("aks-extension")
    change(body)
    return dict(
        platform.cloud.arm.put(resource_id, version, body, lambda *_, **__: None, CancelEvent())
    )


def fails(platform: Platform, change: Change) -> CloudError:
    with pytest.raises(CloudError) as error:
        install(platform, change)
    resource_id, version, _ = platform.document("aks-extension")
    left = platform.cloud.arm.get(resource_id, version)
    assert left and left["properties"]["provisioningState"] == "Failed"
    assert error.value.code == "ExtensionOperationFailed"
    assert "pod healthcheck failed" in error.value.why
    return error.value


def put_settings(**settings: Any) -> Change:
    def change(body: Json) -> None:
        body["properties"]["configurationSettings"].update(settings)

    return change


def removed(*keys: str) -> Change:
    def change(body: Json) -> None:
        for key in keys:
            del body["properties"]["configurationSettings"][key]

    return change


# -- what the service takes


def test_options_of_the_cli_alone_mean_nothing_to_the_chart(platform: Platform) -> None:
    """What this step sent until now; hashicorp/terraform-provider-azurerm#24547."""
    options = {
        "enableTraining": "False",
        "enableInference": "True",
        "inferenceRouterServiceType": "LoadBalancer",
        "inferenceRouterHA": "True",
        "allowInsecureConnections": "True",
    }
    error = fails(platform, both(without("identity"), setting(SETTINGS, options)))
    assert "kubectl describe configmap" in error.fix


@pytest.mark.parametrize(
    "change",
    [
        without("identity"),
        removed("cluster_name"),
        removed("clusterId"),
        removed("domain"),
        removed("nginxIngress.enabled"),
        removed("relayserver.enabled"),
        put_settings(**{"servicebus.enabled": "true"}),
        put_settings(clusterId="/subscriptions/x/resourceGroups/y"),
        put_settings(allowInsecureConnections="False"),
    ],
    ids=[
        "no identity", "no cluster name", "no cluster id", "no domain", "no ingress", "a relay",
        "a bus", "another cluster", "no certificate",
    ],
)  # fmt: skip
def test_what_the_chart_needs_is_needed(platform: Platform, change: Change) -> None:
    fails(platform, change)


def test_an_internal_frontend_comes_of_the_translated_setting_only(platform: Platform) -> None:
    install(platform, put_settings(internalLoadBalancerProvider="azure"))
    assert frontends(platform) == {"kubernetes": "public"}
    install(platform, put_settings(**{"scoringFe.serviceType.internalLoadBalancer": "true"}))
    assert frontends(platform) == {"kubernetes-internal": "snet-mlquick01-scoring"}
    tagged = [t for t in public_services(platform) if t]
    assert tagged == [], "its public address went with it"


def frontends(platform: Platform) -> dict[str, str]:
    path = f"/subscriptions/{platform.cloud.arm.subscription}/{NODES}/loadBalancers"
    found = {}
    for balancer in platform.cloud.arm.every(path, "2025-01-01"):
        (frontend,) = balancer["properties"]["frontendIPConfigurations"]
        subnet = (frontend["properties"].get("subnet") or {}).get("id", "/public")
        found[balancer["name"]] = subnet.rpartition("/")[2]
    return found


def public_services(platform: Platform) -> list[str]:
    path = f"/subscriptions/{platform.cloud.arm.subscription}/{NODES}/publicIPAddresses"
    found = platform.cloud.arm.every(path, "2025-01-01")
    return [(a.get("tags") or {}).get("k8s-azure-service", "") for a in found]


def test_certificates_are_those_of_the_chart_and_never_answered(platform: Platform) -> None:
    pem = base64.b64encode(b"-----BEGIN CERTIFICATE-----\ncanaryPEM7\n").decode()
    https = put_settings(allowInsecureConnections="False", sslCname="score.example.org")

    def protected(*names: str) -> Change:
        return both(
            https,
            setting("properties.configurationProtectedSettings", dict.fromkeys(names, pem)),
        )

    fails(platform, protected("sslCertPemFile", "sslKeyPemFile"))
    made = install(platform, protected("scoringFe.sslCert", "scoringFe.sslKey"))
    assert "canaryPEM7" not in json.dumps(made) and pem not in json.dumps(made)
    assert pem not in json.dumps(platform.sandbox.state)


# -- what the product sends


def extension_of(**changes: Any) -> Any:
    recipe = recipe_of("private", **changes)
    return next(step for step in steps_for(recipe) if step.id == "aks-extension")


@pytest.mark.parametrize("changes", [{}, {"serving__load_balancer": "public"}, TLS])
def test_the_request_has_all_that_the_template_of_microsoft_has(changes: dict[str, str]) -> None:
    step = extension_of(**changes)
    assert step.resource.body["identity"] == {"type": "SystemAssigned"}
    settings = chart(step.resource.body)
    assert set(settings) >= OF_THE_TEMPLATE
    assert all(isinstance(value, str) for value in settings.values())
    internal = "false" if changes.get("serving__load_balancer") == "public" else "true"
    assert settings["scoringFe.serviceType.internalLoadBalancer"] == internal


@pytest.mark.parametrize("changes", [{}, TLS])
def test_the_command_has_only_options_that_the_cli_knows(changes: dict[str, str]) -> None:
    (command,) = extension_of(**changes).az
    _, _, tail = command.partition(" --config ")
    plain, _, protected = tail.partition(" --config-protected ")
    assert {pair.partition("=")[0] for pair in shlex.split(plain)} <= OF_THE_CLI
    names = {pair.partition("=")[0] for pair in shlex.split(protected)}
    assert names == ({"sslCertPemFile", "sslKeyPemFile"} if changes else set())


@pytest.mark.parametrize("to", sorted(FORMATS))
def test_exports_carry_what_the_chart_reads(to: str) -> None:
    text = FORMATS[to](recipe_of("private", **TLS))
    for key in (*OF_THE_TEMPLATE, "scoringFe.sslCert", "scoringFe.sslKey"):
        assert re.search(rf"['\"]?{re.escape(key)}['\"]?: ", text), key
    requests = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert "sslCertPemFile" not in requests


def test_an_export_says_the_region_once() -> None:
    """Where LOCATION is another, the extension's settings follow."""
    text = FORMATS["az"](recipe_of("quickstart"))
    assert '"domain": "$LOCATION.cloudapp.azure.com"' in text
    assert '"jobSchedulerLocation": "$LOCATION"' in text
