"""The software bill of materials: valid CycloneDX, complete, and the same twice."""

import json

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from supply import pins, sbom


def test_it_is_valid_by_the_schema() -> None:
    """As the strict form of CycloneDX 1.6 has it."""
    text = json.dumps(sbom.build(pins.read(pins.RUN)))

    strict = JsonStrictValidator(SchemaVersion.V1_6)
    assert strict.validate_str(text) is None
    assert strict.validate_str(text.replace('"library"', '"libary"', 1)) is not None


def test_it_lists_every_pin_with_hashes_and_licence() -> None:
    """And nothing else."""
    run = pins.read(pins.RUN)

    components = {one["name"]: one for one in sbom.build(run)["components"]}

    assert components.keys() == run.keys()
    for name, pin in run.items():
        [reference] = components[name]["externalReferences"]
        assert [one["content"] for one in reference["hashes"]] == list(pin.hashes)
        assert components[name]["licenses"][0]["expression"]


def test_it_says_what_needs_what() -> None:
    """Every reference names a component, and known needs are there."""
    document = sbom.build(pins.read(pins.RUN))
    needs = {one["ref"]: one["dependsOn"] for one in document["dependencies"]}
    names = {ref.rpartition("/")[2].partition("@")[0]: ref for ref in needs}

    assert {ref for listed in needs.values() for ref in listed} <= needs.keys()
    assert names["kombu"] in needs[names["celery"]]
    assert names["yarl"] in needs[names["aiohttp"]]


def test_it_is_the_same_twice() -> None:
    """And another one as soon as a hash is another."""
    run = pins.read(pins.RUN)

    assert sbom.build(run) == sbom.build(run)
    fewer = dict(list(run.items())[1:])
    assert sbom.build(fewer)["serialNumber"] != sbom.build(run)["serialNumber"]
