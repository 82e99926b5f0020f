"""An HTTPS endpoint under a name of its own, with a certificate of a private authority: nobody has
made a DNS record, and nobody here knows the authority."""

from __future__ import annotations

from pathlib import Path
from threading import Event as CancelEvent
from typing import Any

import pytest
import trustme
from support import Asked, existing, logged, recipe_of
from support.platforms import Platform

from amlwizard.cloud.trust import UntrustedCertificateError
from amlwizard.cloud_port import Frontend
from amlwizard.design import api_versions
from amlwizard.json_record import JsonRecord
from amlwizard.payloads import DnsRecordNeeded, ScoringResponse
from amlwizard.plan import Context
from amlwizard.plan.outputs import TRAIN, Outputs, TrainingOutput
from amlwizard.steps import steps_for
from amlwizard.steps.asking import send

pytestmark = pytest.mark.xdist_group("refusals")

NAME = "score.ml.contoso.internal"
NO_TRAFFIC = {"error": {"message": "No deployment takes traffic."}}


class Named:
    """The platform with such an endpoint; `said` is what was told when it was asked."""

    def __init__(
        self, platform: Platform, folder: Path, load_balancer: str, of: str = NAME
    ) -> None:
        self.platform, self.certificate = platform, folder / "cert.pem"
        issued = trustme.CA().issue_cert(of)
        (chain,) = issued.cert_chain_pems
        self.certificate.write_bytes(chain.bytes() + issued.private_key_pem.bytes())
        (folder / "key.pem").write_bytes(issued.private_key_pem.bytes())
        self.key = issued.private_key_pem.bytes().decode()
        self.recipe = recipe_of(
            "quickstart",
            serving__tls_certificate=str(self.certificate),
            serving__tls_key=str(folder / "key.pem"),
            serving__tls_name=NAME,
            serving__load_balancer=load_balancer,
        )
        outputs = {
            **platform.outputs,
            TRAIN.id: TrainingOutput("run", "diabetes", {}, logged({"a": "double"})).to_json(),
        }
        self.ctx = Context(self.recipe, platform.cloud, Outputs(outputs), CancelEvent(), Asked())
        steps = {step.id: step for step in steps_for(self.recipe)}
        for step in ("aks-extension", "endpoint"):
            outputs[step] = steps[step].apply(self.ctx, lambda *_, **__: None)
        resource = steps["endpoint"].resource
        assert resource
        endpoint = existing(
            platform.cloud.arm.get(self.ctx.resolve(resource.id), api_versions.MACHINE_LEARNING)
        )
        outputs["traffic"] = {"scoring_uri": endpoint["properties"]["scoringUri"]}
        self.uri = endpoint["properties"]["scoringUri"]
        self.said: list[Any] = []

    def ask(self) -> ScoringResponse:
        def say(message: str, payload: JsonRecord | None = None) -> None:
            self.said.append(payload)

        return send(self.ctx, self.recipe, {"data": [[1]]}, say)

    @property
    def records(self) -> list[str]:
        return [p.record for p in self.said if isinstance(p, DnsRecordNeeded)]


@pytest.fixture
def public(platform: Platform, tmp_path: Path) -> Named:
    return Named(platform, tmp_path, "public")


def test_an_endpoint_is_found_before_its_dns_record_exists_and_the_record_is_shown(
    public: Named,
) -> None:
    assert public.uri.startswith(f"https://{NAME}/api/v1/endpoint/")
    answer = public.ask()
    assert (answer.status, answer.response) == (404, NO_TRAFFIC), "the endpoint itself says so"
    [record] = public.records
    name, _, address = record.split()
    assert name == NAME and f"--resolve {NAME}:443:{address} --cacert" in answer.curl


def test_an_endpoint_with_a_dns_record_is_asked_by_name(public: Named) -> None:
    address = public.ask().dns_record.split()[-1]
    public.platform.sandbox.control("state", {"public_dns": {NAME: [address]}})
    public.said.clear()
    answer = public.ask()
    assert answer.status == 404 and not public.records and "--resolve" not in answer.curl


def test_a_record_that_leads_elsewhere_is_no_record(public: Named) -> None:
    public.platform.sandbox.control("state", {"public_dns": {NAME: ["203.0.113.9"]}})
    assert public.ask().response == NO_TRAFFIC
    assert public.records


def test_another_certificate_than_the_recipes_is_refused_at_once(public: Named) -> None:
    public.certificate.write_bytes(trustme.CA().issue_cert(NAME).cert_chain_pems[0].bytes())
    with pytest.raises(UntrustedCertificateError) as refused:
        public.ask()
    assert NAME in refused.value.what and "replay" in refused.value.fix


def test_a_certificate_for_another_name_is_refused(platform: Platform, tmp_path: Path) -> None:
    other = Named(platform, tmp_path, "public", of="other.contoso.internal")
    with pytest.raises(UntrustedCertificateError):
        other.ask()


def test_inside_the_vnet_it_is_found_and_believed_too(platform: Platform, tmp_path: Path) -> None:
    internal = Named(platform, tmp_path, "internal")
    answer = internal.ask()
    assert (answer.status, answer.response) == (404, NO_TRAFFIC)
    [record] = internal.records
    assert record.startswith(f"{NAME} A 10.100.120.")
    assert internal.key not in str(internal.said)


def test_an_internal_one_is_not_reached_from_outside(platform: Platform, tmp_path: Path) -> None:
    internal = Named(platform, tmp_path, "internal")
    address = internal.ask().dns_record.split()[-1]
    inside = Frontend(NAME, address, internal.certificate)
    key = platform.cloud.ml(platform.outputs["workspace"]["id"]).keys(
        internal.recipe.names.endpoint
    )
    with pytest.raises(Exception, match="did not answer"):
        platform.cloud.score(internal.uri, key, {}, inside)
