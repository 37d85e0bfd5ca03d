"""The manifests, as Kubernetes' and KServe's own schemas read them, and kustomize builds them."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from service.settings import Settings

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
FILES = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
PREDICTOR = json.loads((Path(__file__).parent / "predictor.json").read_text())
VERSIONS = ("1.31", "1.37")

Document = dict[str, Any]


def read(name: str) -> Document:
    document: Document = yaml.safe_load((FOLDER / name).read_text())
    return document


def build(folder: Path) -> list[Document]:
    """What `kubectl kustomize` makes of `folder`."""
    if (kubectl := shutil.which("kubectl")) is None:
        pytest.skip("kubectl is missing")
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def inference_pod() -> Document:
    """The predictor's part that is a pod's, as a pod."""
    predictor = read("kserve.yaml")["spec"]["predictor"]
    spec = {name: part for name, part in predictor.items() if name not in PREDICTOR["properties"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "convlens"}, "spec": spec}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", FILES)
def test_every_manifest_is_valid(name: str, version: str) -> None:
    kubernetes_validate.validate(read(name), version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_inference_service_is_valid(version: str) -> None:
    service = read("kserve.yaml")
    assert service["apiVersion"] == "serving.kserve.io/v1beta1"
    assert set(service["spec"]) == {"predictor"}
    pod = inference_pod()
    kubernetes_validate.validate(pod, version, strict=True)
    own = {
        name: part for name, part in service["spec"]["predictor"].items() if name not in pod["spec"]
    }
    jsonschema.validate(own, PREDICTOR)


def test_no_manifest_is_forgotten() -> None:
    there = {path.name for path in FOLDER.glob("*.yaml")}
    assert there == {*FILES, "kustomization.yaml", "kserve.yaml"}


def test_a_wrong_field_is_found() -> None:
    wrong = read("deployment.yaml")
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_kustomize_builds_what_the_files_say() -> None:
    built = {document["kind"]: document for document in build(FOLDER)}
    assert set(built) == {read(name)["kind"] for name in FILES}
    for document in built.values():
        kubernetes_validate.validate(document, VERSIONS[-1], strict=True)


def test_keys_are_mounted_where_the_setting_says(tmp_path: Path) -> None:
    overlay = tmp_path / "deploy" / "overlay"
    shutil.copytree(FOLDER, tmp_path / "deploy" / "kubernetes")
    overlay.mkdir()
    kustomization = {"resources": ["../kubernetes"], "components": ["../kubernetes/keys"]}
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    built = {document["kind"]: document for document in build(overlay)}
    kubernetes_validate.validate(built["Deployment"], VERSIONS[-1], strict=True)
    container = built["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    (keys,) = (one["value"] for one in container["env"] if one["name"] == "CONVLENS_KEYS")
    assert str(Path(keys).parent) in mounts
    assert "/dev/shm" in mounts


@pytest.mark.parametrize("kind", ["deployment", "inference"])
def test_pods_have_settings_that_exist_and_time_to_end(kind: str) -> None:
    spec = (
        read("deployment.yaml")["spec"]["template"]["spec"]
        if kind == "deployment"
        else inference_pod()["spec"]
    )
    (container,) = spec["containers"]
    given = {
        one["name"].removeprefix("CONVLENS_").lower(): one["value"] for one in container["env"]
    }
    settings = Settings(**given)
    assert spec["terminationGracePeriodSeconds"] >= 2 * (
        settings.drain_seconds + settings.deadline_seconds
    )
    # Traffic must have stopped before the drain is over: readiness fails within it.
    readiness = container["readinessProbe"]
    assert settings.drain_seconds >= readiness["periodSeconds"] * readiness["failureThreshold"]
    assert container["resources"]["requests"]["cpu"] == str(settings.workers)
