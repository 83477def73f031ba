#include "cli/completion.h"

#include "cli/command.h"

namespace vbs::cli {
namespace {

/// Everything that does not depend on the table. Words are compared, never expanded: `compgen -W`
/// would evaluate what a stranger named his volume.
constexpr const char* kFunctions = R"bash(
_vbs_offer() {
  local word
  for word in "$@"; do
    if [[ "$word" == "$cur"* ]]; then COMPREPLY+=("$word"); fi
  done
}

_vbs_offer_lines() {
  local word
  while IFS= read -r word; do _vbs_offer "$word"; done
}

_vbs() {
  local cur prev verb kind i
  COMPREPLY=()
  cur="${COMP_WORDS[COMP_CWORD]}"
  prev="${COMP_WORDS[COMP_CWORD-1]}"
  # "--option=value" comes as three words.
  if [[ "$cur" == "=" ]]; then
    cur=""
  elif [[ "$prev" == "=" ]]; then
    prev="${COMP_WORDS[COMP_CWORD-2]}"
  fi
  verb=""
  for ((i = 1; i < COMP_CWORD; i++)); do
    if _vbs_is_verb "${COMP_WORDS[i]}"; then verb="${COMP_WORDS[i]}"; break; fi
    if [[ -n "$(_vbs_kind "" "${COMP_WORDS[i]}")" ]]; then ((i++)); fi
  done
  kind="$(_vbs_kind "$verb" "$prev")"
  if [[ -z "$kind" && -n "$verb" && "$cur" != -* ]]; then kind="$(_vbs_argument "$verb")"; fi
  case "$kind" in
    file) _vbs_offer_lines < <(compgen -f -- "$cur") ;;
    volume) _vbs_offer_lines < <(command vbs describe-volumes --limit 1000 --quiet 2>/dev/null) ;;
    snapshot) _vbs_offer_lines < <(command vbs describe-snapshots --limit 1000 --quiet 2>/dev/null) ;;
    image) _vbs_offer_lines < <(command vbs describe-images --quiet 2>/dev/null) ;;
    operation) _vbs_offer_lines < <(command vbs describe-operations --live --quiet 2>/dev/null) ;;
    text) ;;
    choice*) _vbs_offer_lines < <(printf '%s\n' "${kind#choice }" | tr ' ' '\n') ;;
    *) _vbs_offer_lines < <(_vbs_words "$verb") ;;
  esac
}
)bash";

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string kind_text(ValueKind kind, const std::vector<std::string>& choices) {
  switch (kind) {
    case ValueKind::flag:
      return "";
    case ValueKind::choice:
      return "choice " + joined(choices);
    case ValueKind::file:
      return "file";
    case ValueKind::volume:
      return "volume";
    case ValueKind::snapshot:
      return "snapshot";
    case ValueKind::image:
      return "image";
    case ValueKind::operation:
      return "operation";
    case ValueKind::text:
    case ValueKind::size:
    case ValueKind::growth:
    case ValueKind::count:
    case ValueKind::duration:
    case ValueKind::tag:
      return "text";
  }
  return "";
}

std::string case_line(const std::string& pattern, const std::string& text) {
  return "    " + pattern + ") echo '" + text + "' ;;\n";
}

/// What follows an option: `_vbs_kind VERB OPTION`.
std::string kind_function() {
  std::string text = "_vbs_kind() {\n  case \"$1 $2\" in\n";
  for (const auto& option : common_options()) {
    const std::string kind = kind_text(option.kind, option.choices);
    if (!kind.empty()) text += case_line("*' " + std::string(option.long_name()) + "'", kind);
  }
  for (const auto& command : command_table()) {
    for (const auto& option : command.options) {
      const std::string kind = kind_text(option.kind, option.choices);
      const std::string pattern = "'" + command.name + " " + std::string(option.long_name()) + "'";
      if (!kind.empty()) text += case_line(pattern, kind);
    }
  }
  return text + "  esac\n}\n";
}

/// What a verb's argument is: `_vbs_argument VERB`.
std::string argument_function() {
  std::string text = "_vbs_argument() {\n  case \"$1\" in\n";
  for (const auto& command : command_table()) {
    if (command.arguments.empty()) continue;
    const auto& argument = command.arguments.front();
    text += case_line(command.name, kind_text(argument.kind, argument.choices));
  }
  return text + "  esac\n}\n";
}

/// Options after a verb, or verbs and common options where there is none yet: `_vbs_words VERB`.
std::string words_function() {
  std::string common;
  for (const auto& option : common_options()) common += std::string(option.long_name()) + "\\n";
  std::string verbs;
  std::string text = "_vbs_words() {\n  case \"$1\" in\n";
  for (const auto& command : command_table()) {
    verbs += command.name + "\\n";
    std::string words;
    for (const auto& option : command.options) words += std::string(option.long_name()) + "\\n";
    text += "    " + command.name + ") printf -- '" + words + common + "--help\\n' ;;\n";
  }
  return text + "    *) printf -- '" + verbs + common + "--version\\n--help\\n' ;;\n  esac\n}\n";
}

std::string verb_function() {
  std::string pattern;
  for (const auto& command : command_table()) {
    pattern += (pattern.empty() ? "" : "|") + command.name;
  }
  return "_vbs_is_verb() {\n  case \"$1\" in\n    " + pattern +
         ") return 0 ;;\n  esac\n  return 1\n}\n";
}

}  // namespace

std::string bash_completion() {
  return "# Completion of vbs " VBS_VERSION " for bash: source <(vbs completion bash)\n" +
         verb_function() + kind_function() + argument_function() + words_function() + kFunctions +
         "\ncomplete -F _vbs vbs\n";
}

std::string zsh_completion() {
  return "# Completion of vbs for zsh: source <(vbs completion zsh)\n"
         "autoload -U +X compinit && compinit\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         bash_completion();
}

}  // namespace vbs::cli
