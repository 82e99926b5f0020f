"""The shapes of clusters and extensions as they are sent."""

from __future__ import annotations

from amlwizard.sandbox.resource_types.shapes import Document, Object, Shape


class _UpgradeSettings(Shape):
    maxSurge: str = ""


class _Pool(Shape):
    name: str
    vmSize: str
    count: int = 1
    minCount: int = 0
    maxCount: int = 0
    maxPods: int = 0
    enableAutoScaling: bool = False
    mode: str = ""
    vnetSubnetID: str = ""
    upgradeSettings: _UpgradeSettings = _UpgradeSettings()


class _NetworkProfile(Shape):
    networkPlugin: str = ""
    networkPluginMode: str = ""
    outboundType: str = ""
    serviceCidr: str = ""
    dnsServiceIP: str = ""
    podCidr: str = ""
    loadBalancerProfile: Object | None = None


class _ApiServerAccess(Shape):
    enablePrivateCluster: bool = False
    enablePrivateClusterPublicFQDN: bool = True


class _ClusterProperties(Shape):
    kubernetesVersion: str = ""
    dnsPrefix: str = ""
    nodeResourceGroup: str = ""
    agentPoolProfiles: list[_Pool] | None = None
    networkProfile: _NetworkProfile = _NetworkProfile()
    apiServerAccessProfile: _ApiServerAccess = _ApiServerAccess()


class Cluster(Document):
    properties: _ClusterProperties = _ClusterProperties()


class _ExtensionProperties(Shape):
    extensionType: str = ""
    version: str = ""
    configurationSettings: Object | None = None
    configurationProtectedSettings: Object | None = None
    aksAssignedIdentity: Object | None = None


class Extension(Document):
    properties: _ExtensionProperties = _ExtensionProperties()
