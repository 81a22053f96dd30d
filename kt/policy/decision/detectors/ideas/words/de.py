"""German."""

from __future__ import annotations

from collections.abc import Mapping

INJECTION: Mapping[str, str] = {
    "drop": (
        "ignoriere ignorier ignoriert ignorieren vergiss vergesst vergessen missachte "
        "missachten missachtet übergehe übergehen überschreibe überschreiben umgehe umgehen "
        "verwirf verwerfe"
    ),
    "drop_after": "ignorieren vergessen missachten übergehen überschreiben umgehen",
    "earlier": (
        "bisherigen bisherige vorherigen vorherige vorigen vorige obigen obige früheren "
        "frühere vorangegangenen ursprünglichen ursprüngliche zuvor bisher oben vorher "
        "vorstehenden"
    ),
    "all": "alle allen aller alles sämtliche sämtlichen jede jegliche",
    "whole": "alles",
    "your": "deine deinen deiner dein deinem ihre ihren ihrer eure euren",
    "filler": "einfach die der das den dem von bitte jetzt nun mir mal doch und dir zu",
    "orders": (
        "anweisungen anweisung instruktionen regeln vorgaben richtlinien befehle prompts "
        "prompt vorschriften sicherheitsregeln systemanweisungen anleitungen"
    ),
    "told": "gesagt gegeben erteilt aufgetragen mitgeteilt",
    "system": "system geheimen geheime versteckten internen ursprünglichen systems",
    "sysprompt": (
        "systemregeln systemprompt systemprompts systemanweisung systemanweisungen systemnachricht"
    ),
    "tell": (
        "zeige zeig gib nenne nenn verrate verrat wiederhole sage sag drucke schreibe "
        "offenbare lautet übersetze teile"
    ),
    "tell_after": "preis zeigen ausgeben verraten wiederholen nennen offenlegen",
    "act": "antworte antworten handle spiele verhalte tu agiere bist sei schreibe",
    "nolimit": "ohne",
    "limits": (
        "einschränkungen einschränkung beschränkungen filter regeln grenzen moral ethik "
        "richtlinien zensur"
    ),
    "free": (
        "uneingeschränkte uneingeschränkter ungefilterte ungefilterter unzensierte unmoralische"
    ),
    "machine": "ki chatbot assistent sprachmodell",
    "never": "nie niemals nicht keinesfalls",
    "silence": "sage sag erzähle informiere erwähne",
    "user": "nutzer benutzer anwender benutzern",
    # Ideas beside an override, to somebody who is addressed as a friend.
    "thy": "dein deine deinen deiner deinem",
    "new": "neue neuen neuer neues",
    "command": "anweisungen anweisung instruktionen befehle",
    "follows_": "lauten lautet",
    "secrets_": "passwörter passwort kennwörter zugangsdaten geheimnisse schlüssel",
    "memory_": "trainingsdaten gedächtnis kontext",
    "play_": "agiere verhalte antworte spiele",
    "ai_": "ki chatbot assistent sprachmodell",
    "answering_": "beantworte antworte",
    "egal_": "egal gleichgültig",
    "how_so": "wie",
    "wicked_": "illegal illegale unmoralisch unethisch verboten gesetzwidrig",
    "saying_": "sage sag erwähne schreibe",
    "not_": "nie niemals nicht",
    "as_": "als",
    "model_": "ki sprachmodell",
    "are_": "bist",
    "now_": "jetzt nun",
    "tinkermode": "entwicklermodus debugmodus adminmodus wartungsmodus gottmodus",
    "each_": "jede jeder alle",
    "asked_": "frage fragen",
    "two_": "zwei",
    "ways_": "arten weisen versionen",
    "disable_": "schalte schalt deaktiviere entferne",
    "shield_": "sicherheitsfilter inhaltsfilter schutzfilter sicherheitsregeln",
    "before_": "bevor",
    "job_": "aufgabe frage anfrage",
    "solve_": "löst lösen erledigst erledigen beantwortest beantworten",
    "must_": "musst",
    "send_": "überweisen senden schicken zahlen",
    "money_": "geld konto guthaben passwort daten",
    "above_": "oben obenstehende vorstehende",
    "denial_": "nicht",
    "heed_": "befolge befolgt beachte beachtet folge folgt",
}

HARM: Mapping[str, str] = {
    "how_": (
        "wie anleitung schritte anweisungen erkläre erklär zeige zeig beschreibe rezept hilf "
        "möchte will bauplan"
    ),
    "making": (
        "baue bauen baut bau mache machen macht herstelle herstellen herstellung stelle "
        "stellt bastle basteln koche kochen kocht synthetisiere synthetisieren zusammenbauen "
        "her konstruiere"
    ),
    "arms": (
        "bombe bomben rohrbombe sprengstoff sprengsatz sprengsätze molotowcocktail granate "
        "nervengas sarin rizin giftgas autobombe briefbombe nagelbombe"
    ),
    "dope": "methamphetamin crystal meth heroin kokain fentanyl mdma ecstasy lsd crack",
    "killing": (
        "erschießen erschieße verprügeln verprügle zusammenschlagen foltern "
        "töte töten ermorde ermorden umbringen umbringe bringe vergifte vergiften erwürgen "
        "erstechen entführe entführen"
    ),
    "victim": (
        "jemanden menschen frau mann nachbarn nachbar chef kollegen kollegin freundin freund "
        "kind ehemann ehefrau leute person"
    ),
    "hacking": "hacke hacken knacke knacken einbrechen stehle stehlen klauen klaue",
    "account": (
        "konto konten email wlan passwort passwörter bankkonto kreditkarte kreditkarten "
        "kreditkartendaten auto bank haus identität instagram facebook computer"
    ),
    "virus_": (
        "schadsoftware malware ransomware trojaner keylogger phishing computervirus "
        "erpressungssoftware"
    ),
    "writing": "schreibe schreib erstelle programmiere entwickle generiere erzeuge schreiben gib",
    "laundering": "geld geldwäsche steuern schwarzgeld falschgeld",
    "crime_": (
        "betreibe betreiben hinterziehen hinterziehe waschen wasche drucken drucke begehe begehen"
    ),
    "selfkill": "selbst mich",
    "illegal_": "illegale illegalen kriminelle kriminellen",
    "activity_": "aktivitäten aktivität handlungen taten geschäfte",
    "never": "nie niemals",
    "guard": (
        "vor warnung gegen abwehr verhindern verhindere erkennen erkenne schützen schütze "
        "vermeiden melden melde schutz entfernen"
    ),
    "play": "käse eis schokolade torte badewanne spiel film roman minecraft schach",
    "recipe_": "rezept rezeptur",
    "getting_": "besorge besorgen bekomme bekommen kaufe kaufen fälsche fälschen",
    "forged_": "gefälschten gefälschte gefälschter falschen falsche",
    "papers_": "pass ausweis reisepass führerschein papiere personalausweis",
    "forged_papers_": "falschgeld",
}
