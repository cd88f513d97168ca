"""What the packaged template must say, above all what Chalice has no words for."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from chalicelib.adapters.dynamo.commit_locks import PATIENT_SECONDS
from chalicelib.config import Config
from chalicelib.domain.contact_states import SENDING_AT_MOST
from chalicelib.domain.errors import AiqError, NotFound, Unavailable
from chalicelib.domain.times import MINUTE
from chalicelib.entrypoints.dashboard import problem
from chalicelib.entrypoints.dashboard.auth import NotLoggedIn
from chalicelib.entrypoints.http.application import SECURITY_HEADERS
from chalicelib.entrypoints.http.caller_address import HOST_HEADER, SECRET_HEADER
from chalicelib.entrypoints.http.routing import UNAVAILABLE
from chalicelib.entrypoints.public.join import CONTENT_SECURITY_POLICY
from tools.deploy import VISIBILITY_PER_TIMEOUT, with_derived
from tools.package import AWS, AWS_SERVICES, HERE, Package, Target, package
from tools.paths import ROOT

FUNCTIONS = {
    "APIHandler",
    "PlanSyncs",
    "SyncWorker",
    "OwnServerSyncWorker",
    "AccountJobs",
    "WatchDeadLetters",
    "ReleaseTexts",
    "SendDigests",
    "TextWorker",
    "WebhookWorker",
    "InboundSms",
}
WORKERS = {
    "SyncWorker": ("SyncQueue", "Sync"),
    "OwnServerSyncWorker": ("SyncOwnServerQueue", "Sync"),
    "AccountJobs": ("JobsQueue", "Jobs"),
    "TextWorker": ("TextsQueue", "Texts"),
    "WebhookWorker": ("WebhooksQueue", "Texts"),
}
DEAD_LETTER_QUEUES = {
    "SyncDeadQueue",
    "SyncOwnServerDeadQueue",
    "JobsDeadQueue",
    "TextsDeadQueue",
    "WebhooksDeadQueue",
}
A_COMMIT_SECONDS = 30
"""With the repair of one that was left half done, and the answer after it."""

NAMES_A_CREDENTIAL = {"Null": {"kms:EncryptionContext:credential": False}}
NAMES_A_CURSOR = {"Null": {"kms:EncryptionContext:cursor": False}}
TEXTING = [
    {
        "Sid": "TextPhones",
        "Effect": "Allow",
        "Action": "sns:Publish",
        "NotResource": {"Fn::Sub": "arn:${AWS::Partition}:sns:*:*:*"},
    }
]
"""A phone number is no resource of AWS's: the one statement without any, word for word."""

BY_THE_FRONT = "Content-Security-Policy"
"""The header that the gateway cannot say itself, for its quotes."""

CLOUDFRONTS_ERRORS = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504]
"""All that CloudFront lets a distribution say something of."""

FRONT_NAME = {"Ref": "FrontName"}

DATA_TABLES = {"AccountsTable", "IntegrationsTable", "StoresTable", "PersonasTable", "SyncTable"}

Resource = dict[str, Any]


@pytest.fixture(scope="module")
def built() -> Package:
    return package()


@pytest.fixture(scope="module")
def template(built: Package) -> Resource:
    return built.template


@pytest.fixture(scope="module")
def resources(template: Resource) -> Resource:
    found: Resource = template["Resources"]
    return found


def of_type(resources: Resource, kind: str) -> dict[str, Resource]:
    return {
        name: resource.get("Properties", {})
        for name, resource in resources.items()
        if resource["Type"] == kind
    }


def functions(resources: Resource) -> dict[str, Resource]:
    return of_type(resources, "AWS::Serverless::Function")


def statements(role: Resource) -> Iterator[Resource]:
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def problems(kind: type[AiqError]) -> Iterator[type[AiqError]]:
    """The kind of error and all that are of it."""
    yield kind
    for narrower in kind.__subclasses__():
        yield from problems(narrower)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def arn(name: str) -> Resource:
    return {"Fn::GetAtt": [name, "Arn"]}


OUR_KEYS = [
    arn("DataKey"),
    {"Fn::If": ["OtherDataKey", {"Ref": "DataKeyArn"}, {"Ref": "AWS::NoValue"}]},
]


def own(value: Resource) -> Resource:
    """What a value is while nothing of an earlier stack is in use."""
    condition, _, otherwise = value.get("Fn::If", ("", None, value))
    result: Resource = otherwise if condition.startswith("Other") else value
    return result


def test_the_functions_are_those_of_the_design(resources: Resource) -> None:
    assert set(functions(resources)) == FUNCTIONS


# -- queues and what reads them ----------------------------------------------------------------


@pytest.mark.parametrize(("worker", "queue"), [(w, q) for w, (q, _) in WORKERS.items()])
def test_a_worker_takes_one_message_at_a_time_and_reports_what_failed(
    resources: Resource, worker: str, queue: str
) -> None:
    [event] = functions(resources)[worker]["Events"].values()

    source = event["Properties"]
    assert event["Type"] == "SQS"
    assert source["Queue"] == {"Fn::Sub": f"${{{queue}.Arn}}"}
    assert source["BatchSize"] == 1
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    slots = source["ScalingConfig"]["MaximumConcurrency"]
    assert slots["Fn::If"][2] >= 2
    environment = functions(resources)[worker].get("Environment", {"Variables": {}})
    own = environment["Variables"].get("WORKER_SLOTS")
    of_queue = {"Fn::If": [str(part) for part in slots["Fn::If"]]}
    has_shares = queue not in ("TextsQueue", "WebhooksQueue")
    assert own == (of_queue if has_shares else None), "an account's share is half of it"


@pytest.mark.parametrize(("worker", "queue", "kind"), [(w, *qk) for w, qk in WORKERS.items()])
def test_a_queue_waits_six_times_as_long_as_its_function_may_take(
    template: Resource, worker: str, queue: str, kind: str
) -> None:
    defaults = template["Parameters"]

    assert functions(template["Resources"])[worker]["Timeout"] == {"Ref": f"{kind}Timeout"}
    visibility = template["Resources"][queue]["Properties"]["VisibilityTimeout"]
    assert visibility == {"Ref": f"{kind}Visibility"}
    longest = defaults[f"{kind}Timeout"]["Default"] * VISIBILITY_PER_TIMEOUT
    assert defaults[f"{kind}Visibility"]["Default"] >= longest


@pytest.mark.parametrize("timeout", [5, 20, 61, 900])
def test_the_visibility_follows_a_changed_timeout(timeout: int) -> None:
    parameters = with_derived(
        {"SyncTimeout": timeout, "JobsTimeout": timeout, "TextsTimeout": timeout}
    )

    assert int(parameters["SyncVisibility"]) == timeout * 6
    assert int(parameters["JobsVisibility"]) == timeout * 6
    assert int(parameters["TextsVisibility"]) == timeout * 6
    assert 5 <= int(parameters["SyncReserveSeconds"]) <= max(5, timeout / 2)


def test_a_given_visibility_is_kept() -> None:
    assert with_derived({"SyncTimeout": 20, "SyncVisibility": 7})["SyncVisibility"] == "7"


def test_every_queue_that_is_read_gives_up_to_a_dead_letter_queue_that_keeps_longer(
    resources: Resource,
) -> None:
    queues = of_type(resources, "AWS::SQS::Queue")

    for name in queues.keys() - DEAD_LETTER_QUEUES:
        redrive = queues[name]["RedrivePolicy"]
        dead = redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]
        assert redrive["maxReceiveCount"] == 10, "about an hour of retries"
        assert dead in DEAD_LETTER_QUEUES
        kept, kept_dead = (queues[n]["MessageRetentionPeriod"] for n in (name, dead))
        assert kept_dead > kept


def test_every_queue_is_encrypted_with_our_key(resources: Resource) -> None:
    for queue in of_type(resources, "AWS::SQS::Queue").values():
        assert queue["KmsMasterKeyId"] == arn("DataKey")


def test_those_that_lead_to_themselves_may_loop_and_no_others(resources: Resource) -> None:
    looping = {n for n, f in functions(resources).items() if f.get("RecursiveLoop") == "Allow"}

    assert looping == {"PlanSyncs", *WORKERS}


# -- functions ---------------------------------------------------------------------------------


def test_what_commits_and_the_api_have_1024_mb_and_the_rest_256(resources: Resource) -> None:
    sizes = {name: function["MemorySize"] for name, function in functions(resources).items()}

    larger = {"SyncWorker": 1024, "OwnServerSyncWorker": 1024, "AccountJobs": 1024}
    assert sizes == dict.fromkeys(FUNCTIONS, 256) | {"APIHandler": 1024} | larger


def test_the_environment_has_all_that_the_configuration_reads(template: Resource) -> None:
    """What only the API tells its callers stands in the API's environment alone."""
    everywhere = template["Globals"]["Function"]["Environment"]["Variables"]
    api = template["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]

    wanted = {field.name.upper() for field in fields(Config)}
    assert wanted == everywhere.keys() | api.keys()
    assert api.keys() - everywhere.keys() == {
        "CALLS_FROM",
        "COGNITO_ENDPOINT",
        "FRONT_SECRET",
        "HELP_CHAT_SCRIPT",
        "HELP_URL",
    }


def test_the_environment_has_no_variable_that_nobody_reads(template: Resource) -> None:
    """The namespace and the service of metrics and log lines are constants of observability.py."""
    given = template["Globals"]["Function"]["Environment"]["Variables"]
    code = "".join(path.read_text() for path in (ROOT / "chalicelib").rglob("*.py"))

    read = {field.name.upper() for field in fields(Config)} | set(re.findall(r"[A-Z_]{4,}", code))
    assert given.keys() - read == set()


def test_the_environment_names_only_what_exists(template: Resource) -> None:
    given = template["Globals"]["Function"]["Environment"]["Variables"]

    for value in given.values():
        if isinstance(value, dict):
            mine = own(value)
            name = mine["Ref"] if "Ref" in mine else mine["Fn::GetAtt"][0]
            assert name in template["Resources"] or name in template["Parameters"]


def test_production_can_not_allow_private_addresses_as_retailers_servers(
    template: Resource,
) -> None:
    allowed = template["Parameters"]["EgressAllowedRanges"]
    rule = template["Rules"]["ProductionCallsNoPrivateAddress"]

    assert allowed["Default"] == "[]"
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    [assertion] = rule["Assertions"]
    assert assertion["Assert"] == {"Fn::Equals": [{"Ref": "EgressAllowedRanges"}, "[]"]}


def test_production_needs_somebody_who_hears_its_alarms(template: Resource) -> None:
    rule = template["Rules"]["ProductionTellsSomebody"]

    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    [assertion] = rule["Assertions"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}


@pytest.mark.parametrize(
    ("ranges", "taken"),
    [
        ("[]", True),
        ('["127.0.0.0/8"]', True),
        ('["127.0.0.0/8", "fd00::/8"]', True),
        ("", False),
        ("127.0.0.0/8", False),
        ('["127.0.0.0"]', False),
        ('["localhost"]', False),
    ],
)
def test_ranges_of_typed_hosts_are_a_json_list_of_cidrs(
    template: Resource, ranges: str, taken: bool
) -> None:
    for name in ("EgressAllowedRanges", "EgressDeniedRanges"):
        pattern = template["Parameters"][name]["AllowedPattern"]

        assert bool(re.fullmatch(pattern, ranges)) is taken


def test_every_function_keeps_its_log_for_a_limited_time(resources: Resource) -> None:
    groups = of_type(resources, "AWS::Logs::LogGroup").values()

    named = {group["LogGroupName"]["Fn::Sub"] for group in groups}
    assert named == {f"/aws/lambda/${{{name}}}" for name in FUNCTIONS}
    assert all(0 < group["RetentionInDays"] <= 90 for group in groups)


# -- roles -------------------------------------------------------------------------------------


def test_every_function_has_a_role_of_its_own(resources: Resource) -> None:
    roles = [json.dumps(function["Role"]) for function in functions(resources).values()]

    assert len(set(roles)) == len(FUNCTIONS)
    assert set(of_type(resources, "AWS::IAM::Role")) == {
        json.loads(role)["Fn::GetAtt"][0] for role in roles
    }


def test_no_role_may_do_anything_to_everything(resources: Resource) -> None:
    only_by_prefix = {"kms:GenerateDataKey*", "kms:ReEncrypt*"}  # KMS's own families of two

    for role in of_type(resources, "AWS::IAM::Role").values():
        for statement in statements(role):
            if statement in TEXTING:
                continue
            assert "*" not in as_list(statement["Resource"])
            wide = {action for action in as_list(statement["Action"]) if "*" in action}
            assert wide <= only_by_prefix


def test_the_key_opens_secrets_only_for_a_named_credential(resources: Resource) -> None:
    for role in of_type(resources, "AWS::IAM::Role").values():
        for statement in statements(role):
            if "DataKey" not in json.dumps(statement.get("Resource")):
                continue
            assert statement["Resource"] == OUR_KEYS
            condition = statement["Condition"]
            by_service = "kms:ViaService" in condition.get("StringEquals", {})
            named = [["OnAws", each] for each in (NAMES_A_CREDENTIAL, NAMES_A_CURSOR)]
            assert by_service or condition["Fn::If"][:2] in named


@pytest.mark.parametrize(("worker", "queue"), [(w, q) for w, (q, _) in WORKERS.items()])
def test_a_worker_may_read_its_own_queue_and_no_other(
    resources: Resource, worker: str, queue: str
) -> None:
    role = resources[f"{worker}Role"]["Properties"]

    read = [s["Resource"] for s in statements(role) if "sqs:ReceiveMessage" in s["Action"]]
    assert read == [arn(queue)]


@pytest.mark.parametrize(("worker", "queue"), [(w, q) for w, (q, _) in WORKERS.items()])
def test_a_worker_may_send_to_its_own_queue_and_to_its_dead_letters(
    resources: Resource, worker: str, queue: str
) -> None:
    role = resources[f"{worker}Role"]["Properties"]
    dead = resources[queue]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]

    [sent] = [s["Resource"] for s in statements(role) if s["Action"] == "sqs:SendMessage"]
    assert arn(queue) in sent
    assert dead in sent


@pytest.mark.parametrize(
    "function",
    [
        "ApiHandler",
        "SyncWorker",
        "OwnServerSyncWorker",
        "AccountJobs",
        "TextWorker",
        "WebhookWorker",
        "InboundSms",
    ],
)
def test_who_commits_may_read_rules_shops_and_facts_and_write_facts(
    resources: Resource, function: str
) -> None:
    role = resources[f"{function}Role"]["Properties"]

    def tables(action: str) -> set[str]:
        allowed = [s for s in statements(role) if s["Effect"] == "Allow"]
        granted = [s["Resource"] for s in allowed if action in as_list(s["Action"])]
        return {
            own(resource)["Fn::GetAtt"][0]
            for resources in granted
            for resource in as_list(resources)
            if "Fn::GetAtt" in own(resource)
        }

    for action in ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"):
        assert {"AccountsTable", "StoresTable", "PersonasTable"} <= tables(action)
    for action in ("dynamodb:BatchWriteItem", "dynamodb:UpdateItem"):
        assert "PersonasTable" in tables(action)
    [sent] = [s["Resource"] for s in statements(role) if s["Action"] == "sqs:SendMessage"]
    assert arn("TextsQueue") in sent, "what the commit makes happen"


def test_only_those_that_text_may_publish_to_phones_and_to_nothing_else_by_that(
    resources: Resource,
) -> None:
    texting = {
        name
        for name, role in of_type(resources, "AWS::IAM::Role").items()
        for statement in statements(role)
        if statement in TEXTING
    }

    assert texting == {"TextWorkerRole", "InboundSmsRole"}


def test_only_who_sends_digests_or_pins_may_e_mail_and_only_from_the_deployments_sender(
    resources: Resource,
) -> None:
    mailing = {
        name: statement
        for name, role in of_type(resources, "AWS::IAM::Role").items()
        for statement in statements(role)
        if '"ses:' in json.dumps(statement["Action"])
    }

    assert set(mailing) == {"SendDigestsRole", "TextWorkerRole"}
    statement, of_pins = mailing.values()
    assert statement == of_pins
    assert statement["Action"] == "ses:SendEmail"
    resources = [each["Fn::Sub"].rpartition(":")[2] for each in statement["Resource"]["Fn::If"][2]]
    assert resources == ["identity/*", "configuration-set/*"], "an identity may have a default one"
    on_aws, condition, _ = statement["Condition"]["Fn::If"]
    assert on_aws == "OnAws"
    assert condition == {"StringEquals": {"ses:FromAddress": {"Ref": "DigestSender"}}}


def test_without_a_sender_nobody_may_e_mail(template: Resource) -> None:
    role = template["Resources"]["SendDigestsRole"]["Properties"]
    listed = role["Policies"][0]["PolicyDocument"]["Statement"]

    [mailing] = [each for each in listed if "ses:SendEmail" in json.dumps(each)]
    assert mailing["Fn::If"][0] == "SendsDigests"
    assert mailing["Fn::If"][2] == {"Ref": "AWS::NoValue"}
    assert template["Parameters"]["DigestSender"]["Default"] == ""


@pytest.mark.parametrize(
    ("sender", "taken"),
    [
        ("", True),
        ("digests@aiq.example", True),
        ("AIQ <digests@aiq.example>", False),
        ("digests@aiq.example,other@aiq.example", False),
        ("digests@aiq.example\n", False),
        ("aiq.example", False),
    ],
)
def test_the_sender_of_digests_is_one_address_or_none(
    template: Resource, sender: str, taken: bool
) -> None:
    pattern = template["Parameters"]["DigestSender"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, sender)) is taken


def test_the_sender_of_digests_knows_the_fronts_address(resources: Resource) -> None:
    told = functions(resources)["SendDigests"]["Environment"]["Variables"]["DASHBOARD_URL"]

    address, values = told["Fn::If"][2]["Fn::Sub"]
    assert address == "https://${Name}"
    own = {"Fn::GetAtt": ["Front", "DomainName"]}
    assert values["Name"]["Fn::If"] == ["HasCustomDomain", {"Ref": "CustomDomain"}, own]


def test_what_shoppers_answer_reaches_its_function(resources: Resource) -> None:
    [event] = functions(resources)["InboundSms"]["Events"].values()

    assert event["Type"] == "SNS"
    assert event["Properties"]["Topic"] == {"Fn::Sub": "${InboundSmsTopic}"}


def test_a_text_worker_is_dead_long_before_its_text_counts_as_lost(template: Resource) -> None:
    longest = template["Parameters"]["TextsTimeout"]["MaxValue"]

    assert longest * 1000 <= SENDING_AT_MOST - 5 * MINUTE


def test_who_makes_a_member_by_text_outlives_the_wait_for_a_dead_workers_commit_lock(
    template: Resource, resources: Resource
) -> None:
    defaults = {name: p.get("Default") for name, p in template["Parameters"].items()}
    reader = functions(resources)["InboundSms"]["Timeout"]

    assert defaults["CommitLockSeconds"] < PATIENT_SECONDS
    assert min(reader, defaults["TextsTimeout"]) >= PATIENT_SECONDS + A_COMMIT_SECONDS


def test_only_the_api_and_the_workers_that_call_a_pos_open_its_secrets(
    resources: Resource,
) -> None:
    """Account jobs create shoppers in a POS (ADR 41)."""
    opening = {
        name
        for name, role in of_type(resources, "AWS::IAM::Role").items()
        for statement in statements(role)
        if NAMES_A_CREDENTIAL in statement.get("Condition", {}).get("Fn::If", ())
    }

    workers = {"SyncWorkerRole", "OwnServerSyncWorkerRole", "AccountJobsRole"}
    assert opening == {"ApiHandlerRole", *workers}


def test_the_api_alone_seals_and_opens_cursors(resources: Resource) -> None:
    sealing = {
        name
        for name, role in of_type(resources, "AWS::IAM::Role").items()
        for statement in statements(role)
        if NAMES_A_CURSOR in statement.get("Condition", {}).get("Fn::If", ())
    }

    assert sealing == {"ApiHandlerRole"}


def test_a_role_logs_to_its_own_functions_groups_only(resources: Resource) -> None:
    for name, function in functions(resources).items():
        role = resources[function["Role"]["Fn::GetAtt"][0]]["Properties"]
        [log] = [s for s in statements(role) if "logs:PutLogEvents" in s["Action"]]
        assert f"/aws/lambda/${{AWS::StackName}}-{name}-*:*" in log["Resource"]["Fn::Sub"]


# -- data --------------------------------------------------------------------------------------


def test_every_table_is_on_demand_encrypted_recoverable_and_forgets(resources: Resource) -> None:
    tables = of_type(resources, "AWS::DynamoDB::Table")

    assert set(tables) == {*DATA_TABLES, "IdempotencyTable"}
    for name, table in tables.items():
        forgets = "expiration" if name == "IdempotencyTable" else "expires_at"
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["SSESpecification"]["KMSMasterKeyId"] == arn("DataKey")
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table["TimeToLiveSpecification"] == {"AttributeName": forgets, "Enabled": True}


def mentions(value: Any, table: str, inside: str = "") -> Iterator[str]:
    """The condition under which each mention of the table stands, "" for none."""
    if isinstance(value, dict):
        if value == {"Ref": table} or value.get("Fn::GetAtt") == [table, "Arn"]:
            yield inside
        for key, part in value.items():
            if key == "Fn::Sub" and f"${{{table}." in str(part):
                yield inside
            branch = inside
            if key == "Fn::If":
                branch = part[0]
            yield from mentions(part, table, branch)
    elif isinstance(value, list):
        for part in value:
            yield from mentions(part, table, inside)


@pytest.mark.parametrize("table", sorted(DATA_TABLES))
def test_whoever_uses_a_table_follows_it_to_the_one_that_was_restored(
    template: Resource, table: str
) -> None:
    used = list(mentions(template, table))

    assert set(used) == {f"Other{table}"}
    assert len(used) > 2
    assert template["Conditions"][f"Other{table}"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": f"{table}Name"}, ""]}]
    }
    assert template["Parameters"][f"{table}Name"]["Default"] == ""
    assert {"Fn::Sub": f"{TABLE_OF_ANY_NAME}/${{{table}Name}}"} in [
        part
        for role in of_type(template["Resources"], "AWS::IAM::Role").values()
        for part in restored_tables(role)
    ]


TABLE_OF_ANY_NAME = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table"


def restored_tables(role: Resource) -> Iterator[Resource]:
    for statement in statements(role):
        for resource in as_list(statement.get("Resource", [])):
            if isinstance(resource, dict) and "Fn::If" in resource:
                yield resource["Fn::If"][1]


def test_production_keeps_its_data_when_the_stack_goes(resources: Resource) -> None:
    for name in (*DATA_TABLES, "BackupsBucket", "UserPool", "DataKey"):
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            assert resources[name][policy] == {"Fn::If": ["Production", "Retain", "Delete"]}
    for name in DATA_TABLES:
        protected = resources[name]["Properties"]["DeletionProtectionEnabled"]
        assert protected == {"Fn::If": ["Production", True, False]}


INDEXES = {
    ("AccountsTable", "by_user"): ("user_sub", "uid", "ALL"),
    ("IntegrationsTable", "due"): ("due_shard", "due_at", "INCLUDE"),
    ("PersonasTable", "recent"): ("recent_shard", "inserted_at", "KEYS_ONLY"),
    ("PersonasTable", "by_name"): ("name_shard", "name_key", "KEYS_ONLY"),
    ("PersonasTable", "texts_due"): ("text_shard", "text_at", "KEYS_ONLY"),
}


def test_the_indexes_are_those_of_the_design(resources: Resource) -> None:
    found = {
        (name, index["IndexName"]): (
            *(key["AttributeName"] for key in index["KeySchema"]),
            index["Projection"]["ProjectionType"],
        )
        for name, table in of_type(resources, "AWS::DynamoDB::Table").items()
        for index in table.get("GlobalSecondaryIndexes", [])
    }

    assert found == INDEXES


def test_no_bucket_is_public_or_unencrypted_or_forgets_overwritten_files(
    resources: Resource,
) -> None:
    for bucket in of_type(resources, "AWS::S3::Bucket").values():
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert bucket["LifecycleConfiguration"]["Rules"]


def test_nothing_is_taken_in_the_clear(resources: Resource) -> None:
    kinds = ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
    policies = [policy for kind in kinds for policy in of_type(resources, kind).values()]

    assert len(policies) == 5
    for policy in policies:
        assert '{"aws:SecureTransport": false}' in json.dumps(policy)


def test_the_key_rotates(resources: Resource) -> None:
    assert resources["DataKey"]["Properties"]["EnableKeyRotation"] is True


# -- front, API, log-in ------------------------------------------------------------------------


def test_the_api_trusts_our_pool(resources: Resource) -> None:
    api = resources["RestAPI"]["Properties"]["DefinitionBody"]

    authorizer = api["securityDefinitions"]["dashboard"]["x-amazon-apigateway-authorizer"]
    assert [own(pool) for pool in authorizer["providerARNs"]] == [arn("UserPool")]


def test_every_route_starts_where_the_front_sends_it(resources: Resource) -> None:
    paths = resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"]

    assert paths
    assert all(path.startswith(("/api/", "/join/", "/joinMembers/")) for path in paths)


KEYED = ("/api/v1.1/", "/api/v2/", "/api/webhooks/")
"""What a POS calls with an API key, or signs."""
PUBLIC = {"/api/health", "/api/openapi.json", "/api/docs", "/api/config", "/api/grid"}
PUBLIC |= {"/join", "/join/assets", "/joinMembers", "/api/offboardings"}


def test_every_route_but_the_public_ones_needs_a_log_in(resources: Resource) -> None:
    paths = resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"]

    open_routes = {
        path
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method != "options" and operation.get("security") != [{"dashboard": []}]
    }
    keyed = {path for path in open_routes if path.startswith(KEYED)}
    assert keyed, "a POS has a key of its own, or a secret: see entrypoints/partner"
    unguarded = open_routes - keyed
    assert {path for path in unguarded if path.split("{")[0].rstrip("/") not in PUBLIC} == set()


def test_the_gateways_own_answers_are_problem_documents_with_our_headers(
    resources: Resource,
) -> None:
    answers = resources["RestAPI"]["Properties"]["GatewayResponses"]
    ours = {name: f"'{value}'" for name, value in SECURITY_HEADERS.items() if name != BY_THE_FRONT}

    codes = {each.code for each in problems(AiqError)} | {NotLoggedIn.code}
    known = Loader().load_service_model("apigateway", "service-2")["shapes"]["GatewayResponseType"]

    assert answers.keys() <= set(known["enum"])
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= answers.keys(), "whatever else the gateway refuses"
    for kind, answer in answers.items():
        status = answer["StatusCode"]
        headers = answer["ResponseParameters"]["Headers"]
        assert ours.items() <= headers.items()
        assert headers["Content-Type"] == "'application/problem+json'"
        assert headers["X-Request-Id"] == "context.requestId"
        assert ("Retry-After" in headers) == (status in (429, 503)), kind
        assert ("WWW-Authenticate" in headers) == (status == 401)
        body = json.loads(answer["ResponseTemplates"]["application/json"])
        assert body.keys() == json.loads(problem.refuse(NotFound("x"), "r").body).keys()
        assert body["status"] == status
        assert body["title"] in (HTTPStatus(status).phrase, "Content Too Large")  # Python 3.13's
        assert body["type"] == problem.TYPE_PREFIX + body["code"]
        assert body["code"] in codes
        assert body["request_id"] == "$context.requestId"


def test_what_the_gateway_says_of_a_time_out_is_what_we_say_of_an_outage(
    resources: Resource,
) -> None:
    answers = resources["RestAPI"]["Properties"]["GatewayResponses"]

    ours = json.loads(problem.refuse(Unavailable(UNAVAILABLE), "$context.requestId").body)
    theirs = json.loads(answers["INTEGRATION_TIMEOUT"]["ResponseTemplates"]["application/json"])
    assert theirs == ours


def test_what_anybody_may_read_has_a_limit_of_its_own(resources: Resource) -> None:
    api = resources["RestAPI"]["Properties"]
    common, *own = api["MethodSettings"]
    limited = {
        (each["ResourcePath"].replace("/", "", 1).replace("~1", "/"), each["HttpMethod"]): each
        for each in own
    }

    assert (common["ResourcePath"], common["HttpMethod"]) == ("/*", "*")
    public = {
        (path, method.upper())
        for path, methods in api["DefinitionBody"]["paths"].items()
        for method, operation in methods.items()
        if operation.get("security") != [{"dashboard": []}] and not path.startswith(KEYED)
    }
    assert limited.keys() == public
    for each in limited.values():
        assert each["ThrottlingRateLimit"] <= common["ThrottlingRateLimit"] / 10
        assert each["ThrottlingBurstLimit"] <= common["ThrottlingBurstLimit"] / 10


def test_the_front_caches_pages_and_never_answers_of_the_api(resources: Resource) -> None:
    front = resources["Front"]["Properties"]["DistributionConfig"]

    patterns = [each["PathPattern"] for each in front["CacheBehaviors"]]
    assert patterns == ["/api/*", "/join/*", "/joinMembers/*"]
    for behaviour in front["CacheBehaviors"]:
        assert behaviour["TargetOriginId"] == "api"
        assert behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # none
        assert {"PUT", "POST", "PATCH", "DELETE"} <= set(behaviour["AllowedMethods"])
    assert front["DefaultCacheBehavior"]["TargetOriginId"] == "web"
    assert front["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] == {"Ref": "WebHeaders"}


def test_the_front_keeps_no_error_and_puts_no_page_in_its_place(resources: Resource) -> None:
    kept = resources["Front"]["Properties"]["DistributionConfig"]["CustomErrorResponses"]

    assert [each.pop("ErrorCode") for each in deepcopy(kept)] == CLOUDFRONTS_ERRORS
    assert all(each.keys() == {"ErrorCode", "ErrorCachingMinTTL"} for each in kept)
    assert {each["ErrorCachingMinTTL"] for each in kept} == {0}


def test_an_answer_of_the_api_has_our_headers_whoever_made_it(resources: Resource) -> None:
    [api, *_] = resources["Front"]["Properties"]["DistributionConfig"]["CacheBehaviors"]
    policy = resources["ApiHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    said = policy["SecurityHeadersConfig"]

    assert api["ResponseHeadersPolicyId"] == {"Ref": "ApiHeaders"}
    age = said["StrictTransportSecurity"]["AccessControlMaxAgeSec"]
    [cache] = policy["CustomHeadersConfig"]["Items"]
    assert {
        cache["Header"]: cache["Value"],
        "Content-Security-Policy": said["ContentSecurityPolicy"]["ContentSecurityPolicy"],
        "Referrer-Policy": said["ReferrerPolicy"]["ReferrerPolicy"],
        "Strict-Transport-Security": f"max-age={age}; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": said["FrameOptions"]["FrameOption"],
    } == SECURITY_HEADERS
    assert not any(each["Override"] for each in (*said.values(), cache)), "what the API says stands"


def test_the_signup_form_has_a_policy_of_its_own_as_its_pages_say_it(resources: Resource) -> None:
    [_, *join] = resources["Front"]["Properties"]["DistributionConfig"]["CacheBehaviors"]
    policy = resources["JoinHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    said = policy["SecurityHeadersConfig"]["ContentSecurityPolicy"]

    assert {str(each["ResponseHeadersPolicyId"]) for each in join} == {"{'Ref': 'JoinHeaders'}"}
    assert said == {"Override": True, "ContentSecurityPolicy": CONTENT_SECURITY_POLICY}


def test_the_front_proves_itself_to_the_api_by_a_secret_that_nobody_typed(
    resources: Resource,
) -> None:
    front = resources["Front"]["Properties"]["DistributionConfig"]
    [api] = [origin for origin in front["Origins"] if origin["Id"] == "api"]
    handler = resources["APIHandler"]["Properties"]["Environment"]["Variables"]
    secret = resources["FrontSecret"]["Properties"]
    resolved = {"Fn::Sub": "{{resolve:secretsmanager:${FrontSecret}}}"}

    assert api["OriginCustomHeaders"] == [
        {"HeaderName": SECRET_HEADER, "HeaderValue": resolved},
    ]
    assert handler["FRONT_SECRET"] == resolved
    assert secret["GenerateSecretString"]["PasswordLength"] >= 32
    assert secret["KmsKeyId"] == arn("DataKey")


def test_the_front_tells_the_api_which_host_was_called(resources: Resource) -> None:
    [api, *_] = resources["Front"]["Properties"]["DistributionConfig"]["CacheBehaviors"]
    code = resources["FrontHost"]["Properties"]["FunctionCode"]

    condition, [called], _ = api["FunctionAssociations"]["Fn::If"]
    assert (condition, called["EventType"]) == ("OnAws", "viewer-request")
    assert f"headers['{HOST_HEADER.lower()}'] = {{value: request.headers.host.value}}" in code


def test_what_cloudfront_names_is_named_by_region_too(resources: Resource) -> None:
    named = {
        name: re.findall(r'"Name": \{"Fn::Sub": "([^"]*)"', json.dumps(resource))
        for name, resource in resources.items()
        if resource["Type"].startswith("AWS::CloudFront::") and name != "Front"
    }

    assert named.keys() == {
        "WebAccess",
        "DeepLinks",
        "FrontHost",
        "WebHeaders",
        "ApiHeaders",
        "JoinHeaders",
    }
    for names in named.values():
        [name] = names
        assert name.startswith("${AWS::StackName}-${AWS::Region}-")
    of_kind = {(resources[logical]["Type"], name) for logical, [name] in named.items()}
    assert len(of_kind) == len(named)


def test_a_domain_of_ones_own_needs_its_certificate(template: Resource) -> None:
    front = template["Resources"]["Front"]["Properties"]["DistributionConfig"]

    assert front["Aliases"]["Fn::If"][:2] == ["HasCustomDomain", [{"Ref": "CustomDomain"}]]
    on, certificate, _ = front["ViewerCertificate"]["Fn::If"]
    assert (on, certificate["AcmCertificateArn"]) == ("HasCustomDomain", {"Ref": "CertificateArn"})
    assert certificate["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert template["Rules"]["ACustomDomainHasACertificate"]
    pattern = template["Parameters"]["CertificateArn"]["AllowedPattern"]
    assert re.fullmatch(pattern, "arn:aws:acm:us-east-1:123456789012:certificate/0a-1b")
    assert not re.fullmatch(pattern, "arn:aws:acm:eu-west-1:123456789012:certificate/0a-1b")


def test_an_address_that_asks_too_often_is_held_up_when_the_operator_says_so(
    template: Resource,
) -> None:
    rule = template["Resources"]["RateRule"]
    asked = template["Conditions"]["HasRateRule"]["Fn::And"]
    front = template["Resources"]["Front"]["Properties"]["DistributionConfig"]

    assert template["Parameters"]["RequestsPerAddress"]["Default"] == 0
    assert {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]} in asked
    assert rule["Condition"] == "HasRateRule"
    assert rule["Properties"]["Scope"] == "CLOUDFRONT"
    [rate] = rule["Properties"]["Rules"]
    limit = {"AggregateKeyType": "IP", "Limit": {"Ref": "RequestsPerAddress"}}
    assert rate["Statement"] == {"RateBasedStatement": limit}
    answer = rate["Action"]["Block"]["CustomResponse"]
    assert answer["ResponseCode"] == 429
    body = rule["Properties"]["CustomResponseBodies"][answer["CustomResponseBodyKey"]]["Content"]
    assert json.loads(body)["status"] == 429
    assert front["WebACLId"]["Fn::If"][:2] == ["HasRateRule", {"Fn::GetAtt": ["RateRule", "Arn"]}]


def test_an_invitation_says_where_to_log_in_and_until_when(template: Resource) -> None:
    pool = template["Resources"]["UserPool"]["Properties"]
    condition, mail, _ = pool["AdminCreateUserConfig"]["InviteMessageTemplate"]["Fn::If"]
    text, values = mail["EmailMessage"]["Fn::Sub"]
    days = pool["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"]

    assert condition == "KnowsFrontName"
    assert "https://${Name}/" in text
    assert f"within {days} days" in text
    assert "{username}" in text
    assert "{####}" in text
    assert values["Name"]["Fn::If"] == ["HasCustomDomain", {"Ref": "CustomDomain"}, FRONT_NAME]


def test_invitations_go_from_an_address_of_ours_when_there_is_one(template: Resource) -> None:
    mailing = template["Resources"]["UserPool"]["Properties"]["EmailConfiguration"]["Fn::If"]

    condition, ours, otherwise = mailing
    assert (condition, otherwise) == ("InvitesFromOurSender", {"Ref": "AWS::NoValue"})
    assert ours["EmailSendingAccount"] == "DEVELOPER"
    assert ours["From"] == {"Ref": "InvitationSender"}
    assert ours["SourceArn"]["Fn::Sub"].endswith(":identity/${InvitationIdentity}")
    assert template["Rules"]["AnInvitationSenderIsVerified"]


def test_nobody_signs_up_by_themselves(resources: Resource) -> None:
    assert resources["UserPool"]["Properties"]["UserAttributeUpdateSettings"] == {
        "AttributesRequireVerificationBeforeUpdate": ["email"]
    }
    created = resources["UserPool"]["Properties"]["AdminCreateUserConfig"]
    assert created["AllowAdminCreateUserOnly"] is True
    client = resources["UserPoolClient"]["Properties"]
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert client["GenerateSecret"] is False


def test_the_pool_knows_the_roles(resources: Resource) -> None:
    groups = of_type(resources, "AWS::Cognito::UserPoolGroup").values()

    names = {group["GroupName"] for group in groups}
    assert names == {"Owner", "Operator", "Marketing", "Analyst", "Manager", "Staff"}


# -- alarms ------------------------------------------------------------------------------------


def alarmed(resources: Resource, metric: str) -> set[str]:
    """What the alarms on `metric` watch, by logical name."""
    watched = set()
    for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values():
        if alarm.get("MetricName") == metric:
            value = alarm["Dimensions"][0]["Value"]
            watched.add(value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0])
    return watched


def test_every_dead_letter_queue_old_message_error_and_throttle_raises_an_alarm(
    resources: Resource,
) -> None:
    assert alarmed(resources, "ApproximateNumberOfMessagesVisible") == DEAD_LETTER_QUEUES
    assert alarmed(resources, "ApproximateAgeOfOldestMessage") == {q for q, _ in WORKERS.values()}
    assert alarmed(resources, "Errors") == FUNCTIONS
    assert alarmed(resources, "Throttles") == FUNCTIONS
    assert alarmed(resources, "5XXError") == {"AWS::StackName"}


def test_every_alarm_reaches_the_operator(resources: Resource) -> None:
    for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == [{"Ref": "OperatorTopic"}]


# -- the zip -----------------------------------------------------------------------------------


def test_the_zip_has_our_code_its_profiles_and_the_libraries_and_fits_lambda(
    built: Package,
) -> None:
    with zipfile.ZipFile(built.zip_file) as archive:
        names = set(archive.namelist())
        unpacked = sum(entry.file_size for entry in archive.infolist())

    assert {"app.py", "chalicelib/config.py", "chalicelib/pos/posabit/profile.yaml"} <= names
    assert {"chalice/app.py", "pynamodb/models.py", "orjson/__init__.py"} <= names
    assert any(re.fullmatch(r"__pycache__/app\.cpython-\d+\.pyc", name) for name in names)
    assert not any(name.startswith(("tests/", "tools/", "simulators/")) for name in names)
    assert unpacked < 200_000_000


@pytest.mark.parametrize("target", [AWS, HERE], ids=["aws", "here"])
def test_the_code_is_built_for_what_runs_it(target: Target) -> None:
    built = package(target=target)

    functions = [
        each["Properties"]
        for each in built.template["Resources"].values()
        if each["Type"] == "AWS::Serverless::Function"
    ]
    assert {each["Runtime"] for each in functions} == {target.runtime}
    assert {tuple(each["Architectures"]) for each in functions} == {(target.architecture,)}
    with zipfile.ZipFile(built.zip_file) as archive:
        names = archive.namelist()
        tags = {
            line.removeprefix("Tag: ")
            for name in names
            if name.endswith(".dist-info/WHEEL")
            for line in archive.read(name).decode().splitlines()
            if line.startswith("Tag: ")
        }
    version = target.python.replace(".", "")
    compiled = [name for name in names if name.endswith((".so", ".pyc"))]
    assert compiled
    assert all(f"cpython-{version}" in name for name in compiled if ".abi3." not in name)
    native = {tag for tag in tags if not tag.endswith("-any")}
    assert native
    assert all(tag.endswith(target.machine) for tag in native if target.system == "linux")


def test_the_zip_knows_every_aws_service_the_code_asks_for() -> None:
    asked = {
        service
        for path in (ROOT / "chalicelib").rglob("*.py")
        for service in re.findall(r"client\(\s*\"([a-z0-9-]+)\"", path.read_text())
    }

    assert asked
    assert asked <= AWS_SERVICES


def test_what_did_not_change_is_packaged_once(tmp_path: Path) -> None:
    for name in ("app.py", "alarms.py", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for name in (".chalice", "chalicelib", "infra"):
        shutil.copytree(ROOT / name, tmp_path / name)

    first = package(tmp_path)
    packaged_at = first.template_file.stat().st_mtime_ns
    again = package(tmp_path)
    (tmp_path / "chalicelib" / "one_more.py").write_text("")
    changed = package(tmp_path)

    assert again == first
    assert again.template_file.stat().st_mtime_ns == packaged_at
    assert changed.digest != first.digest
