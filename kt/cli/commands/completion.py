"""`kt completion SHELL`: a script that completes commands and their options.

It is made of the parsers, so that it knows what they know, and asks nobody while somebody types.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kt.cli.commands.parsing import leaves
from kt.cli.commands.table import COMMANDS


class Words(NamedTuple):
    """What may follow some words: each word with what it is for."""

    after: str
    choices: Mapping[str, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("shell", choices=tuple(_SCRIPTS), help="whose script is printed")


def run(options: argparse.Namespace) -> int:
    """Print the script."""
    print(_SCRIPTS[options.shell](list(vocabulary())), end="")
    return 0


def vocabulary() -> Iterator[Words]:
    """What may follow `kt`, each group of commands, and each command."""
    found = [leaf for command in COMMANDS for leaf in leaves(command)]
    starts: dict[str, dict[str, str]] = {}
    for leaf in found:
        for number, word in enumerate(leaf.words):
            is_last = number == len(leaf.words) - 1
            group = starts.setdefault(" ".join(leaf.words[:number]), {})
            group[word] = leaf.summary if is_last else group.get(word, f"kt {word} …")
    groups = {command.words[0]: command.summary for command in COMMANDS if not command.words[1:]}
    starts[""] |= {word: groups.get(word, told) for word, told in starts[""].items()}
    yield from (Words(after, choices) for after, choices in starts.items())
    for leaf in found:
        options = {
            option: action.help or ""
            for action in leaf.parser._actions
            for option in action.option_strings
        }
        values = {
            str(choice): ""
            for action in leaf.parser._actions
            if not action.option_strings
            for choice in action.choices or ()
        }
        yield Words(" ".join(leaf.words), {**values, **options})


def _bash(words: list[Words]) -> str:
    cases = "".join(f"    '{after}') words='{' '.join(choices)}' ;;\n" for after, choices in words)
    return _BASH.replace("CASES\n", cases)


def _zsh(words: list[Words]) -> str:
    cases = "".join(
        f"    '{after}') told=({' '.join(_zsh_word(*pair) for pair in choices.items())}) ;;\n"
        for after, choices in words
    )
    return _ZSH.replace("CASES\n", cases)


def _zsh_word(word: str, told: str) -> str:
    return _quoted(f"{word}:{told}")


def _fish(words: list[Words]) -> str:
    lines = []
    for after, choices in words:
        condition = _quoted(f"__kt_at {_quoted(after)}")
        # Where a word has to follow, a file is none.
        files = "" if all(word.startswith("-") for word in choices) else "-f "
        for word, told in choices.items():
            offer = f"-a {_quoted(word)} -d {_quoted(told)}"
            lines.append(f"complete -c kt {files}-n {condition} {offer}\n")
    known = " ".join(_quoted(after) for after, _ in words if after)
    return _FISH.replace("KNOWN", known).replace("LINES\n", "".join(lines))


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "'\\''") + "'"


_BASH = r"""# bash completion of kt: source <(kt completion bash)
_kt() {
  local current=${COMP_WORDS[COMP_CWORD]} at='' word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " $(_kt_words "$at") " in *" $word "*) ;; *) break ;; esac
    case $word in -*) break ;; esac
    at="${at:+$at }$word"
  done
  local hidden='-*'
  case $current in -*) hidden='' ;; esac
  COMPREPLY=($(compgen -W "$(_kt_words "$at")" -X "$hidden" -- "$current"))
}
_kt_words() {
  local words=''
  case $1 in
CASES
  esac
  printf %s "$words"
}
complete -o bashdefault -o default -F _kt kt
"""

_ZSH = r"""#compdef kt
# zsh completion of kt: source <(kt completion zsh), after compinit
_kt() {
  local at='' word
  local -a told
  for word in ${words[2,CURRENT-1]}; do
    _kt_told "${at:+$at }$word"
    (( $#told )) || break
    at="${at:+$at }$word"
  done
  _kt_told "$at"
  if [[ ${words[CURRENT]} != -* && -n ${(M)told:#--help*} ]]; then
    told=(${told:#-*})
    (( $#told )) || { _files; return }
  fi
  _describe 'kt' told
}
_kt_told() {
  told=()
  case $1 in
CASES
  esac
}
compdef _kt kt
"""

_FISH = r"""# fish completion of kt: kt completion fish | source
function __kt_at
  set -l known KNOWN
  set -l at ''
  for word in (commandline -opc)[2..-1]
    set -l following (string trim -- "$at $word")
    contains -- $following $known; or break
    set at $following
  end
  test "$at" = "$argv[1]"
end
LINES
"""

_SCRIPTS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
