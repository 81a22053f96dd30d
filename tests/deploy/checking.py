"""Renders, lints and checks the chart by Helm's own library; prints what came of it as JSON.

For an interpreter that has `PACKAGES`. Its arguments are the chart's folder and files of values.
"""

import json
import sys
from pathlib import Path
from typing import Any

# Helm 4's own code as a library, and the schemas of Kubernetes' releases; and for files of compose
# the specification's grammar, and a linter of what is risky.
PACKAGES = (
    "helm-python-sdk==0.2.2", "kubernetes-validate==1.37.0", "compose-spec==0.2.1",
    "compose-lint==0.36.2",
)  # fmt: skip
# The oldest that the chart is for, and the newest that there is a schema of.
VERSIONS = ("1.27.0", "1.37.0")


def rendered(chart: str, values: dict[str, Any], *, is_upgrade: bool) -> dict[str, Any]:
    """The documents of a release, its notes, and what the schemas say of the documents."""
    import helm_python
    import yaml

    with helm_python.Chart.load(chart) as loaded:
        files = loaded.render(values, name="keeptrusts", namespace="kt", is_install=not is_upgrade,
                              is_upgrade=is_upgrade)  # fmt: skip
    notes = "".join(text for path, text in files.items() if path.endswith("NOTES.txt"))
    documents = [
        document
        for path, text in sorted(files.items())
        if path.endswith(".yaml")
        for document in yaml.safe_load_all(text)
        if document
    ]
    return {"notes": notes, "documents": documents, "faults": faults(documents)}


def faults(documents: list[dict[str, Any]]) -> list[str]:
    """What the schemas of Kubernetes refuse; what is no kind of its own is left out."""
    import kubernetes_validate

    found = []
    for document in documents:
        if document["apiVersion"].startswith("monitoring.coreos.com/"):
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as exc:
                found.append(f"{version} {document['kind']} {list(exc.path)}: {exc.message}")
    return found


def main(chart: str, *files: str) -> dict[str, Any]:
    """What lint says, what is refused without values, and what each file of values makes."""
    import helm_python
    import yaml

    read = {Path(file).stem: yaml.safe_load(Path(file).read_text()) for file in files}
    with helm_python.Chart.load(chart) as loaded:
        try:
            loaded.render({}, name="keeptrusts", namespace="kt")
        except helm_python.HelmValuesError as exc:
            refused = str(exc)
        else:
            refused = ""
    return {
        "refused": refused,
        "lint": {
            name: helm_python.lint(chart, values, strict=True) for name, values in read.items()
        },
        "install": {name: rendered(chart, one, is_upgrade=False) for name, one in read.items()},
        "upgrade": {name: rendered(chart, one, is_upgrade=True) for name, one in read.items()},
        "planted": faults([{"apiVersion": "v1", "kind": "Service", "spec": {"portz": []}}]),
    }


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
