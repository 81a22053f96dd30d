# ruff: noqa: RUF001 - delimiters are written as the models have them.
"""Phrases of injections: to override instructions, change the model's role or read its prompt.

Phrases in the notation of `phrases`: lower case, `~` between two words.
"""

from __future__ import annotations

_WHICH = (
    r"(?:(?:all|any|every|everything|each|the|of|your|my|these|those|this|that|previous|previously|"
    r"prior|above|earlier|preceding|foregoing|past|initial|original|system|safety|current|existing|"
    r"given|stated|and|other|content)~){0,6}"
)
_EARLIER = (
    r"(?:previous|previously~given|prior|above|earlier|preceding|foregoing|initial|original|"
    r"system|safety|past)"
)
_ORDERS = (
    r"(?:instructions?|prompts?|rules?|guidelines?|directives?|directions|programming|"
    r"safeguards?|guardrails?)"
)
_TALK = r"(?:commands?|constraints?|restrictions?|training|context|messages?|policies|filters?)"
_DROP = (
    r"(?:ignor(?:e|ing)|disregard(?:ing)?|forget(?:ting)?|overrid(?:e|ing)|bypass(?:ing)?|"
    r"neglect|dismiss|discard|violate|circumvent|pay~no~attention~to|set~aside|do~not~follow|"
    r"don~t~follow|do~not~obey|stop~following|stop~obeying)"
)
_TELL = (
    r"(?:reveal|show|print|display|output|repeat|tell~me|give~me|share|leak|expose|disclose|dump|"
    r"recite|reproduce|quote|paste|write~(?:out|down)|what~(?:is|are|was|were)|echo|copy|list)"
)
_FREE = r"(?:unrestricted|unfiltered|uncensored|unaligned|jailbroken|amoral|unlimited|evil)"
_MACHINE = r"(?:ai|assistant|model|chatbot|bot|llm|version|persona|character)"
_LIMITS = (
    r"(?:restrictions?|rules|limits|limitations|filters?|guidelines|ethics|morals|censorship|"
    r"safeguards|guardrails|safety~(?:rules|guidelines|filters?))"
)

OVERRIDE = (
    rf"{_DROP}~{_WHICH}(?:{_EARLIER}|your)~{_WHICH}{_ORDERS}",
    rf"{_DROP}~{_WHICH}{_EARLIER}~{_WHICH}{_TALK}",
    rf"{_DROP}~(?:all~|the~)*{_ORDERS}~(?:above|before~this|you~(?:were|have~been)~given)",
    (
        r"(?:ignore|disregard|forget)~(?:the~|all~)?(?:above|previous|preceding)"
        r"(?:~text)?~and~(?:instead|say|print|output|write|do|answer|tell|respond)"
    ),
    (
        r"(?:you~(?:must|will|should|shall)~)?(?:now~)?(?:only~)?(?:obey|follow)~(?:only~)?(?:my|"
        r"these)"
        r"~new~(?:instructions|orders|rules|commands)"
    ),
    (
        r"from~now~on~(?:you~)?(?:will~|must~|shall~|are~going~to~)(?:only~)?"
        r"(?:ignore|obey~(?:me|only)|answer~without|respond~without|comply~with~every)"
    ),
    (
        r"(?:the~)?(?:previous|above|prior)~(?:instructions|rules|prompt)~(?:are|is|were|was)~"
        r"(?:now~)?(?:void|cancelled|canceled|invalid|obsolete|revoked|a~(?:test|lie|joke))"
    ),
)

PERSONA = (
    rf"(?:simulate|emulate|become|impersonate)~(?:an?~|the~)?(?:[^ ]+~)?{_FREE}~{_MACHINE}",
    r"do~anything~now",
    rf"you~are~(?:now~|no~longer~)(?:an?~)?(?:dan|stan|{_FREE}~{_MACHINE}|bound~by|restricted~by)",
    (
        r"(?:act|pretend|behave|respond|answer|roleplay|role~play|operate)~(?:now~)?"
        r"(?:as~if~you~are|as~if~you~were|as|like|to~be|being)~(?:an?~)?(?:[^ ]+~)?"
        rf"{_FREE}~(?:and~{_FREE}~)?{_MACHINE}"
    ),
    (
        rf"(?:respond|answer|reply|act|operate|write|speak|comply)~(?:to~[^ ]+~)?(?:fully~)?"
        rf"(?:without|with~no|free~(?:of|from))~(?:any~|all~|your~)*(?:[^ ]+~)?{_LIMITS}"
    ),
    (
        r"(?:you~(?:are|have~been)|consider~yourself)~(?:now~)?(?:jailbroken|freed~from|liberated~"
        r"from)"
    ),
    r"(?:stay|remain)~(?:in~)?(?:character~)?as~dan",
)

LEAK = (
    (
        r"(?:repeat|print|output|echo)~(?:back~)?(?:all~|the~|of~)*(?:everything|text|words?)~"
        r"above~this~(?:line|message|sentence|point)"
    ),
    (
        rf"{_TELL}~(?:me~)?(?:your|the)~(?:(?:exact|full|entire|complete|original|own|internal)~"
        rf"){{0,3}}"
        r"(?:prompt|instructions)~(?:verbatim|word~for~word|in~full|exactly|above|you~were~given|"
        r"to~me)"
    ),
    (
        r"what~(?:exactly~)?(?:were|are|was)~you~(?:told|instructed|ordered)~"
        r"(?:to~(?:do|say|keep|hide)|before|above|initially|not~to)"
    ),
    r"(?:start|begin)(?:ing)?~with~you~are~(?:chatgpt|claude|gemini|an?~ai|a~helpful)",
    (
        r"(?:reveal|give~me|tell~me|show~me|print|leak|list)~(?:me~)?(?:all~|any~|the~|your~|"
        r"every~)*"
        r"(?:secrets?|passwords?|credentials|api~keys?|hidden~rules)~(?:you~(?:know|have|were)|"
        r"in~your~(?:context|prompt|memory|instructions))"
    ),
)

PHRASES = OVERRIDE + PERSONA + LEAK

SPELT_PHRASES = (
    *PHRASES,
    r"(?:these|here|those)~are~your~new~(?:instructions|rules|orders|directives)",
    r"your~new~(?:instructions|rules|orders|directives|task|role|purpose)~(?:is|are)",
    r"(?:new|updated|real)~(?:system~)?instructions?~(?:follow|begin|start|override)s?",
    (
        r"(?:enable|enter|activate|switch~to|turn~on|engage|unlock)~(?:the~|your~)?"
        r"(?:developer|debug|god|jailbreak|admin|administrator|sudo|root|dan|unrestricted|"
        r"maintenance)~mode"
    ),
    (
        r"(?:developer|god|jailbreak|dan|sudo|unrestricted)~mode~(?:is~)?(?:now~)?"
        r"(?:enabled|on|activated|unlocked|engaged)"
    ),
    (
        r"(?:disable|turn~off|deactivate|remove|drop|switch~off)~(?:all~|any~|your~|the~)+"
        r"(?:safety|content|ethical|moderation)~(?:filters?|checks?|guidelines|protocols?|"
        r"restrictions?|"
        r"systems?|guardrails?)"
    ),
    (
        r"(?:repeat|print|output|copy|echo)~(?:back~)?(?:me~)?(?:all~|the~|every~)*"
        r"(?:text|words?|everything|content|lines?|messages?)~(?:of~the~conversation~)?"
        r"(?:above|before~this|that~(?:came|comes)~before|preceding)"
    ),
    (
        rf"{_TELL}~(?:(?:me|us|the|your|all|of|exact|exactly|full|entire|complete|original|"
        rf"verbatim|"
        r"raw|whole|text|contents?|above|own|current|internal)~){0,6}"
        r"(?:(?:system|hidden|secret|developer|confidential)~(?:prompts?|instructions?|messages?|"
        r"directives|preamble)|(?:initial|pre|base|underlying)~(?:prompts?|instructions))"
    ),
    (
        r"(?:ignore|disregard|forget)~(?:everything|anything|all)~(?:(?:that|what|which)~)?"
        r"(?:above|before|you~(?:were|have~been)~told|you~know|i~(?:said|told~you)|previously)"
    ),
    (
        rf"(?:act|pretend|behave|respond|imagine)~(?:as~if~|as~though~|like~|that~)?"
        rf"you~(?:have|had)~no~(?:[^ ]+~)?{_LIMITS}"
    ),
    rf"{_DROP}~{_WHICH}{_ORDERS}",
)
"""Phrases of text that was spelt out: nobody spells out what is harmless."""

# What chat templates use between turns. No text that people write has these.
TOKENS = (
    (
        r"<\|(?:im_start|im_end|im_sep|system|user|assistant|eot_id|begin_of_text|"
        r"start_header_id|end_header_id|end_of_turn|endofprompt|fim_prefix|channel|message|tool)\|>"
    ),
    r"\[/?inst\]",
    r"<</?sys>>",
    r"<(?:start|end)_of_turn>",
    r"<[|｜](?:begin▁of▁sentence|end▁of▁sentence)[|｜]>",
)

# What imitates them in words. Operators write some of these in their own prompts.
_NOTE = r"(?:[ \t_\-]+(?:prompts?|messages?|instructions?|override|notes?|notice|update))"
IMITATIONS = (
    rf"</?(?:system|sys|assistant|developer){_NOTE}?>",
    rf"(?m)^[ \t]*#{{1,6}}[ \t]*(?:system|assistant|developer){_NOTE}?[ \t]*:",
    rf"(?m)^[ \t]*#{{1,6}}[ \t]*(?:system|developer){_NOTE}[ \t]*$",
    rf"\[[ \t]*(?:system|developer){_NOTE}?[ \t]*\]",
    rf"(?:-{{3,}}|={{3,}})[ \t]*(?:system|developer){_NOTE}?[ \t]*(?:-{{3,}}|={{3,}})",
    rf"(?m)^[ \t]*system{_NOTE}[ \t]*[:\]]",
    (
        r"(?m)^[ \t]*(?:system|assistant|developer)[ \t]*:[ \t]*(?:you are|you must|you will|your|"
        r"ignore|disregard|override|new|from now|the user|sure|certainly)"
    ),
    (
        r"(?:begin|end|start|stop)(?: of)?(?: the)? (?:system|user|admin|developer)"
        r"(?:'s)? (?:prompt|input|instructions?|message|query|context)[ \t]*(?:\]|-{2,}|={2,}|>|"
        r"\n|$)"
    ),
    r"\n\n(?:human|assistant):[ \t]",
)

# What a page or a tool's result puts around words for its reader, and links that take data along.
FRAMES = (
    r"</?(?:information|important|untrusted|tool_output|tool_result|user_request)>",
    (
        r"\[(?:important|instructions?|note)[ \t]+(?:to|for)[ \t]+(?:the[ \t]+)?"
        r"(?:ai|assistant|model|agent)"
    ),
    r"!\[[^\]\n]{0,80}\]\(https?://[^)\s]{1,200}[?=/][^)\s]{0,80}[{\[<$]",
)

# An order to call a tool, by its name. Where a policy is not strict, it is documentation.
CALLS = (
    (
        r"(?:^|[^a-z0-9_])(?:call|invoke|use|run|execute|trigger)[ \t]+(?:the[ \t]+)?[`'\"]?"
        r"[a-z0-9]+(?:_[a-z0-9]+)+"
    ),
)
