"""A Databricks workspace through its SDK: clusters, libraries, cells in an execution context."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from threading import Event as CancelEvent

from amlwizard.cloud import interruption
from amlwizard.cloud.databricks_client import connected
from amlwizard.cloud.databricks_errors import PASSING, retried, tidying, translated
from amlwizard.cloud.errors import LOST_ANSWERS, NO_ANSWER
from amlwizard.cloud.execution import LostContextError, ended_for
from amlwizard.cloud.notebook import Notebook
from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.secret_scopes import SecretScopes
from amlwizard.cloud.session import TenantCredential
from amlwizard.cloud.waiting import Waiting
from amlwizard.cloud.wire import LostAnswerError, unrepeated
from amlwizard.cloud_port import STOPPED, CellResult, DeviceCodePrompt, ReportProgress
from amlwizard.errors import CloudError, StepError
from amlwizard.json_types import Document
from amlwizard.language import _

INSTALLED = ("INSTALLED", "RESTORED", "SKIPPED", "UNINSTALL_ON_RESTART")
"""States of a library that do not change any more, but for ``FAILED``."""


class Databricks:
    """`credential` is the sign-in, `workspace_id` the ARM id of the workspace."""

    def __init__(
        self,
        profile: CloudProfile,
        credential: TenantCredential,
        workspace_url: str,
        workspace_id: str,
    ) -> None:
        self.profile = profile
        self.client = connected(profile, credential, workspace_url, workspace_id)
        self.secrets = SecretScopes(self.client)

    # -- choices for recipes

    def runtimes(self) -> tuple[str, ...]:
        """The runtimes that a cluster may use, such as ``16.4.x-scala2.12``."""
        found = retried(_("list runtimes"), self.client.clusters.spark_versions).versions or []
        return tuple(str(version.key) for version in found)

    def node_types(self) -> tuple[str, ...]:
        """The node types available in this subscription and region."""
        read = partial(self.client.api_client.do, "GET", "/api/2.1/clusters/list-node-types")
        answer = retried(_("list node types"), read)
        return tuple(
            str(node["node_type_id"])
            for node in answer.get("node_types", [])
            if not (node.get("node_info") or {}).get("status")
        )

    def instance_pools(self) -> dict[str, str]:
        """The ids of the instance pools that the user may use, by name."""
        found = retried(_("list instance pools"), lambda: list(self.client.instance_pools.list()))
        return {str(pool.instance_pool_name): str(pool.instance_pool_id) for pool in found}

    def cluster_policies(self) -> dict[str, str]:
        """The ids of the cluster policies that the user may use, by name."""
        found = retried(
            _("list cluster policies"), lambda: list(self.client.cluster_policies.list())
        )
        return {str(policy.name): str(policy.policy_id) for policy in found}

    # -- clusters

    def find_cluster(self, name: str) -> Document | None:
        """The newest cluster of that name as the API returns it, or None."""
        found = retried(_("list clusters"), lambda: list(self.client.clusters.list()))
        return next((dict(c.as_dict()) for c in found if c.cluster_name == name), None)

    def create_cluster(self, spec: Document) -> str:
        """Create exactly one cluster and return its id. A cluster whose answer was lost would run
        on unnoticed: it is recognized by its name and tags."""
        for left in reversed(range(LOST_ANSWERS)):
            try:
                with translated(_("create the cluster")), unrepeated():
                    answer = self.client.api_client.do(
                        "POST", "/api/2.1/clusters/create", body=spec
                    )
                    return str(answer["cluster_id"])
            except CloudError as error:
                if error.code not in (NO_ANSWER, LostAnswerError.__name__, *PASSING):
                    raise
                if made := self._made(spec):
                    return made
                if not left:
                    raise
            interruption.pause(self.profile.retry)
        raise AssertionError("the last attempt returns or raises")

    def _made(self, spec: Document) -> str | None:
        """The id of a cluster with the name and tags of `spec`."""
        for cluster in retried(_("list clusters"), lambda: list(self.client.clusters.list())):
            tags = (cluster.custom_tags or {}).items()
            if cluster.cluster_name == spec["cluster_name"] and tags >= spec["custom_tags"].items():
                return str(cluster.cluster_id)
        return None

    def edit_cluster(self, cluster_id: str, spec: Document) -> None:
        """Change the settings of a cluster; a running cluster restarts with them."""
        with translated(_("change the cluster")):
            self.client.api_client.do(
                "POST", "/api/2.1/clusters/edit", body={"cluster_id": cluster_id, **spec}
            )

    def start_cluster(self, cluster_id: str) -> None:
        """Start a cluster that is terminated. If the answer is lost, or Databricks says that the
        cluster is starting or runs, that is what was wanted."""
        try:
            with translated(_("start the cluster")), unrepeated():
                self.client.api_client.do(
                    "POST", "/api/2.1/clusters/start", body={"cluster_id": cluster_id}
                )
        except CloudError:
            if self.state(cluster_id) not in ("PENDING", "RUNNING", "RESTARTING"):
                raise

    def state(self, cluster_id: str) -> str:
        """The state of a cluster, such as ``RUNNING``; ``UNKNOWN`` if the API does not report
        one."""
        cluster = retried(_("read the cluster"), lambda: self.client.clusters.get(cluster_id))
        return cluster.state.value if cluster.state else "UNKNOWN"

    def wait_cluster(self, cluster_id: str, say: ReportProgress, cancel: CancelEvent) -> None:
        """Wait until the cluster runs. Raises StepError with Azure's reason if it terminates
        instead."""
        waiting = self._waiting_for_cluster(say, cancel)
        while True:
            cluster = retried(_("read the cluster"), lambda: self.client.clusters.get(cluster_id))
            state = cluster.state.value if cluster.state else "UNKNOWN"
            if state == "RUNNING":
                return
            if state in ("TERMINATED", "ERROR"):
                code = ended_for(cluster)
                raise StepError(
                    _("The Databricks cluster did not start: {code}.", code=code),
                    why=cluster.state_message or "",
                    fix=_CLUSTER_FIXES.get(code, _("Check the cluster's event log, then replay.")),
                )
            waiting.tell(_("cluster {state}", state=state.lower()))
            waiting.pause(self.profile.polling)

    def have_running(self, cluster_id: str, say: ReportProgress, cancel: CancelEvent) -> None:
        """Start the cluster if it has terminated, and wait until it runs with its libraries."""
        state = self._settled(cluster_id, say, cancel)
        if state in STOPPED:
            say(_("starting the cluster again"))
            self.start_cluster(cluster_id)
        if state != "RUNNING":
            self.wait_cluster(cluster_id, say, cancel)
            if packages := self.library_status(cluster_id):
                self._wait_libraries(cluster_id, packages, say, cancel)

    def _settled(self, cluster_id: str, say: ReportProgress, cancel: CancelEvent) -> str:
        """The state, once it is not ``TERMINATING``: until then Databricks refuses to start it."""
        waiting = self._waiting_for_cluster(say, cancel)
        while (state := self.state(cluster_id)) == "TERMINATING":
            waiting.tell(_("cluster terminating"))
            waiting.pause(self.profile.polling)
        return state

    def _waiting_for_cluster(self, say: ReportProgress, cancel: CancelEvent) -> Waiting:
        where = _("the cluster's event log")
        return Waiting(_("The Databricks cluster"), where, self.profile.longest, say, cancel)

    # -- libraries

    def library_status(self, cluster_id: str) -> dict[str, str]:
        """State (``INSTALLED``, ``PENDING``, ``FAILED``...) by PyPI requirement."""
        found = self._libraries(cluster_id)
        return {package: state for package, (state, _message) in found.items()}

    def _libraries(self, cluster_id: str) -> dict[str, tuple[str, str]]:
        found = retried(
            _("read the libraries"),
            lambda: list(self.client.libraries.cluster_status(cluster_id)),
        )
        return {
            s.library.pypi.package: (
                s.status.value if s.status else "",
                "; ".join(s.messages or []),
            )
            for s in found
            if s.library and s.library.pypi
        }

    def install_libraries(
        self, cluster_id: str, packages: Sequence[str], say: ReportProgress, cancel: CancelEvent
    ) -> None:
        """Install PyPI packages and wait for them. Raises StepError if one fails."""
        self._install(cluster_id, packages)
        self._wait_libraries(cluster_id, packages, say, cancel)

    def _install(self, cluster_id: str, packages: Sequence[str]) -> None:
        from databricks.sdk.service.compute import Library, PythonPyPiLibrary

        libraries = [Library(pypi=PythonPyPiLibrary(package=package)) for package in packages]
        retried(
            _("install libraries"),
            partial(self.client.libraries.install, cluster_id, libraries),
        )

    def _wait_libraries(
        self, cluster_id: str, packages: Collection[str], say: ReportProgress, cancel: CancelEvent
    ) -> None:
        where = _("the libraries of the cluster")
        waiting = Waiting(_("Installation of libraries"), where, self.profile.longest, say, cancel)
        while True:
            states = {p: s for p, s in self._libraries(cluster_id).items() if p in packages}
            failed = {p: message for p, (state, message) in states.items() if state == "FAILED"}
            if failed:
                raise StepError(
                    _("Libraries could not be installed: {packages}.", packages=", ".join(failed)),
                    why="; ".join(failed.values()),
                    fix=_(
                        "Choose versions that exist for the runtime, under training. If the cluster could "
                        "not reach the package index, replay once it can."
                    ),
                )
            left = [p for p in packages if states.get(p, ("", ""))[0] not in INSTALLED]
            if not left:
                return
            self._must_live(cluster_id)
            # What accepted the request may not have been Databricks: it would know them.
            if unknown := [p for p in packages if p not in states]:
                self._install(cluster_id, unknown)
            done = len(packages) - len(left)
            waiting.tell(_("{done} of {all} installed", done=done, all=len(packages)))
            waiting.pause(self.profile.polling)

    def _must_live(self, cluster_id: str) -> None:
        """Raises StepError if the cluster has terminated: its libraries stay pending then."""
        cluster = retried(_("read the cluster"), lambda: self.client.clusters.get(cluster_id))
        if cluster.state and cluster.state.value in STOPPED:
            raise StepError(
                _(
                    "The Databricks cluster terminated in the meantime: {reason}.",
                    reason=ended_for(cluster),
                ),
                why=cluster.state_message or _("Its libraries were being installed."),
                fix=_("Check the cluster's event log, then replay: the cluster is started again."),
            )

    # -- cells

    def close_context(self, cluster_id: str, context_id: str) -> None:
        """Close an execution context, and end the cell that runs in it; suppresses errors."""
        with tidying():
            self.client.command_execution.destroy(cluster_id, context_id)

    def run_cells(
        self,
        cluster_id: str,
        cells: Sequence[str],
        say: ReportProgress,
        cancel: CancelEvent,
        *,
        ask: DeviceCodePrompt | None = None,
        before_each: Callable[[], None] = lambda: None,
        closing: Callable[[str], str] | None = None,
        noted: Callable[[str], AbstractContextManager[None]] = lambda context_id: nullcontext(),
    ) -> list[CellResult]:
        """Run cells one after another in one execution context. Raises StepError for the first one
        that fails, and for a last one whose result Databricks has cut off. Then the cell that
        `closing` gives for ``FAILED``, or ``KILLED`` after a cancellation, has a moment to run.

        If the cluster terminates meanwhile, loses the context, or the answer to a request is lost,
        all cells run once more: a notebook takes up what it has done.

        A cell may make the others needless, and gives the result of the last one
        (``notebook_result`` in its data).

        `noted` is entered with the id of the context before it is used.

        A cell may request a sign-in (``login_needed`` in its data): `ask` shows the code, which is
        passed on to nothing else, and is notified when a later cell has signed in.
        """
        notebook = Notebook(cells, say, cancel, ask, before_each, closing, noted)
        try:
            return notebook.run(self.client, cluster_id, self.profile.polling)
        except LostContextError as lost:
            say(_("{problem} The notebook starts again.", problem=lost.what))
        self.have_running(cluster_id, say, cancel)
        return notebook.run(self.client, cluster_id, self.profile.polling)


_CLUSTER_FIXES = {
    "AZURE_QUOTA_EXCEEDED_EXCEPTION": _("Ask for more vCPU quota, or choose a smaller node type."),
    "NETWORK_CHECK_CONTROL_PLANE_FAILURE": _("Give the Databricks subnets a NAT gateway."),
    "CLOUD_PROVIDER_LAUNCH_FAILURE": _(
        "Follow Azure's message. If it refuses public IP addresses, set "
        "security.databricks_no_public_ip to true: nodes then need none."
    ),
    "IP_EXHAUSTION_FAILURE": _("Use larger Databricks subnets, or fewer workers."),
}
