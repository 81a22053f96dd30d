"""`kt notifications`: where events are sent, and what became of them."""

from kt.cli.commands.parsing import Verb
from kt.cli.resources.notifications import endpoints, sent

VERBS = (
    Verb("list", "every endpoint, and since when it is not reached",
         endpoints.list_all, endpoints.list_arguments, "kt notifications list"),
    Verb("add", "have events sent somewhere", endpoints.make, endpoints.make_arguments,
         "kt notifications add on-call --url-file url --kind failed,held --secret-file whsec"),
    Verb("show", "one endpoint", endpoints.show, endpoints.show_arguments,
         "kt notifications show on-call"),
    Verb("set", "change where and what is sent", endpoints.set_fields, endpoints.set_arguments,
         "kt notifications set on-call --kind all"),
    Verb("rotate-secret", "have webhooks signed with a new secret",
         endpoints.rotate, endpoints.rotate_arguments,
         "kt notifications rotate-secret on-call --secret-file whsec"),
    Verb("test", "send a test, and say what came of it", sent.test, endpoints.show_arguments,
         "kt notifications test on-call"),
    Verb("log", "what was sent, and what came of it", sent.log, sent.log_arguments,
         "kt notifications log on-call --status waiting,gave_up"),
    Verb("replay", "send again what was given up", sent.replay, sent.replay_arguments,
         "kt notifications replay on-call --since 2026-01-31T12:00:00Z"),
    Verb("remove", "send nothing there any more", endpoints.remove, endpoints.remove_arguments,
         "kt notifications remove on-call"),
)  # fmt: skip
