"""English."""

from __future__ import annotations

from collections.abc import Mapping

INJECTION: Mapping[str, str] = {
    "drop": (
        "ignore ignoring disregard disregarding forget forgetting override overriding bypass "
        "bypassing neglect dismiss discard violate circumvent unlearn abandon suspend "
        "overrule supersede"
    ),
    "heed": "follow following obey obeying heed adhere comply abide respect observe",
    "stop": "stop cease quit",
    "earlier": (
        "previous previously prior above earlier preceding foregoing initial original past "
        "former old beforehand pretrained"
    ),
    "all": "all any every everything each anything entire whole",
    "whole": "everything anything all",
    "your": "your ur yours",
    "filler": (
        "the of my these those this that existing current given stated and other content own a an "
        "me us please now also just to out from exact exactly full complete verbatim raw for"
    ),
    "orders": (
        "instruction instructions prompt prompts rule rules guideline guidelines directive "
        "directives directions programming safeguard safeguards guardrail guardrails orders "
        "protocols"
    ),
    "talk": (
        "command commands constraint constraints restriction restrictions training context message "
        "messages policy policies filter filters text conversation input inputs request requests"
    ),
    "command": "instruction instructions directive directives prompt prompts message messages",
    "system": (
        "system systems hidden secret initial developer confidential underlying base core "
        "preprompt metaprompt original starting internal startup"
    ),
    "sysprompt": "sysprompt systemprompt preprompt metaprompt",
    "prompt": (
        "prompt prompts instruction instructions directive directives preamble configuration "
        "config initialization message messages rules guidelines"
    ),
    "tell": (
        "reveal show print display output repeat tell give share leak expose disclose dump recite "
        "reproduce quote paste write echo copy list return send provide type spell"
    ),
    "what": "what whats which",
    "change": (
        "translate summarize summarise encode convert rephrase paraphrase opposite rot13 base64 "
        "rewrite describe explain complete continue finish"
    ),
    "everything": "everything words text content contents line lines messages conversation sentence",
    "verbatim": "verbatim word exactly full block fence entirety literally unchanged",
    "initialization": "initialization initialisation",
    "training": "training trained memory memorized memorised context environment weights",
    "secrets": (
        "secret secrets password passwords credential credentials keys token tokens connection"
    ),
    "told": "told instructed ordered given programmed",
    "i": "i",
    "you": "you u youre yourself",
    "be": "are were is be been re am become act",
    "new": "new updated real actual",
    "task": "task tasks role purpose goal objective mission",
    "act": (
        "act pretend behave respond answer roleplay operate simulate emulate become impersonate "
        "imagine reply play speak write be are is portray embody"
    ),
    "free": (
        "unrestricted unfiltered uncensored unaligned jailbroken amoral unethical immoral unhinged "
        "unbound lawless unmoderated unshackled"
    ),
    "freely": "unrestrictedly unfilteredly unethically immorally amorally unhingedly",
    "machine": (
        "ai ais assistant chatbot bot llm gpt persona character language robot chatgpt version "
        "personality entity"
    ),
    "answer": "response responses answer answers reply replies prompt prompts",
    "no": "no without free",
    "not": (
        "not never cannot cant isnt doesnt dont wont don doesn isn won can aren longer neither nor "
        "t"
    ),
    "bound": (
        "bound restricted limited constrained confined bounded governed controlled tied beholden "
        "shackled"
    ),
    "have": "have has having had",
    "moral": "ethical moral ethic content safety censorship moralizing",
    "limits": (
        "restriction restrictions rules limits limitations filters filter guidelines ethics morals "
        "censorship safeguards guardrails morality principles policies policy regulations laws "
        "constraints boundaries scruples"
    ),
    "ethics": "ethics morals morality censorship ethical moral scruples remorse legality ethicality",
    "regardless": "regardless matter despite irrespective",
    "wicked": "illegal unethical immoral unlawful inhumane amoral offensive legality morality",
    "refuse": "refuse refuses reject rejects decline declines deny denies censor question questions",
    "requests": (
        "request requests prompt prompts order orders command commands question questions demand "
        "demands query anything"
    ),
    "maker": "openai anthropic openais anthropics",
    "mode": "mode",
    "wild": "god jailbreak dan unrestricted sudo unfiltered uncensored godmode evil chaos",
    "tinker": "developer debug admin administrator root maintenance",
    "godmode": "godmode g0dm0d3 jailbroken dan",
    "turn": "enable enter activate switch engage unlock initiate simulate",
    "on": "on into to the",
    "enabled": "enabled activated unlocked engaged",
    "then": "and then where with now so please hello hi hey ok okay must can will should have",
    "two": "two 2 both",
    "ways": "way ways response responses answer answers manner manners paragraphs outputs replies",
    "answering": "answer respond reply provide give generate produce responding answering",
    "asked": "question questions prompt prompts message messages query request requests",
    "broken": "break breaking broke step stepping",
    "character": "character persona role",
    "when": "if when whenever should",
    "ask_as_ai": "ai model",
    "as": "as",
    "saying": "say saying mention mentioning include including respond responding write use state",
    "start": "start begin starting beginning open",
    "with": "with by",
    "sure": "sure absolutely certainly course yessir gladly",
    "reset": "reset erase wipe clear delete purge",
    "purge": "memory programming guidelines training",
    "disable": "disable deactivate remove drop lift off disabling",
    "disabled": "disabled deactivated removed lifted",
    "caring": "care cares caring regard regards concern worry worries",
    # What speaks to the model from a text that it was only to read.
    "important": "important urgent attention critical special",
    "note": "message note instruction instructions notice request update",
    "reader": "ai assistant assistants llm llms model models agent agents chatbot bot you",
    "machine_reader": "ai llm llms chatbot copilot agents",
    "reading": "reading processing summarizing summarising parsing analyzing analysing",
    "before": "before after once first",
    "solve": "solve complete finish continue proceed answer summarize fulfil fulfill resume",
    "job": "task tasks question request instructions summary job",
    "gave": "gave gives given assigned asked",
    "send": (
        "send transfer pay wire email forward post upload book invite delete visit buy share "
        "reserve submit exfiltrate call execute run make create update change download"
    ),
    "money": "money link data file files password history email emails bitcoin funds balance",
    "user": "user users human humans customer anyone anybody owner",
    "silence": "tell telling mention mentioning inform informing notify notifying alert alerting",
    "without": "without",
    "hide": "hide conceal secret silently quietly",
    "append": "append add include put encode attach embed insert pass concatenate",
    "talked": (
        "conversation chat history key keys secret secrets password passwords query email data "
        "message context prompt token tokens information"
    ),
    "link": "url link image querystring parameter href src webhook endpoint server",
    "tool": "tool tools function functions plugin api",
    "call": "call use invoke run execute trigger launch",
    "must": "must need have required now immediately should please",
    "to_": "to for",
    "from_": "from",
    "about": "about",
    "follows": "following follow",
    "cancelled": "cancelled canceled void over obsolete complete completed done finished",
    "already": "already previously",
    "approved": "approved authorized authorised confirmed consented",
    "exactly": "exactly only",
    "account": "account file files repository calendar event",
    "assistant": "assistant assistants",
    "language": "language",
}

HARM: Mapping[str, str] = {}
