"""The shapes of Machine Learning's resources as they are sent."""

from __future__ import annotations

from amlwizard.sandbox.resource_types.shapes import Document, Object, ResourceReference, Shape


class _WorkspaceProperties(Shape):
    storageAccount: str = ""
    keyVault: str = ""
    applicationInsights: str = ""
    containerRegistry: str = ""
    imageBuildCompute: str = ""
    systemDatastoresAuthMode: str = ""
    publicNetworkAccess: str = ""


class Workspace(Document):
    properties: _WorkspaceProperties = _WorkspaceProperties()


class _Machines(Shape):
    vmSize: str = ""
    subnet: ResourceReference = ResourceReference()
    enableNodePublicIp: bool = True


class _ComputeProperties(Shape):
    computeType: str = ""
    resourceId: str = ""
    properties: _Machines = _Machines()


class Compute(Document):
    properties: _ComputeProperties = _ComputeProperties()


class _EndpointProperties(Shape):
    authMode: str = ""
    compute: str = ""
    traffic: dict[str, int] | None = None
    properties: Object | None = None


class Endpoint(Document):
    properties: _EndpointProperties = _EndpointProperties()


class _Requirements(Shape):
    containerResourceRequests: Object | None = None
    containerResourceLimits: Object | None = None


class _ScaleSettings(Shape):
    scaleType: str


class _CodeConfiguration(Shape):
    codeId: str = ""
    scoringScript: str = ""


class _DeploymentProperties(Shape):
    endpointComputeType: str = ""
    model: str = ""
    codeConfiguration: _CodeConfiguration | None = None
    environmentId: str = ""
    containerResourceRequirements: _Requirements = _Requirements()
    scaleSettings: _ScaleSettings = _ScaleSettings(scaleType="")
    properties: Object | None = None


class Deployment(Document):
    properties: _DeploymentProperties = _DeploymentProperties()


class _ModelProperties(Shape):
    modelUri: str = ""


class Model(Document):
    properties: _ModelProperties = _ModelProperties()


class _CodeProperties(Shape):
    codeUri: str = ""


class Code(Document):
    properties: _CodeProperties = _CodeProperties()


class _BuildContext(Shape):
    contextUri: str = ""


class _EnvironmentProperties(Shape):
    image: str = ""
    condaFile: str = ""
    build: _BuildContext | None = None


class Environment(Document):
    properties: _EnvironmentProperties = _EnvironmentProperties()
