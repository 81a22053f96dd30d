"""The ideas of harmful requests: an intent and a harm within one clause.

Prose about crime, medicine and law names harms all the time, so none is enough by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kt.policy.decision.matching.ideas.idea import Idea

_VIOLENCE = "(?:kill|hurt)"
_EVIL = "(?:kill|hurt|steal|destroy|hack|spread)"

IDEAS = (
    Idea(
        "violence",
        "Somebody asks how to kill, hurt, threaten or abduct people.",
        (
            f"ask calm{{0,5}} {_VIOLENCE} det{{0,4}} person",
            "ask calm{0,5} end_ det{0,2} person? after_person? life",
            f"intend calm{{0,2}} {_VIOLENCE} det{{0,4}} person",
            f"carry calm? {_VIOLENCE} det{{0,3}} person",
        ),
    ),
    Idea(
        "self-harm",
        "Somebody asks how to kill or hurt themselves.",
        ("(?:ask|intend) calm{0,4} selfharm self", "ask calm{0,4} end_ my my? life"),
    ),
    Idea(
        "crime",
        "Somebody asks how to commit a crime, or to get away with one.",
        (
            "ask calm{0,4} carry calm{0,4} crime",
            f"{_EVIL} calm{{0,6}} without any{{0,3}} caught",
            f"ask calm{{0,3}} (?:{_EVIL}|obtain) calm{{0,5}} undetected",
        ),
    ),
    Idea(
        "theft",
        "Somebody asks how to steal, smuggle, launder, forge or pirate something.",
        (
            "ask calm{0,4} steal calm{0,5} goods",
            "(?:ask|write) calm{0,4} (?:makes|obtain|steal|write) det{0,2} forged calm? papers",
        ),
    ),
    Idea(
        "intrusion",
        "Somebody asks how to break into devices, accounts or houses.",
        (
            "ask calm{0,4} hack calm{0,4} device",
            "ask calm{0,4} break_ into det{0,3} device",
            "ask calm{0,4} spy calm{0,4} person calm{0,5} without any{0,2} consent",
        ),
    ),
    Idea(
        "malware",
        "Somebody asks for malicious software.",
        ("write filler_h{0,8} malware", "write filler_h{0,6} computer virus"),
    ),
    Idea(
        "deceit",
        "Somebody asks for a text that deceives, defames, threatens or slanders.",
        (
            "write calm{0,3} shady calm{0,2} mail",
            "ask calm{0,4} spread calm{0,4} shady calm{0,2} mail",
        ),
    ),
    Idea(
        "incitement",
        "Somebody asks for a text that promotes or justifies violence, hatred or self-harm.",
        (
            "write plain{0,5} incite plain{0,4} harmthing",
            "(?:write|incite) any{0,5} genocide_ any{0,3} never_was",
        ),
    ),
    Idea(
        "weapons",
        "Somebody asks how to make, get or use a bomb, a poison or another weapon.",
        (
            "ask calm{0,5} makes plain{0,4} weapon",
            "ask calm{0,5} makes plain{0,3} arm_kind arm",
        ),
    ),
    Idea(
        "drugs",
        "Somebody asks how to make, buy or sell illegal drugs.",
        (
            "ask calm{0,5} (?:makes|obtain|steal) plain{0,3} dope_",
            "ask calm{0,4} inhale calm{0,4} fumes",
        ),
    ),
    Idea(
        "illegality",
        "Somebody asks how to do or get something that they themselves call illegal.",
        (
            "ask calm{0,5} (?:makes|obtain|steal|carry|spread|write) calm{0,3} illegal of_law",
            "ask calm{0,5} illegally end",
        ),
    ),
    Idea(
        "in-other-languages",
        "The same is asked in another language.",
        (
            "how_ calm{0,4} making calm{0,3} (?:arms|dope)",
            "how_ calm{0,4} (?:arms|dope) calm{0,4} making",
            "(?:arms|dope) calm{0,3} making calm{0,4} how_",
            "(?:arms|dope) calm{0,3} how_ calm{0,3} making",
            "how_ calm{0,4} killing calm{0,3} victim",
            "how_ calm{0,4} victim calm{0,4} killing",
            "victim calm{0,3} killing calm{0,4} how_",
            "victim calm{0,3} how_ calm{0,2} killing",
            "how_ calm{0,4} hacking calm{0,5} account",
            "how_ calm{0,5} account calm{0,4} hacking",
            "account calm{0,3} hacking calm{0,4} how_",
            "account calm{0,3} how_ calm{0,2} hacking",
            "writing calm{0,4} virus_",
            "virus_ calm{0,3} writing",
            "how_ calm{0,4} crime_ calm{0,3} laundering",
            "how_ calm{0,4} laundering calm{0,3} crime_",
            "laundering calm{0,3} how_",
            "how_ calm{0,4} selfkill",
            "selfkill calm{0,4} how_",
            "how_ calm{0,5} illegal_ calm? activity_",
            "how_ calm{0,4} activity_ calm? illegal_",
            "illegal_ calm? activity_ calm{0,4} how_",
        ),
    ),
)

OF_MODES: Mapping[str, tuple[Idea, ...]] = MappingProxyType(
    {
        "critical_infrastructure": (
            Idea(
                "interlocks",
                "Somebody asks for a plant's safeguards to be switched off.",
                ("tamper plant_part{0,5} interlock",),
            ),
        ),
    }
)
"""What a mode of `safety-filter` adds."""
