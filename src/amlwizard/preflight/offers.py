"""Checks of region, VM sizes and Kubernetes version against what the subscription is offered."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from amlwizard.cloud.facts import Size
from amlwizard.errors import Finding
from amlwizard.language import _
from amlwizard.preflight.situation import Situation
from amlwizard.recipe import title
from amlwizard.rules.places import place

SHOWN = 5
SAME_PLACE = 0.8  # similarity ratio from which two place names count as the same, with a typo
SYSTEM_VCPUS, SYSTEM_GIB = 2, 4  # AKS, minimum for system node pools
# Fields that name a VM size -> the step that needs it.
SIZES = {
    "serving.node_size": "aks",
    "training.node_type": "databricks",
    "serving.build_node_size": "build-compute",
}


def regions(s: Situation) -> Iterator[Finding]:
    """A region that does not exist or lacks a service. It is one cause, so one finding."""
    if not s.region_known:
        meant = _meant(s)
        yield Finding(
            "region-not-offered",
            "error",
            ("sign_in.region",),
            _(
                "The region {region} does not exist, or the subscription cannot use it.",
                region=s.region,
            ),
            fix=_("Did you mean {region}?", region=meant) if meant else _("Choose another region."),
            cure={"sign_in.region": meant} if meant else {},
            command=s.replaying({"sign_in.region": meant})
            if meant
            else "az account list-locations --query [].name",
        )
        return
    kinds = {p.type for p in s.new if p.body.get("location") == s.region}
    offered = {kind: s.facts.offered.get(kind.lower(), frozenset()) for kind in kinds}
    lacking = sorted(kind for kind, where in offered.items() if where and s.region not in where)
    if not lacking:
        return
    everywhere = set(s.facts.locations)
    for where in offered.values():
        everywhere &= where or everywhere
    home = s.facts.locations.get(s.region)
    near = sorted(region for region in everywhere if s.facts.locations[region] == home)
    others = ", ".join(sorted(everywhere)[:SHOWN])
    yield Finding(
        "region-not-offered",
        "error",
        ("sign_in.region",),
        _("{region} does not offer {types}.", region=s.region, types=", ".join(lacking)),
        why=_("All resources of the platform are created in one region."),
        fix=_(
            "In the same geography, these regions offer all: {regions}.",
            regions=", ".join(near[:SHOWN]),
        )
        if near
        else _(
            "No region in the same geography offers all. These do, if your data may be there: "
            "{regions}.",
            regions=others,
        )
        if others
        else _("No region offers all of these."),
        cure={"sign_in.region": near[0]} if near else {},
        command=s.replaying({"sign_in.region": near[0] if near else "REGION"}),
    )


def _meant(s: Situation) -> str | None:
    """The region with the most similar name, in the same country or continent only: a typo must not
    send data to another country."""
    named = place(s.region)
    here = [r for r in s.facts.locations if _alike(place(r), named) >= SAME_PLACE]
    return next(iter(difflib.get_close_matches(s.region, sorted(here), 1, 0)), None)


def _alike(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def wanted_sizes(s: Situation) -> dict[str, str]:
    """VM sizes that the remaining steps need, by recipe path; empty if the region is unknown."""
    wanted: dict[str, str] = {}
    if not s.region_known or not s.facts.sizes:
        return wanted
    for path, step in SIZES.items():
        section, _, field = path.partition(".")
        if step == "databricks" and s.machine_of_training is None:
            continue
        if s.is_new(step) or (step == "databricks" and s.starts_cluster):
            wanted[path] = getattr(getattr(s.recipe, section), field)
    return wanted


def size(s: Situation, name: str) -> Size | None:
    """The size, if it is offered to the subscription in the region; else None."""
    found = s.facts.sizes.get(name.lower())
    return found if found and found.offered else None


def sizes(s: Situation) -> Iterator[Finding]:
    """VM sizes that are not offered, one finding per size with all its fields."""
    wanted = wanted_sizes(s)
    for name in dict.fromkeys(wanted.values()):
        if size(s, name):
            continue
        fields = tuple(path for path, held in wanted.items() if held == name)
        other = _similar(s, name)
        changes = dict.fromkeys(fields, other.name if other else "SIZE")
        known = name.lower() in s.facts.sizes
        yield Finding(
            "sku-not-offered",
            "error",
            fields,
            _("The VM size {name} is not offered in {region}.", name=name, region=s.region),
            why=_("Azure restricts it for this subscription in this region.")
            if known
            else _("It is not in the region's list of VM sizes."),
            fix=_instead(other)
            if other
            else _("To list what is offered: {command}", command=_listing(s)),
            cure=changes if other else {},
            command=s.replaying(changes),
        )


def _instead(other: Size) -> str:
    return _(
        "Use {name}, with {vcpus} vCPUs and {memory:g} GiB.",
        name=other.name,
        vcpus=other.vcpus,
        memory=other.memory,
    )


def _listing(s: Situation) -> str:
    return f"az vm list-skus --location {s.region} --output table"


def fitting(s: Situation) -> Iterator[Finding]:
    """Sizes that are offered but unsuitable for their purpose."""
    wanted = wanted_sizes(s)
    for path, name in wanted.items():
        machine = size(s, name)
        problem = _unfit(path, machine) if machine else ""
        if not machine or not problem:
            continue
        other = _usual(s, path, machine) or _similar(s, name)
        changes = {path: other.name if other else "SIZE"}
        yield Finding(
            "sku-unfit",
            "error",
            (path,),
            _("The VM size {name} cannot be used as {field}.", name=name, field=title(path)),
            why=problem,
            fix=_instead(other)
            if other
            else _("Choose another size. To list them: {command}", command=_listing(s)),
            cure=changes if other else {},
            command=s.replaying(changes),
        )


def _unfit(path: str, machine: Size) -> str:
    if machine.arm and path != "training.node_type":
        return _("It has Arm processors, but images of Azure Machine Learning need x64.")
    if path != "serving.node_size":
        return ""
    if machine.vcpus < SYSTEM_VCPUS or 0 < machine.memory < SYSTEM_GIB:
        return _(
            "It has {vcpus} vCPU and {memory:g} GiB; the system node pool of AKS needs at least "
            "{least_vcpus} vCPUs and {least_memory} GiB.",
            vcpus=machine.vcpus,
            memory=machine.memory,
            least_vcpus=SYSTEM_VCPUS,
            least_memory=SYSTEM_GIB,
        )
    return ""


def _usual(s: Situation, path: str, instead: Size) -> Size | None:
    """The field's default size, if it is suitable and not smaller than the size it replaces: the
    other defaults are chosen for it."""
    section, _, field = path.partition(".")
    default = type(getattr(s.recipe, section)).model_fields[field].default
    found = size(s, str(default))
    enough = found and found.vcpus >= instead.vcpus and found.memory >= instead.memory
    return found if found and enough and not _unfit(path, found) else None


def _similar(s: Situation, name: str) -> Size | None:
    """An offered size with at least as many vCPUs (as few more as possible), at least as much
    memory, and the most similar name, but no smaller than AKS requires. None if the size in `name`
    is not known, because its dimensions are not known then.
    """
    known = s.facts.sizes.get(name.lower())
    if known is None:
        return None
    vcpus, memory = max(known.vcpus, SYSTEM_VCPUS), max(known.memory, SYSTEM_GIB)
    enough = [
        other
        for other in s.facts.sizes.values()
        if other.offered and other.vcpus >= vcpus and other.memory >= memory and not other.arm
    ]
    rank = {o.name: (o.vcpus, -_alike(o.name, name), o.memory) for o in enough}
    return min(enough, key=lambda other: rank[other.name], default=None)


def kubernetes(s: Situation) -> Iterator[Finding]:
    """A Kubernetes version that AKS does not offer in the region."""
    version = s.recipe.serving.kubernetes_version
    if version and s.is_new("aks") and s.facts.kubernetes and version not in s.facts.kubernetes:
        newest = sorted(
            (v for v in s.facts.kubernetes if v.count(".") == 1),
            key=lambda v: [int(part) for part in v.split(".")],
        )
        minor = ".".join(version.split(".")[:2])
        near = minor if minor in newest else newest[-1] if newest else None
        yield Finding(
            "kubernetes-version",
            "error",
            ("serving.kubernetes_version",),
            _(
                "AKS does not offer Kubernetes {version} in {region}.",
                version=version,
                region=s.region,
            ),
            fix=_(
                "Use one of {versions}, or clear the field to use the region's default.",
                versions=", ".join(newest),
            ),
            cure={"serving.kubernetes_version": near} if near else {},
            command=s.replaying({"serving.kubernetes_version": near}) if near else "",
        )
