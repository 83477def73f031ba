#include "volume_delegate/target/iet/iet_access.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "common/file.h"
#include "common/units.h"

namespace vbs::volume_delegate {
namespace {

constexpr const char* kAllow = "initiators.allow";
constexpr const char* kDeny = "initiators.deny";
constexpr const char* kAll = "ALL";
constexpr const char* kNobody = "nobody";  // neither an initiator's name nor an address
constexpr const char* kAnybody = "(anybody)";
constexpr std::size_t kMaxFile = 16 * kMiB;

std::string target_of(const std::string& line) {
  const auto begin = line.find_first_not_of(" \t");
  if (begin == std::string::npos || line[begin] == '#') return {};
  return line.substr(begin, line.find_first_of(" \t", begin) - begin);
}

std::string rule_of(const std::string& line) {
  const auto name = line.find(target_of(line));
  const auto begin = line.find_first_not_of(" \t", name + target_of(line).size());
  return begin == std::string::npos ? std::string() : line.substr(begin);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// An initiator's name as a POSIX basic regular expression; of its characters only the dot means
/// something there.
std::string as_pattern(const std::string& initiator) {
  std::string out;
  for (const char c : initiator) out += c == '.' ? std::string("\\.") : std::string(1, c);
  return out;
}

/// The inverse; what is no pattern of ours stays as it is.
std::string as_name(const std::string& pattern) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern.compare(at, 2, "\\.") == 0) ++at;
    out += pattern[at];
  }
  return as_pattern(out) == pattern ? out : pattern;
}

}  // namespace

bool IetAccess::has(const char* name) const {
  return ::access(path(name).c_str(), F_OK) == 0;
}

Result<void> IetAccess::check() const {
  for (const char* name : {kAllow, kDeny}) {
    const bool needed = name == kAllow || !by_name_;
    if (!needed || has(name)) continue;
    return fail(ErrorCode::node_unavailable,
                "there is no " + path(name) +
                    ", and without it IET lets every initiator in: make it, empty if nobody else's "
                    "targets are served");
  }
  return {};
}

Result<std::map<std::string, std::string>> IetAccess::rules() {
  std::lock_guard guard(mutex_);
  auto text = read_file(path(kAllow), kMaxFile);
  if (!text) return fail(text.error());
  std::map<std::string, std::string> out;
  for (const auto& line : lines_of(*text)) {
    const std::string target = target_of(line);
    if (target.empty()) continue;
    const std::string rule = rule_of(line);
    const auto known = opened_.find(target);
    if (rule == kNobody)
      out.emplace(target, "");
    else if (by_name_)
      out.emplace(target, as_name(rule));
    else
      out.emplace(target, rule == kAll && known != opened_.end() ? known->second : kAnybody);
  }
  return out;
}

/// Puts one line before all others, or none. The file keeps its mode and its owner's lines.
Result<void> IetAccess::change(const char* name, const std::string& iqn, const std::string& rule) {
  auto text = read_file(path(name), kMaxFile);
  if (!text) return fail(text.error());
  std::string changed = rule.empty() ? "" : iqn + " " + rule + "\n";
  for (const auto& line : lines_of(*text)) {
    if (target_of(line) != iqn) changed += line + "\n";
  }
  if (changed == *text) return {};
  struct stat status {};
  const bool known = ::stat(path(name).c_str(), &status) == 0;
  return write_file_durably(path(name), changed, known ? status.st_mode & 07777 : 0600);
}

Result<void> IetAccess::open(const std::string& iqn, const std::string& initiator) {
  std::lock_guard guard(mutex_);
  // The deny file decides only about whom the other one does not let in.
  if (has(kDeny)) {
    if (auto ok = change(kDeny, iqn, kAll); !ok) return ok;
  }
  opened_[iqn] = initiator;
  return change(kAllow, iqn, by_name_ ? as_pattern(initiator) : kAll);
}

Result<void> IetAccess::close(const std::string& iqn) {
  std::lock_guard guard(mutex_);
  if (has(kDeny)) {
    if (auto ok = change(kDeny, iqn, kAll); !ok) return ok;
  }
  return change(kAllow, iqn, kNobody);
}

Result<void> IetAccess::forget(const std::string& iqn) {
  std::lock_guard guard(mutex_);
  opened_.erase(iqn);
  for (const char* name : {kAllow, kDeny}) {
    if (!has(name)) continue;
    if (auto ok = change(name, iqn, ""); !ok) return ok;
  }
  return {};
}

}  // namespace vbs::volume_delegate
