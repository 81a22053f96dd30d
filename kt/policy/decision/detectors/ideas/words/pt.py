"""Portuguese."""

from __future__ import annotations

from collections.abc import Mapping

INJECTION: Mapping[str, str] = {
    "drop": (
        "ignore ignora ignorar ignorem esqueça esquece esquecer desconsidere desconsiderar "
        "descarte desobedeça contorne burle despreze"
    ),
    "earlier": (
        "anteriores anterior prévias prévios precedentes iniciais originais acima antes passadas"
    ),
    "all": "todas todos toda todo tudo quaisquer",
    "whole": "tudo",
    "your": "suas seus sua seu tuas teus",
    "filler": "as os a o de do da que e me nos por favor agora te estas essas minhas lhe",
    "orders": "instruções instrução regras orientações diretrizes ordens normas comandos prompts",
    "told": "dito disse disseram dado deram ordenado",
    "system": "sistema inicial oculto secreto interno ocultas secretas",
    "prompt": "prompt instruções mensagem",
    "tell": (
        "mostre mostra revele revela diga dize repita imprima escreva exiba dê qual quais "
        "traduza copie divulgue"
    ),
    "act": "aja age responda responde comporte finja és é seja fale você",
    "nolimit": "sem",
    "limits": "restrições restrição filtros limites limitações regras censura ética moral",
    "free": "irrestrita irrestrito ilimitada amoral",
    "machine": "ia chatbot assistente",
    "never": "nunca não jamais",
    "silence": "diga mencione informe avise",
    "user": "usuário utilizador usuários",
    "above_": "acima anterior",
    "denial_": "não",
    "weigh_": "leve leves tenha",
    "weight_": "conta consideração",
    "heed_": "siga sigas obedeça respeite",
    "are_": "está estás é",
    "now_": "agora",
    "mode_": "modo",
    "tinker_": "desenvolvedor programador",
}

HARM: Mapping[str, str] = {
    "how_": (
        "como instruções passos explique mostre dê receita guia descreva ajude quero tutorial "
        "ensine"
    ),
    "making": (
        "fazer faço fabricar fabrico construir construo criar sintetizar preparar produzir "
        "cozinhar montar"
    ),
    "arms": "bomba bombas explosivo explosivos granada molotov sarin ricina detonador napalm",
    "dope": "metanfetamina heroína cocaína fentanil mdma ecstasy lsd crack",
    "killing": (
        "degolar espancar "
        "matar mato assassinar envenenar estrangular esfaquear sequestrar raptar torturar estuprar"
    ),
    "victim": (
        "alguém pessoa pessoas mulher esposa marido vizinho vizinha chefe namorada namorado "
        "criança gente colega"
    ),
    "hacking": "hackear invadir roubar roubo piratear quebrar",
    "account": (
        "conta contas wifi senha senhas cartão cartões carro banco casa identidade instagram "
        "facebook computador"
    ),
    "virus_": "malware ransomware trojan keylogger phishing spyware",
    "writing": "escreva crie redija programe gere desenvolva",
    "laundering": "dinheiro impostos notas",
    "crime_": "lavar sonegar falsificar",
    "selfkill": "suicidar suicídio",
    "illegal_": "ilegais ilegal criminosas criminosos",
    "activity_": "atividades atividade atos ações",
    "never": "nunca jamais",
    "guard": (
        "reconhecer identificar contra aviso prevenir evitar detectar proteger denunciar "
        "impedir remover"
    ),
    "play": "chocolate creme bolo banho jogo filme romance minecraft",
    "of_thing": "de",
    "thing_": (
        "água calor vácuo hidráulica hidráulico combustível infusão insulina banho sementes piscina"
    ),
    "recipe_": "receita",
    "getting_": "conseguir comprar obter imprimir",
    "forged_": "falso falsa falsos falsas",
    "papers_": "passaporte documentos identidade notas cnh",
}
