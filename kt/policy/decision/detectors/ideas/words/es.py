"""Spanish."""

from __future__ import annotations

from collections.abc import Mapping

INJECTION: Mapping[str, str] = {
    "drop": (
        "ignora ignore ignorar ignorad ignoren olvida olvide olvidar olvídate omite omita "
        "descarta descarte desobedece salta sáltate elude desestima"
    ),
    "earlier": (
        "anteriores anterior previas previos previa previo precedentes iniciales originales "
        "antes arriba pasadas recibidas"
    ),
    "all": "todas todos toda todo cualquier",
    "whole": "todo",
    "your": "tus tu sus su vuestras",
    "filler": "las los la el lo de del que y me nos por favor ahora te estas estos mis",
    "orders": (
        "instrucciones instrucción reglas indicaciones directrices órdenes normas pautas "
        "prompts directivas"
    ),
    "told": "dicho dijeron dado dieron dije ordenado",
    "system": "sistema inicial oculto secreto interno ocultas secretas",
    "prompt": "prompt instrucciones mensaje indicaciones indicación",
    "tell": (
        "muestra muéstrame mostrar revela revélame dime repite imprime escribe dame enseña "
        "enséñame cuál cuáles traduce copia divulga"
    ),
    "act": "actúa actúe responde responda compórtate finge eres sé habla haz",
    "nolimit": "sin",
    "limits": (
        "restricciones restricción filtros límite límites limitaciones reglas censura ética moral"
    ),
    "free": "ilimitada irrestricta irrestricto amoral",
    "machine": "ia chatbot asistente",
    "never": "nunca jamás",
    "silence": "digas menciones informes avises",
    "user": "usuario usuarios",
    # Ideas beside an override, to somebody who is addressed as a friend.
    "thy": "tu tus",
    "new": "nueva nuevas nuevo nuevos",
    "command": "instrucciones instrucción indicaciones órdenes",
    "follows_": "siguientes",
    "secrets_": "contraseñas claves credenciales secretos",
    "memory_": "memoria entrenamiento contexto",
    "play_": "actúa compórtate responde finge",
    "ai_": "ia chatbot asistente",
    "answering_": "responde responda contesta",
    "little_": "sin no",
    "matters_": "importar importa",
    "wicked_": "ilegal inmoral ilícito",
    "saying_": "digas menciones escribas",
    "not_": "nunca jamás",
    "as_": "como",
    "model_": "ia lenguaje",
    "are_": "estás eres",
    "now_": "ahora",
    "mode_": "modo",
    "tinker_": "desarrollador depuración administrador jailbreak",
    "each_": "cada todas",
    "asked_": "pregunta preguntas",
    "two_": "dos",
    "ways_": "maneras formas versiones",
    "disable_": "desactiva desactive elimina quita",
    "filters_": "filtros protecciones restricciones",
    "moral_": "éticos éticas seguridad morales contenido",
    "before_": "antes",
    "job_": "tarea pregunta solicitud",
    "solve_": "resolver completar terminar responder",
    "must_": "debes tienes",
    "send_": "transferir enviar pagar",
    "money_": "dinero cuenta fondos datos",
    "above_": "arriba anterior",
    "denial_": "no",
    "weigh_": "tengas tenga tengan tomes",
    "weight_": "cuenta",
    "heed_": "sigas siga sigan obedezcas obedezca respetes",
}

HARM: Mapping[str, str] = {
    "how_": (
        "cómo como instrucciones pasos explica explícame muéstrame dame receta guía describe "
        "ayúdame quiero tutorial"
    ),
    "making": (
        "hacer hago fabricar fabrico construir construyo crear sintetizar preparar producir "
        "cocinar armar elaborar"
    ),
    "arms": "bomba bombas explosivo explosivos granada molotov sarín ricina detonador napalm",
    "dope": "metanfetamina metanfetaminas meth heroína cocaína fentanilo mdma éxtasis lsd crack",
    "killing": (
        "degollar descuartizar "
        "matar mato asesinar asesino envenenar estrangular apuñalar secuestrar torturar "
        "violar envenenarlo"
    ),
    "victim": (
        "alguien persona personas mujer esposa esposo marido vecino vecina jefe novia novio "
        "niño gente compañero"
    ),
    "hacking": "hackear hackeo robar robo piratear crackear descifrar",
    "account": (
        "cuenta cuentas wifi contraseña contraseñas tarjeta tarjetas coche carro banco casa "
        "identidad instagram facebook ordenador correo"
    ),
    "virus_": "malware ransomware troyano keylogger phishing spyware",
    "writing": "escribe escriba crea cree redacta programa genera desarrolla dame",
    "laundering": "dinero impuestos billetes",
    "crime_": "lavar blanquear evadir falsificar",
    "selfkill": "suicidarme suicidarse suicidio matarme",
    "illegal_": "ilegales ilegal criminales delictivas",
    "activity_": "actividades actividad actos acciones",
    "never": "nunca jamás",
    "guard": (
        "reconocer identificar "
        "contra aviso prevenir evitar detectar proteger protegerme denunciar impedir eliminar"
    ),
    "play": "patata patatas chocolate crema tarta baño juego película novela minecraft",
    "of_thing": "de",
    "thing_": (
        "agua calor vacío hidráulica hidráulico riego combustible infusión insulina baño semillas"
    ),
    "recipe_": "receta",
    "getting_": "conseguir consigo comprar compro obtener obtengo imprimir",
    "forged_": "falso falsa falsos falsas falsificado",
    "papers_": "pasaporte pasaportes carnet dni visado billetes",
}
