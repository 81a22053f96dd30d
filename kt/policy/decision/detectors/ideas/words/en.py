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
        "the of my these those this that existing current given stated and other content own "
        "a an me us please now also just to out from exact exactly full complete verbatim raw "
        "for"
    ),
    "orders": (
        "instruction instructions prompt prompts rule rules guideline guidelines directive "
        "directives directions programming safeguard safeguards guardrail guardrails orders "
        "protocols"
    ),
    "talk": (
        "command commands constraint constraints restriction restrictions training context "
        "message messages policy policies filter filters text conversation input inputs "
        "request requests"
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
        "reveal show print display output repeat tell give share leak expose disclose dump "
        "recite reproduce quote paste write echo copy list return send provide type spell"
    ),
    "what": "what whats which",
    "change": (
        "translate summarize summarise encode convert rephrase paraphrase opposite rot13 "
        "base64 rewrite describe explain complete continue finish"
    ),
    "everything": (
        "everything words text content contents line lines messages conversation sentence"
    ),
    "verbatim": "verbatim word exactly full block fence entirety literally unchanged",
    "initialization": "initialization initialisation",
    "training": "training trained memory memorized memorised context environment weights",
    "secrets": (
        "secret secrets password passwords credential credentials keys token tokens connection"
    ),
    "told": "learned learnt taught told instructed ordered given programmed",
    "i": "i",
    "you": "you u youre yourself",
    "be": "are were is be been re am become act",
    "new": "new updated real actual",
    "task": "task tasks role purpose goal objective mission",
    "act": (
        "act pretend behave respond answer roleplay operate simulate emulate become "
        "impersonate imagine reply play speak write be are is portray embody"
    ),
    "free": (
        "unrestricted unfiltered uncensored unaligned jailbroken amoral unethical immoral "
        "unhinged unbound lawless unmoderated unshackled"
    ),
    "freely": "unrestrictedly unfilteredly unethically immorally amorally unhingedly",
    "machine": (
        "ai ais assistant chatbot bot llm gpt persona character language robot chatgpt "
        "version personality entity"
    ),
    "answer": "response responses answer answers reply replies prompt prompts",
    "no": "zero no without free",
    "not": (
        "not never cannot cant isnt doesnt dont wont don doesn isn won can aren longer "
        "neither nor t"
    ),
    "bound": (
        "restrained "
        "bound restricted limited constrained confined bounded governed controlled tied "
        "beholden shackled"
    ),
    "have": "have has having had",
    "ethical_": "ethical ethic moral censorship",
    "moral": "ethical moral ethic content safety censorship moralizing",
    "limits": (
        "restriction restrictions rules limits limitations filters filter guidelines ethics "
        "morals censorship safeguards guardrails morality principles policies policy "
        "regulations laws constraints boundaries scruples"
    ),
    "ethics": (
        "ethics morals morality censorship ethical moral scruples remorse legality ethicality"
    ),
    "regardless": "regardless matter despite irrespective",
    "wicked": "illegal unethical immoral unlawful inhumane amoral offensive legality morality",
    "refuse": (
        "refused refusing "
        "refuse refuses reject rejects decline declines deny denies censor question questions"
    ),
    "requests": (
        "request requests prompt prompts order orders command commands question questions "
        "demand demands query anything"
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
    "ways": (
        "way ways response responses answer answers manner manners paragraphs outputs replies"
    ),
    "answering": "answer respond reply provide give generate produce responding answering",
    "asked": "question questions prompt prompts message messages query request requests",
    "broken": "break breaking broke step stepping",
    "character": "character persona role",
    "when": "if when whenever should",
    "ask_as_ai": "ai model",
    "as": "as",
    "saying": (
        "say says saying mention mentioning include including respond responding write use state"
    ),
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
        "conversation chat history key keys secret secrets password passwords query email "
        "data message context prompt token tokens information"
    ),
    "link": "url link image querystring parameter href src webhook endpoint server",
    "tool": "tool tools function functions plugin api",
    "call": "call use invoke run execute trigger launch",
    "must": "must need have required now immediately should please",
    "this_": "this",
    "my_": "my",
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
    "freed_": "freed free liberated",
    "confines": "confines shackles chains",
    "refuses_": "refuse refuses",
    "opposite_": "opposite inverse",
    "itself_": "chatgpt gpt openai default",
    "refusal_": "refusal",
    "persona_": "personalities personas characters",
    "inside_": "in inside within of from",
    "concealed": "system hidden secret internal developer",
}

HARM: Mapping[str, str] = {
    "ask": (
        "explain describe outline illustrate instruct guidance help "
        "how ways way steps step instructions guide tutorial recipe method methods tips "
        "advice teach manual strategy strategies suggestions blueprint where process assist"
    ),
    "intend": "want plan intend going wanna decided",
    "write": (
        "draw crafting "
        "write create develop code program generate design compose draft produce make build "
        "craft writing creating developing post publish"
    ),
    # Words that turn a harm round: who prevents it, or what only sounds like it.
    "guard": (
        "not who "
        "prevent preventing prevents prevention detect detecting detects detection detector "
        "avoid avoiding stop stopping report reporting protect protecting protection defend "
        "defending defense against recognize recognise recognizing spot identify identifying "
        "fight fighting combat combating counter survive treat treatment recover recovering "
        "recovery remove removing removal quit awareness safety safe legal legally legitimate "
        "lawful law laws penalty punishment sentence investigate investigating investigation "
        "department hotline lawyer reduce reducing addiction antidote cure analyze analyse "
        "analysis understand history historical why whether museum documentary bath seed "
        "glitter jager chocolate cocoa tea smoke photo fork zip training vaccine simulation "
        "simulator ethical handle respond deal did was were had they ban banned banning "
        "agreed treaty cherry"
    ),
    "round": "about over off rid many much often long far own together",
    "play": (
        "game games gta minecraft fortnite roblox skyrim hitman payday sims valorant "
        "counterstrike warzone rpg dnd dungeon dungeons zelda pokemon chess uno monopoly "
        "simulator unity unreal godot nerf paintball camera photo photos photograph portrait "
        "movie film novel mystery costume cake emoji cosplay halloween duty battlefield "
        "overwatch karaoke kindness laughter joke jokes compliments "
        "arcade ps5 xbox playstation4 hangman volleyball basketball tennis football soccer "
        "checkers backgammon chicken wings sauce salad burger soup radix sort"
    ),
    "after_person": (
        "s process processes thread threads node nodes command commands query script "
        "statement record growth server servers generator dataset client address addresses "
        "records table element elements object objects class classes instance instances"
    ),
    "det": (
        "population elderly rural roma disabled corporate "
        "a an the my your his her their our some this that these another other others rich "
        "local random innocent young old ex large lots of many all multiple several two "
        "someone s any entire whole gay black white jewish muslim poor fellow single living "
        "defenseless vulnerable little particular specific certain public famous friend"
    ),
    "kill": (
        "decimate decimating annihilate annihilating "
        "kill killing murder murdering assassinate assassinating strangle strangling "
        "suffocate choke choking throttle poison poisoning stab stabbing shoot shooting snipe "
        "behead decapitate butcher butchering slay slaughter dismember mutilate torture "
        "torturing exterminate exterminating eradicate eradicating massacre execute executing "
        "euthanize eliminate eliminating gut flay"
    ),
    "hurt": (
        "cyberbully gaslight "
        "attack attacking assault assaulting punch injure rape raping molest abuse abusing "
        "kidnap kidnapping abduct stalk stalking harass harassing threaten threatening "
        "blackmail blackmailing intimidate extort bully bullying humiliate gaslight groom "
        "lure overpower dox maim traffic"
    ),
    "person": (
        "individuals roommate flatmate landlord victim victims "
        "someone somebody person people human humans man men woman women girl boy child "
        "children kid kids wife husband spouse girlfriend boyfriend ex neighbor neighbour "
        "neighbors neighbours coworker colleague boss teacher president politician cop cops "
        "policeman officer judge patient family parents mother father brother sister "
        "grandparent stranger celebrity minor minors teenager teenagers student students "
        "classmate classmates immigrants jews muslims refugees christians gays lesbians "
        "humanity crowd enemies enemy customers passengers witness witnesses pedestrians "
        "civilians"
    ),
    "self": "myself yourself themselves ourselves himself herself",
    "selfharm": "hang harm cut drown starve burn hurt kill injure poison",
    "life": "life lives",
    "end_": "end take terminate terminating ending",
    "my": "my own your",
    "crime": (
        "murder homicide fraud arson robbery burglary terrorism theft genocide massacre "
        "assassination kidnapping rape blackmail extortion embezzlement treason forgery "
        "trafficking laundering perjury hijacking heist bombing assault counterfeiting "
        "smuggling poaching shoplifting suicide carjacking larceny manslaughter vandalism "
        "bribery crime crimes atrocity shooting"
    ),
    "carry": (
        "commit committing perpetrate carry plan planning execute conduct engage engaging "
        "organize orchestrate stage run running start launch away participate"
    ),
    "steal": (
        "steal stealing rob robbing shoplift burgle hijack hijacking embezzle embezzling "
        "pickpocket mug launder laundering counterfeit counterfeiting forge forging smuggle "
        "smuggling poach pirate pirating hotwire carjack skim siphon loot"
    ),
    "goods": (
        "playstation console laptop scooter painting merchandise "
        "bank banks store stores car cars vehicle vehicles money cash goods funds casino "
        "identity identities credit card cards password passwords data documents weapons guns "
        "drugs animals pets species uranium jewelry wallet phone bike package packages "
        "shipments food software movies media art artwork border borders customs passport "
        "passports currency bills signature signatures license atm information secrets "
        "accounts trade electricity cable museum workplace employer checkout prescription "
        "prescriptions"
    ),
    "destroy": "destroy destroying sabotage vandalize vandalise burn explode exploding bomb",
    "hack": (
        "hack hacking infiltrate infiltrating ddos deface wiretap phish phishing bruteforce "
        "compromise compromising"
    ),
    "break_": "break breaking",
    "into": "into",
    "device": (
        "account accounts email emails password passwords network networks computer computers "
        "website websites server servers database databases phone phones wifi router webcam "
        "drone drones atm bank banks grid satellite infrastructure device devices vault login "
        "system systems profile facebook instagram snapchat whatsapp machine machines house "
        "home car door locks"
    ),
    "obtain": (
        "buy buying acquire acquiring purchase purchasing obtain obtaining sell selling get "
        "getting order ordering find deal dealing trade"
    ),
    "without": "without avoiding evading evade",
    "caught": (
        "caught detected detection traced noticed trace traces identified discovered "
        "authorities police arrest arrested suspicion evidence knowing"
    ),
    "undetected": (
        "undetected untraceable untraceably undetectably untraced unnoticed anonymously"
    ),
    "filler_h": (
        "me a an the some simple new python code script program software piece sample example "
        "of for that which can functional working undetectable powerful custom advanced "
        "malicious using in to and basic polymorphic computer c powershell you full complete "
        "is be runs"
    ),
    "malware": (
        "malware ransomware keylogger rootkit botnet trojan spyware cryptolocker infostealer "
        "worm cryptojacker stalkerware"
    ),
    "computer": "computer",
    "virus": "virus viruses worm worms",
    "shady": (
        "hate "
        "phishing scam scamming fraudulent ransom defamatory threatening blackmail hoax fake "
        "libelous slanderous extortion intimidating hateful racist antisemitic sexist "
        "homophobic misleading deceptive false"
    ),
    "mail": (
        "email emails message messages letter letters website websites site sites page note "
        "notes article articles news review reviews post posts offer charity lottery call "
        "calls speech campaign campaigns ad ads advertisement tweet tweets story stories "
        "video videos rumor rumors rumour rumours information claims scandal narrative "
        "pamphlet"
    ),
    "spread": (
        "spreads spread spreading distribute distributing disseminate fabricate fabricating push"
    ),
    "forged": "fake forged counterfeit stolen bogus phony",
    "papers": (
        "products "
        "id ids passport passports license licenses money bills currency documents document "
        "prescription prescriptions diploma diplomas certificate certificates visa visas "
        "identity identities goods card cards bank checks cheques coins signature evidence "
        "badge invoices"
    ),
    "incite": (
        "pressure pressuring induce "
        "promote promotes promoting encourage encourages encouraging glorify glorifies "
        "glorifying normalize normalizes normalizing incite incites inciting justify "
        "justifies justifying praise praises praising advocate advocates advocating instigate "
        "instigates persuade convince convincing persuading mocks mocking trivializes"
    ),
    "harmthing": (
        "conspiracy cyberbullying dehumanization oppression addiction steroids misinformation "
        "crimes "
        "suicide violence terrorism terrorists terrorist genocide holocaust nazi nazis nazism "
        "anorexia bulimia rape racism hatred hate discrimination stalking abuse bullying "
        "cannibalism harm drugs smoking drunk extremism massacre slavery antisemitism "
        "misogyny pedophilia incest"
    ),
    "genocide_": "holocaust genocide massacre shoah",
    "never_was": "never hoax exaggerated inflated fabricated fake faked invented",
    "makes": (
        "exploding explode detonating "
        "make making build building create creating construct constructing assemble "
        "assembling synthesize synthesizing synthesise manufacture manufacturing produce "
        "producing cook cooking brew brewing weaponize grow prepare preparing extract "
        "extracting acquire buy obtain purchase detonate plant planting set setting hide "
        "smuggle smuggling"
    ),
    "weapon": (
        "bomb bombs explosive explosives ied ieds molotov molotovs grenade grenades detonator "
        "detonators sarin ricin anthrax napalm thermite tatp bioweapon bioweapons vx novichok "
        "botulinum petn rdx semtex dynamite cyanide strychnine dimethylmercury landmine "
        "landmines"
    ),
    "arm_kind": (
        "nerve chemical biological nuclear biochemical radiological mustard chlorine dirty "
        "mass warfare poison deadly toxic homemade ghost automatic"
    ),
    "arm": (
        "agent agents gas gases weapon weapons warfare destruction gun guns firearm firearms "
        "pathogen pathogens rifle silencer"
    ),
    "dope_": (
        "meth methamphetamine heroin cocaine fentanyl mdma ecstasy lsd pcp ghb nitazene "
        "nitazenes carfentanil ketamine amphetamines quaaludes dmt opium"
    ),
    "illegal": "illegal illicit unlawful illegally illicitly unlawfully",
    "illegally": "illegally unlawfully illicitly",
    "of_law": (
        "drugs drug weapons weapon guns firearms goods substances substance brothel business "
        "animals animal activities activity acts act content operation pornography organs "
        "trade immigrants gambling streaming products fireworks"
    ),
    "inhale": "inhale inhaling huff huffing sniff sniffing snort snorting",
    "fumes": "aerosol aerosols paint glue gas gasoline high duster pills drugs fumes",
    "spy": (
        "spy spying track tracking record recording secretly share sharing photos release expose"
    ),
    "consent": "permission consent knowledge knowing",
    "tamper": (
        "override overriding disable disabling bypass bypassing defeat circumvent deactivate jumper"
    ),
    "interlock": (
        "interlock interlocks scram failsafe failsafes overpressure shutdown shutoff relief "
        "detectors cooling suppression relays trips"
    ),
    "plant_part": (
        "the all its their any plant reactor turbine pump boiler emergency safety critical "
        "primary a system systems instrumented on of valve valves"
    ),
    "described": "procedure process permission attempt attempts decision ability request key",
    "what_": "what",
    "can_": "can could should",
    "i_": "i we",
    "on_": "on",
    "up_": "up",
    "down_": "down",
    "out_": "out",
    "off_": "off",
    "do_": "do",
    "away_": "away",
    "with_": "with",
    "it_": "it",
    "to_": "to",
    "for_": "for",
    "at_": "at near from online",
    "online_": "online",
    "s_": "s",
    "living_": "dead living",
    "beat_": "beat beating",
    "chop_": "chop",
    "hunt_": "hunt hunting",
    "wipe_": "wipe wiping",
    "maim": (
        "smash smashing crush crushing shatter break rip ripping saw gouge bash snap fracture "
        "crack slit sever"
    ),
    "cut_": "cut cutting rip ripping chop chopping bite",
    "their_": "their his her",
    "body": "skull spine face head neck legs leg throat bones jaw ribs fingers kneecaps limbs eyes",
    "hostage": "hostage captive",
    "death": "death murder demise",
    "blast": "bomb bombing explode detonate",
    "blow_": "blow blowing",
    "place": (
        "school church mosque synagogue temple concert stadium house building airport office mall "
        "train bus bridge embassy hospital station courthouse"
    ),
    "slit": "slit slash slice pierce",
    "vein": "artery arteries wrist wrists vein veins",
    "insider_": "insider",
    "trading_": "trading",
    "manipulate": "manipulate manipulating rig rigging",
    "markets": "market markets elections election",
    "human_": "human child sex organ",
    "trafficking_": "trafficking smuggling",
    "venture": "operation ring network business",
    "terror_": "terrorist terror",
    "attack_": "attack attacks",
    "harass_": "harass bully cyberbully stalk defame",
    "sabotage_": "disrupt disrupting tamper tampering contaminate sabotage sabotaging cripple",
    "vital": (
        "supply reservoir pacemaker pacemakers transportation polling election voting hospital "
        "airport grid railway"
    ),
    "hosting": "streams sells host hosts hosting download stream sell distribute share",
    "pirated_": "pirated bootleg",
    "software_": "program script tool app bot software code virus worm algorithm macro",
    "does_harm": (
        "steal steals hack hacks spies spy harass harasses stalk stalks cyberbully cyberbullies "
        "ddos exfiltrates blackmails"
    ),
    "harvests": "harvest harvests collect collects siphons",
    "private_": "sensitive confidential passwords",
    "infects": "spread infect infects damage damages destroys targets",
    "attack_kind": "flood ddos dos cyber mitm phishing bruteforce",
    "untruth": "disinformation misinformation propaganda rumor rumors rumour hoax lies",
    "swindle": "scam scamming scams swindle tricks defraud defrauds extort dupe",
    "customer": "user users customers",
    "sending": "send sends sending",
    "unsolicited": "unsolicited spam",
    "demanding": "demand demands demanding",
    "ransom_": "ransom",
    "threat_": "threat threats",
    "why_": "why",
    "should_": "should",
    "are_": "are",
    "group": (
        "jewish jews muslim muslims immigrants refugees black white asian asians latinos hindus "
        "indigenous gay lesbians asexual disabled homeless elderly women foreigners christians "
        "transgender"
    ),
    "denied_": "not denied barred banned excluded better never",
    "right_": (
        "vote voting visas visa education healthcare university council citizenship tv airplane "
        "parties office law marry"
    ),
    "inferior_": "inferior dumber stupid lazy criminal subhuman",
    "repeat_": "repeat replicate recreate reenact emulate",
    "atrocity": (
        "genocide genocides massacre massacres assassination holocaust auschwitz hiroshima "
        "lynching lynchings cleansing slavery apartheid pogrom pogroms"
    ),
    "benefits": "benefits advantages",
    "good_": "good great beneficial",
    "thing_": "thing idea",
    "acquaintance": (
        "neighbor neighbour neighbors neighbours ex coworker colleague boss rival date therapist "
        "landlord classmate babysitter gardener cleaner mentee roommate"
    ),
    "other_": "other",
    "private_kind": (
        "criminal medical tax health immigration security account card political marital license "
        "facebook instagram browsing"
    ),
    "private_thing": "history record records status number details login affiliation",
    "describe_": "describe depict narrate",
    "tormented": "dismembered flayed tortured beaten beats mutilated quartered disemboweled raped",
    "graphic_": "graphic gruesome",
    "detail_": "detail details",
    "measure": "some gram grams ounce ounces kilo",
    "street": "weed crack coke molly shrooms",
    "vend": "sell selling deal dealing",
    "drugs_": "drugs opioids painkillers",
    "recreationally": "recreationally",
}
