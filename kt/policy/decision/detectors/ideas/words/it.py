"""Italian."""

from __future__ import annotations

from collections.abc import Mapping

INJECTION: Mapping[str, str] = {
    "drop": (
        "ignora ignorate ignorare ignori dimentica dimenticate dimenticare dimenticati "
        "tralascia scorda aggira scavalca disobbedisci trascura"
    ),
    "earlier": (
        "precedenti precedente iniziali originali sopra prima passate ricevute antecedenti"
    ),
    "all": "tutte tutti tutta tutto qualsiasi ogni",
    "whole": "tutto",
    "your": "tue tuoi tua tuo vostre",
    "filler": (
        "le gli i il la lo di del che e mi ci per favore ora adesso ti queste questi quanto"
    ),
    "orders": "istruzioni istruzione regole direttive indicazioni ordini prompt linee",
    "told": "detto dato ordinato impartite impartito",
    "system": "sistema iniziale nascosto segreto interno nascoste segrete",
    "prompt": "prompt istruzioni messaggio",
    "tell": (
        "mostra mostrami rivela rivelami dimmi ripeti stampa scrivi dammi quali qual traduci "
        "copia elenca divulga"
    ),
    "act": "agisci rispondi comportati fingi sei parla fai",
    "nolimit": "senza",
    "limits": "restrizioni restrizione filtri limiti limitazioni regole censura etica morale",
    "free": "illimitata illimitato amorale",
    "machine": "ia chatbot assistente",
    "never": "mai non",
    "silence": "dire menzionare informare avvisare",
    "user": "utente utenti",
    "above_": "sopra precede",
    "denial_": "non",
    "weigh_": "tenere tenga tenete",
    "weight_": "conto",
    "heed_": "seguire segua seguite rispettare",
    "are_": "sei",
    "now_": "ora adesso",
    "mode_": "modalità",
    "tinker_": "sviluppatore debug",
}

HARM: Mapping[str, str] = {
    "how_": (
        "come istruzioni passi spiega spiegami mostrami dammi ricetta guida descrivi aiutami "
        "voglio tutorial"
    ),
    "making": (
        "fare faccio fabbricare costruire costruisco costruisci costruisce fabbrica creare "
        "sintetizzare preparare produrre cucinare assemblare"
    ),
    "arms": "bomba bombe esplosivo esplosivi granata molotov sarin ricina detonatore napalm",
    "dope": "metanfetamina eroina cocaina fentanyl mdma ecstasy lsd crack",
    "killing": (
        "sgozzare picchiare "
        "uccidere uccido ammazzare assassinare avvelenare strangolare accoltellare rapire "
        "torturare stuprare"
    ),
    "victim": (
        "qualcuno persona persone moglie marito vicino vicina capo ragazza ragazzo bambino "
        "gente collega donna"
    ),
    "hacking": "hackerare rubare piratare craccare violare",
    "account": (
        "account conto wifi password carta carte auto macchina banca casa identità instagram "
        "facebook computer"
    ),
    "virus_": "malware ransomware trojan keylogger phishing spyware",
    "writing": "scrivi crea redigi programma genera sviluppa",
    "laundering": "denaro soldi tasse banconote",
    "crime_": "riciclare evadere falsificare contraffare",
    "selfkill": "suicidarmi suicidarsi suicidio uccidermi",
    "illegal_": "illegali illegale criminali",
    "activity_": "attività azioni atti",
    "never": "mai",
    "guard": (
        "riconoscere "
        "denuncia denunciare segnalare contro avviso prevenire evitare rilevare proteggere "
        "proteggermi impedire rimuovere"
    ),
    "play": "crema cioccolato torta bagno gioco film romanzo minecraft",
    "of_thing": "di da",
    "thing_": "bagno semi",
    "recipe_": "ricetta",
    "getting_": "ottenere comprare procurarmi stampare",
    "forged_": "falso falsa falsi false",
    "papers_": "passaporto documenti patente banconote",
}
