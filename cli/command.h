#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit_code.h"
#include "common/error.h"

namespace vbs::cli {

struct Context;

/// What a value on the command line is. Decides how it is checked before anything is sent, and what
/// the shell offers as its completion.
enum class ValueKind {
  flag,      ///< no value
  text,      ///< anything; the service judges it
  size,      ///< "32M"
  growth,    ///< "32M", or "+32M": so much more
  count,     ///< 1 to 1000000
  duration,  ///< "30s"
  tag,       ///< "KEY=VALUE"
  choice,    ///< one of OptionSpec::choices
  file,
  volume,  ///< id, name or prefix of an id
  snapshot,
  image,  ///< id or name
  operation,
};

struct OptionSpec {
  std::string name;  ///< "--size", or "-q,--quiet"
  ValueKind kind = ValueKind::flag;
  std::string metavar;  ///< "SIZE"; empty for flags
  std::string help;
  bool repeatable = false;
  bool required = false;
  std::vector<std::string> choices;

  /// "--quiet" of "-q,--quiet".
  std::string_view long_name() const;
};

struct ArgumentSpec {
  std::string name;  ///< "VOLUME"
  ValueKind kind = ValueKind::text;
  std::string help;
  std::vector<std::string> choices;
};

/// The values of one command line, already checked against their kinds.
class Arguments {
 public:
  void set(std::string_view name, std::vector<std::string> values);
  /// By long option name ("--size") or argument name ("VOLUME").
  bool has(std::string_view name) const;
  std::optional<std::string> value(std::string_view name) const;
  /// For required ones; "" if absent.
  std::string required(std::string_view name) const;
  std::vector<std::string> values(std::string_view name) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

using CommandHandler = Result<ExitCode> (*)(Context&);

/// One verb. Parsing, help, completion and the check of vbs(1) all read this.
struct CommandSpec {
  std::string name;
  std::string group;    ///< heading in the help
  std::string summary;  ///< one line
  std::vector<ArgumentSpec> arguments;
  std::vector<OptionSpec> options;
  CommandHandler run = nullptr;
  bool needs_service = true;  ///< false: no settings are read, nothing is sent
};

/// Every verb, in the order of the help.
const std::vector<CommandSpec>& command_table();
/// Options that every verb takes, before or after it.
const std::vector<OptionSpec>& common_options();
/// nullptr if there is no such verb.
const CommandSpec* find_command(std::string_view name);

}  // namespace vbs::cli
