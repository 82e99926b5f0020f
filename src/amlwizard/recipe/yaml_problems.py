"""What libyaml says of a text that is no YAML. It has no codes; the messages stand here so that the
catalogues have them, and `recipe.file` looks up what it is told."""

from __future__ import annotations

from amlwizard.language import _

PROBLEMS = (
    _("block sequence entries are not allowed in this context"),
    _("control characters are not allowed"),
    _("could not find expected ':'"),
    _("did not find expected ',' or ']'"),
    _("did not find expected ',' or '}'"),
    _("did not find expected '-' indicator"),
    _("did not find expected <document start>"),
    _("did not find expected alphabetic or numeric character"),
    _("did not find expected comment or line break"),
    _("did not find expected hexdecimal number"),
    _("did not find expected key"),
    _("did not find expected node content"),
    _("did not find expected whitespace or line break"),
    _("but found another document"),
    _("found a tab character that violates indentation"),
    _("found character that cannot start any token"),
    _("found undefined tag handle"),
    _("found unexpected document indicator"),
    _("found unexpected end of stream"),
    _("found unknown escape character"),
    _("mapping keys are not allowed in this context"),
    _("mapping values are not allowed in this context"),
)
