"""The network as a drawing: services above, the VNET with its subnets below, and their connections.

Every box and line has the outcome of the promise that it represents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from amlwizard.design import security_groups
from amlwizard.design.private_endpoints import Link, links
from amlwizard.design.subnets import ENTRY, ENTRY_NAMES
from amlwizard.language import _, _n
from amlwizard.posture import Posture
from amlwizard.recipe import Recipe

WIDTH, GAP, LEFT = 960, 14, 130
SERVICE_TOP, SERVICE_HEIGHT = 16, 58
VNET_TOP, PADDING, FOOT = 120, 16, 36
ENDPOINTS_HEIGHT, SUBNET_HEIGHT, ENDPOINT_HEIGHT = 94, 98, 46
INTERNET_WIDTH = 96
SUBNETS = {
    "bastion": "Bastion",
    "gateway": _("Gateway"),
    "scoring": _("Scoring"),
    "compute": _("Compute"),
    "databricks_public": _("Databricks public"),
    "databricks_private": _("Databricks private"),
}


@dataclass(frozen=True, slots=True)
class Box:
    """`state` is the outcome of its promises, ``plain`` if it has none; `foot` puts the title at
    the bottom."""

    x: float
    y: float
    width: float
    height: float
    title: str
    lines: tuple[str, ...] = ()
    state: str = "plain"
    kind: str = "subnet"
    foot: bool = False

    @property
    def title_y(self) -> float:
        """The y of the title: at the top, or at the bottom if wires come in from above."""
        return self.y + self.height - 9 if self.foot else self.y + 20

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def room(self) -> int:
        """How many cells of the title fit beside the mark."""
        return max(6, int((self.width - 34) / 6.8))

    @property
    def small_room(self) -> int:
        """How many cells fit in a line below the title."""
        return max(6, int((self.width - 14) / 5.9))


@dataclass(frozen=True, slots=True)
class Wire:
    """A line from one point to another. `text` is beside its middle."""

    x1: float
    y1: float
    x2: float
    y2: float
    state: str = "plain"
    text: str = ""
    kind: str = "private"


@dataclass(frozen=True, slots=True)
class Drawing:
    """`words` is its description as text."""

    width: int
    height: float
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    words: str


@dataclass
class _Canvas:
    boxes: list[Box] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)

    def add(self, box: Box) -> Box:
        self.boxes.append(box)
        return box


def draw(recipe: Recipe, posture: Posture) -> Drawing:
    """The drawing of a recipe's network, with the outcomes of a posture."""
    states = {line.id: line.outcome for line in posture.lines}
    n, a, canvas = recipe.names, recipe.addresses, _Canvas()

    def state(*ids: str) -> str:
        seen = {states[i] for i in ids if i in states}
        return next((s for s in ("broken", "unknown", "ok") if s in seen), "plain")

    inner = WIDTH - LEFT - GAP
    entry = ENTRY.get(recipe.security.secure_entry)
    height = ENDPOINTS_HEIGHT + SUBNET_HEIGHT + 3 * PADDING + FOOT
    vnet = canvas.add(
        Box(
            LEFT, VNET_TOP, inner, height, f"{n.vnet}  {a.vnet}", kind="vnet",
            state=state("peerings", "entry"), foot=True,
        )
    )  # fmt: skip
    top = vnet.y + PADDING
    endpoints = canvas.add(
        Box(
            vnet.x + PADDING, top, inner - 2 * PADDING, ENDPOINTS_HEIGHT,
            f"{n.workspace_subnet}  {a.workspace}", state=state("nsg.workspace"), foot=True,
        )
    )  # fmt: skip
    _services(recipe, canvas, endpoints, state)
    bottom = top + ENDPOINTS_HEIGHT + PADDING
    subnets = list(_subnets(recipe, entry))
    width = (endpoints.width - GAP * (len(subnets) - 1)) / len(subnets)
    internet = canvas.add(
        Box(GAP, bottom, INTERNET_WIDTH, SUBNET_HEIGHT, "Internet", kind="internet",
            state=state("public-ips"))
    )  # fmt: skip
    for number, (which, name, what) in enumerate(subnets):
        box = canvas.add(
            Box(
                endpoints.x + number * (width + GAP), bottom, width, SUBNET_HEIGHT,
                SUBNETS[which], (name, str(getattr(a, which)), *what),
                state=state(f"nsg.{which.replace('_', '-')}", *_also(which)),
            )
        )  # fmt: skip
        _way_in(recipe, canvas, internet, box, which, state(f"nsg.{which.replace('_', '-')}"))
    counted = _n("{n} subnet", "{n} subnets", len(subnets) + 1)
    linked = _n("{n} private endpoint", "{n} private endpoints", len(links(recipe)))
    words = f"{counted}, {linked}; {posture.summary}"
    return Drawing(
        WIDTH, vnet.y + vnet.height + GAP, tuple(canvas.boxes), tuple(canvas.wires), words
    )


def _services(recipe: Recipe, canvas: _Canvas, subnet: Box, state: Callable[[str], str]) -> None:
    """The four services at the top, with wires to their private endpoints or the whole subnet."""
    n = recipe.names
    given = (
        ("workspace", _("ML workspace"), n.workspace),
        ("storage", _("Storage account"), n.storage),
        ("key-vault", _("Key vault"), n.key_vault),
        ("registry", _("Container registry"), n.registry),
    )
    by_target: dict[str, list[Link]] = {}
    for link in links(recipe):
        by_target.setdefault(link.target, []).append(link)
    width = (subnet.width - GAP * (len(given) - 1)) / len(given)
    for number, (role, title, name) in enumerate(given):
        service = canvas.add(
            Box(
                subnet.x + number * (width + GAP), SERVICE_TOP, width, SERVICE_HEIGHT, title,
                (name,), state=state(f"{role}.closed"), kind="service",
            )
        )  # fmt: skip
        held = by_target.get(role, [])
        each = (width - 2 * GAP - GAP * max(0, len(held) - 1)) / max(1, len(held))
        for place, link in enumerate(held):
            chip = canvas.add(
                Box(
                    service.x + GAP + place * (each + GAP), subnet.y + PADDING, each,
                    ENDPOINT_HEIGHT, link.group, (_("endpoint"),),
                    state=state(f"endpoint.{link.name}"), kind="endpoint",
                )
            )  # fmt: skip
            canvas.wires.append(
                Wire(chip.middle, chip.y, chip.middle, SERVICE_TOP + SERVICE_HEIGHT, chip.state)
            )
        if not held:
            canvas.wires.append(
                Wire(
                    service.middle, subnet.y, service.middle, SERVICE_TOP + SERVICE_HEIGHT,
                    service.state, _("service endpoint"), "service",
                )
            )  # fmt: skip


def _subnets(recipe: Recipe, entry: str | None) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Field, name and contents of the subnets of the lower row, the secure entry first."""
    n, security = recipe.names, recipe.security
    nat = (_("NAT gateway"),) if security.nat_gateway else ()
    if entry:
        what = {"bastion": _("Bastion host"), "gateway": _("VPN gateway")}[entry]
        yield entry, ENTRY_NAMES[entry], (what,)
    aks = _("AKS, private API") if security.private_aks else "AKS"
    balancer = _("internal load balancer") if _inward(recipe) else _("public load balancer")
    yield "scoring", n.scoring_subnet, (aks, balancer)
    yield "compute", n.compute_subnet, (_("image build"), *nat)
    yield "databricks_public", n.databricks_public_subnet, (_("Databricks hosts"), *nat)
    yield "databricks_private", n.databricks_private_subnet, (_("Databricks containers"), *nat)


def _inward(recipe: Recipe) -> bool:
    return bool(recipe.serving.load_balancer == "internal")


def _also(which: str) -> tuple[str, ...]:
    if which == "scoring":
        return ("aks.api", "scoring.internal", "scoring.tls")
    return {"compute": ("compute.network",), "databricks_public": ("databricks.network",),
            "databricks_private": ("databricks.network",)}.get(which, ())  # fmt: skip


def _way_in(
    recipe: Recipe, canvas: _Canvas, internet: Box, box: Box, which: str, state: str
) -> None:
    """A wire from the Internet to a subnet that admits it, routed below the boxes between."""
    ports = sorted(
        {
            port
            for source, port in security_groups.exposed(recipe, which)
            if source == security_groups.INTERNET
        }
    )
    text = ", ".join(f"TCP {port}" for port in ports)
    if which == "gateway":
        text, state = "OpenVPN, Entra", "plain"
    if text:
        low = box.y + box.height + 16
        canvas.wires += [
            Wire(internet.middle, internet.y + internet.height, internet.middle, low, state,
                 kind="public"),
            Wire(internet.middle, low, box.middle, low, state, kind="public"),
            Wire(box.middle, low, box.middle, box.y + box.height, state, text, "public arrow"),
        ]  # fmt: skip
