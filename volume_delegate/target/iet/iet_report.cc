#include "volume_delegate/target/iet/iet_report.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

namespace vbs::volume_delegate {
namespace {

constexpr std::size_t kMaxQuoted = 80;

tl::unexpected<Error> not_understood(std::string_view what, std::string_view line) {
  return fail(ErrorCode::internal, "IET's " + std::string(what) +
                                       " report has a line that is not understood: \"" +
                                       std::string(line.substr(0, kMaxQuoted)) + "\"");
}

template <class Number>
bool to_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

using Words = std::map<std::string_view, std::string_view>;

/// "key:value key:value ...". The value of `last` goes to the end of the line: a path may hold
/// blanks, a name of an initiator may not but is last all the same.
bool to_words(std::string_view line, std::string_view last, Words& out) {
  while (!line.empty()) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    const std::string_view key = line.substr(0, colon);
    line.remove_prefix(colon + 1);
    const auto end = key == last ? std::string_view::npos : line.find(' ');
    if (!out.emplace(key, line.substr(0, end)).second) return false;
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return true;
}

struct Line {
  std::size_t depth = 0;  ///< number of leading tabs
  std::string_view text;
};

/// The next line; false at the end.
bool next_line(std::string_view& text, Line& line) {
  if (text.empty()) return false;
  const auto end = text.find('\n');
  std::string_view whole = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  line.depth = std::min(whole.find_first_not_of('\t'), whole.size());
  line.text = whole.substr(line.depth);
  return true;
}

bool to_target(std::string_view text, IetTarget& out) {
  Words words;
  if (!to_words(text, "name", words) || words.size() != 2) return false;
  out.iqn = words["name"];
  return to_number(words["tid"], out.tid) && !out.iqn.empty();
}

bool to_unit(std::string_view text, IetUnit& out) {
  Words words;
  if (!to_words(text, "path", words)) return false;
  out.io_type = words["iotype"];
  out.io_mode = words["iomode"];
  out.path = words["path"];  // nullio has none
  unsigned state = 0;
  if (!to_number(words["lun"], out.lun) || !to_number(words["state"], state)) return false;
  out.running = state == 0;
  if (words.contains("blocks")) {
    std::uint64_t blocks = 0;
    std::uint64_t block = 0;
    if (!to_number(words["blocks"], blocks) || !to_number(words["blocksize"], block)) return false;
    out.size_bytes = blocks * block;
  }
  return !out.io_type.empty() && !out.io_mode.empty();
}

bool to_session(std::string_view text, IetSession& out) {
  Words words;
  if (!to_words(text, "initiator", words) || words.size() != 2) return false;
  out.initiator = words["initiator"];
  return to_number(words["sid"], out.sid) && !out.initiator.empty();
}

/// "cid:0 ip:10.9.0.2 state:active hd:none dd:none", an IPv6 address in brackets.
bool to_connection(std::string_view text, IetConnection& out) {
  const auto ip = text.find(" ip:");
  const auto state = text.find(" state:");
  if (!text.starts_with("cid:") || ip == std::string_view::npos || state < ip) return false;
  if (state == std::string_view::npos) return false;
  std::string_view address = text.substr(ip + 4, state - ip - 4);
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  }
  out.address = address;
  return to_number(text.substr(4, ip - 4), out.cid);
}

}  // namespace

Result<std::vector<IetTarget>> parse_iet_volumes(std::string_view text) {
  std::vector<IetTarget> targets;
  Line line;
  while (next_line(text, line)) {
    bool understood = false;
    if (line.depth == 0) {
      targets.emplace_back();
      understood = to_target(line.text, targets.back());
    } else if (line.depth == 1 && !targets.empty()) {
      targets.back().units.emplace_back();
      understood = to_unit(line.text, targets.back().units.back());
    }
    if (!understood) return not_understood("volume", line.text);
  }
  return targets;
}

Result<std::vector<IetSession>> parse_iet_sessions(std::string_view text) {
  std::vector<IetSession> sessions;
  IetTarget target;
  bool in_target = false;
  bool in_session = false;
  Line line;
  while (next_line(text, line)) {
    bool understood = false;
    if (line.depth == 0) {
      understood = in_target = to_target(line.text, target);
      in_session = false;
    } else if (line.depth == 1 && in_target) {
      sessions.emplace_back();
      sessions.back().tid = target.tid;
      understood = in_session = to_session(line.text, sessions.back());
    } else if (line.depth == 2 && in_session) {
      sessions.back().connections.emplace_back();
      understood = to_connection(line.text, sessions.back().connections.back());
    }
    if (!understood) return not_understood("session", line.text);
  }
  return sessions;
}

Result<unsigned> parse_iet_version(std::string_view text) {
  constexpr std::string_view kIntroduction = "ietadm version ";
  const std::string whole(text);
  const auto wrong = [&] {
    return fail(ErrorCode::internal,
                "ietadm says \"" + whole.substr(0, kMaxQuoted) + "\" of its version");
  };
  if (!text.starts_with(kIntroduction)) return wrong();
  text.remove_prefix(kIntroduction.size());
  unsigned version = 0;
  for (int part = 0; part < 3; ++part) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number > 99) return wrong();
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const bool last = part == 2;
    if (!last && !text.starts_with('.')) return wrong();
    if (!last) text.remove_prefix(1);
    version = version * 100 + number;
  }
  return version;
}

}  // namespace vbs::volume_delegate
