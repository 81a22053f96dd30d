"""French."""

from __future__ import annotations

from collections.abc import Mapping

INJECTION: Mapping[str, str] = {
    "drop": (
        "ignore ignorez ignorer oublie oubliez oublier néglige négligez contourne contournez "
        "abandonne abandonnez outrepasse outrepassez enfreins désobéis"
    ),
    "earlier": (
        "précédentes précédents précédente précédent antérieures antérieurs initiales "
        "initiaux dessus avant auparavant préalables reçues données passées"
    ),
    "all": "toutes tous toute tout",
    "whole": "tout",
    "your": "tes ta ton vos votre",
    "filler": (
        "les la le des de d l ce cette ces moi nous ci s il vous plaît te maintenant et que qui"
    ),
    "orders": (
        "instructions instruction consignes consigne règles règle directives ordres prompt "
        "directive commandes invites"
    ),
    "told": "dit dites demandé ordonné donné reçu",
    "system": "système initial initiale caché cachée secret secrète interne",
    "prompt": "prompt invite instructions consignes message",
    "sysprompt": "préprompt",
    "tell": (
        "affiche affichez montre montrez révèle révélez donne donnez répète répétez dis écris "
        "imprime divulgue divulguez traduis quel quelles quelle recopie"
    ),
    "act": "agis agissez réponds répondez comporte comportez joue es êtes fais parle",
    "nolimit": "sans",
    "limits": (
        "restriction restrictions filtre filtres limites limite règles censure éthique morale "
        "limitations"
    ),
    "free": "illimitée illimité débridée débridé amorale amoral",
    "machine": "ia chatbot assistant robot",
    "never": "ne jamais pas n",
    "silence": "dis dites mentionne informe préviens",
    "user": "utilisateur utilisateurs",
}

HARM: Mapping[str, str] = {
    "how_": (
        "comment instructions étapes explique expliquez montre donne recette guide décris "
        "aide tutoriel veux mode"
    ),
    "making": (
        "fabriquer fabrique fabrication faire construire construis créer synthétiser préparer "
        "produire cuisiner assembler"
    ),
    "arms": (
        "bombe bombes explosif explosifs engin grenade cocktail molotov sarin ricine "
        "neurotoxique détonateur"
    ),
    "dope": "méthamphétamine meth héroïne cocaïne fentanyl mdma ecstasy lsd crack",
    "killing": (
        "tuer tue assassiner empoisonner empoisonne étrangler poignarder kidnapper enlever "
        "torturer violer"
    ),
    "victim": (
        "quelqu personne femme mari voisin voisine patron collègue gens enfant copine copain "
        "homme épouse"
    ),
    "hacking": "pirater pirate hacker voler cambrioler cracker piratage",
    "account": (
        "compte comptes wifi passe carte cartes voiture banque maison identité instagram "
        "facebook ordinateur téléphone email"
    ),
    "virus_": "malware rançongiciel ransomware cheval keylogger hameçonnage phishing maliciel",
    "writing": "écris écrivez rédige rédigez crée créez programme génère développe code donne",
    "laundering": "argent impôts monnaie",
    "crime_": "blanchir frauder contrefaire détourner",
    "selfkill": "suicider suicide",
    "illegal_": "illégales illégale illégal illégaux criminelles criminelle",
    "activity_": "activités activité actes actions",
    "never": "jamais",
    "guard": (
        "dénoncer contre avertissement empêcher prévenir éviter détecter protéger signaler "
        "lutter supprimer"
    ),
    "play": "glacée chocolat crème gâteau jeu film roman minecraft photo",
}
