#include "cli/parser.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "cli/suggest.h"
#include "cli/text.h"
#include "cli/values.h"

namespace vbs::cli {
namespace {

/// A CLI11 application made from the command table, and which of its options is which.
class Grammar {
 public:
  Grammar() : app_("Virtual block store: volumes for virtual machines.", "vbs") {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "vbs " VBS_VERSION, "print the version and exit");
    app_.set_help_flag("-h,--help", "print this help and exit");
    app_.get_formatter()->column_width(30);
    app_.get_formatter()->label("SUBCOMMAND", "VERB");
    app_.footer(environment_help() + "\n" + exit_code_help());
    for (const auto& spec : common_options()) {
      common_.push_back({std::string(spec.long_name()), add_option(app_, spec)});
    }
    for (const auto& spec : command_table()) add_command(spec);
  }

  CLI::App& app() { return app_; }

  Invocation invocation() const {
    const CLI::App* chosen = app_.get_subcommands().front();
    Invocation result;
    result.command = find_command(chosen->get_name());
    for (const auto* entries : {&common_, &by_command_.at(chosen->get_name())}) {
      for (const auto& [name, option] : *entries) {
        if (option->count() > 0) result.arguments.set(name, option->results());
      }
    }
    return result;
  }

 private:
  using Entries = std::vector<std::pair<std::string, CLI::Option*>>;

  static std::string environment_help() {
    return "Settings come from options, then VBS_URL and VBS_TOKEN, then the file named by\n"
           "VBS_CONFIG or ~/.config/vbs/config.toml (url, token, token_file, output).\n";
  }

  static CLI::Option* check_by_kind(CLI::Option* option, ValueKind kind,
                                    const std::vector<std::string>& choices) {
    return option->check(
        [kind, choices](const std::string& value) { return check_value(kind, choices, value); });
  }

  static CLI::Option* add_option(CLI::App& app, const OptionSpec& spec) {
    if (spec.kind == ValueKind::flag) {
      // Otherwise "--force=false" would count as given.
      return app.add_flag(spec.name)->description(spec.help)->check([](const std::string& value) {
        return std::string(value == "true" ? "" : "takes no value");
      });
    }
    CLI::Option* option = app.add_option(spec.name)->description(spec.help);
    option->type_name(spec.metavar);
    if (spec.repeatable) option->take_all();
    // One value each time the option is written: the next word is not a second value.
    option->allow_extra_args(false);
    option->required(spec.required);
    return check_by_kind(option, spec.kind, spec.choices);
  }

  void add_command(const CommandSpec& spec) {
    CLI::App* command = app_.add_subcommand(spec.name, spec.summary);
    command->set_help_flag("-h,--help", "print this help and exit");
    command->group(spec.group);
    command->fallthrough();
    command->footer("Options of every verb (--url, --token-file, --ca, --output, ...): vbs --help");
    Entries entries;
    for (const auto& argument : spec.arguments) {
      CLI::Option* option = command->add_option(argument.name)->description(argument.help);
      option->required()->type_name(" ");
      entries.emplace_back(argument.name, check_by_kind(option, argument.kind, argument.choices));
    }
    for (const auto& option : spec.options) {
      entries.emplace_back(std::string(option.long_name()), add_option(*command, option));
    }
    by_command_.emplace(spec.name, std::move(entries));
  }

  CLI::App app_;
  Entries common_;
  std::map<std::string, Entries> by_command_;
};

std::vector<std::string> known_verbs() {
  std::vector<std::string> names;
  for (const auto& spec : command_table()) names.push_back(spec.name);
  return names;
}

std::vector<std::string> known_options(const CommandSpec* command) {
  std::vector<std::string> names;
  for (const auto& spec : common_options()) names.emplace_back(spec.long_name());
  if (command == nullptr) return names;
  for (const auto& spec : command->options) names.emplace_back(spec.long_name());
  return names;
}

std::string did_you_mean(std::string_view typed, const std::vector<std::string>& known) {
  const std::string meant = suggest(typed, known);
  return meant.empty() ? "" : "; did you mean " + meant + "?";
}

/// What to say about words that fit nowhere; "" if there are none.
std::string explain_extras(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  for (const auto& word : app.remaining(true)) {
    const std::string shown = "'" + escape_for_terminal(truncate_to_width(word, 40)) + "'";
    if (word.starts_with("-")) {
      const auto* command = chosen.empty() ? nullptr : find_command(chosen.front()->get_name());
      const std::string name = word.substr(0, word.find('='));
      return "there is no option " + shown + did_you_mean(name, known_options(command));
    }
    if (!chosen.empty()) return "there is nothing to do with " + shown;
    return "there is no verb " + shown + did_you_mean(word, known_verbs());
  }
  return "";
}

ParseEnd usage_error(const CLI::App& app, const CLI::ParseError& error) {
  std::string message = explain_extras(app);
  const auto chosen = app.get_subcommands();
  const std::string verb = chosen.empty() ? "" : " " + chosen.front()->get_name();
  if (message.empty()) message = verb.empty() ? "a verb is missing" : error.what();
  return {ExitCode::usage,
          "vbs: " + escape_for_terminal(message) + "\nTry: vbs" + verb + " --help\n"};
}

}  // namespace

tl::expected<Invocation, ParseEnd> parse_command_line(const std::vector<std::string>& arguments) {
  Grammar grammar;
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    grammar.app().parse(reversed);
    return grammar.invocation();
  } catch (const CLI::CallForHelp&) {
    return tl::unexpected(ParseEnd{ExitCode::ok, grammar.app().help()});
  } catch (const CLI::CallForVersion&) {
    return tl::unexpected(ParseEnd{ExitCode::ok, grammar.app().version() + "\n"});
  } catch (const CLI::ParseError& error) {
    return tl::unexpected(usage_error(grammar.app(), error));
  }
}

}  // namespace vbs::cli
