"""The shapes of network resources as they are sent."""

from __future__ import annotations

from amlwizard.sandbox.resource_types.shapes import Document, Object, ResourceReference, Shape


class AddressSpace(Shape):
    addressPrefixes: list[str] | None = None
    ipamPoolPrefixAllocations: list[_Allocation] | None = None


class _Allocation(Shape):
    pool: ResourceReference = ResourceReference()


class _DelegationProperties(Shape):
    serviceName: str = ""


class _Delegation(Shape):
    name: str = ""
    properties: _DelegationProperties


class _ServiceEndpoint(Shape):
    service: str
    locations: list[str] | None = None


class SubnetProperties(Shape):
    addressPrefix: str = ""
    addressPrefixes: list[str] | None = None
    networkSecurityGroup: ResourceReference = ResourceReference()
    natGateway: ResourceReference = ResourceReference()
    routeTable: ResourceReference = ResourceReference()
    delegations: list[_Delegation] | None = None
    serviceEndpoints: list[_ServiceEndpoint] | None = None
    privateEndpointNetworkPolicies: str = ""
    defaultOutboundAccess: bool = True


class Subnet(Document):
    properties: SubnetProperties = SubnetProperties()


class _NamedSubnet(Subnet):
    name: str


class VnetProperties(Shape):
    addressSpace: AddressSpace = AddressSpace()
    subnets: list[_NamedSubnet] | None = None


class VnetDocument(Document):
    properties: VnetProperties = VnetProperties()


class RuleProperties(Shape):
    access: str = ""
    direction: str = ""
    protocol: str = ""
    priority: int = 0
    sourceAddressPrefix: str = ""
    sourceAddressPrefixes: list[str] | None = None
    destinationAddressPrefix: str = ""
    destinationAddressPrefixes: list[str] | None = None
    destinationPortRange: str = ""
    destinationPortRanges: list[str] | None = None


class SecurityRule(Document):
    properties: RuleProperties = RuleProperties()


class _NamedRule(SecurityRule):
    name: str


class _GroupProperties(Shape):
    securityRules: list[_NamedRule] | None = None


class SecurityGroup(Document):
    properties: _GroupProperties = _GroupProperties()


class _NatProperties(Shape):
    publicIpAddresses: list[ResourceReference] | None = None


class NatGateway(Document):
    properties: _NatProperties = _NatProperties()


class _RouteProperties(Shape):
    addressPrefix: str = ""


class _Route(Shape):
    name: str = ""
    properties: _RouteProperties = _RouteProperties()


class _RouteTableProperties(Shape):
    routes: list[_Route] | None = None


class RouteTable(Document):
    properties: _RouteTableProperties = _RouteTableProperties()


class NamedPart(Shape):
    """A part of a resource with a name and properties of its own."""

    name: str
    properties: Object


class _IpConfigurationProperties(Shape):
    subnet: ResourceReference = ResourceReference()
    publicIPAddress: ResourceReference = ResourceReference()


class _IpConfiguration(Shape):
    name: str
    properties: _IpConfigurationProperties


class _BastionProperties(Shape):
    ipConfigurations: list[_IpConfiguration] | None = None


class Bastion(Document):
    properties: _BastionProperties = _BastionProperties()


class _GatewaySku(Shape):
    name: str = ""


class _AddressPool(Shape):
    addressPrefixes: list[str] | None = None


class _VpnClient(Shape):
    vpnClientAddressPool: _AddressPool = _AddressPool()
    vpnAuthenticationTypes: list[str] | None = None
    vpnClientProtocols: list[str] | None = None


class _GatewayProperties(_BastionProperties):
    gatewayType: str = ""
    sku: _GatewaySku = _GatewaySku()
    bgpSettings: Object | None = None
    natRules: list[NamedPart] | None = None
    vpnClientConfiguration: _VpnClient = _VpnClient()


class VpnGateway(Document):
    properties: _GatewayProperties = _GatewayProperties()


class _ConnectionProperties(Shape):
    privateLinkServiceId: str = ""
    groupIds: list[str] | None = None


class _Connection(Shape):
    name: str = ""
    properties: _ConnectionProperties


class _PrivateEndpointProperties(Shape):
    subnet: ResourceReference = ResourceReference()
    privateLinkServiceConnections: list[_Connection] | None = None
    manualPrivateLinkServiceConnections: list[_Connection] | None = None
    ipConfigurations: list[NamedPart] | None = None


class PrivateEndpoint(Document):
    properties: _PrivateEndpointProperties = _PrivateEndpointProperties()


class _LinkProperties(Shape):
    virtualNetwork: ResourceReference = ResourceReference()


class ZoneLink(Document):
    properties: _LinkProperties = _LinkProperties()


class _Address(Shape):
    ipv4Address: str


class _RecordProperties(Shape):
    ttl: int = 0
    aRecords: list[_Address] | None = None


class DnsRecord(Document):
    properties: _RecordProperties = _RecordProperties()


class _ZoneConfigProperties(Shape):
    privateDnsZoneId: str = ""


class _ZoneConfig(Shape):
    name: str = ""
    properties: _ZoneConfigProperties


class _ZoneGroupProperties(Shape):
    privateDnsZoneConfigs: list[_ZoneConfig] | None = None


class ZoneGroup(Document):
    properties: _ZoneGroupProperties = _ZoneGroupProperties()
