"""Rules about names: length, characters, reserved words, and constraints between names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from amlwizard.design import subnets
from amlwizard.errors import Finding
from amlwizard.language import _, listed, sentences
from amlwizard.recipe import Names, Serving, SignIn, title
from amlwizard.rules.base import Rule, rule, use
from amlwizard.rules.name_shapes import LABEL, PREFIX, PUBLIC, SHAPES, reserved_word
from amlwizard.rules.renaming import another, follows, is_id, of_host, renamed, with_prefix

SOURCE = _("Azure Resource Manager, naming rules and restrictions")
ML_QUOTAS = _("Azure Machine Learning, manage quotas")
SUBNETS = tuple(f"{which}_subnet" for which in subnets.SUBNETS)
PAIRS = (
    ("resource_group", "databricks_managed_group"),
    ("build_compute", "kubernetes_compute"),
)
"""Names of the same kind, of which both must not be equal."""
LABELLED = ("resource_group", "vnet", "scoring_subnet")
SHORTEST_TOGETHER, LONGEST_TOGETHER = 6, 62
LONGEST_NODE_GROUP = 80


@rule(
    "NM-7",
    _(
        "A recipe creates resources by name in its own resource group; existing resources cannot be used "
        "by their ids yet."
    ),
    "names",
    about=("names",),
    source=_("the recipe itself"),
)
def ids(rule: Rule, names: Names) -> Iterator[Finding]:
    given = [field for field in type(names).model_fields if is_id(getattr(names, field))]
    if "prefix" in given:  # names derived from the prefix contain the id too
        given = [field for field in given if not follows(names, field)]
    for field in given:
        yield rule.finding(
            f"names.{field}",
            _("{name} is the id of a resource, not a name.", name=_quoted(getattr(names, field))),
            _("Give a name; resources of other resource groups are not supported yet."),
        )


@rule(
    "NM-1",
    _("Every Azure service has its own rules for names."),
    "names",
    about=("names.prefix", *(f"names.{field}" for field in SHAPES)),
    source=SOURCE,
)
def shapes(rule: Rule, names: Names) -> Iterator[Finding]:
    wrong = {
        field: shape
        for field, shape in SHAPES.items()
        if not shape.fits(getattr(names, field)) and not is_id(getattr(names, field))
    }
    follow = [field for field in wrong if follows(names, field)]
    if follow:
        # The prefix is the cause of all of them, so they are one finding.
        first = wrong[follow[0]]
        cure = with_prefix(names)
        otherwise = _(
            "A prefix of {characters} always works; or give these names yourself. {field} takes "
            "{allowed}.",
            characters=PREFIX.text,
            field=_title(follow[0]),
            allowed=first.text,
        )
        yield rule.finding(
            ("names.prefix", *(f"names.{field}" for field in follow)),
            _(
                "The prefix {prefix} gives names that Azure refuses: {names}.",
                prefix=_quoted(names.prefix),
                names=listed([f"{_title(f)} {_quoted(getattr(names, f))}" for f in follow]),
            ),
            sentences(use(cure), otherwise),
            cure,
            otherwise=otherwise,
        )
    for field, shape in wrong.items():
        if field not in follow:
            cure, otherwise = (
                renamed(names, field),
                _("Allowed are {characters}.", characters=shape.text),
            )
            yield rule.finding(
                f"names.{field}",
                _(
                    "Azure does not allow {name} as {field}.",
                    name=_quoted(getattr(names, field)),
                    field=_title(field),
                ),
                sentences(use(cure), otherwise),
                cure,
                otherwise=otherwise,
            )


def _title(field: str) -> str:
    return title(f"names.{field}")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


@rule(
    "NM-2",
    _("Azure refuses trademarks and reserved words in names of public endpoints."),
    "names",
    about=("names.prefix", *(f"names.{field}" for field in PUBLIC)),
    source=SOURCE,
)
def reserved(rule: Rule, names: Names) -> Iterator[Finding]:
    public = (field for field in PUBLIC if not is_id(getattr(names, field)))
    words = {field: reserved_word(field, of_host(getattr(names, field))) for field in public}
    wrong = {field: word for field, word in words.items() if word}
    follow = [field for field in wrong if follows(names, field)]
    if follow:
        cure = with_prefix(names)
        yield rule.finding(
            ("names.prefix", *(f"names.{field}" for field in follow)),
            _(
                "The prefix {prefix} puts the reserved word {word!r} into {names}.",
                prefix=_quoted(names.prefix),
                word=wrong[follow[0]],
                names=listed([_quoted(getattr(names, field)) for field in follow]),
            ),
            cure=cure,
            otherwise=_("Choose another prefix."),
        )
    for field, word in wrong.items():
        if field not in follow:
            cure = renamed(names, field)
            yield rule.finding(
                f"names.{field}",
                _(
                    "{name} contains the reserved word {word!r}.",
                    name=_quoted(getattr(names, field)),
                    word=word,
                ),
                cure=cure,
                otherwise=_("Choose another name."),
            )


@rule(
    "SN-4",
    _(
        "With overlay, AKS uses the names of resource group, VNET and node subnet as Kubernetes labels."
    ),
    "names",
    "serving",
    reads=("serving.network",),
    about=tuple(f"names.{field}" for field in LABELLED),
    source=_("AKS, Azure CNI Overlay"),
)
def labels(rule: Rule, names: Names, serving: Serving) -> Iterator[Finding]:
    if serving.network != "overlay":
        return
    for field in LABELLED:
        name = getattr(names, field)
        if SHAPES[field].fits(name) and not LABEL.fits(name) and not is_id(name):
            near = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:63].strip("._-")
            cure = {f"names.{field}": near} if LABEL.fits(near) else {}
            otherwise = _("Allowed are {characters}.", characters=LABEL.text)
            yield rule.finding(
                f"names.{field}",
                _("AKS cannot use the name {name} as a Kubernetes label.", name=_quoted(name)),
                sentences(use(cure), otherwise),
                cure,
                otherwise=otherwise,
            )


@rule(
    "NM-3",
    _("The names of a Kubernetes endpoint and its deployment must total 6 to 62 characters."),
    "names",
    about=("names.endpoint", "names.deployment"),
    source=ML_QUOTAS,
)
def together(rule: Rule, names: Names) -> Iterator[Finding]:
    if is_id(names.endpoint) or is_id(names.deployment):
        return
    length = len(names.endpoint) + len(names.deployment)
    if length > LONGEST_TOGETHER:
        shorter = names.deployment[: max(0, LONGEST_TOGETHER - len(names.endpoint))].rstrip("-")
        cure = {"names.deployment": shorter} if shorter else {}
        yield rule.finding(
            ("names.endpoint", "names.deployment"),
            _("The names of endpoint and deployment total {length} characters.", length=length),
            cure=cure,
            otherwise=_("Shorten one of the two names."),
        )
    elif length < SHORTEST_TOGETHER:
        cure = renamed(names, "deployment")
        yield rule.finding(
            ("names.endpoint", "names.deployment"),
            _("The names of endpoint and deployment total {length} characters.", length=length),
            cure=cure,
            otherwise=_("Lengthen one of the two names."),
        )


@rule(
    "NM-5",
    _(
        "AKS creates a resource group for its nodes, called MC_GROUP_CLUSTER_REGION by default; its name "
        "may have 80 characters at most."
    ),
    "names",
    "sign_in",
    reads=("sign_in.region",),
    about=("names.node_resource_group", "names.resource_group", "names.aks"),
    source=_("AKS, naming rules"),
)
def node_group(rule: Rule, names: Names, sign_in: SignIn) -> Iterator[Finding]:
    given = names.node_resource_group
    if any(is_id(getattr(names, f)) for f in ("node_resource_group", "resource_group", "aks")):
        return
    if given:
        group = SHAPES["resource_group"]
        if not group.fits(given) or len(given) > LONGEST_NODE_GROUP:
            near = re.sub(r"[^A-Za-z0-9._-]+", "-", given)[:LONGEST_NODE_GROUP].strip("._-")
            cure = {"names.node_resource_group": near or None}
            yield rule.finding(
                "names.node_resource_group",
                _(
                    "Azure does not allow {name} as the name of a node resource group.",
                    name=_quoted(given),
                ),
                cure=cure,
            )
        return
    made = f"MC_{names.resource_group}_{names.aks}_{sign_in.region}"
    if len(made) > LONGEST_NODE_GROUP:
        cure = {"names.node_resource_group": f"rg-{names.prefix}-aks"[:LONGEST_NODE_GROUP]}
        yield rule.finding(
            ("names.resource_group", "names.aks", "names.node_resource_group"),
            _(
                "The node resource group would be called {name}, which has {length} characters.",
                name=made,
                length=len(made),
            ),
            cure=cure,
        )


@rule(
    "NM-4",
    _("Names must be unique within their scope."),
    "names",
    about=tuple(f"names.{field}" for field in (*SUBNETS, *chain(*PAIRS))),
    source=SOURCE,
)
def unique(rule: Rule, names: Names) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for field in SUBNETS:
        name = getattr(names, field).lower()
        if name in seen:
            yield rule.finding(
                (f"names.{seen[name]}", f"names.{field}"),
                _("Two subnets have the name {name}.", name=_quoted(name)),
                cure=another(names, field),
                otherwise=_("Rename one of them."),
            )
        seen.setdefault(name, field)
    for one, other in PAIRS:
        if getattr(names, one).lower() == getattr(names, other).lower():
            yield rule.finding(
                (f"names.{one}", f"names.{other}"),
                _(
                    "{one} and {other} have the same name, {name}.",
                    one=_title(one),
                    other=_title(other),
                    name=_quoted(getattr(names, one)),
                ),
                cure=another(names, other),
                otherwise=_("Rename one of them."),
            )
