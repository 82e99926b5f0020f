"""Resources of Azure Resource Manager: create, wait, delete.

Core network types and the Databricks workspace use their own clients (`NETWORK`, `DATABRICKS`),
everything else uses the generic resource client by id.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from threading import Event as CancelEvent
from types import MappingProxyType
from typing import TYPE_CHECKING

from amlwizard.cloud.arm_requests import ArmRequests, short
from amlwizard.cloud.errors import (
    LINGERING,
    LOST_ANSWERS,
    NO_ANSWER,
    UNSEEN,
    passes,
    translated,
)
from amlwizard.cloud.import_lock import made_once, one_at_a_time
from amlwizard.cloud.interruption import pause
from amlwizard.cloud.waiting import Waiting, longest
from amlwizard.cloud_port import ReportProgress
from amlwizard.design import api_versions
from amlwizard.errors import CloudError, OperationCancelledError, StepError
from amlwizard.json_record import JsonRecord
from amlwizard.json_types import Document, MutableDocument
from amlwizard.language import _
from amlwizard.run_control import current_report

if TYPE_CHECKING:
    from azure.core.polling import LROPoller
    from azure.mgmt.databricks import AzureDatabricksManagementClient
    from azure.mgmt.network import NetworkManagementClient

    from amlwizard.cloud.arm_polling import Polling

# type (lower case) -> attribute of the network client that creates it
NETWORK = {
    "microsoft.network/virtualnetworks": "virtual_networks",
    "microsoft.network/networksecuritygroups": "network_security_groups",
    "microsoft.network/publicipaddresses": "public_ip_addresses",
    "microsoft.network/natgateways": "nat_gateways",
    "microsoft.network/privateendpoints": "private_endpoints",
}
DATABRICKS = "microsoft.databricks/workspaces"
TERMINAL = ("Succeeded", "Failed", "Canceled")
PROVIDERS = "az provider list -o table"
NO_QUERY: Mapping[str, str] = MappingProxyType({})


class Arm(ArmRequests):
    """Every call is thread-safe. Long operations report progress through `say`, and raise
    OperationCancelledError once `cancel` is set."""

    @made_once
    def _network(self) -> NetworkManagementClient:
        from azure.mgmt.network import NetworkManagementClient

        return NetworkManagementClient(self.credential, self.subscription, **self._options())

    @made_once
    def _databricks(self) -> AzureDatabricksManagementClient:
        from azure.mgmt.databricks import AzureDatabricksManagementClient

        return AzureDatabricksManagementClient(
            self.credential, self.subscription, **self._options()
        )

    def put(
        self,
        resource_id: str,
        api_version: str,
        body: Document,
        say: ReportProgress,
        cancel: CancelEvent,
    ) -> MutableDocument:
        """Create or update a resource, wait for the operation, and return the resource.

        Errors that Azure says to retry are retried until the profile's `patience` runs out. An
        operation that another client has in progress is waited for first.
        """

        def once() -> None:
            with translated(f"PUT {short(resource_id)}"):
                begun = self._begin(resource_id, api_version, body, cancel)
                self._await(begun, self._waiting(resource_id, say, cancel))

        self._persist(once, say, cancel, stale=True)
        return self._settled(resource_id, api_version, cancel)

    def _settled(self, resource_id: str, api_version: str, cancel: CancelEvent) -> MutableDocument:
        found = self.await_there(resource_id, api_version, cancel)
        if found is None:
            raise StepError(
                _("{resource} cannot be found after it was created.", resource=short(resource_id)),
                why=_("Azure reported success, but the resource cannot be read."),
                fix=_(
                    "Replay the recipe; if this happens again, something is deleting the resource."
                ),
            )
        return found

    def _begin(
        self, resource_id: str, api_version: str, body: Document, cancel: CancelEvent
    ) -> LROPoller[None]:
        polling = self._polling(cancel)
        kind, group, name = _parts(resource_id)
        if kind in NETWORK:
            operations = getattr(self._network, NETWORK[kind])
            return operations.begin_create_or_update(group, name, body, polling=polling)
        if kind == DATABRICKS:
            return self._databricks.workspaces.begin_create_or_update(
                group, name, body, polling=polling
            )
        return self._resources.resources.begin_create_or_update_by_id(
            resource_id, body, api_version=api_version, polling=polling
        )

    def wait(
        self, resource_id: str, api_version: str, say: ReportProgress, cancel: CancelEvent
    ) -> MutableDocument:
        """Wait for provisioning that another client started, and return the resource. Raises
        CloudError if it failed, StepError if it does not end."""
        waiting = self._waiting(resource_id, say, cancel)
        while True:
            found = self._settled(resource_id, api_version, cancel)
            state = found.get("properties", {}).get("provisioningState", "Succeeded")
            if state == "Succeeded":
                return found
            if state in TERMINAL:
                raise CloudError(
                    _(
                        "{resource}: provisioning ended as {state}.",
                        resource=short(resource_id),
                        state=state,
                    ),
                    code=state,
                    fix=_("Replay the recipe: this updates the resource."),
                )
            waiting.tell(_("{state}, started elsewhere", state=state))
            waiting.pause(self.profile.polling)

    def delete(
        self,
        resource_id: str,
        api_version: str,
        say: ReportProgress,
        cancel: CancelEvent,
        query: Mapping[str, str] = NO_QUERY,
    ) -> bool:
        """Delete a resource and wait until it is gone. A deletion already in progress is only
        waited for.

        Returns False if there was nothing. The request is sent even if a GET finds nothing: with
        the right `query` it reaches a soft-deleted resource.
        """
        there = self.get(resource_id, api_version)
        statuses: list[int] = []

        def once() -> None:
            statuses.clear()
            with translated(f"DELETE {short(resource_id)}"):
                poller = self._resources.resources.begin_delete_by_id(
                    resource_id,
                    api_version=api_version,
                    params=dict(query),
                    polling=self._polling(cancel),
                    raw_response_hook=lambda answer: statuses.append(
                        answer.http_response.status_code
                    ),
                )
                self._await(poller, self._waiting(resource_id, say, cancel))

        if not _going(there):
            try:
                self._persist(once, say, cancel, lagging=LINGERING)
            except CloudError as error:
                if error.status != 404:
                    raise
        self.await_gone(resource_id, api_version, say, cancel)
        return there is not None or statuses[0] not in (204, 404)

    def await_gone(
        self, resource_id: str, api_version: str, say: ReportProgress, cancel: CancelEvent
    ) -> None:
        """Wait until a GET finds nothing: some services end the operation slightly before that.
        Raises StepError if the resource stays."""
        waiting = self._waiting(resource_id, say, cancel)
        began = time.monotonic()
        going = False
        while (found := self.get(resource_id, api_version)) is not None:
            waiting.tell(_("being deleted"))
            if _going(found):
                going = True
            elif going or time.monotonic() - began > self.profile.patience:
                raise StepError(
                    _(
                        "{resource} is still there after it was deleted.",
                        resource=short(resource_id),
                    ),
                    why=_("Azure accepted the deletion, but the resource can still be read."),
                    fix=_(
                        "Run destroy again; if the resource stays, something keeps or recreates it."
                    ),
                )
            pause(self.profile.polling, cancel)

    def await_there(
        self, resource_id: str, api_version: str, cancel: CancelEvent
    ) -> MutableDocument | None:
        """Wait for a resource that should exist by now; None if it does not appear within the
        profile's `lag`."""
        end = time.monotonic() + self.profile.lag
        unseen = _("not visible yet")
        waiting = replace(self._waiting(resource_id, _reported, cancel), status=unseen)
        while (found := self.get(resource_id, api_version)) is None:
            if time.monotonic() > end:
                return None
            waiting.tell(unseen)
            pause(self.profile.polling, cancel)
        return found

    def purge_vault(
        self, deleted_id: str, api_version: str, say: ReportProgress, cancel: CancelEvent
    ) -> None:
        """Purge a soft-deleted vault, by its id among the deleted vaults, and wait until it is
        purged."""
        self.post(f"{deleted_id}/purge", api_version)
        self.await_gone(deleted_id, api_version, say, cancel)

    def _await(self, poller: LROPoller[None], waiting: Waiting) -> None:
        try:
            while not poller.done():
                waiting.tell(poller.status())
                poller.wait(min(self.profile.polling, 0.5))
            poller.result()  # raises what failed
        except OperationCancelledError:
            waiting.tell(poller.status())  # the poller does not know what goes on
            raise

    def _polling(self, cancel: CancelEvent) -> Polling:
        with one_at_a_time:
            from amlwizard.cloud.arm_polling import Polling

        return Polling(self.profile.polling, self.profile.arm, cancel)

    def _waiting(self, resource_id: str, say: ReportProgress, cancel: CancelEvent) -> Waiting:
        kind = _parts(resource_id)[0]
        command = f"az monitor activity-log list --resource-id {resource_id}"
        where = _("its activity log ({command})", command=command)
        return Waiting(short(resource_id), where, longest(kind, self.profile.longest), say, cancel)

    def _persist(
        self,
        once: Callable[[], None],
        say: ReportProgress,
        cancel: CancelEvent,
        lagging: Collection[str] = (),
        stale: bool = False,
    ) -> None:
        """Retry until it succeeds: retryable errors while the profile's `patience` lasts, codes in
        `lagging`, and with `stale` what is not seen yet, until every service should have seen the others' changes
        (`lag`)."""
        began = time.monotonic()
        lost = 0
        while True:
            try:
                return once()
            except CloudError as error:
                lost += error.code == NO_ANSWER
                hope = self.profile.patience if passes(error) else 0
                unseen = error.code in UNSEEN.get(error.status, ())
                lags = error.code in lagging or (stale and unseen)
                hope = self.profile.lag if lags else hope
                if time.monotonic() - began >= hope or lost == LOST_ANSWERS:
                    raise
                say(_("{code}: trying again", code=error.code or error.status))
            pause(self.profile.retry, cancel)

    # -- the subscription

    def tenants(self) -> list[MutableDocument]:
        return self.every("/tenants", api_versions.SUBSCRIPTIONS)

    def subscriptions(self) -> list[MutableDocument]:
        return self.every("/subscriptions", api_versions.SUBSCRIPTIONS)

    def registrations(self, namespaces: Iterable[str]) -> dict[str, str]:
        """Registration state by resource provider namespace."""
        path = f"/subscriptions/{self.subscription}/providers"
        known = {
            p["namespace"].lower(): p["registrationState"]
            for p in self.every(path, api_versions.RESOURCES)
        }
        return {ns: known.get(ns.lower(), "NotRegistered") for ns in namespaces}

    def register(self, namespaces: Iterable[str], say: ReportProgress, cancel: CancelEvent) -> None:
        """Register resource providers, and wait until all of them are registered."""
        wanted = list(namespaces)
        for namespace in wanted:
            # An answer that names no provider is not ARM's, and nothing was registered.
            self.query(
                f"/subscriptions/{self.subscription}/providers/{namespace}/register",
                api_versions.RESOURCES,
                None,
                "registrationState",
            )
        where = _("the subscription's resource providers ({command})", command=PROVIDERS)
        waiting = Waiting(
            _("Registration of resource providers"), where, self.profile.longest, say, cancel
        )
        while True:
            states = self.registrations(wanted)
            left = [ns for ns, state in states.items() if state != "Registered"]
            if not left:
                return
            done = len(wanted) - len(left)
            waiting.tell(_("{done} of {all} registered", done=done, all=len(wanted)))
            waiting.pause(self.profile.polling)


def _reported(message: str, payload: JsonRecord | None = None) -> None:
    current_report()(message)


def _going(found: MutableDocument | None) -> bool:
    return found is not None and found.get("properties", {}).get("provisioningState") == "Deleting"


def _parts(resource_id: str) -> tuple[str, str, str]:
    """Type (lower case), resource group and name of a top-level resource; of any other, only the
    type."""
    parts = resource_id.strip("/").split("/")
    at = (
        len(parts) - 1 - [p.lower() for p in parts][::-1].index("providers")
        if "/providers/" in resource_id
        else -1
    )
    kind = "/".join([parts[at + 1], *parts[at + 2 :: 2]]).lower() if at > 0 else ""
    group = parts[3] if len(parts) > 3 else ""
    return kind, group, parts[-1]
