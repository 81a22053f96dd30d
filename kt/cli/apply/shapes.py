"""The shape of the file: what may stand in it, with the API's names, bounds and defaults."""

from __future__ import annotations

from types import MappingProxyType

from kt.policy.language.shapes import Block, Choice, Field, Flag, ListOf, MapOf, Text, Whole, block

_DAY = 86_400
_ID = Text(high=200, form="id")
_LABELS = MapOf(Text(high=100), Text(low=0, high=200))
_GLOBS = ListOf(Text(high=200), high=50, unique=True)
_TIME = Text(high=40)
SECRET = block(
    env=Field(Text(high=200), doc="the name of a variable that has it"),
    file=Field(Text(), doc="a file that has it, by its path from this one"),
)
"""Where a secret is; it never stands in the file itself."""

_SIGHT = block(
    ids=Field(ListOf(Text(high=200), high=50), (), doc="globs of ids of configurations"),
    labels=Field(_LABELS, MappingProxyType({}), doc="all of these, instead or as well"),
)

CREDENTIAL = block(
    name=Field(Text(high=100), required=True, doc="by which links name it"),
    kind=Field(Choice(("token", "basic", "ssh", "tls", "app")), required=True, doc="what is sent"),
    hosts=Field(
        ListOf(Text(high=300), low=1, high=50), required=True, doc="where it goes, and nowhere else"
    ),
    username=Field(Text(low=0, high=255), "", doc="of Basic"),
    authorization=Field(Choice(("basic", "bearer")), "basic", doc="how a token is sent"),
    token=Field(SECRET, doc="of kind token"),
    password=Field(SECRET, doc="of kind basic"),
    private_key=Field(SECRET, doc="of kinds ssh and app"),
    passphrase=Field(SECRET, doc="of the private key"),
    known_hosts=Field(Text(low=0, high=100_000), "", doc="keys of ssh servers"),
    client_certificate=Field(Text(high=65_536), doc="for TLS, in PEM"),
    client_key=Field(SECRET, doc="of the client certificate"),
    api_url=Field(Text(high=300), doc="of kind app: GitHub's API"),
    app_id=Field(Text(high=100), doc="of kind app"),
    installation_id=Field(Text(high=20), doc="of kind app"),
    expires_at=Field(_TIME, doc="when it ends; without it that is left as it is"),
)
FORGE_CREDENTIAL = block(
    name=Field(Text(high=100), required=True, doc="by which links choose it"),
    forge=Field(
        Choice(("github", "gitlab", "gitea", "bitbucket", "bitbucket-server")), required=True,
        doc="whose API it is",
    ),
    kind=Field(Choice(("token", "app")), "token", doc="what is sent"),
    api_url=Field(Text(high=300), doc="where it goes; without it that is left as it is"),
    hosts=Field(
        ListOf(Text(high=300), low=1, high=50),
        doc="servers of whose repositories it tells; without it that is left as it is",
    ),
    status_name=Field(Text(high=60), "keeptrusts", doc="how the names of statuses begin"),
    username=Field(Text(low=0, high=255), "", doc="of Bitbucket's API tokens"),
    token=Field(SECRET, doc="of kind token"),
    private_key=Field(SECRET, doc="of kind app"),
    app_id=Field(Text(low=0, high=100), "", doc="of kind app"),
    installation_id=Field(Text(low=0, high=20), "", doc="of kind app"),
)  # fmt: skip
LINK = block(
    url=Field(Text(high=2000), required=True, doc="of the repository, without a secret"),
    branch=Field(Text(low=0, high=200), "", doc="follow this branch"),
    tag=Field(Text(low=0, high=200), "", doc="or this tag"),
    commit=Field(Text(low=0, high=64), "", doc="or this commit"),
    semver=Field(Text(low=0, high=200), "", doc="or the newest tag in this range"),
    path=Field(Text(low=0, high=1000), "", doc="a directory or file"),
    auto_create_configuration=Field(Flag(), False, doc="make configurations for new ids"),
    adopt=Field(Flag(), False, doc="take over what the API made"),
    poll_interval_seconds=Field(Whole(1, 7 * _DAY), 300, doc="between polls"),
    webhook_poll_interval_seconds=Field(Whole(1, 7 * _DAY), doc="while webhooks come"),
    suspended=Field(Flag(), False, doc="do not poll"),
    four_eyes=Field(Flag(), False, doc="a second person for held commits and edits"),
    fail_on=Field(Choice(("weaker",)), "", doc="hold what weakens"),
    minimum_coverage=Field(Whole(0, 100), 0, doc="percent that a policy's own tests reach"),
    minimum_killed=Field(Whole(0, 100), 0, doc="percent of its mutants that they kill"),
    id_prefix=Field(Text(low=0, high=100), "", doc="before every id"),
    include=Field(_GLOBS, (), doc="only these files"),
    exclude=Field(_GLOBS, (), doc="not these files"),
    prune=Field(Flag(), False, doc="archive what lost its file"),
    allowed_signers=Field(Text(low=0, high=65_536), "", doc="in ssh's format"),
    allowed_openpgp_keys=Field(Text(low=0, high=131_072), "", doc="armoured"),
    credential=Field(Text(high=100), doc="the name of a shared one"),
    access_token=Field(SECRET, doc="of this link alone"),
    webhook_secret=Field(SECRET, doc="by which the forge signs"),
)
GATEWAY = block(
    id=Field(_ID, required=True, doc="of the gateway"),
    name=Field(Text(high=200), doc="for people; default: its id"),
    labels=Field(_LABELS, MappingProxyType({}), doc="for selectors"),
    configuration=Field(_ID, doc="what it enforces, whatever selectors say"),
    client_keys=Field(Choice(("demanded", "off")), doc="without it that is left as it is"),
    token_file=Field(Text(), doc="a new file for its token, when it is registered"),
)
BINDING = block(
    configuration=Field(_ID, required=True, doc="what is enforced"),
    selector=Field(_LABELS, required=True, doc="by gateways with all these labels"),
)
TRUST = block(
    name=Field(Text(high=200), required=True, doc="for people"),
    issuer=Field(Text(high=500), required=True, doc="the iss"),
    audience=Field(Text(high=500), required=True, doc="the aud"),
    repository_id=Field(Text(low=0, high=20), "", doc="GitHub's number"),
    project_id=Field(Text(low=0, high=20), "", doc="GitLab's number"),
    subject=Field(Text(low=0, high=500), "", doc="the sub"),
    ref=Field(Text(low=0, high=500), "", doc="such as refs/heads/main"),
    environment=Field(Text(low=0, high=500), "", doc="that the job names"),
    role=Field(Choice(("metrics", "ci", "viewer", "auditor", "editor")), "ci", doc="what it may"),
    networks=Field(ListOf(Text(high=50), high=20), (), doc="from where"),
    sight=Field(_SIGHT, doc="what it sees; all without it"),
    max_seconds=Field(Whole(60, _DAY), 3600, doc="the longest life of a JWT"),
    enabled=Field(Flag(), True, doc="false refuses its JWTs"),
    expires_at=Field(_TIME, doc="when it ends"),
)
SIGN_IN_RULE = block(
    name=Field(Text(high=200), required=True, doc="for people"),
    issuer=Field(Text(high=500), required=True, doc="of the provider"),
    claims=Field(
        MapOf(Text(high=200), ListOf(Text(high=500), low=1, high=50)),
        required=True,
        doc="all of them, each with one of its texts",
    ),
    position=Field(Whole(1, 9999), 100, doc="the lowest that is met counts"),
    role=Field(
        Choice(("metrics", "ci", "viewer", "auditor", "editor", "admin")), "viewer",
        doc="what they may",
    ),
    networks=Field(ListOf(Text(high=50), high=20), (), doc="from where"),
    sight=Field(_SIGHT, doc="what they see; all without it"),
    enabled=Field(Flag(), True, doc="false lets nobody in"),
    expires_at=Field(_TIME, doc="when it ends"),
)  # fmt: skip
NOTIFICATION_ENDPOINT = block(
    name=Field(Text(high=200), required=True, doc="for people"),
    form=Field(Choice(("webhook", "slack", "teams", "mail")), "webhook", doc="what is sent"),
    url=Field(SECRET, doc="where it is sent; not of mail"),
    recipients=Field(ListOf(Text(high=254), high=50), (), doc="of mail"),
    kinds=Field(ListOf(Text(high=40), high=100), (), doc="of events; all without it"),
    git_repos=Field(ListOf(Text(high=36), high=50), (), doc="ids of links; all without it"),
    labels=Field(_LABELS, MappingProxyType({}), doc="of configurations"),
    enabled=Field(Flag(), True, doc="false sends nothing"),
    secret_file=Field(Text(), doc="a new file for the secret that signs, when it is made"),
)
FILE: Block = block(
    git_credentials=Field(ListOf(CREDENTIAL, key="name"), doc="what links prove themselves with"),
    forge_credentials=Field(
        ListOf(FORGE_CREDENTIAL, key="name"), doc="what commit statuses are told with"
    ),
    git_repos=Field(ListOf(LINK), doc="linked repositories"),
    gateways=Field(ListOf(GATEWAY, key="id"), doc="what enforces"),
    gateway_bindings=Field(ListOf(BINDING), doc="which of them enforces what"),
    trusts=Field(ListOf(TRUST, key="name"), doc="whose CI jobs may use the API"),
    sign_in_rules=Field(ListOf(SIGN_IN_RULE, key="name"), doc="who signs in as what"),
    notification_endpoints=Field(
        ListOf(NOTIFICATION_ENDPOINT, key="name"), doc="who hears of events"
    ),
)
"""The whole file. Of a kind that it does not have, nothing is changed."""
