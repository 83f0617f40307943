"""The files a platform team deploys from: checked as Ray and Kubernetes would, without either."""

import copy
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it brings no stubs
import pytest
import yaml  # type: ignore[import-untyped]  # it brings no stubs
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).resolve().parents[2]
KUBERAY = ROOT / "configs" / "kuberay"
SCHEMA = yaml.safe_load((ROOT / "tests" / "support" / "manifests.schema.yaml").read_text(encoding="utf-8"))

Break = Callable[[dict[str, Any]], Any]


def machines() -> dict[str, Any]:
    """`ray_cluster.yaml`."""
    return dict(yaml.safe_load((ROOT / "ray_cluster.yaml").read_text(encoding="utf-8")))


def manifests() -> Iterator[dict[str, Any]]:
    """Every document of `configs/kuberay/`."""
    for path in sorted(KUBERAY.glob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def manifest(kind: str) -> dict[str, Any]:
    """The first document of a kind."""
    return copy.deepcopy(next(document for document in manifests() if document["kind"] == kind))


def validate(config: dict[str, Any]) -> dict[str, Any]:
    """As `ray up` does before it starts anything."""
    prepared = dict(prepare_config(copy.deepcopy(config)))
    validate_config(prepared)
    return prepared


def pods() -> Iterator[dict[str, Any]]:
    """Specs of every kind of pod."""
    cluster, nightly = manifest("RayCluster")["spec"], manifest("RayJob")["spec"]
    yield cluster["headGroupSpec"]["template"]["spec"]
    yield nightly["submitterPodTemplate"]["spec"]
    for group in cluster["workerGroupSpecs"]:
        yield group["template"]["spec"]


def test_ray_takes_the_cluster_of_machines() -> None:
    prepared = validate(machines())

    assert prepared["available_node_types"]["head"]["max_workers"] == 0


def test_the_head_does_no_work_and_workers_have_limits() -> None:
    config = machines()
    types = config["available_node_types"]

    assert types[config["head_node_type"]]["resources"] == {"CPU": 0}
    assert all(isinstance(value, int) for kind in types.values() for value in kind["resources"].values())
    assert all(kind["min_workers"] <= kind["max_workers"] <= config["max_workers"] for kind in types.values())


def test_every_machine_asks_for_the_token_and_the_dashboard_stays_at_home() -> None:
    config = machines()
    head = " ".join(config["head_start_ray_commands"])

    assert "export RAY_AUTH_MODE=token" in " ".join(config["setup_commands"])
    assert "--dashboard-host=127.0.0.1" in head
    assert "--num-cpus=0" in head
    assert config["provider"]["use_internal_ips"] is True
    assert any(path.endswith("auth_token") for path in config["file_mounts"])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda config: config.update(max_worker=3),
        lambda config: config.pop("provider"),
        lambda config: config.update(head_node_type="kopf"),
        lambda config: config["available_node_types"]["stores"].update(max_replicas=2),
        lambda config: config["available_node_types"]["stores"]["resources"].update(CPU="4"),
        lambda config: config["available_node_types"]["stores"]["resources"].update(CPU=0.5),
        lambda config: config.update(idle_timeout_minutes="soon"),
    ],
    ids=[
        "unknown key", "no provider", "no such head", "unknown key of a type", "text for a number", "half a CPU",
        "no number",
    ],
)  # fmt: skip
def test_ray_refuses_a_broken_cluster_of_machines(spoil: Break) -> None:
    config = machines()
    spoil(config)

    with pytest.raises((jsonschema.ValidationError, ValueError, LookupError)):
        validate(config)


def test_manifests_have_only_fields_that_kubernetes_knows() -> None:
    for document in manifests():
        jsonschema.validate(document, SCHEMA)


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("RayCluster", lambda spec: spec.update(authOption={"mode": "token"})),
        ("RayCluster", lambda spec: spec["authOptions"].update(mode="none")),
        ("RayCluster", lambda spec: spec["gcsFaultToleranceOptions"].pop("redisAddress")),
        ("RayCluster", lambda spec: spec["workerGroupSpecs"][0].update(maxReplica=3)),
        ("RayCluster", lambda spec: spec["headGroupSpec"]["rayStartParams"].update({"num-cpus": 0})),
        ("RayCluster", lambda spec: spec["headGroupSpec"]["template"]["spec"].pop("securityContext")),
        ("RayCluster", lambda spec: spec["headGroupSpec"]["template"]["spec"]["containers"][0].pop("resources")),
        ("RayJob", lambda spec: spec.update(rayClusterSpec={"rayVersion": "2.60.0"})),
        ("RayJob", lambda spec: spec.update(entryPoint="basketry demo")),
        ("PodDisruptionBudget", lambda spec: spec.update(minAvailable=1)),
        ("NetworkPolicy", lambda spec: spec["ingress"][0].update(to=[])),
    ],
)
def test_a_field_that_is_misspelt_or_out_of_place_is_refused(kind: str, spoil: Break) -> None:
    document = manifest(kind)
    spoil(document["spec"])

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_the_manifests_run_the_ray_that_is_installed() -> None:
    assert manifest("RayCluster")["spec"]["rayVersion"] == metadata.version("ray")


def test_the_cluster_asks_for_a_token_and_outlives_its_head() -> None:
    spec = manifest("RayCluster")["spec"]

    assert spec["authOptions"]["mode"] == "token"
    assert spec["gcsFaultToleranceOptions"]["redisPassword"]["valueFrom"]
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert all(0 < group["maxReplicas"] <= 8 for group in spec["workerGroupSpecs"])


def test_every_pod_is_nobody_with_what_it_asked_for() -> None:
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"]
        for container in pod["containers"]:
            assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"]
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert mounted <= {volume["name"] for volume in pod["volumes"]}


def test_no_secret_is_written_down() -> None:
    for pod in pods():
        for container in pod["containers"]:
            for entry in container.get("env", ()):
                secret = any(word in entry["name"] for word in ("URL", "KEY", "TOKEN", "PASSWORD"))
                assert not (secret and "value" in entry), entry["name"]


def test_guards_select_pods_that_there_are() -> None:
    spec = manifest("RayCluster")["spec"]
    templates = [spec["headGroupSpec"]["template"], *(group["template"] for group in spec["workerGroupSpecs"])]
    labels = [template["metadata"]["labels"].items() for template in templates]
    budgets = [document for document in manifests() if document["kind"] == "PodDisruptionBudget"]

    for budget in budgets:
        wanted = budget["spec"]["selector"]["matchLabels"].items()
        assert any(wanted <= has for has in labels), budget["metadata"]["name"]
    policy = next(document for document in manifests() if document["metadata"].get("name") == "basketry-ray")
    assert all(policy["spec"]["podSelector"]["matchLabels"].items() <= has for has in labels)


def test_the_nightly_fleet_runs_on_that_cluster() -> None:
    job = manifest("RayJob")["spec"]

    assert job["entrypoint"].startswith("basketry fleet run s3://")
    assert job["clusterSelector"]["ray.io/cluster"] == manifest("RayCluster")["metadata"]["name"]
