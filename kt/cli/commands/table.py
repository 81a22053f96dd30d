"""The table of commands: the words that name each, its module, its summary and an example.

It imports none of them: most of what a short command costs is imports.
"""

from __future__ import annotations


class Command:
    """A command: the words that name it, its module, its summary, and an example of its use.

    A module with `VERBS` is a group: the next word names one of these, which have examples of
    their own.
    """

    __slots__ = ("example", "module", "summary", "words")

    def __init__(
        self, words: tuple[str, ...], module: str, summary: str, example: str = ""
    ) -> None:
        self.words = words
        self.module = module
        self.summary = summary
        self.example = example


def _resource(name: str, summary: str, module: str = "") -> Command:
    return Command((name,), f"kt.cli.resources.{module or name}", summary)


COMMANDS = (
    Command(("init",), "kt.cli.init", "write a policy to start from",
            "kt init policies/support-bot"),
    Command(("policy", "lint"), "kt.cli.lint", "check policy files",
            "kt policy lint policies/"),
    Command(("policy", "test"), "kt.cli.test", "run a policy's own tests",
            "kt policy test policies/support-bot"),
    Command(("policy", "mutate"), "kt.cli.mutants.command",
            "say which small changes of a policy its tests do not notice",
            "kt policy mutate policies/support-bot"),
    Command(("policy", "review"), "kt.cli.review.command",
            "say what a change does to policies, their tests, and whom it reaches",
            "kt policy review --base origin/main policies/"),
    Command(("policy", "explain"), "kt.cli.explain", "print the manual page of a lint code",
            "kt policy explain W003"),
    Command(("policy", "diff"), "kt.cli.diff", "say what a change does to enforcement",
            "kt policy diff --fail-on weaker old.yaml new.yaml"),
    Command(("policy", "score"), "kt.cli.scoring.command",
            "say how much of labelled texts a policy finds",
            "kt policy score texts.jsonl --policy policies/support-bot/policy-config.yaml"),
    Command(("policy", "schema"), "kt.cli.schema", "print the JSON Schema of policy files",
            "kt policy schema"),
    Command(("gateway", "run"), "kt.cli.gateway.command", "enforce a policy in front of any model",
            "kt gateway run --policy-config policies/support-bot/policy-config.yaml"),
    Command(("gateway", "reset-trust"), "kt.cli.gateway.resettrust",
            "begin anew with a token's key", "kt gateway reset-trust --gateway-id edge-1"),
    Command(("run",), "kt.cli.gateway.command", "the same as kt gateway run",
            "kt run --managed --gateway-id edge-1"),
    Command(("drift",), "kt.cli.drift.command",
            "say where git, control plane and gateways differ", "kt drift --path policies/"),
    Command(("login",), "kt.cli.resources.login", "keep a control plane's url and a token",
            "kt login http://127.0.0.1:8080 --token-file var/admin-token"),
    Command(("logout",), "kt.cli.resources.logout", "forget them", "kt logout"),
    Command(("whoami",), "kt.cli.resources.whoami", "say whose token is used, and what it may do",
            "kt whoami"),
    Command(("status",), "kt.cli.resources.status", "say what needs somebody, and what helps",
            "kt status"),
    _resource("repos", "linked repositories: where policies come from"),
    _resource("credentials", "what links prove themselves with to git servers"),
    _resource("forge-credentials", "what commit statuses are told with", "forges.credentials"),
    _resource("commit-status", "what forges are told of commits", "forges.statuses"),
    _resource("configurations", "what is in force, and what was"),
    _resource("gateways", "where it is enforced"),
    _resource("tokens", "who may use the API", "access.tokens"),
    _resource("trusts", "whose CI jobs may, without a secret", "access.trusts"),
    _resource("sign-in-rules", "who signs in to the console, as what", "access.rules"),
    _resource("notifications", "who hears of events, and what was sent", "notifications.command"),
    _resource("requests", "what waits for a second person"),
    Command(("events",), "kt.cli.resources.events", "what happened",
            "kt events --follow --kind failed,held"),
    Command(("audit",), "kt.cli.resources.audit", "who changed what",
            "kt audit --action token.created --limit 20"),
    Command(("evidence",), "kt.cli.evidence.command", "what was in force at a time, with proof"),
    Command(("witness",), "kt.cli.evidence.witness", "sign what logs of evidence grow to",
            "kt witness --name witness.example --state witness.json --log KEY"),
    Command(("apply",), "kt.cli.apply.command", "make the control plane as a file has it",
            "kt apply -f keeptrusts.yaml --dry-run"),
    Command(("export",), "kt.cli.apply.export", "print what there is as such a file",
            "kt export --kind git_repos,gateway_bindings"),
    Command(("completion",), "kt.cli.commands.completion", "print a shell's completion of kt",
            "kt completion bash"),
)  # fmt: skip
