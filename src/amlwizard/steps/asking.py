"""Scoring requests to the deployed model, from here or from inside the VNET, with retries while the
endpoint starts up."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from amlwizard import notebook
from amlwizard.cloud import clock
from amlwizard.cloud.interruption import pause
from amlwizard.cloud.scoring import read
from amlwizard.cloud_port import EndpointAnswer, Frontend, ReportProgress
from amlwizard.errors import CloudError
from amlwizard.json_types import Document, JsonObject
from amlwizard.language import _
from amlwizard.notebook.access import scope_of
from amlwizard.notebook.lending import lending
from amlwizard.payloads import DnsRecordNeeded, RequestReshaped, ScoringResponse
from amlwizard.plan import Context
from amlwizard.plan.outputs import CLUSTER, ENDPOINT, TRAFFIC, TRAIN, WORKSPACE
from amlwizard.recipe import Recipe
from amlwizard.rules.scoring_request import as_sent, form_of, source_of, text_of
from amlwizard.secret import Secret
from amlwizard.steps.cluster import databricks_of
from amlwizard.steps.frontend import frontend_of

# Statuses of the router, or of what is between, for a while after traffic was set; the model's own
# responses do not count.
NOT_YET = (404, 429, 500, 502, 503, 504)
WITH_KEY = '-H "Authorization: Bearer $KEY"'
LONGEST = 500  # characters of a request that is told
KEY_REFUSED = _(
    "The key was refused: it may have been regenerated. Send again; a fresh one is fetched."
)
FIXES = {
    400: _(
        'The endpoint takes {"input_data": {"columns": ..., "index": ..., "data": ...}}: '
        "compare it with what was sent."
    ),
    401: KEY_REFUSED,
    403: KEY_REFUSED,
    404: _("No deployment takes traffic at this address: replay deploys and routes it."),
    413: _("The request is too large: send fewer rows at a time."),
    429: _("Too many requests at once: wait a little, or give the deployment more instances."),
    500: _(
        "The model does not take this request: compare names, types and missing values with "
        "its signature, and see what its container wrote."
    ),
    502: _(
        "The deployment failed on this request, or crashed: compare names, types and missing "
        "values with the model's signature, and see what its container wrote."
    ),
    503: _(
        "No instance is ready: wait a little and send again, else look at the deployment's logs."
    ),
    504: _("The deployment took too long: send fewer rows, or give it more CPU."),
}


def send(
    ctx: Context,
    recipe: Recipe,
    given: JsonObject | None,
    say: ReportProgress,
    patience: float = 0,
    deployment: str = "",
) -> ScoringResponse:
    """Send a request to the endpoint in the form that its model takes, None for one that is built
    from the model's input example or signature, and return the response whatever its status.
    `patience` is how many seconds to wait for the endpoint to become available; `deployment` is the
    one to ask, whichever gets the traffic.

    Raises CloudError if the endpoint does not respond, or something else does.
    """
    model = ctx.outputs[TRAIN].takes
    sent = as_sent(given, model)
    if given is None:
        say(
            _(
                "no scoring.request is given: {source} is sent: {request}",
                source=source_of(model),
                request=text_of(sent)[:LONGEST],
            )
        )
    elif sent != given:
        say(_("the request is sent as {form}", form=form_of(sent)), RequestReshaped(given, sent))
    uri = ctx.outputs[ENDPOINT if deployment else TRAFFIC].scoring_uri
    ml = ctx.cloud.ml(ctx.outputs[WORKSPACE].id)
    key = ml.keys(recipe.names.endpoint)
    at = frontend_of(ctx, recipe)
    began = clock.now()
    if inside(recipe):
        with _inside(ctx, recipe, uri, key, sent, say, at, deployment) as ask:
            scored = _asked(ctx, ask, say, patience)
    else:
        if at and not at.named:
            _tell_of_record(say, at)
        scored = _asked(ctx, lambda: ctx.cloud.score(uri, key, sent, at, deployment), say, patience)
    wrote = ""
    if scored.status >= 500:
        wrote = ml.last_exception(
            recipe.names.endpoint, deployment or recipe.names.deployment, began
        )
    return ScoringResponse(
        sent,
        scored.status,
        scored.body,
        scored.seconds,
        _curl(uri, sent, at),
        _fix(scored.status),
        _("The container wrote: {wrote}", wrote=wrote) if wrote else "",
        at.record if at else "",
    )


def _curl(uri: str, sent: Document, at: Frontend | None) -> str:
    """The same request as a curl command, with the key in a variable of the shell."""
    tls = ""
    if at:
        tls = f"--cacert {shlex.quote(str(at.certificate))} "
        tls = tls if at.named else f"--resolve {at.name}:443:{at.address} {tls}"
    return (
        f"curl -X POST {uri} {tls}{WITH_KEY} "
        f"-H 'Content-Type: application/json' -d {shlex.quote(json.dumps(sent))}"
    )


def _fix(status: int) -> str:
    """The suggested fix for a response status; empty below 400."""
    if status < 400:
        return ""
    return FIXES.get(status) or (FIXES[500] if status >= 500 else FIXES[400])


def _tell_of_record(say: ReportProgress, at: Frontend) -> None:
    say(
        _(
            "make the DNS record {record}: the name does not lead there yet, so the endpoint is "
            "asked at that address under its name",
            record=at.record,
        ),
        DnsRecordNeeded(at.record),
    )


def inside(recipe: Recipe) -> bool:
    """Whether the endpoint is reachable from inside the VNET only (internal load balancer)."""
    return bool(recipe.serving.load_balancer == "internal")


def _asked(
    ctx: Context, ask: Callable[[], EndpointAnswer], say: ReportProgress, patience: float
) -> EndpointAnswer:
    """Retry until the endpoint itself responds or `patience` (seconds) runs out."""
    until = monotonic() + patience
    while True:
        scored, refused = None, None
        try:
            scored = ask()
            if scored.page:
                refused = _page(scored)
            elif scored.status < 400 and not scored.ran and isinstance(scored.body, str):
                refused = _unreadable(scored)
            elif scored.ran or scored.status not in NOT_YET:
                return scored
        except CloudError as error:
            refused = error
            if error.code not in UNREACHED:
                raise
        if monotonic() >= until:
            if refused:
                raise refused
            assert scored
            return scored
        say(
            _("waiting for the endpoint: it answers {status}", status=scored.status)
            if scored
            else _("waiting for the endpoint: nothing answers")
        )
        pause(ctx.cloud.profile.retry, ctx.cancel)


# Error classes of httpx and requests: nothing is listening yet, or the connection is dropped.
UNREACHED = (
    "Page", "ConnectError", "ConnectTimeout", "ConnectionError", "ProxyError", "ReadError",
    "RemoteProtocolError",
)  # fmt: skip


def _unreadable(scored: EndpointAnswer) -> CloudError:
    return CloudError(
        _("The endpoint's answer cannot be read."),
        code="Unreadable",
        why=_("It is not JSON, as if cut off: {body}", body=repr(str(scored.body)[:200])),
        fix=_(
            "Send the request again; if that does not help, something between here and the endpoint "
            "changes its answers."
        ),
    )


def _page(scored: EndpointAnswer) -> CloudError:
    return CloudError(
        _(
            "A page for a browser came back instead of the endpoint's answer ({status}).",
            status=scored.status,
        ),
        code="Page",
        why=f"{str(scored.body)[:200]}",
        fix=_(
            "A proxy or gateway in between answered: have it let the endpoint's address pass, or "
            "name that address in NO_PROXY."
        ),
    )


@contextmanager
def _inside(
    ctx: Context,
    recipe: Recipe,
    uri: str,
    key: Secret,
    sent: JsonObject,
    say: ReportProgress,
    at: Frontend | None,
    deployment: str,
) -> Iterator[Callable[[], EndpointAnswer]]:
    """Send from a cell on the Databricks cluster; the key is lent to it in its secret scope."""
    client = databricks_of(ctx)
    cluster_id = ctx.outputs[CLUSTER].id
    scope = scope_of(recipe)
    client.have_running(cluster_id, say, ctx.cancel)
    frontend = {"name": at.name, "address": at.address, "certificate": at.pem} if at else None
    parameters = {
        "uri": uri,
        "scope": scope,
        "request": sent,
        "frontend": frontend,
        "deployment": deployment,
    }
    with lending(client.secrets, scope, "scoring-key") as lent:
        lent.put(key.reveal())
        cells = notebook.cells("score", {**parameters, "key": lent.key})
        told = False

        def ask() -> EndpointAnswer:
            nonlocal told
            answer = client.run_cells(cluster_id, cells, say, ctx.cancel)[-1].data
            if at and not told and not answer["named"]:
                _tell_of_record(say, at)
                told = True
            if answer["error"]:
                raise CloudError(
                    _("The endpoint did not answer inside the VNET."),
                    code=answer["error"],
                    why=f"{answer['error']} at {uri}",
                    fix=_("Look at the deployment's state and the NSG of the scoring subnet."),
                )
            return read(answer["status"], answer["headers"], answer["text"], answer["seconds"])

        yield ask
