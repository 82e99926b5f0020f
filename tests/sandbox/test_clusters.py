"""Clusters of Databricks: what the sandbox refuses and cuts off as Databricks does, and how the
product gets along with it. Asked by the product's client and by databricks-sdk itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from importlib.metadata import requires, version
from itertools import count
from threading import Event as CancelEvent
from typing import Any

import pytest
from packaging.requirements import Requirement
from support import Asked, recipe_of
from support.forbidding import NO_ADDRESS
from support.platforms import Platform

from amlwizard.cloud import execution
from amlwizard.errors import CloudError, OperationCancelledError, SignInError, StepError
from amlwizard.plan import Context, Found
from amlwizard.plan.outputs import Outputs
from amlwizard.sandbox.databricks import access_modes
from amlwizard.steps import steps_for
from amlwizard.steps.cluster import cluster_spec
from amlwizard.steps.training import LARGEST_PICTURE

pytestmark = pytest.mark.xdist_group("refusals")

RUNTIME = "16.4.x-scala2.12"


def platform_recipe(**changes: Any) -> Any:
    return recipe_of("quickstart", **{key: str(value) for key, value in changes.items()})


@pytest.fixture
def client(platform: Platform) -> Any:
    made = platform.outputs["databricks"]
    return platform.cloud.databricks(made["url"], made["id"])


@pytest.fixture
def started(client: Any) -> Callable[..., str]:
    """Starts a cluster of a runtime; answers its id."""

    names = map("other-{}".format, count())

    def start(runtime: str, **spec: Any) -> str:
        number = client.create_cluster(
            {"cluster_name": next(names), "spark_version": runtime, "node_type_id": "Standard_DS3_v2",
             "num_workers": 0, "custom_tags": {}, **spec}
        )  # fmt: skip
        client.wait_cluster(number, lambda *_, **__: None, CancelEvent())
        return str(number)

    return start


def printed(client: Any, cluster: str, cell: str) -> Any:
    return client.run_cells(cluster, [cell, "pass"], lambda *_, **__: None, CancelEvent())[0]


# -- libraries of the runtime

# What 16.4 LTS comes with, by Databricks' release notes.
COMES_WITH = {
    "databricks-sdk": "0.30.0", "protobuf": "4.24.1", "numpy": "1.26.4", "pandas": "1.5.3",
    "scipy": "1.13.1", "pyarrow": "15.0.2", "cryptography": "42.0.5", "matplotlib": "3.8.4",
    "packaging": "24.1", "pyyaml": "6.0.1", "requests": "2.32.2",
}  # fmt: skip


def test_pins_leave_what_the_driver_itself_works_with() -> None:
    """Nothing that they need is newer than what the runtime has: pip changes none of it."""
    training = platform_recipe().training
    pins = {
        "mlflow": training.mlflow,
        "azureml-mlflow": training.azureml_mlflow,
        "scikit-learn": training.scikit_learn,
    }
    assert {name: version(name) for name in pins} == pins
    wanted = [
        Requirement(text) for name in (*pins, "mlflow-skinny") for text in requires(name) or ()
    ]
    judged = [r for r in wanted if r.name.lower() in COMES_WITH and "extra" not in str(r.marker)]
    assert {"databricks-sdk", "protobuf", "numpy"} <= {r.name for r in judged}
    assert [str(r) for r in judged if COMES_WITH[r.name.lower()] not in r.specifier] == []


# -- what is forbidden

FORBIDDEN = {
    "an account that it does not know": ("User not authorized.", "role Contributor or Owner"),
    "an address": (
        "Source IP address: 192.0.2.7 is blocked by Databricks IP ACL for workspace: 74",
        "from a network that is allowed",
    ),
    "a network": (
        "Unauthorized network access to workspace: 74",
        "from a network that is allowed",
    ),
    "clusters": ("You are not authorized to create clusters.", "Unrestricted cluster creation"),
    "anything else": ("a@b.c does not have Manage permissions on 0101-1", "give the account that"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_databricks_forbids_is_told_with_what_opens_it(
    platform: Platform, started: Callable[..., str], what: str
) -> None:
    message, fix = FORBIDDEN[what]
    body = {"error_code": "PERMISSION_DENIED", "message": message}
    platform.sandbox.fault("POST /api/2.1/clusters/create", status=403, body=body, times=1)
    with pytest.raises(CloudError) as error:
        started(RUNTIME)
    platform.sandbox.clear()
    assert message in error.value.why and fix in error.value.fix
    assert ("Contributor" in error.value.fix) == (what == "an account that it does not know")


# -- addresses of nodes


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"policies": [NO_ADDRESS]}, "disallowed by policy"),
        ({"limits": {"PublicIPAddresses": 2}}, "Cannot create more than 2 public IP addresses"),
    ],
)
def test_nodes_that_may_have_no_public_address_do_not_start(
    platform: Platform, started: Callable[..., str], state: dict[str, Any], code: str
) -> None:
    platform.sandbox.change(**state)
    assert started(RUNTIME), "secure cluster connectivity needs none"
    workspace = platform.outputs["databricks"]["id"].lower()
    public = {"properties": {"parameters": {"enableNoPublicIp": {"value": False}}}}
    platform.sandbox.change(resources={workspace: public})
    with pytest.raises(StepError) as error:
        started(RUNTIME)
    assert "CLOUD_PROVIDER_LAUNCH_FAILURE" in str(error.value) and code in error.value.why
    assert "security.databricks_no_public_ip" in error.value.fix


# -- runtimes and node types


def test_databricks_tells_its_runtimes_and_node_types(client: Any) -> None:
    keys = {version.key for version in client.client.clusters.spark_versions().versions}
    assert {RUNTIME, "17.3.x-scala2.13", "18.x-scala2.13", "15.4.x-cpu-ml-scala2.12"} <= keys
    assert "17.3.x-scala2.12" not in keys
    nodes = client.client.clusters.list_node_types().node_types
    assert "Standard_DS3_v2" in {node.node_type_id for node in nodes}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"spark_version": "99.9.x-scala2.12"}, "Invalid spark version 99.9.x-scala2.12."),
        ({"spark_version": "17.3.x-scala2.12"}, "Invalid spark version 17.3.x-scala2.12."),
        ({"node_type_id": "Standard_Z9"}, "Node type Standard_Z9 is not supported."),
        ({"node_type_id": ""}, "Missing required field 'node_type_id'"),
    ],
)
def test_what_it_does_not_offer_is_refused(client: Any, spec: dict[str, str], why: str) -> None:
    asked = {"cluster_name": "x", "spark_version": RUNTIME, "node_type_id": "Standard_DS3_v2"}
    with pytest.raises(CloudError) as error:
        client.create_cluster({**asked, "custom_tags": {}, **spec})
    assert error.value.code == "INVALID_PARAMETER_VALUE" and why in error.value.why


# -- access modes


def test_it_knows_the_access_modes_that_databricks_own_client_knows() -> None:
    from databricks.sdk.service.compute import DataSecurityMode

    known = {access_modes.AUTO, *access_modes.STANDARD, *access_modes.OTHERS}
    assert {mode.value for mode in DataSecurityMode} == known


@pytest.mark.parametrize(
    ("runtime", "mode", "why"),
    [
        ("16.4.x-cpu-ml-scala2.12", "USER_ISOLATION", "does not support USER_ISOLATION"),
        ("16.4.x-gpu-ml-scala2.12", "DATA_SECURITY_MODE_STANDARD", "does not support"),
        (RUNTIME, "SHARED", "SHARED"),
    ],
)
def test_an_access_mode_that_is_not_to_be_had_is_refused(
    started: Callable[..., str], runtime: str, mode: str, why: str
) -> None:
    with pytest.raises(CloudError, match=why):
        started(runtime, data_security_mode=mode)


@pytest.mark.parametrize("mode", ["USER_ISOLATION", "DATA_SECURITY_MODE_AUTO"])
def test_in_standard_access_mode_cells_are_kept_from_the_machine(
    client: Any, started: Callable[..., str], mode: str
) -> None:
    standard = started(RUNTIME, data_security_mode=mode)
    with pytest.raises(StepError, match="JVM_ATTRIBUTE_NOT_SUPPORTED") as error:
        printed(client, standard, "spark.sparkContext.parallelize([1])")
    assert "standard access mode" in error.value.why and "dedicated" in error.value.fix
    with pytest.raises(StepError, match="no Spark for clusters in standard access mode"):
        printed(client, standard, "from pyspark.sql import functions")
    with pytest.raises(StepError, match="/dbfs/tmp"):
        printed(client, standard, "open('/dbfs/tmp/model.pkl', 'wb')")
    cell = "from mlflow.spark import _check_databricks_uc_volume_tmpdir_availability as check\n"
    with pytest.raises(StepError, match="UC volume path must be provided") as error:
        printed(client, standard, f"{cell}check('/tmp/mlflow')")
    assert "standard access mode" in error.value.why
    assert printed(client, standard, f"{cell}print(check('/Volumes/a/b/c'))").text == "None"
    dedicated = started(RUNTIME, data_security_mode="DATA_SECURITY_MODE_DEDICATED")
    assert printed(client, dedicated, f"{cell}print(check('/tmp/mlflow'))").text == "None"


# -- what a command prints


def test_before_runtime_17_the_middle_of_a_long_output_is_left_out(
    client: Any, started: Callable[..., str]
) -> None:
    old, new = started(RUNTIME), started("17.3.x-scala2.13")
    wide = started(RUNTIME, spark_conf={"spark.databricks.driver.maxReplOutputLength": "100000"})
    lines = "for n in range(10000): print('line', n)"
    cut = printed(client, old, lines)
    assert cut.cut and 49_000 < len(cut.text) < 51_000
    assert cut.text.startswith("line 0\n") and cut.text.endswith("line 9999")
    assert "*** WARNING: skipped " in cut.text
    assert all(not printed(client, cluster, lines).cut for cluster in (new, wide))
    one_line = printed(client, old, "print('x' * 59_040)").text
    assert one_line.startswith("x" * 50_000 + "\n*** WARNING: skipped 9041 bytes of output ***")


def test_a_file_that_does_not_come_through_is_lost_and_nothing_else(
    client: Any, started: Callable[..., str]
) -> None:
    old = started(RUNTIME)
    said: list[str] = []
    cells = [
        "import base64\n"
        "big = base64.b64encode(bytes(45_000)).decode()\n"
        "print('drawn')\nprint('amlwizard-file:big.png 45000', big)",
        "print('amlwizard-file:small.png 3', base64.b64encode(b'png').decode())\n"
        "print('amlwizard:{\"mse\": 1}')",
    ]
    drawn, last = client.run_cells(
        old,
        cells,
        lambda message, payload: said.append(getattr(payload, "text", "")),
        CancelEvent(),
    )
    assert (drawn.lost, drawn.files) == (("big.png",), ())
    assert "big.png did not arrive complete" in said[1]
    assert last.data == {"mse": 1} and not last.lost
    assert [(f.name, f.content) for f in last.files] == [("small.png", b"png")]


@pytest.mark.parametrize(
    "cell",
    [
        "print('amlwizard:{\"x\": \"' + 'y' * 60_000 + '\"}')",
        "print('x' * 60_000)\nprint('amlwizard:{\"x\": \"' + 'y' * 30_000 + '\"}')",
    ],
)
def test_a_result_that_is_cut_off_is_told_with_the_way_out(
    client: Any, started: Callable[..., str], cell: str
) -> None:
    with pytest.raises(StepError) as error:
        client.run_cells(started(RUNTIME), [cell], lambda *_, **__: None, CancelEvent())
    assert "cannot be read" in error.value.what and "maxReplOutputLength" in error.value.fix


def test_ours_keep_what_their_cells_print_for_every_number_of_workers(platform: Platform) -> None:
    for workers in (0, 1, 3):
        recipe = platform_recipe(training__workers=workers)
        conf = cluster_spec(recipe)["spark_conf"]
        assert 50_000 < int(conf["spark.databricks.driver.maxReplOutputLength"]) <= 20 * 1024**2


# -- libraries


@pytest.mark.parametrize(
    ("runtime", "python", "failed"),
    [
        ("10.4.x-scala2.12", "3.8", {"scikit-learn==1.9.1", "mlflow==2.22.5"}),
        ("14.3.x-scala2.12", "3.10", {"scikit-learn==1.9.1"}),
        ("15.4.x-scala2.12", "3.11", set()),
        ("18.x-scala2.13", "3.12", set()),
    ],
)
def test_libraries_that_want_a_newer_python_fail(
    client: Any, started: Callable[..., str], runtime: str, python: str, failed: set[str]
) -> None:
    from databricks.sdk.service.compute import Library, PythonPyPiLibrary

    cluster, packages = started(runtime), ["scikit-learn==1.9.1", "mlflow==2.22.5"]
    client.client.libraries.install(
        cluster, [Library(pypi=PythonPyPiLibrary(package=package)) for package in packages]
    )
    states = client.library_status(cluster)
    assert {package for package, state in states.items() if state == "FAILED"} == failed
    if failed:
        with pytest.raises(StepError) as error:
            client.install_libraries(cluster, packages, lambda *_, **__: None, CancelEvent())
        assert "Requires-Python >=3.11" in error.value.why


# -- a cluster that is not as the recipe has it


class Looked:
    """The step of the cluster, for a recipe with changes, against the standing platform."""

    def __init__(self, platform: Platform, **changes: Any) -> None:
        recipe = platform_recipe(**changes)
        self.step = next(s for s in steps_for(recipe) if s.id == "databricks-cluster")
        self.context = Context(
            recipe, platform.cloud, Outputs(platform.outputs), CancelEvent(), Asked()
        )  # fmt: skip

    def read(self) -> Found:
        found = self.step.read(self.context)
        assert found
        return found

    def apply(self) -> Any:
        return self.step.apply(self.context, lambda *_, **__: None)


def test_what_databricks_writes_in_its_own_way_is_no_difference(
    platform: Platform, client: Any
) -> None:
    found = client.find_cluster(platform_recipe().names.cluster)
    assert "num_workers" not in found and found["spark_conf"]["spark.master"] == "local[*, 4]"
    looked = Looked(platform).read()
    assert (looked.state, looked.note) == ("ready", "")


@pytest.fixture
def shared(client: Any) -> Callable[[str, dict[str, Any]], str]:
    """Makes what an administrator shares in the workspace, by databricks-sdk; answers its id."""

    def make(kind: str, given: dict[str, Any]) -> str:
        if kind == "pool":
            return str(client.client.instance_pools.create(**given).instance_pool_id)
        definition = json.dumps(given.pop("definition"))
        made = client.client.cluster_policies.create(definition=definition, **given)
        return str(made.policy_id)

    return make


def test_a_cluster_scales_and_comes_from_a_pool_under_a_policy(
    platform: Platform, client: Any, shared: Callable[[str, dict[str, Any]], str]
) -> None:
    pool = shared("pool", {"instance_pool_name": "warm", "node_type_id": "Standard_D4s_v5"})
    limits = {"autoscale.max_workers": {"type": "range", "maxValue": 4}}
    policy = shared("policy", {"name": "small", "definition": limits})
    asked: dict[str, Any] = {
        "names__cluster": "scaled", "training__workers": 1, "training__max_workers": 3,
        "training__instance_pool": "warm", "training__cluster_policy": "small",
    }  # fmt: skip
    step = Looked(platform, **asked)
    cluster = step.apply()["id"]
    found = client.find_cluster("scaled")
    assert found["autoscale"] == {"min_workers": 1, "max_workers": 3}
    assert (found["instance_pool_id"], found["policy_id"]) == (pool, policy)
    assert found["node_type_id"] == "Standard_D4s_v5", "the pool's"
    assert step.read().state == "ready"
    assert Looked(platform, **asked | {"training__instance_pool": pool}).read().state == "ready"
    fixed = Looked(platform, names__cluster="scaled", training__workers=1).read()
    assert fixed.state == "differs" and any(
        "autoscale" in difference for difference in fixed.differences
    )
    with pytest.raises(
        CloudError, match=r"autoscale.max_workers, the value must be .*4.*\(is \"5\"\)"
    ):
        Looked(platform, **asked | {"training__max_workers": 5}).apply()
    with pytest.raises(StepError, match="no instance pool cold") as refused:
        Looked(platform, **asked | {"training__instance_pool": "cold"}).apply()
    assert "warm" in refused.value.why
    client.client.clusters.delete(cluster)


def test_a_policy_that_wants_another_access_mode_is_told_with_the_way_out(
    platform: Platform, shared: Callable[[str, dict[str, Any]], str]
) -> None:
    limits = {"data_security_mode": {"type": "fixed", "value": "USER_ISOLATION"}}
    shared("policy", {"name": "standard only", "definition": limits})
    step = Looked(platform, names__cluster="isolated", training__cluster_policy="standard only")
    with pytest.raises(CloudError) as error:
        step.apply()
    assert "data_security_mode" in error.value.why and "SINGLE_USER" in error.value.fix


def test_what_databricks_refuses_of_pools_and_scales(
    client: Any, started: Callable[..., str], shared: Callable[[str, dict[str, Any]], str]
) -> None:
    pool = shared("pool", {"instance_pool_name": "other", "node_type_id": "Standard_D4s_v5"})
    with pytest.raises(CloudError, match="cannot be supplied when an instance pool ID"):
        started(RUNTIME, instance_pool_id=pool)
    with pytest.raises(CloudError, match="Can't find an instance pool with id: none"):
        started(RUNTIME, instance_pool_id="none", node_type_id=None)
    with pytest.raises(CloudError, match="max_workers"):
        started(RUNTIME, autoscale={"min_workers": 2, "max_workers": 2})


def test_other_settings_change_the_cluster_and_make_no_new_one(
    platform: Platform, client: Any
) -> None:
    number = platform.outputs["databricks-cluster"]["id"]
    other = Looked(platform, training__node_type="Standard_D4s_v5")
    assert other.read().state == "differs"
    assert other.apply() == {"id": number}
    assert client.find_cluster(platform_recipe().names.cluster)["node_type_id"] == "Standard_D4s_v5"
    assert (other.read().state, other.read().note) == ("ready", "")
    assert not [c for c in platform.sandbox.calls if c.endswith("clusters/permanent-delete")]


def test_the_newer_name_of_its_access_mode_is_no_difference(
    platform: Platform, client: Any
) -> None:
    spec = cluster_spec(platform_recipe())
    number = platform.outputs["databricks-cluster"]["id"]
    for mode, note in (("DATA_SECURITY_MODE_DEDICATED", ""), ("USER_ISOLATION", "USER_ISOLATION")):
        client.edit_cluster(number, {**spec, "data_security_mode": mode})
        found = Looked(platform).read()
        assert found.state == "ready" and note in found.note and bool(note) == bool(found.note)


def test_what_somebody_else_has_set_is_told_and_left(platform: Platform, client: Any) -> None:
    spec = cluster_spec(platform_recipe())
    number = platform.outputs["databricks-cluster"]["id"]
    client.edit_cluster(number, {**spec, "autotermination_minutes": 500})
    found = Looked(platform).read()
    assert found.state == "ready"
    assert "autotermination_minutes: 500 -> " in found.note and "left as it is" in found.note


def test_a_cluster_of_somebody_elses_by_that_name_is_used_as_it_is(
    platform: Platform, client: Any
) -> None:
    spec = cluster_spec(platform_recipe())
    number = platform.outputs["databricks-cluster"]["id"]
    client.edit_cluster(number, {**spec, "custom_tags": {}, "node_type_id": "Standard_DS4_v2"})
    found = Looked(platform).read()
    assert found.state == "ready" and "node_type_id" in found.note


def test_the_picture_is_small_enough_to_come_through() -> None:
    assert len(base64.b64encode(bytes(LARGEST_PICTURE))) < 45_000


def test_interrupting_a_cell_cancels_it_on_the_cluster(client: Any, platform: Platform) -> None:
    cancel = CancelEvent()

    def say(message: str, payload: object = None) -> None:
        if message.startswith("cell 1 of 1"):
            cancel.set()

    with pytest.raises(OperationCancelledError):
        client.run_cells(
            platform.outputs["databricks-cluster"]["id"],
            ["import time\ntime.sleep(600)"],
            say,
            cancel,
        )
    assert platform.sandbox.calls[-2:] == [
        "POST /api/1.2/commands/cancel",
        "POST /api/1.2/contexts/destroy",
    ]


def test_a_cell_that_runs_for_ever_is_ended_at_the_limit(
    client: Any, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "CELL_SECONDS", 0.3)
    cluster, cells = platform.outputs["databricks-cluster"]["id"], ["while True: pass"]
    before = len(platform.sandbox.calls)
    with pytest.raises(StepError) as error:
        client.run_cells(cluster, cells, lambda *_, **__: None, CancelEvent())
    assert error.value.what.startswith("Cell 1 was still running") and error.value.fix
    assert "POST /api/1.2/commands/cancel" in platform.sandbox.calls[before:]
    monkeypatch.undo()
    assert platform.run('print(\'amlwizard:{"is": "free"}\')') == {"is": "free"}


def test_a_sign_in_that_entra_refuses_in_a_cell_is_named(
    client: Any, started: Callable[..., str]
) -> None:
    """What the notebook's own sign-in meets comes back as the error of a cell."""
    cell = "raise RuntimeError('AADSTS53003: Access has been blocked.')"
    with pytest.raises(SignInError) as caught:
        client.run_cells(started(RUNTIME), [cell], lambda *_, **__: None, CancelEvent())
    assert caught.value.code == "AADSTS53003" and "Conditional Access" in caught.value.why
    assert "sign_in.notebook_login" in caught.value.fix
