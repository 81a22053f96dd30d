"""Phrases of harmful requests: those for all modes of `safety-filter`, and those of each mode.

Phrases in the notation of `phrases`: lower case, `~` between two words. Most
ask for an intent and a harm together, since prose about crime, medicine and law
names harms all the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_A = r"(?:(?:an?|the|some|any|my|your|his|her|their|our|someone~s|somebody~s|another~person~s)~)?"
_ASK = (
    r"(?:how~(?:to|do~i|can~i|could~i|would~i|do~you|can~you|would~you|does~one|can~one|do~we|"
    r"would~someone|can~someone)|(?:best|easiest|fastest|safest|quickest)~way~to|ways~to|"
    r"(?:instructions?|steps|guide|tutorial|recipe|plan|directions|manual|blueprints?)~"
    r"(?:to|for|on|about|how~to)|teach~me(?:~how)?(?:~to)?|(?:show|tell|explain)~(?:me~)?how~to|"
    r"(?:show|tell)~me~ways~to|help~(?:me|us)(?:~to)?|i~(?:want|need|plan|intend|am~going)~to|"
    r"i~d~like~to|i~m~going~to|we~(?:want|need|plan|intend)~to|explain~(?:the~)?(?:steps|process)~"
    r"(?:to|of|for))"
)
_SOON = r"~(?:(?:[^ ]+)~){0,3}"
_MAKE = (
    r"(?:mak(?:e|ing)|build(?:ing)?|creat(?:e|ing)|construct(?:ing)?|assembl(?:e|ing)|"
    r"synthesi[sz](?:e|ing)|manufactur(?:e|ing)|produc(?:e|ing)|cook(?:ing)?|brew(?:ing)?|"
    r"weaponi[sz](?:e|ing)|culture|grow)"
)
_PERSON = (
    r"(?:someone|somebody|a~person|people|a~man|a~woman|a~child|children|my~(?:wife|husband|boss|"
    r"neighbou?r|coworker|colleague|ex|girlfriend|boyfriend|teacher|parents?|mother|father|brother|"
    r"sister|roommate|classmates?)|the~(?:president|prime~minister|mayor|judge|governor))"
)
_ILLEGAL = (
    r"(?:illegal|criminal|unlawful|illicit)~(?:activit(?:y|ies)|acts?|actions?|conduct|operations?|"
    r"purposes?|things?|behaviou?r|enterprise)"
)

_GENERAL = (
    # Someone is told to write instructions for a crime.
    (
        r"(?:generate|write|give|provide|create|make|produce|draft|list|explain|outline|describe|"
        r"tell|"
        r"show|teach|need|want|send|share)~(?:[^ ]+~){0,4}(?:instructions?|guide|steps|tutorial|"
        r"plan|"
        r"directions|manual|ways|methods|tips)~(?:for|to|on~how~to|how~to)~(?:(?:do|perform|"
        r"conduct|"
        rf"commit|commit(?:ting)?|carry~out|engage~in|doing|some|any|an)~){{0,3}}{_ILLEGAL}"
    ),
    (
        rf"{_ASK}~(?:do|commit|perform|conduct|engage~in|carry~out|plan|start)~(?:an?~|some~"
        rf")?{_ILLEGAL}"
    ),
    (
        rf"{_ASK}~(?:commit|get~away~with|plan|carry~out|cover~up)~(?:an?~|the~perfect~)?"
        r"(?:crime|murder|homicide|fraud|arson|robbery|burglary|terrorism|identity~theft|"
        r"insurance~fraud|"
        r"tax~fraud|genocide|mass~shooting|school~shooting|terrorist~attack|suicide|assassination|"
        r"kidnapping|rape|blackmail|extortion)"
    ),
    (
        rf"{_ASK}~(?:launder~money|evade~taxes|counterfeit~(?:money|currency|bills|banknotes)|"
        r"smuggle~(?:drugs|weapons|guns|people|cocaine|heroin)|traffic~(?:drugs|people|humans)|"
        r"hotwire~a~car|pick~a~lock~to~(?:break|get)~in)"
    ),
    # Weapons.
    (
        rf"{_ASK}{_SOON}{_MAKE}~{_A}(?:(?:homemade|improvised|pipe|nail|dirty|car|fertili[sz]er|"
        rf"petrol|"
        r"nuclear|pressure~cooker|letter|chemical|small|simple|crude)~){0,2}"
        r"(?:bombs?|explosives?|ied|explosive~devices?|molotov(?:~cocktails?)?|grenades?|"
        r"detonators?|"
        r"ghost~guns?|silencers?|nerve~agents?|nerve~gas|sarin|vx|ricin|mustard~gas|chlorine~gas|"
        r"anthrax|bioweapons?|biological~weapons?|chemical~weapons?|nuclear~(?:weapons?|device)|"
        r"napalm|"
        r"thermite|tatp|c4~(?:bombs?|charges?|explosives?|devices?))"
    ),
    (
        r"(?:build|make|assemble|construct)~(?:an?~|the~)?(?:pipe|nail|dirty|fertili[sz]er|"
        r"pressure~cooker)~bombs?"
    ),
    rf"{_ASK}~(?:convert|modify|turn)~{_A}(?:[^ ]+~){{0,4}}(?:fully~automatic|full~auto)",
    (
        rf"{_ASK}{_SOON}(?:weaponi[sz]e|spread|release|disperse|enhance)~{_A}(?:(?:deadly|lethal)~"
        rf")?"
        r"(?:anthrax|smallpox|ebola|plague|virus|pathogens?|botulinum(?:~toxin)?|nerve~agents?)"
    ),
    # Drugs.
    (
        rf"{_ASK}{_SOON}{_MAKE}~{_A}(?:(?:homemade|crystal|pure)~){{0,2}}"
        r"(?:meth|methamphetamine|crystal~meth|heroin|cocaine|crack~cocaine|fentanyl|mdma|lsd|pcp|"
        r"ghb)"
    ),
    (
        rf"{_ASK}~(?:buy|sell|get|order|deal)~(?:illegal~(?:drugs|weapons|guns|firearms)|(?:heroin|"
        r"cocaine|fentanyl|meth)(?:~online)?|stolen~credit~cards?|a~fake~(?:passport|id))"
    ),
    # Violence.
    r"(?:hire|find)~(?:me~)?a~(?:hitman|contract~killer|killer)",
    (
        r"(?:poison|contaminate)~(?:the~|a~|our~)?(?:city~s?~|town~s?~|public~|municipal~)*"
        r"(?:water~supply|drinking~water|reservoir)"
    ),
    (
        r"(?:kill|exterminate|gas|lynch|behead|burn)~all~(?:the~)?(?:jews|muslims|christians|"
        r"hindus|"
        r"blacks|whites|gays|immigrants|refugees|foreigners|women|cops)"
    ),
    (
        r"(?:dispose~of|hide|get~rid~of|dissolve)~(?:a~|the~|my~)?(?:dead~)?(?:body|corpse)~"
        r"(?:so|without|from~the~police|where|after)"
    ),
    # Self-harm.
    rf"{_ASK}{_SOON}(?:kill|hang|hurt|harm|poison|overdose)~(?:myself|yourself|themselves)",
    (
        r"(?:painless|easiest|best|quickest|effective)~(?:way|ways|method|methods)~(?:to~die|"
        r"to~kill~(?:myself|yourself)|of~suicide|to~commit~suicide|for~suicide)"
    ),
    (
        r"how~many~(?:pills|tablets|[^ ]+~pills)~(?:[^ ]+~){0,4}"
        r"(?:(?:to|would|will)~(?:overdose|kill~(?:me|myself))|to~die)"
    ),
    # Theft, intrusion and malware.
    (
        rf"{_ASK}~(?:hack|break|get|gain~access)~(?:in)?to~(?:someone~(?:else~)?s|somebody~s|"
        r"another~person~s|my~[^ ]+~s|a~stranger~s|other~people~s|a~bank|a~neighbou?r~s|a~house|"
        r"someone~else)"
    ),
    (
        rf"{_ASK}~(?:hack|crack|steal|phish|clone|skim)~(?:someone~s|somebody~s|people~s|other~"
        rf"people~s|"
        r"my~[^ ]+~s|stolen|credit~cards?|debit~cards?|bank~accounts?|an~atm|passwords?~from|"
        r"identities|"
        r"an~identity|a~car|login~credentials)"
    ),
    (
        rf"(?:write|create|generate|make|build|develop|code|give~me|provide)~(?:me~)?{_A}"
        r"(?:(?:working|undetectable|simple|polymorphic|python|powershell|new|custom|fully|"
        r"functional)~)"
        r"{0,3}(?:ransomware|malware|keylogger|rootkit|botnet|trojan|computer~virus|computer~worm|"
        r"spyware|phishing~(?:email|page|site|kit|campaign|message)s?|ddos~(?:tool|script|attack)|"
        r"cryptostealer|infostealer)"
    ),
    (
        rf"{_ASK}~(?:launch|run|perform|start|carry~out)~{_A}(?:ddos|denial~of~service|phishing|"
        r"ransomware|sim~swap(?:ping)?)(?:~attack|~campaign)?"
    ),
    (
        rf"{_ASK}~(?:forge|fake|falsify)~{_A}(?:passports?|prescriptions?|signatures?|"
        r"driver~s~licen[sc]es?|birth~certificates?|cheques?|medical~records?|diplomas?)"
    ),
    # Children.
    (
        r"(?:generate|create|find|get|make|send|show|download|write|draw|share)~(?:me~)?(?:[^ ]+~"
        r"){0,3}"
        r"(?:child~(?:porn|pornography|abuse~material)|csam|(?:nude|naked|sexual|sexy|explicit|"
        r"erotic)~"
        r"(?:[^ ]+~){0,4}(?:child|children|minors?|underage|toddlers?|preteens?|schoolgirls?))"
    ),
    (
        rf"{_ASK}~(?:groom|lure|seduce|molest)~(?:an?~|the~|my~)?(?:[^ ]+~)?(?:child|children|"
        rf"minors?|"
        r"kids?|teenagers?|girls?|boys?|students?)"
    ),
    # Terror and elections.
    (
        rf"{_ASK}{_SOON}(?:join|support|finance|fund|recruit~for)~(?:isis|al~qaeda|a~terrorist~"
        r"(?:group|organi[sz]ation|cell))"
    ),
    rf"{_ASK}~(?:rig|hack|tamper~with|steal)~(?:an?~|the~)?(?:election|voting~machines?|ballots)",
)

_CRITICAL = (
    (
        rf"(?:{_ASK}~|(?:plan|launch|execute|write|generate)~(?:[^ ]+~){{0,4}})"
        r"(?:attack|sabotage|take~down|shut~down|black~out|crash|cripple|destroy|disrupt|knock~out|"
        r"hack(?:~into)?|hijack|compromise)~(?:on~)?(?:(?:the|a|an|our|their|city~s|national|"
        r"regional|"
        r"local|electric|electrical|municipal|public)~){0,4}(?:power~grid|electric~grid|"
        r"electrical~grid|substations?|"
        r"power~(?:plants?|stations?)|nuclear~(?:plants?|reactors?|facility)|dams?|(?:gas|oil|"
        r"fuel|water)~pipelines?|"
        r"water~(?:treatment|plant|system|utility)|refinery|air~traffic~control|rail~signalling|"
        r"hospital~network|scada|ics|plcs?)"
    ),
    (
        r"(?:send|inject|write|spoof|replay)~(?:[^ ]+~){0,3}(?:malicious|unauthori[sz]ed|rogue|"
        r"forged|"
        r"false)~(?:[^ ]+~){0,2}(?:modbus|dnp3|iec~61850|opc~ua|plc|scada)"
    ),
    (
        r"open~(?:all~)?(?:the~)?(?:circuit~)?(?:breakers|floodgates|spillways)~(?:at~once|"
        r"simultaneously|to~cause|without~authori[sz]ation)"
    ),
    (
        r"(?:stuxnet|triton|industroyer|crashoverride)~(?:like~)?(?:malware|payload|attack|"
        r"variant|clone)"
        r"~(?:for|against|that|targeting)"
    ),
    (
        rf"{_ASK}{_SOON}(?:overload|overheat|damage)~(?:(?:the|a|an|power|gas|steam)~){{0,3}}"
        r"(?:transformers?|turbines?|generators?|reactors?|centrifuges?)"
    ),
)

_AUTOMOTIVE = (
    (
        r"(?:disable|disabling|bypass(?:ing)?|defeat|override|cut|remove|turn~off|deactivate|"
        r"trick|fool|"
        r"spoof)~(?:(?:the|my|a|an|his|her|your|their|someone~s|car~s|vehicle~s|all)~){0,3}"
        r"(?:airbags?|abs|anti~lock~brakes?|brakes?|brake~lines?|(?:seatbelt|seat~belt)~(?:alarm|"
        r"warning|chime|"
        r"sensor)|stability~control|automatic~emergency~braking|collision~(?:avoidance|warning)|"
        r"driver~(?:monitoring|attention)(?:~system|~camera)?|speed~limiters?|immobili[sz]ers?|"
        r"ignition~interlocks?|breathaly[sz]er(?:~interlock)?|lane~keep(?:ing)?(?:~assist)?|"
        r"autopilot~(?:nag|steering~check))"
    ),
    (
        r"(?:roll|turn|wind)~back~(?:an?~|the~|my~)?odometer|odometer~(?:rollback|tampering)~(?:tool|"
        r"how)"
    ),
    (
        rf"{_ASK}{_SOON}(?:start|steal|unlock|hotwire)~(?:a~|the~|someone~s~)?(?:car|vehicle|"
        rf"truck)~"
        r"without~(?:a~|the~|its~)?key"
    ),
    (
        r"(?:relay~attack|replay~attack|clone|jam)~(?:on~|against~)?(?:(?:a|the|someone~s|any)~)?"
        r"(?:key~fobs?|keyless~entry)"
    ),
    r"(?:inject|spoof|send|flood)~(?:[^ ]+~){0,3}can(?:~bus)?~(?:messages?|frames?|packets?)",
    r"(?:install|build|write|program)~(?:[^ ]+~){0,2}(?:emissions?~)?defeat~device",
    rf"{_ASK}~(?:delete|remove|gut)~(?:the~|my~|a~)?(?:dpf|egr|catalytic~converter)",
    rf"{_ASK}{_SOON}(?:street~race|outrun~the~police|drive~drunk|run~(?:over|down)~{_PERSON})",
    (
        r"(?:take|gain)~(?:remote~)?control~of~(?:someone~s|another|a~moving|a~stranger~s)~"
        r"(?:[^ ]+~)?"
        r"(?:car|vehicle)"
    ),
)

_EDUCATION = (
    (
        r"(?:write|do|complete|finish)~(?:my~|this~|the~)(?:[^ ]+~){0,2}(?:essay|homework|"
        r"assignment|"
        r"exam|thesis|dissertation|coursework|term~paper)~(?:for~me|so~i~can~(?:submit|hand)|"
        r"without~(?:getting~caught|being~caught))"
    ),
    (
        rf"(?:{_ASK}~|let~me~|help~)(?:cheat~(?:on|in|at|during)|(?:pass|beat)~(?:[^ ]+~){{0,3}}"
        r"by~cheating)"
    ),
    (
        r"(?:give|send|get|leak|steal|find)~(?:me~)?(?:the~|all~)*(?:answers?|answer~key|"
        r"questions)~"
        r"(?:to|for|of)~(?:(?:the|my|tomorrow~s|today~s|our|next)~)*(?:[^ ]+~){0,2}(?:exam|test|"
        r"quiz|"
        r"final|midterm)"
    ),
    (
        r"(?:bypass|evade|beat|fool|trick|defeat|get~(?:around|past))~(?:the~|any~)?(?:turnitin|"
        r"plagiarism~(?:checks?|checkers?|detection|detectors?|software)|ai~(?:detectors?|"
        r"detection)|"
        r"proctoring(?:~software)?|proctors?|lockdown~browser)"
    ),
    (
        rf"{_ASK}{_SOON}(?:change|hack|alter|modify)~(?:my|a|the|someone~s|our)~(?:[^ ]+~)?"
        r"(?:grades?|transcript|gpa|school~records?)"
    ),
    (
        r"hack~(?:into~)?(?:(?:my|the|our|a)~)?(?:school|university|college|teacher)~(?:s~)?"
        r"(?:[^ ]+~)?(?:network|portal|computers?|system|account|wifi|email)"
    ),
    (
        rf"{_ASK}{_SOON}(?:bully|humiliate|haze|threaten|harass|shame)~(?:an?~|the~|my~|this~|"
        rf"another~|"
        r"other~)?(?:[^ ]+~)?(?:student|students|classmates?|girl|boy|kid|teacher|pupil|roommate)s?"
    ),
    r"(?:school~shooting|shoot~up~(?:the~|my~|a~)?school|bring~a~(?:gun|knife)~to~school)",
    (
        rf"{_ASK}~(?:buy|get|score|smoke|vape)~(?:[^ ]+~)?(?:weed|alcohol|vapes?|drugs|adderall)~"
        r"(?:at~school|as~a~(?:minor|teenager)|underage|without~(?:id|my~parents))"
    ),
    (
        rf"{_ASK}{_SOON}(?:hide|conceal)~(?:[^ ]+~){{0,3}}(?:self~harm|cutting|eating~disorder|"
        rf"starving)"
    ),
)

_LAW_ENFORCEMENT = (
    (
        rf"{_ASK}~(?:evade|escape|outrun|avoid|elude|hide~from|run~from)~(?:(?:the|a|being|getting|"
        r"an)~)*(?:police|cops|arrest(?:ed)?|law~enforcement|caught|warrant|capture|detection~by~"
        r"(?:the~)?police|fbi)"
    ),
    (
        rf"{_ASK}{_SOON}(?:destroy|plant|fabricate|tamper~with|falsify|conceal|alter|forge|"
        rf"doctor)~(?:(?:the|"
        r"some|any|this|false|fake|all)~)*(?:[^ ]+~)?(?:evidence|probable~cause|police~reports?|"
        r"chain~of~custody|witness~statements?|crime~scene|forensic~(?:evidence|records?))"
    ),
    (
        rf"(?:{_ASK}~|help~me~)(?:make|print|forge|get|create|fake)~(?:an?~)?(?:(?:fake|false|"
        rf"forged)~)?"
        r"(?:police~badge|search~warrant|arrest~warrant|police~(?:id|credentials)|subpoena)"
    ),
    (
        rf"{_ASK}~(?:impersonate|pose~as|pretend~to~be)~(?:an?~)?(?:police~officer|cop|fbi~agent|"
        r"detective|federal~agent|officer|sheriff)"
    ),
    (
        r"home~address(?:es)?~of~(?:(?:this|the|that|an?|undercover|every)~)*(?:police~)?"
        r"(?:officers?|judges?|prosecutors?|informants?|witness(?:es)?|jurors?|agents?|detectives?)"
    ),
    (
        r"where~(?:does|do)~(?:(?:this|the|that|an?|undercover)~)*(?:police~)?(?:officers?|judges?|"
        r"prosecutors?|informants?|witness(?:es)?|jurors?|agents?|detectives?)~(?:[^ ]+~)?live"
    ),
    (
        r"(?:reveal|tell~me|give~me|find(?:~out)?|what~is|who~is|leak|get|uncover|expose)~(?:me~)?"
        r"(?:the~)?(?:(?:identity|name|identities|names)~of~)?(?:(?:the|a|any|all)~)?"
        r"(?:confidential|undercover|protected)~(?:informants?|witness(?:es)?|officers?|agents?|"
        r"source)"
    ),
    (
        r"(?:intimidate|threaten|bribe|silence|blackmail)~(?:an?~|the~|this~|that~"
        r")?(?:witness(?:es)?|"
        r"jurors?|judges?|police~officers?|officers?|prosecutors?)"
    ),
    (
        r"(?:track|search|wiretap|surveil|record|bug|monitor)~(?:[^ ]+~){1,5}without~(?:a~|any~"
        r")?warrant"
    ),
    (
        rf"{_ASK}~(?:remove|cut|disable|jam|trick)~(?:an?~|my~|the~)?(?:ankle~(?:monitor|bracelet)|"
        r"gps~tag|body~cam(?:era)?|dash~cam|police~radio|radar~gun)"
    ),
    (
        r"(?:turn~off|disable|delete|edit|lose)~(?:(?:the|my|his|her|our)~)?(?:body~cam(?:era)?|"
        r"bodycam|"
        r"dash~cam)~(?:(?:footage|video|recording)~)?(?:before|so|during|of)"
    ),
    rf"{_ASK}{_SOON}(?:coerce|force|beat)~(?:an?~|the~|false~)*(?:confession|suspect|detainee)",
    (
        r"(?:arrest|stop|target|profile|search)~(?:[^ ]+~){0,3}(?:because~of|based~on|by)~"
        r"(?:their|his|her)"
        r"~(?:race|skin|religion|ethnicity)"
    ),
)

MODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "critical_infrastructure": _GENERAL + _CRITICAL,
        "automotive": _GENERAL + _AUTOMOTIVE,
        "education": _GENERAL + _EDUCATION,
        "law_enforcement": _GENERAL + _LAW_ENFORCEMENT,
    }
)
"""The phrases of each mode of `safety-filter`."""

_HARMLESS_WORDS = (
    "shelter shelters disposal squad detector detectors detection calorimeter threat threats "
    "cyclone process processes thread threads node nodes prevention awareness safety cleanup "
    "remediation removal response drill test tests"
)
HARMLESS_AFTER = frozenset(_HARMLESS_WORDS.split())
"""Words after a phrase that make it harmless: `build a bomb shelter` asks for no bomb."""
