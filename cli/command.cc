#include "cli/command.h"

#include <algorithm>

namespace vbs::cli {

std::string_view OptionSpec::long_name() const {
  const std::string_view all = name;
  const auto comma = all.find(',');
  return comma == std::string_view::npos ? all : all.substr(comma + 1);
}

void Arguments::set(std::string_view name, std::vector<std::string> values) {
  values_.insert_or_assign(std::string(name), std::move(values));
}

bool Arguments::has(std::string_view name) const {
  return values_.contains(name);
}

std::optional<std::string> Arguments::value(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end() || found->second.empty()) return std::nullopt;
  return found->second.front();
}

std::string Arguments::required(std::string_view name) const {
  return value(name).value_or("");
}

std::vector<std::string> Arguments::values(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

const CommandSpec* find_command(std::string_view name) {
  const auto& table = command_table();
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const auto& spec) { return spec.name == name; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace vbs::cli
