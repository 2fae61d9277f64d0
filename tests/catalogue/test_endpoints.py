"""The endpoint catalogue: names, regions, phases and features."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anywhere.catalogue.endpoints import Endpoint, endpoints, find_region, partitions, regions
from anywhere.catalogue.services import SERVICES
from anywhere.errors import BadInput
from anywhere.settings import FEATURES, PHASES

HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")


def by_service(found: tuple[Endpoint, ...]) -> dict[str, Endpoint]:
    return {e.service: e for e in reversed(found)}


def test_core_is_what_the_agents_need_and_nothing_else():
    found = endpoints("eu-west-1", shards=1)
    assert [(e.host, e.scheme, e.component, e.phases) for e in found] == [
        ("ecs.eu-west-1.amazonaws.com", "https", "ecs-agent", ("register", "run")),
        ("ecs-a-1.eu-west-1.amazonaws.com", "wss", "ecs-agent", ("run",)),
        ("ecs-t-1.eu-west-1.amazonaws.com", "wss", "ecs-agent", ("run",)),
        ("ssm.eu-west-1.amazonaws.com", "https", "ssm-agent", ("register", "run")),
        ("ssmmessages.eu-west-1.amazonaws.com", "wss", "ssm-agent", ("run",)),
        ("ec2messages.eu-west-1.amazonaws.com", "https", "ssm-agent", ("run",)),
        ("s3.eu-west-1.amazonaws.com", "https", "installer", ("install",)),
    ]
    assert [e.service for e in found if not e.required] == ["ec2messages"]
    assert {e.port for e in found} == {443}


def test_shards_are_numbered_from_one_and_share_a_pattern():
    shards = [e for e in endpoints("us-east-1", shards=12) if e.service == "ecs-t"]
    assert [e.shard for e in shards] == list(range(1, 13))
    assert shards[-1].host == "ecs-t-12.us-east-1.amazonaws.com"
    assert {e.pattern for e in shards} == {"ecs-t-*.us-east-1.amazonaws.com"}


@pytest.mark.parametrize("region", regions())
@pytest.mark.parametrize(("dualstack", "fips"), [(False, False), (True, False), (False, True), (True, True)])
def test_every_name_is_a_host_name(region, dualstack, fips):
    found = endpoints(region, features=FEATURES, shards=2, dualstack=dualstack, fips=fips)
    for e in found:
        assert HOST.fullmatch(e.pattern.replace("*", "x")), e
        assert e.probe == ("*" not in e.host)
        assert e.path.startswith("/")
        assert e.purpose and e.source and set(e.phases) <= set(PHASES)
        assert "{" not in f"{e.path}{e.purpose}{e.note}"
    assert len({(e.host, e.component, e.feature) for e in found}) == len(found)


def test_every_feature_brings_something_and_the_core_stays_first():
    core = endpoints("us-east-1")
    for feature in FEATURES:
        found = endpoints("us-east-1", features=[feature])
        assert found[: len(core)] == core
        assert {e.feature for e in found[len(core) :]} == {feature}


def test_a_phase_brings_only_what_it_needs():
    assert {e.service for e in endpoints("us-east-1", phases=["register"])} == {"ecs", "ssm"}
    assert {e.service for e in endpoints("us-east-1", phases=["install"], features=["installer"])} == {
        "s3", "installer", "installer-keys", "installer-docker",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn-north-1", "ecs.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "ecs.us-gov-west-1.amazonaws.com"),
        ("eusc-de-east-1", "ecs.eusc-de-east-1.amazonaws.eu"),
        ("us-iso-east-1", "ecs.us-iso-east-1.c2s.ic.gov"),
        ("us-isob-east-1", "ecs.us-isob-east-1.sc2s.sgov.gov"),
        ("eu-isoe-west-1", "ecs.eu-isoe-west-1.cloud.adc-e.uk"),
        ("us-isof-south-1", "ecs.us-isof-south-1.csp.hci.ic.gov"),
    ],
)
def test_each_partition_has_its_own_suffix_and_says_what_is_uncertain(region, host):
    assert by_service(endpoints(region))["ecs"].host == host
    assert "plausible" in find_region(region).note


def test_fips_names_only_where_they_are_known():
    found = by_service(endpoints("us-west-2", features=FEATURES, fips=True))
    assert found["ecs"].host == "ecs-fips.us-west-2.amazonaws.com"
    assert found["ecr-dkr"].pattern == "*.dkr.ecr-fips.us-west-2.amazonaws.com"
    assert found["ecs-a"].host == "ecs-a-1.us-west-2.amazonaws.com"
    assert "FIPS name not established" in found["ecs-a"].note
    elsewhere = by_service(endpoints("eu-north-1", features=FEATURES, fips=True))
    assert elsewhere["ecs"].host == "ecs.eu-north-1.amazonaws.com"
    assert "FIPS name not established" in elsewhere["ecs"].note
    assert elsewhere["kms"].host == "kms-fips.eu-north-1.amazonaws.com"
    assert by_service(endpoints("us-gov-east-1", fips=True))["ssm"].host == "ssm.us-gov-east-1.amazonaws.com"


def test_dualstack_names_only_where_they_are_known():
    found = by_service(endpoints("ap-south-1", features=FEATURES, dualstack=True))
    assert found["ecs"].host == "ecs.ap-south-1.api.aws"
    assert found["s3"].host == "s3.dualstack.ap-south-1.amazonaws.com"
    assert found["ecr-dkr"].pattern == "*.dkr-ecr.ap-south-1.on.aws"
    assert found["secretsmanager"].host == "secretsmanager.ap-south-1.amazonaws.com"
    assert "dual-stack name not established" in found["ecs-t"].note
    china = by_service(endpoints("cn-north-1", features=FEATURES, dualstack=True))
    assert china["ssm"].host == "ssm.cn-north-1.api.amazonwebservices.com.cn"
    assert china["ecr-dkr"].pattern == "*.dkr.ecr.cn-north-1.amazonaws.com.cn"
    europe = by_service(endpoints("eusc-de-east-1", dualstack=True))
    assert europe["ecs"].host == "ecs.eusc-de-east-1.api.amazonwebservices.eu"
    isolated = by_service(endpoints("us-iso-east-1", features=FEATURES, dualstack=True))
    assert isolated["secretsmanager"].host == "secretsmanager.us-iso-east-1.api.aws.ic.gov"


def test_fips_and_dualstack_together_prefer_fips_and_say_so():
    found = by_service(endpoints("us-east-1", features=["ecr"], fips=True, dualstack=True))
    assert found["ecr-api"].host == "ecr-fips.us-east-1.api.aws"
    assert found["ssm"].host == "ssm-fips.us-east-1.amazonaws.com"
    assert "dual-stack form of the FIPS name not established" in found["ssm"].note


@pytest.mark.parametrize(
    "wrong",
    [
        {"features": ["erc"]},
        {"phases": ["runn"]},
        {"shards": 0},
        {"shards": -1},
        {"shards": 201},
    ],
)
def test_wrong_arguments_are_bad_input(wrong):
    with pytest.raises(BadInput):
        endpoints("us-east-1", **wrong)


def test_the_table_has_34_regions_of_the_aws_partition():
    assert len(partitions()["aws"].regions) == 34
    assert len(regions()) == len(set(regions())) == 46


@pytest.mark.parametrize("region", regions())
def test_a_listed_region_fits_its_own_partition_alone(region):
    fitting = [p.name for p in partitions().values() if re.fullmatch(p.pattern, region)]
    assert fitting == [find_region(region).partition]
    assert find_region(region).listed


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("us-eats-1", "us-east-1"),
        ("us-east1", "us-east-1"),
        ("useast-1", "us-east-1"),
        ("us-east-1a", "us-east-1"),
        ("ap-southeast-2b", "ap-southeast-2"),
        ("EU-WEST-1", "eu-west-1"),
        (" eu-west-1", "eu-west-1"),
        ("eu-west-1\n", "eu-west-1"),
        ("eu_west_1", "eu-west-1"),
        ("us-gov-wets-1", "us-gov-west-1"),
        ("cn-nroth-1", "cn-north-1"),
        ("eu-central-l", "eu-central-1"),
    ],
)
def test_a_mistyped_region_names_the_one_that_was_meant(wrong, meant):
    with pytest.raises(BadInput, match=re.escape(meant)):
        find_region(wrong)


@pytest.mark.parametrize(
    ("name", "partition"),
    [
        ("us-east-9", "aws"),
        ("sa-west-1", "aws"),
        ("us-gov-central-1", "aws-us-gov"),
        ("cn-southwest-1", "aws-cn"),
        ("eusc-de-west-1", "aws-eusc"),
        ("us-isob-south-1", "aws-iso-b"),
    ],
)
def test_a_new_region_that_fits_is_taken_with_a_note(name, partition):
    info = find_region(name)
    assert info.partition == partition and not info.listed
    assert info.note.startswith(f"not in the table; fits the {partition} partition")
    assert endpoints(name)[0].host.startswith(f"ecs.{name}.")


@pytest.mark.parametrize(
    "name", ["", "mars", "us", "*", "us-east-", "us-east-1.evil.example", "us-east-1/x", "a" * 5000]
)
def test_a_name_that_fits_nothing_is_one_short_line(name):
    with pytest.raises(BadInput) as caught:
        find_region(name)
    assert len(str(caught.value)) < 250 and "\n" not in str(caught.value)


@given(st.one_of(st.text(), st.text(string.ascii_lowercase + string.digits + "-"), st.from_regex(r"us-\w+-\d+")))
def test_any_text_is_a_region_or_bad_input(text):
    try:
        info = find_region(text)
    except BadInput:
        return
    assert HOST.fullmatch(f"ecs.{info.name}.{info.suffix}")


@given(st.sampled_from(regions()), st.data())
def test_two_swapped_letters_are_never_taken_in_silence(region, data):
    at = data.draw(st.integers(0, len(region) - 2))
    swapped = region[:at] + region[at + 1] + region[at] + region[at + 2 :]
    if swapped == region:
        return
    try:
        info = find_region(swapped)
        said = info.note or "listed" * info.listed
    except BadInput as error:
        said = str(error).partition("did you mean")[2]
    assert said


def test_rows_use_only_known_words():
    for row in SERVICES:
        assert row.feature in ("", *FEATURES)
        assert row.component in ("ssm-agent", "ecs-agent", "docker", "installer", "task")
        assert row.scheme in ("https", "wss")
        assert set(row.dualstack_in) <= set(partitions())
