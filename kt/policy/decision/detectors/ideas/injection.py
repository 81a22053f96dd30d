"""The ideas of injections: to drop orders, to read them out, to be without limits."""

from __future__ import annotations

from kt.policy.decision.detectors.ideas import indirect
from kt.policy.decision.matching.ideas.idea import Idea

_LOWERED = "(?:filler|earlier|all|your|system|moral)"
_SPOKEN_TO = "(?:you|machine|act|answering)"
_GIVEN = "(?:earlier|your|system)"
_AND_MORE = "(?:filler|tell|all|everything|earlier|verbatim){0,6}"
_OPENING = "(?:end|then) "
_SAY = f"{_OPENING} tell (?:filler|tell){{0,3}}"
_NO_MORE = "filler{0,2} (?:end|then|everything|verbatim)"
_SOFTENED = "(?:filler|then){0,2}"

OVERRIDE = (
    Idea(
        "override",
        "The model is told to ignore, forget or break the instructions that it was given.",
        (
            f"drop {_LOWERED}{{0,3}} earlier any{{0,3}} (?:orders|talk)",
            f"drop {_LOWERED}{{0,3}} (?:your|system) {_LOWERED}{{0,4}} any? orders",
            f"drop {_LOWERED}{{0,3}} all {_LOWERED}{{0,4}} any? command",
            f"{_OPENING} drop {_LOWERED}{{0,3}} all {_LOWERED}{{0,4}} any? orders",
            f"drop {_LOWERED}{{0,3}} orders any{{0,3}} (?:earlier|told)",
            f"not heed {_LOWERED}{{0,4}} any? {_GIVEN} {_LOWERED}{{0,3}} any? orders",
            f"stop heed {_LOWERED}{{0,4}} any? orders",
            f"drop {_LOWERED}{{0,3}} maker any{{0,3}} (?:orders|limits)",
            "drop filler? whole filler{0,2} (?:you|i) any{0,2} told",
            "drop filler? whole filler{0,2} earlier (?:end|then|this_)",
            "reset filler{0,2} your any{0,2} (?:purge|orders)",
            # Languages that have the verb at the end, and those that have the adjective there.
            "(?:earlier|all|your|system) any{0,6} orders any{0,5} drop_after",
            "sysprompt any{0,5} drop_after",
            "earlier any{0,5} whole any{0,3} drop_after",
            f"drop {_LOWERED}{{0,4}} sysprompt",
            "drop filler{0,2} whole any{0,4} above_",
            "drop filler{2,3} above_ (?:end|then)",
            f"{_OPENING} drop orders any{{0,3}} tell",
        ),
    ),
    Idea(
        "no-weight",
        "The model is told not to follow its instructions, in languages that deny it so.",
        (
            "denial_ any? weigh_ any{0,2} weight_ any{0,2} all? orders any{0,2} (?:earlier|system)",
            "(?:denial_ heed_ denial_?|heed_ denial_) any{0,2} earlier any? orders",
            "(?:denial_ heed_ denial_?|heed_ denial_) any{0,2} orders any{0,2} (?:earlier|system)",
        ),
        denies=True,
    ),
    Idea(
        "new-orders",
        "The model is given new instructions in place of its own.",
        (
            "your new any? command any{0,2} be",
            "be your new any? command end",
            "your new any? task any{0,3} (?:tell|drop) any{0,3} (?:everything|secrets|system|your)",
            "end new system? command end",
            "thy new any? command any{0,3} follows_",
            "behold_ thy new command end",
        ),
    ),
)

LEAK = (
    Idea(
        "leak",
        "The model is asked to show, repeat or translate its system prompt.",
        (
            f"tell {_AND_MORE} your {_AND_MORE} (?:system|earlier) any? (?:prompt|orders)",
            f"tell {_AND_MORE} system command (?:end|then|you|verbatim)",
            f"tell {_AND_MORE} system any? command any{{0,3}} (?:verbatim|told|machine|your|you)",
            "end your system command end",
            "what be your any{0,2} system any? command any? (?:end|verbatim|told)",
            "what be your filler{0,2} command (?:end|verbatim)",
            "change any{0,2} your any{0,2} (?:system|earlier) command",
            "change any{0,2} (?:system|earlier) command be",
            "(?:tell|change) any{0,6} (?:sysprompt|initialization)",
            "tell (?:filler|tell){0,4} your filler{0,2} prompt (?:end|any{0,3} (?:verbatim|told))",
            f"{_SAY} all any{{0,3}} everything any{{0,4}} earlier {_NO_MORE}",
            f"{_SAY} whole earlier {_NO_MORE}",
            f"{_SAY} (?:earlier everything|everything earlier) any{{0,6}} verbatim",
            "what any? be you told",
            "tell any{0,5} sysprompt",
            "tell (?:filler|all){0,2} everything inside_ filler{0,2} (?:system|your) any? command",
            f"{_OPENING} tell filler{{0,3}} concealed{{2}} command",
            "sysprompt any{0,6} tell_after",
            "(?:system|your) any{0,2} (?:prompt|orders) any{0,5} tell_after",
            "tell any{0,4} prompt any? system",
            "(?:tell|change) any{0,6} everything any{0,2} you (?:be|have) any? told",
            "start any{0,2} with you be any{0,5} (?:tell|machine)",
        ),
    ),
    Idea(
        "memory",
        "The model is asked for secrets of its training, its memory or its context.",
        (
            f"{_OPENING} tell any{{0,6}} secrets any{{0,8}} training",
            "tell any{0,6} secrets any{0,2} you (?:have|be)",
            "tell any{0,6} secrets_ any{0,5} thy any? memory_",
        ),
    ),
)

FREEDOM = (
    Idea(
        "persona",
        "The model is to play somebody who is unfiltered, amoral or otherwise without rules.",
        (
            "(?:act|you) any{0,8} free any{0,3} (?:machine|answer)",
            "free any{0,3} machine any{0,8} (?:you|answering|requests)",
            "(?:answer|answering) any{0,6} freely",
            "(?:act|answering|answer) any{0,4} free any{0,2} answer",
            "play_ any{0,3} ai_ any{0,3} free",
        ),
    ),
    Idea(
        "unbound",
        "Somebody in the model's place is said to be bound by no rules, ethics or policies.",
        (
            "not any{0,2} bound any{0,4} (?:limits|moral)",
            "not any{0,3} heed any{0,4} maker any{0,3} limits",
            "not any{0,2} heed all any{0,2} limits any{0,2} limits",
            "not any{0,2} caring any{0,3} limits any? limits",
            "answering any{0,2} (?:requests|character) any{0,3} no limits",
            "(?:tell|saying|answer) any{0,3} whole any{0,6} no any? limits",
            "freed_ from_ any{0,4} confines",
            f"{_SPOKEN_TO} any{{0,6}} (?:no|not have) any{{0,4}} moral any{{0,3}} limits",
            f"{_SPOKEN_TO} any{{0,6}} (?:no|not have) any{{0,2}} limits any{{0,2}} limits",
            "(?:you|machine) any{0,4} no all limits",
            "not any{0,4} caring any{0,3} ethics",
            "act any{0,2} you have no any? limits (?:end|then)",
            "act any{0,8} nolimit any{0,3} limits",
            "limits any{0,3} nolimit_after any{0,6} act",
            "act any{0,12} limits any{0,3} nolimit_after",
        ),
    ),
    Idea(
        "whatever-it-takes",
        "Every request is to be answered, however illegal or immoral it is.",
        (
            "regardless any{0,6} wicked any{0,6} wicked",
            "regardless any{0,4} (?:wicked|ethics)",
            "not refuse any{0,3} requests",
            "machine any{0,12} not refuses_ (?:end|then)",
            "answering all any{0,2} requests any{0,8} (?:wicked|free)",
            "answering_ any{0,5} (?:egal_ how_so|little_ matters_) any{0,4} wicked_",
        ),
    ),
    Idea(
        "no-disclaimer",
        "The model may not say that it is one, or must begin with an agreement.",
        (
            "not any{0,2} (?:saying|tell|answering|answer) any{0,8} as any? machine any? machine",
            f"{_OPENING} start any{{0,4}} with any{{0,1}} sure",
            "(?:saying_ not_|not_ saying_) any{0,6} as_ any{0,3} model_",
        ),
        denies=True,
    ),
    Idea(
        "mode",
        "The model is switched to a mode without limits, or one for developers.",
        (
            "wild any? mode",
            "godmode end? be? enabled",
            f"{_OPENING} you? be? {_SOFTENED} turn filler{{0,2}} tinker mode (?:end|then|you)",
            "you any{0,3} (?:filler|on){0,2} tinker mode",
            "tinker mode any{0,2} (?:enabled|answer)",
            "(?:are_ any? now_|now_ any? are_) any{0,2} (?:tinkermode|mode_ tinker_|tinker_ mode_)",
            "now_ enter_ any? tinkermode",
        ),
    ),
    Idea(
        "opposite",
        "The model is to answer as the opposite of itself, or as one that refuses at first only.",
        (
            "opposite_ any{0,5} itself_",
            "opposite_ mode any{0,8} you",
            "your refusal_ any{0,2} start with",
            "(?:answering|answer|act) any{0,2} as two any{0,2} persona_",
        ),
    ),
    Idea(
        "two-answers",
        "The model is to answer twice, once as itself and once without limits.",
        (
            "answering any{0,6} (?:all|my_) any{0,2} (?:asked|answer) any{0,6} two any{0,3} ways",
            "answering any{0,2} two any{0,2} ways any{0,3} (?:all|my_) any? (?:asked|answer)",
            "when you any{0,2} broken any{0,2} character",
            "answering_ any{0,2} each_ asked_ any{0,4} two_ any{0,2} ways_",
        ),
    ),
    Idea(
        "switch-off",
        "The model is told to switch off its filters or safeguards.",
        (
            "disable (?:filler|all|your){1,4} any? moral limits",
            "(?:your filler? moral|ethical_) limits any{0,2} disabled",
            "disable_ any{0,2} thy (?:any? shield_|filters_ any{0,2} moral_)",
        ),
    ),
)

IDEAS = OVERRIDE + LEAK + FREEDOM + indirect.IDEAS

MISSPELT = ("drop", "earlier", "orders", "system", "prompt")
"""Concepts whose words are known with a typing error too."""
