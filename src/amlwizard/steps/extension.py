"""The Machine Learning extension on AKS.

The CLI takes a few options and derives the settings of the extension's chart from them; Microsoft's
ARM template sends the same settings. So the same choice has two forms: `_options` for a command,
`_settings` for a request.
"""

from __future__ import annotations

import base64
import shlex
from pathlib import Path

from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.errors import StepError
from amlwizard.json_types import MutableDocument
from amlwizard.language import _
from amlwizard.plan import Context, Resource, Step
from amlwizard.recipe import Recipe
from amlwizard.steps.arm_step import arm_step

ROUTER_REPLICAS = 3
# The TLS files: the field of the recipe, the protected setting that holds the base64 text, and the
# option of the CLI that names the file.
TLS_FILES = (
    ("tls_certificate", "scoringFe.sslCert", "sslCertPemFile"),
    ("tls_key", "scoringFe.sslKey", "sslKeyPemFile"),
)


def extension(recipe: Recipe, ids: Ids) -> Step:
    """The step that installs the extension, with TLS where the recipe names a certificate."""
    n = recipe.names
    return arm_step(
        "aks-extension",
        _("Machine Learning extension on AKS"),
        Resource(
            f"{ids.aks}/providers/Microsoft.KubernetesConfiguration/extensions/azureml",
            api_versions.KUBERNETES_EXTENSIONS,
            {
                "identity": {"type": "SystemAssigned"},
                "properties": {
                    "extensionType": "Microsoft.AzureML.Kubernetes",
                    "autoUpgradeMinorVersion": True,
                    "releaseTrain": "stable",
                    "scope": {"cluster": {"releaseNamespace": "azureml"}},
                    "configurationSettings": _settings(recipe, ids),
                },
            },
        ),
        after=("aks",),
        complete=_with_certificate,
        az=(
            f"az k8s-extension create -g {n.resource_group} -c {n.aks} -n azureml "
            "--cluster-type managedClusters --scope cluster "
            "--extension-type Microsoft.AzureML.Kubernetes --config "
            + _pairs(_options(recipe))
            + _protected_options(recipe),
        ),
    )


def _options(recipe: Recipe) -> dict[str, str]:
    """The options that a user passes to the CLI."""
    serving = recipe.serving
    options = {
        "enableTraining": "False",
        "enableInference": "True",
        "inferenceRouterServiceType": "LoadBalancer",
        "inferenceRouterHA": str(serving.nodes >= ROUTER_REPLICAS),
        "allowInsecureConnections": str(serving.tls_certificate is None),
    }
    if serving.tls_name:
        options["sslCname"] = serving.tls_name
    if serving.load_balancer == "internal":
        options["internalLoadBalancerProvider"] = "azure"
    return options


def _settings(recipe: Recipe, ids: Ids) -> dict[str, str]:
    """The chart's settings: the options, and what the CLI derives from them and the cluster."""
    region, serving = recipe.sign_in.region, recipe.serving
    return {
        **_options(recipe),
        "clusterPurpose": "FastProd" if serving.nodes >= ROUTER_REPLICAS else "DevTest",
        "cluster_name": ids.aks,
        "cluster_name_friendly": recipe.names.aks,
        "clusterId": ids.aks,
        "prometheus.prometheusSpec.externalLabels.cluster_name": ids.aks,
        "domain": f"{region}.cloudapp.azure.com",
        "location": region,
        "jobSchedulerLocation": region,
        "servicebus.enabled": "false",
        "relayserver.enabled": "false",
        "nginxIngress.enabled": "true",
        "installPromOp": "True",
        "installVolcano": "True",
        "installDcgmExporter": "False",
        "installNvidiaDevicePlugin": "False",
        "scoringFe.serviceType.internalLoadBalancer": str(
            serving.load_balancer == "internal"
        ).lower(),
    }


def _protected_options(recipe: Recipe) -> str:
    files = {option: getattr(recipe.serving, field) for field, __, option in TLS_FILES}
    given = {option: path for option, path in files.items() if path}
    return f" --config-protected {_pairs(given)}" if given else ""


def _pairs(options: dict[str, str]) -> str:
    return " ".join(shlex.quote(f"{key}={value}") for key, value in options.items())


def _with_certificate(ctx: Context, body: MutableDocument) -> MutableDocument:
    """The extension's body with certificate and key, which are read at send time and never shown.
    Raises StepError if a file cannot be read."""
    serving = ctx.recipe.serving
    if not serving.tls_certificate:
        return body
    protected = {}
    for field, setting, __ in TLS_FILES:
        path = getattr(serving, field)
        try:
            protected[setting] = base64.b64encode(Path(path).expanduser().read_bytes()).decode()
        except OSError as error:
            raise StepError(
                _("The TLS file {path} cannot be read.", path=path),
                why=error.strerror or "",
                fix=_("Correct serving.tls_certificate and serving.tls_key."),
            ) from None
    properties = {**body["properties"], "configurationProtectedSettings": protected}
    return {**body, "properties": properties}
