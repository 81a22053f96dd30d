"""The software bill of materials of the control plane and the gateway, as CycloneDX JSON.

`python -m supply.sbom` prints it: every pin of `requirements.txt` with its licence, the hashes of
its files and what it needs. Two runs on the same locks print the same.
"""

import json
import sys
import uuid
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement

from supply import licences, pins
from supply.pins import Pin

_PRODUCT = "keeptrusts"
_SPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562's for urls.


def build(run: Mapping[str, Pin]) -> dict[str, Any]:
    """The document for these pins."""
    version = metadata.version(_PRODUCT)
    root = f"pkg:pypi/{_PRODUCT}@{version}"
    facts = "\n".join([root, *(f"{pin.purl} {' '.join(pin.hashes)}" for pin in run.values())])
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_SPACE, facts)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": _PRODUCT,
                "version": version,
                "purl": root,
                "licenses": [{"expression": "Apache-2.0"}],
            }
        },
        "components": [_component(pin) for pin in run.values()],
        "dependencies": [
            {"ref": root, "dependsOn": sorted(pin.purl for pin in run.values())},
            *({"ref": pin.purl, "dependsOn": _needs(pin, run)} for pin in run.values()),
        ],
    }


def _component(pin: Pin) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": pin.purl,
        "name": pin.name,
        "version": pin.version,
        "purl": pin.purl,
        "externalReferences": [
            {
                "type": "distribution",
                "url": f"https://pypi.org/project/{pin.name}/{pin.version}/",
                "hashes": [{"alg": "SHA-256", "content": content} for content in pin.hashes],
            }
        ],
    }
    if licence := licences.of(pin.name):
        component["licenses"] = [{"expression": licence}]
    return component


def _needs(pin: Pin, run: Mapping[str, Pin]) -> list[str]:
    """What an installed package requires on this machine, among the pins."""
    try:
        required = metadata.requires(pin.name) or []
    except metadata.PackageNotFoundError:
        return []  # Not needed on this machine.
    names = set()
    for line in required:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            names.add(pins.normalised(requirement.name))
    return sorted(run[name].purl for name in names if name in run)


def main() -> int:
    """Print the document."""
    json.dump(build(pins.read(pins.RUN)), sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
