"""``gaesup completion``: scripts for shells. They ask back for live names:
``gaesup completion bash 2 gaesup promote ca`` prints what fits at word 2."""

from __future__ import annotations

import argparse
from pathlib import Path

from gaesup_tui.cli.connecting import connect
from gaesup_tui.cli.grammar import BY_NAME, COMMANDS, Argument, Command
from gaesup_tui.cli.output import Output
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.views import StatusRow

_BASH = """\
# gaesup for bash: eval "$(gaesup completion bash)"
_gaesup() {
  local IFS=$'\\n'
  COMPREPLY=($(gaesup completion bash "${COMP_CWORD}" "${COMP_WORDS[@]}" 2>/dev/null))
  [ "${#COMPREPLY[@]}" -gt 0 ] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//@}
complete -F _gaesup gaesup
"""
_ZSH = """\
#compdef gaesup
# gaesup for zsh: eval "$(gaesup completion zsh)"
_gaesup() {
  local -a found
  found=("${(@f)$(gaesup completion zsh $((CURRENT - 1)) "${words[@]}" 2>/dev/null)}")
  [[ -n "${found[1]}" ]] && compadd -- "${found[@]}" || _files
}
compdef _gaesup gaesup
"""
_FISH = """\
# gaesup for fish: gaesup completion fish | source
function __gaesup_words
  set -l words (commandline -opc)
  set -l now (commandline -ct)
  gaesup completion fish (count $words) $words $now 2>/dev/null
end
complete -c gaesup -f -a '(__gaesup_words)'
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def run(args: argparse.Namespace, out: Output) -> int:
    """Prints the script, or what fits at a place of a command line."""
    if not args.line:
        out.raw(_SCRIPTS[args.shell])
        return 0
    at, *line = args.line
    for word in words(line, int(at) if at.isdigit() else 0, args):
        out.line(word)
    return 0


def words(line: list[str], at: int, args: argparse.Namespace) -> list[str]:
    """What may stand at position ``at`` of ``line``, whose first word is the program."""
    now = line[at] if at < len(line) else ""
    if at <= 1:
        return [c.name for c in COMMANDS if c.name.startswith(now)]
    command = BY_NAME.get(line[1]) if at <= len(line) else None
    if command is None:
        return []
    if line[at - 1] == "--version":
        found = _versions(line[2:at], args)
    else:
        found = _at(command, line[at - 1], now, args)
    return sorted({word for word in found if word.startswith(now)})


def _at(command: Command, before: str, now: str, args: argparse.Namespace) -> list[str]:
    arguments = (*command.arguments, *command.one_of)
    option = next((a for a in arguments if before.startswith("-") and before in a.names), None)
    if option and option.options.get("action") != "store_true":
        return _values(option, args)
    if now.startswith("-"):
        return [name for a in arguments for name in a.names if name.startswith("--")]
    return [
        value for a in arguments if not a.names[0].startswith("-") for value in _values(a, args)
    ]


def _values(argument: Argument, args: argparse.Namespace) -> list[str]:
    if choices := argument.options.get("choices"):
        return list(choices)
    name = argument.names[-1]
    if name == "--strategy":
        return _strategies(args)
    if name == "unit":
        return [row["key"] for row in _rows(args)]
    if name == "--environment":
        return [row["environment"] for row in _rows(args)]
    return []


def _strategies(args: argparse.Namespace) -> list[str]:
    """Those built in, and those of the nearest file."""
    from gaesup_tui.domain.planning import BUILT_IN
    from gaesup_tui.service.project import find, load

    try:
        return [*BUILT_IN, *load(find()).file.strategies]
    except GaesupError:
        return list(BUILT_IN)


def _versions(words_before: list[str], args: argparse.Namespace) -> list[str]:
    """Those of the unit that was named, in the nearest file or in the one its deployment came
    from."""
    unit = next((word.partition("@")[0] for word in words_before if not word.startswith("-")), "")
    from gaesup_tui.service.project import find, load

    def listed(path: Path) -> list[str]:
        units = load(path).file.units
        return list(units[unit].versions) if unit in units else []

    try:
        if found := listed(find()):
            return found
    except GaesupError:
        pass
    try:
        views = connect(args).snapshot()["deployments"]
        files = {view["project"] for view in views if view["unit"] == unit and view["project"]}
        return [version for file in files for version in listed(Path(file))]
    except GaesupError:
        return []


def _rows(args: argparse.Namespace) -> list[StatusRow]:
    """What is deployed now; a key pressed for completion starts no engine and says no error."""
    try:
        engine = connect(args)
        return engine.status()["deployments"]
    except GaesupError:
        return []
