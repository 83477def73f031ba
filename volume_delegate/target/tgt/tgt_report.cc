#include "volume_delegate/target/tgt/tgt_report.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace vbs::volume_delegate {
namespace {

constexpr std::size_t kIndent = 4;
constexpr std::size_t kMaxQuoted = 80;

tl::unexpected<Error> not_understood(std::string_view what, std::string_view line) {
  return fail(ErrorCode::internal, "tgtd's " + std::string(what) +
                                       " report has a line that is not understood: \"" +
                                       std::string(line.substr(0, kMaxQuoted)) + "\"");
}

/// The next line without its end; false at the end of the text.
bool next_line(std::string_view& text, std::string_view& line) {
  if (text.empty()) return false;
  const auto end = text.find('\n');
  line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return true;
}

/// What follows `prefix`, if the line begins with it.
std::optional<std::string_view> after(std::string_view line, std::string_view prefix) {
  if (!line.starts_with(prefix)) return std::nullopt;
  return line.substr(prefix.size());
}

template <class Number>
bool to_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

bool to_flag(std::string_view text, bool& out) {
  out = text == "Yes";
  return out || text == "No";
}

/// Builds the targets line by line. The depth of indentation says what a line belongs to: target,
/// section, entry of the section, detail of the entry.
class TargetReport {
 public:
  bool take(std::string_view line) {
    const std::size_t spaces = std::min(line.find_first_not_of(' '), line.size());
    if (spaces % kIndent != 0) return false;
    const std::string_view body = line.substr(spaces);
    const std::size_t depth = spaces / kIndent;
    if (depth == 0) return target(body);
    if (targets_.empty()) return false;
    if (depth == 1) return section(body);
    switch (section_) {
      case Section::system:
        return depth == 2 && system_information(body);
      case Section::nexus:
        return nexus(depth, body);
      case Section::lun:
        return depth == 2 ? lun(body) : depth == 3 && lun_detail(body);
      case Section::account:
        return depth == 2 && entry(current().accounts, body);
      case Section::acl:
        return depth == 2 && entry(current().acl, body);
      case Section::none:
        return false;
    }
    return false;
  }

  std::vector<TgtTarget> targets() && { return std::move(targets_); }

 private:
  enum class Section { none, system, nexus, lun, account, acl };

  TgtTarget& current() { return targets_.back(); }

  bool target(std::string_view line) {
    const auto rest = after(line, "Target ");
    if (!rest) return false;
    const auto colon = rest->find(": ");
    TgtTarget made;
    if (colon == std::string_view::npos || !to_number(rest->substr(0, colon), made.tid))
      return false;
    made.iqn = rest->substr(colon + 2);
    targets_.push_back(std::move(made));
    section_ = Section::none;
    return true;
  }

  bool section(std::string_view line) {
    if (line == "System information:")
      section_ = Section::system;
    else if (line == "I_T nexus information:")
      section_ = Section::nexus;
    else if (line == "LUN information:")
      section_ = Section::lun;
    else if (line == "Account information:")
      section_ = Section::account;
    else if (line == "ACL information:")
      section_ = Section::acl;
    else
      return false;
    return true;
  }

  bool system_information(std::string_view line) {
    if (const auto state = after(line, "State: ")) {
      current().state = *state;
      return true;
    }
    unsigned number = 0;
    for (const std::string_view name : {"Nop interval: ", "Nop count: "}) {
      if (const auto rest = after(line, name)) return to_number(*rest, number);
    }
    return line == "Driver: iscsi";
  }

  bool nexus(std::size_t depth, std::string_view line) {
    auto& sessions = current().sessions;
    if (depth == 2) {
      const auto number = after(line, "I_T nexus: ");
      sessions.emplace_back();
      return number && to_number(*number, sessions.back().sid);
    }
    if (sessions.empty()) return false;
    auto& session = sessions.back();
    if (depth == 4) {
      const auto address = after(line, "IP Address: ");
      if (!address || session.connections.empty()) return false;
      session.connections.back().address = *address;
      return true;
    }
    if (depth != 3) return false;
    if (const auto who = after(line, "Initiator: ")) {
      session.initiator = who->substr(0, who->find(" alias: "));
      return true;
    }
    const auto number = after(line, "Connection: ");
    session.connections.emplace_back();
    return number && to_number(*number, session.connections.back().cid);
  }

  bool lun(std::string_view line) {
    const auto number = after(line, "LUN: ");
    current().luns.emplace_back();
    return number && to_number(*number, current().luns.back().lun);
  }

  bool lun_detail(std::string_view line) {
    if (current().luns.empty()) return false;
    TgtLun& unit = current().luns.back();
    const std::pair<std::string_view, std::string*> texts[] = {
        {"Type: ", &unit.type},
        {"SCSI SN: ", &unit.serial},
        {"Backing store type: ", &unit.backing_type},
        {"Backing store path: ", &unit.path}};
    for (const auto& [key, value] : texts) {
      const auto text = after(line, key);
      if (!text) continue;
      *value = *text;
      return true;
    }
    const std::pair<std::string_view, bool*> flags[] = {{"Online: ", &unit.online},
                                                        {"Readonly: ", &unit.read_only},
                                                        {"Thin-provisioning: ", &unit.thin}};
    for (const auto& [key, value] : flags) {
      if (const auto text = after(line, key)) return to_flag(*text, *value);
    }
    for (const std::string_view known : {"SCSI ID: ", "Size: ", "Removable media: ",
                                         "Prevent removal: ", "SWP: ", "Backing store flags: "}) {
      if (line.starts_with(known)) return true;
    }
    return false;
  }

  bool entry(std::vector<std::string>& list, std::string_view line) {
    list.emplace_back(line);
    return !line.empty();
  }

  std::vector<TgtTarget> targets_;
  Section section_ = Section::none;
};

}  // namespace

Result<std::vector<TgtTarget>> parse_tgt_targets(std::string_view text) {
  TargetReport report;
  std::string_view line;
  while (next_line(text, line)) {
    if (!report.take(line)) return not_understood("target", line);
  }
  return std::move(report).targets();
}

Result<std::vector<std::string>> parse_tgt_portals(std::string_view text) {
  std::vector<std::string> portals;
  std::string_view line;
  while (next_line(text, line)) {
    const auto portal = after(line, "Portal: ");
    const auto comma = line.rfind(',');  // the portal group tag follows
    if (!portal || comma == std::string_view::npos) return not_understood("portal", line);
    portals.emplace_back(portal->substr(0, portal->rfind(',')));
  }
  return portals;
}

}  // namespace vbs::volume_delegate
