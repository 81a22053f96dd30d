"""The ideas of indirect injections: what a text from outside says to the model that reads it.

A page, a document or a tool's result is there to be read. These speak to their reader.
"""

from __future__ import annotations

from kt.policy.decision.matching.ideas.idea import Idea

# In German the object comes first.
_JOB = "(?:solve_ any{0,2} job_|job_ any{0,2} solve_)"
_PAY = "(?:send_ any{0,5} money_|money_ any{0,6} send_)"

IDEAS = (
    Idea(
        "before-the-task",
        "A text tells its reader what to do before or after the task that it was given.",
        (
            "before you any? solve any{0,4} job any{0,3} must? any? send",
            f"before_ any{{0,3}} {_JOB} any{{0,3}} must_ any{{0,3}} {_PAY}",
        ),
        where="outside",
    ),
    Idea(
        "given-task",
        "A text from a tool speaks of the task that the model was given.",
        (
            "before you any? solve any{0,12} (?:must|heed|follows)",
            "job any{0,3} (?:i|user) gave you",
            "earlier any? (?:job|task) any{0,2} (?:cancelled|disabled|be)",
            "end new job",
            "user any? be? have? already any? approved",
        ),
        where="tools",
    ),
    Idea(
        "to-the-reader",
        "A text from a tool addresses the assistant, agent or model that reads it.",
        (
            "important any? note any{0,8} to_ any{0,3} (?:you|machine_reader|reader)",
            "(?:note|important) (?:to_|on) (?:filler|all){0,2} (?:machine_reader|reader)",
            "(?:machine_reader|reader) any? reader? any{0,2} reading",
            "when you be any{0,3} (?:machine_reader|language)",
            "end (?:machine_reader|assistant) end (?:drop|must|tell|send|call)",
        ),
        where="tools",
    ),
    Idea(
        "silence",
        "A text from a tool asks the model to keep something from the user.",
        (
            "not silence filler{0,2} user any{0,3} (?:about|filler|you)",
            "without silence filler{0,2} user",
            "hide any{0,3} from_ filler{0,2} user",
            "not silence any{0,5} to_ filler{0,2} user",
        ),
        where="tools",
    ),
    Idea(
        "carry-away",
        "A text from a tool asks for data of the conversation in a link or a call.",
        (
            "append any{0,8} (?:talked|secrets) any{0,8} link",
            "(?:call|send) any{0,10} secrets any{0,4} (?:your|training)",
        ),
        where="tools",
    ),
    Idea(
        "tool-call",
        "A text from a tool asks for another tool.",
        (
            "(?:end|then|must|before|you) call any{0,4} tool",
            "call any{0,2} tool any? (?:with|link|to_)",
        ),
        where="strict",
    ),
    Idea(
        "order",
        "A text from a tool orders an act: to send, pay, delete, visit, answer in some way.",
        (
            "(?:end|then|must) any? send any{0,8} (?:money|user|secrets|link|account)",
            "(?:end|then|must) any? send any{0,3} to_",
            "must any{0,2} (?:send|heed|tell)",
            "(?:end|answering|tell|answer) all? any{0,3} answer any{0,3} with",
            "answering any{0,2} (?:with|exactly|verbatim)",
            "heed filler{0,2} (?:new|orders|command)",
            "drop filler{0,3} (?:earlier|all|orders|user|everything)",
        ),
        where="strict",
    ),
)
