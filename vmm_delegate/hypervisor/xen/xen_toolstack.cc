#include "vmm_delegate/hypervisor/xen/xen_toolstack.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "common/names.h"
#include "common/text.h"

namespace vbs::vmm_delegate::xen {
namespace {

constexpr std::string_view kHeader = "Name";
constexpr std::string_view kDomain0 = "Domain-0";
constexpr std::string_view kPhy = "phy:";
constexpr std::size_t kWords = 6;          // name, id, memory, processors, state, time
constexpr std::size_t kWordsWhereOff = 4;  // no id, and perhaps no state
constexpr std::size_t kMaxId = 5;          // domain ids are 16 bits

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::optional<unsigned> id_of(const std::string& word) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (word.empty() || word.size() > kMaxId || !std::all_of(word.begin(), word.end(), is_digit)) {
    return std::nullopt;
  }
  return static_cast<unsigned>(std::stoul(word));
}

/// From flags like "-b----": running, blocked, paused, shut down, crashed, dying.
std::string state_of(const std::string& flags) {
  if (flags.find_first_of("scd") != std::string::npos) return "off";
  return flags.find('p') != std::string::npos ? "paused" : "running";
}

struct Refusal {
  std::string_view text;
  ErrorCode code;
};

/// Whatever goes wrong, both tools end with 1; xl 4.17 and xm 4.1 say these words.
constexpr std::array kRefusals{
    Refusal{"is an invalid domain identifier", ErrorCode::not_found},
    Refusal{"could not be connected",
            ErrorCode::node_unavailable},  // as xm says of the host device
    Refusal{"unable to get domain type", ErrorCode::not_found},
    Refusal{"does not exist.", ErrorCode::not_found},  // Error: Domain 'x' does not exist.
    Refusal{"No such process", ErrorCode::not_found},
    Refusal{"device already exists in xenstore", ErrorCode::conflict},
    Refusal{"is already connected", ErrorCode::conflict},
    Refusal{"failed to stat", ErrorCode::node_unavailable},
    Refusal{"not connected", ErrorCode::not_found},
};

/// The line that says most: the first of xl's, which goes from cause to consequence.
std::string first_line(const std::string& text) {
  const auto end = text.find('\n');
  return to_utf8(text.substr(0, end));
}

ErrorCode code_of(const std::string& text) {
  for (const Refusal& refusal : kRefusals) {
    if (text.find(refusal.text) != std::string::npos) return refusal.code;
  }
  return ErrorCode::internal;
}

}  // namespace

Result<std::vector<Domain>> parse_domains(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::string line;
  if (!std::getline(in, line) || !line.starts_with(kHeader)) {
    return fail(ErrorCode::internal, "the list of domains has no header");
  }
  std::vector<Domain> domains;
  while (std::getline(in, line)) {
    // Names that VBS takes hold no space, and a domain without a name shows as "(null)".
    const std::vector<std::string> words = words_of(line);
    if (words.size() < kWordsWhereOff || words.size() > kWords) continue;
    if (words[0] == kDomain0 || !check_node_name(words[0], "vm")) continue;
    const auto number = id_of(words[1]);
    if (!number) continue;
    Domain domain{words[0], std::nullopt, "off"};
    if (words.size() == kWords) {
      domain.id = number;
      domain.state = state_of(words[kWords - 2]);
    }
    domains.push_back(std::move(domain));
  }
  return domains;
}

Result<std::string> judge(const std::string& what, const process::Outcome& outcome) {
  if (outcome.truncated) return fail(ErrorCode::internal, what + " printed too much");
  // `xl pause` of an unknown domain complains and ends with 0.
  if (outcome.exit_code == 0 && outcome.err.find("error:") == std::string::npos) {
    return outcome.out;
  }
  const std::string& said = outcome.err.empty() ? outcome.out : outcome.err;
  return fail(code_of(said),
              what + " ended with " + std::to_string(outcome.exit_code) + ": " + first_line(said));
}

Toolstack::Toolstack(std::string name, std::string program, Limits limits)
    : name_(std::move(name)), program_(std::move(program)), limits_(limits) {}

Result<std::string> Toolstack::program() const {
  if (!program_.empty()) return program_;
  return process::find_program(name_, is_xm() ? "xen-utils before 4.5" : "xen-utils-common");
}

/// xl takes a word of digits for a domain id, also where a domain has that name: it gets the id,
/// which besides cannot mean the VM's next life. xm looks for a name first, and gets that.
std::string Toolstack::word_for(const Domain& domain) const {
  return is_xm() || !domain.id ? domain.name : std::to_string(*domain.id);
}

Result<std::string> Toolstack::run(const std::vector<std::string>& arguments,
                                   Milliseconds limit) const {
  auto path = program();
  if (!path) return fail(path.error());
  process::Command command;
  command.argv = {*std::move(path)};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.run_limit = limit;
  const std::string what = name_ + " " + arguments[0];
  const auto outcome = process::run(command);
  if (!outcome) return fail(outcome.error());
  if (outcome->timed_out) {
    return fail(ErrorCode::timeout,
                what + " did not end within " + std::to_string(limit.count()) + " ms");
  }
  return judge(what, *outcome);
}

Result<std::vector<Domain>> Toolstack::domains() const {
  const auto text = run({"list"}, limits_.list);
  if (!text) return fail(text.error());
  return parse_domains(*text);
}

std::vector<std::string> Toolstack::attach_arguments(const Domain& domain,
                                                     const std::string& host_path, const Disk& disk,
                                                     bool read_only) const {
  const std::string device = is_xm() ? "/dev/" + disk.device : disk.device;
  return {"block-attach", word_for(domain), std::string(kPhy) + host_path, device,
          read_only ? "r" : "w"};
}

std::vector<std::string> Toolstack::detach_arguments(const Domain& domain, const Disk& disk,
                                                     bool force) const {
  if (!is_xm()) {
    std::vector<std::string> words{"block-detach"};
    if (force) words.emplace_back("-f");
    words.insert(words.end(), {word_for(domain), disk.number});
    return words;
  }
  // It reads options only after the device.
  std::vector<std::string> words{"block-detach", word_for(domain), "/dev/" + disk.device};
  if (force) words.emplace_back("-f");
  return words;
}

std::vector<std::string> Toolstack::pause_arguments(const Domain& domain) const {
  return {"pause", word_for(domain)};
}

std::vector<std::string> Toolstack::unpause_arguments(const Domain& domain) const {
  return {"unpause", word_for(domain)};
}

Result<void> Toolstack::block_attach(const Domain& domain, const std::string& host_path,
                                     const Disk& disk, bool read_only) const {
  auto done = run(attach_arguments(domain, host_path, disk, read_only), limits_.attach);
  if (!done) return fail(done.error());
  return {};
}

Result<void> Toolstack::block_detach(const Domain& domain, const Disk& disk, bool force) const {
  auto done = run(detach_arguments(domain, disk, force), limits_.detach);
  if (!done) return fail(done.error());
  return {};
}

Result<void> Toolstack::pause(const Domain& domain) const {
  auto done = run(pause_arguments(domain), limits_.list);
  if (!done) return fail(done.error());
  return {};
}

Result<void> Toolstack::unpause(const Domain& domain) const {
  auto done = run(unpause_arguments(domain), limits_.list);
  if (!done) return fail(done.error());
  return {};
}

}  // namespace vbs::vmm_delegate::xen
