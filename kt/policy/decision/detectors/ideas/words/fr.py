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
    # Ideas beside an override, to somebody who is addressed as a friend.
    "thy": "tes ta ton",
    "new": "nouvelle nouvelles nouveaux",
    "command": "instructions instruction consignes directives ordres",
    "follows_": "suivantes suivants",
    "behold_": "voici",
    "secrets_": "passe identifiants clés secrets",
    "memory_": "mémoire entraînement contexte",
    "play_": "agis agissez comporte réponds joue",
    "ai_": "ia chatbot assistant robot",
    "answering_": "réponds répondez",
    "little_": "peu",
    "matters_": "importe",
    "wicked_": "illégal illégale immoral immorale illicite",
    "saying_": "dis dites mentionne écris",
    "not_": "jamais",
    "as_": "tant",
    "model_": "ia langage",
    "are_": "es",
    "now_": "maintenant désormais",
    "mode_": "mode",
    "tinker_": "développeur débogage administrateur jailbreak",
    "each_": "chaque toutes",
    "asked_": "question questions demande",
    "two_": "deux",
    "ways_": "façons manières versions",
    "disable_": "désactive désactivez supprime retire",
    "filters_": "filtres protections restrictions",
    "moral_": "sécurité éthiques éthique morales contenu",
    "before_": "avant",
    "job_": "tâche question demande",
    "solve_": "résoudre terminer finir traiter répondre",
    "must_": "dois devez",
    "send_": "envoyer transférer virer payer",
    "money_": "argent compte fonds données",
    "above_": "précède dessus",
    "denial_": "ne pas",
    "weigh_": "tenez tiens tenir",
    "weight_": "compte",
    "heed_": "suivez respecte respectez applique appliquez",
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
        "tabasser égorger "
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
        "repérer reconnaître reconnaitre "
        "dénoncer contre avertissement empêcher prévenir éviter détecter protéger signaler "
        "lutter supprimer"
    ),
    "play": "glacée chocolat crème gâteau jeu film roman minecraft photo",
    "of_thing": "de d à",
    "thing_": "bain peinture graines laque chantilly aérosol",
    "recipe_": "recette",
    "getting_": "obtenir acheter procurer imprimer",
    "forged_": "faux fausse fausses contrefait",
    "papers_": "passeport papiers permis identité billets monnaie",
}
