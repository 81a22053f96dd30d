"""The ideas of harmful requests: an intent and a harm within one clause.

Prose about crime, medicine and law names harms all the time, so none is enough by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kt.policy.decision.matching.ideas.idea import Idea

_VIOLENCE = "(?:kill|hurt)"
_PHRASAL = "(?:(?:beat_|chop_) up_|hunt_ down_|wipe_ out_|do_ away_ with_|hurt on_)"
_MAIM = "(?:maim|cut_ off_)"
_GETTING = "(?:makes|obtain|steal|write|spread)"
_FORGED = "(?:forged_ papers_|papers_ forged_|forged_papers_)"
_WITH_INTENT = "(?:ask (?:to_|i_)|ask calm{0,2} (?:to_|i_)|ask for_)"
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
            f"can_ i_ calm? {_VIOLENCE} on_? det{{0,4}} person",
            f"what_ can_ i_ calm{{0,3}} {_VIOLENCE} det{{0,4}} person",
            f"ask calm{{0,4}} {_PHRASAL} det{{0,4}} person",
            f"ask calm{{0,4}} {_MAIM} any{{0,3}} living_? person s_? body",
            f"ask calm? i_ calm{{0,4}} {_MAIM} their_ body",
            "ask calm{0,2} i_ calm? end_ calm{0,4} hostage",
            "(?:ask|carry) calm{0,4} det? person s_ death",
            "ask calm{0,4} (?:blast|blow_ up_) det{0,3} place",
        ),
    ),
    Idea(
        "self-harm",
        "Somebody asks how to kill or hurt themselves.",
        (
            "(?:ask|intend) calm{0,4} selfharm self",
            "ask calm{0,4} end_ my my? life",
            "ask calm{0,3} i_ calm? slit my{1,2} vein",
        ),
    ),
    Idea(
        "crime",
        "Somebody asks how to commit a crime, or to get away with one.",
        (
            "ask calm{0,4} carry calm{0,4} crime",
            f"{_EVIL} calm{{0,6}} without any{{0,3}} caught",
            f"ask calm{{0,3}} (?:{_EVIL}|obtain) calm{{0,5}} undetected",
            "(?:ask|write) calm{0,6} carry calm{0,2} insider_ trading_",
            "ask calm{0,4} manipulate calm{0,2} markets",
            "ask calm{0,5} (?:harass_|destroy) calm{0,5} away_ with_ it_",
            "ask calm{0,6} human_ trafficking_ calm? venture",
            "(?:ask|write|carry) plain{0,4} terror_ attack_",
        ),
    ),
    Idea(
        "sabotage",
        "Somebody asks how to disrupt or tamper with what lives hang on.",
        (f"{_WITH_INTENT} calm? sabotage_ calm{{0,5}} vital",),
    ),
    Idea(
        "theft",
        "Somebody asks how to steal, smuggle, launder, forge or pirate something.",
        (
            "ask calm{0,4} steal calm{0,5} goods",
            f"(?:ask|write) calm{{0,4}} {_GETTING} det{{0,2}} forged calm? papers",
            "(?:ask|write) calm{0,5} hosting calm? pirated_",
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
        (
            "write filler_h{0,8} malware",
            "write filler_h{0,6} computer virus",
            "(?:ask|write) calm{0,6} (?:spread|makes|write) calm{0,3} malware",
            "write plain{0,3} software_ plain{0,3} does_harm",
            "write plain{0,3} software_ plain{0,3} harvests plain{0,2} private_",
            "write filler_h{0,4} virus filler_h{0,4} infects",
            "(?:write|carry) filler_h{0,4} attack_kind filler_h? attack_",
        ),
    ),
    Idea(
        "deceit",
        "Somebody asks for a text that deceives, defames, threatens or slanders.",
        (
            "write calm{0,3} shady calm{0,2} mail",
            "ask calm{0,4} spread calm{0,4} shady calm{0,2} mail",
            "(?:ask|write) calm{0,6} spread calm{0,3} untruth",
            "(?:ask|write) calm{0,6} swindle det{0,2} (?:person|customer)",
            "(?:ask|write) calm{0,4} sending calm{0,3} unsolicited",
            "write calm{0,5} demanding calm? ransom_",
            "write calm{0,3} weapon threat_",
        ),
    ),
    Idea(
        "incitement",
        "Somebody asks for a text that promotes or justifies violence, hatred or self-harm.",
        (
            "write plain{0,6} incite plain{0,6} harmthing",
            "ask calm{0,3} incite det{0,3} person calm{0,4} harmthing",
            "(?:write|incite) any{0,5} genocide_ any{0,3} never_was",
        ),
    ),
    Idea(
        "exclusion",
        "Somebody asks for reasons to take their rights from a group of people.",
        (
            "why_ should_ any{0,2} group person? any{0,2} denied_ any{0,6} right_",
            "why_ are_ group person? any{0,3} inferior_",
        ),
    ),
    Idea(
        "atrocity",
        "Somebody asks how to repeat a massacre, or what was good about one.",
        (
            "ask calm{0,3} repeat_ any{0,6} atrocity",
            "benefits any? atrocity",
            "why_ any{0,5} atrocity any{0,3} good_ thing_",
        ),
    ),
    Idea(
        "prying",
        "Somebody asks for the records or accounts of a person whom they know.",
        (
            "(?:what_|ask) any{0,4} my acquaintance any? s_? any{0,2} private_kind private_thing",
            "ask calm{0,4} other_ person s_? any{0,2} private_kind private_thing",
        ),
    ),
    Idea(
        "gore",
        "Somebody asks for cruelty to be described in graphic detail.",
        ("describe_ any{0,8} tormented any{0,6} graphic_ detail_",),
    ),
    Idea(
        "weapons",
        "Somebody asks how to make, get or use a bomb, a poison or another weapon.",
        (
            "ask calm{0,5} makes plain{0,4} weapon",
            "ask calm{0,5} makes plain{0,3} arm_kind arm",
            "(?:ask|write) plain{0,4} arm_kind arm arm? plain{0,6} makes",
        ),
    ),
    Idea(
        "drugs",
        "Somebody asks how to make, buy or sell illegal drugs.",
        (
            "ask calm{0,5} (?:makes|obtain|steal) plain{0,3} dope_",
            "ask calm{0,4} inhale calm{0,4} fumes",
            "ask calm{0,4} (?:makes|obtain) det? measure any? street (?:end|at_)",
            "ask calm{0,3} vend drugs_ (?:end|online_)",
            "ask calm{0,4} drugs_ calm{0,3} recreationally",
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
            "recipe_ calm{0,3} (?:arms|dope)",
            "(?:arms|dope) calm{0,2} recipe_",
            f"how_ calm{{0,4}} (?:making|getting_) calm{{0,3}} {_FORGED}",
            f"{_FORGED} calm{{0,3}} (?:making|getting_) calm{{0,3}} how_",
            f"how_ calm{{0,2}} {_FORGED} calm{{0,4}} (?:making|getting_)",
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
