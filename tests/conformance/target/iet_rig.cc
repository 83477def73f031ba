#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "common/file.h"
#include "common/process.h"
#include "tests/conformance/target/rig.h"
#include "tests/unit/volume_delegate/tgt_support.h"

namespace vbs::conformance {
namespace {

constexpr int kLooks = 5;

/// Runs the stand-in; what it prints, or what it complains of.
Result<std::string> stand_in(const std::string& program, std::vector<std::string> words) {
  process::Command command;
  command.argv = {program};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  const auto ended = process::run(command);
  if (!ended) return fail(ended.error());
  if (ended->exit_code != 0) return fail(ErrorCode::forbidden, ended->err);
  std::string out = ended->out;
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

/// What an initiator would see, by way of the stand-in: it tells at every access whether the
/// session still lives and what its logical unit is.
class StandInSession final : public Session {
 public:
  StandInSession(std::string program, std::string sid)
      : program_(std::move(program)), sid_(std::move(sid)) {}
  ~StandInSession() override { log_out(); }

  Result<std::string> serial() override { return seen(1); }
  Result<std::string> identity() override { return seen(2); }
  Result<std::uint64_t> capacity() override {
    const auto bytes = seen(4);
    if (!bytes) return fail(bytes.error());
    return std::strtoull(bytes->c_str(), nullptr, 10);
  }
  Result<std::string> read(std::uint64_t block, std::uint32_t size) override {
    const auto path = seen(0);
    if (!path) return fail(path.error());
    std::string bytes(size, '\0');
    const FileDescriptor file(::open(path->c_str(), O_RDONLY | O_CLOEXEC));
    const auto at = static_cast<off_t>(block * kBlock);
    if (::pread(file.get(), bytes.data(), size, at) == static_cast<ssize_t>(size)) return bytes;
    return fail(ErrorCode::internal, "cannot read " + *path);
  }
  Result<void> write(std::uint64_t block, const std::string& bytes) override {
    const auto path = seen(0);
    if (!path) return fail(path.error());
    if (seen(3).value_or("ro") == "ro") return fail(ErrorCode::forbidden, "write protected");
    const FileDescriptor file(::open(path->c_str(), O_WRONLY | O_CLOEXEC));
    const auto at = static_cast<off_t>(block * kBlock);
    const auto size = static_cast<ssize_t>(bytes.size());
    if (::pwrite(file.get(), bytes.data(), bytes.size(), at) == size) return {};
    return fail(ErrorCode::internal, "cannot write " + *path);
  }
  Result<void> flush() override { return {}; }
  void log_out() override {
    if (auto gone = stand_in(program_, {"stand-in", "logout", sid_}); !gone) return;
  }

 private:
  Result<std::string> seen(int line) const {
    auto text = stand_in(program_, {"stand-in", "look", sid_});
    if (!text) return text;
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin <= text->size();) {
      const auto end = std::min(text->find('\n', begin), text->size());
      lines.push_back(text->substr(begin, end - begin));
      begin = end + 1;
    }
    if (lines.size() == kLooks) return lines[static_cast<std::size_t>(line)];
    return fail(ErrorCode::internal, "the stand-in says: " + *text);
  }

  const std::string program_;
  const std::string sid_;
};

class IetRig final : public Rig {
 public:
  explicit IetRig(volume_delegate::TargetSettings settings)
      : settings_(std::move(settings)), listener_(settings_.iet.portal.port) {
    const char* program = std::getenv("VBS_CONFORMANCE_IETADM");
    const char* version = std::getenv("VBS_CONFORMANCE_IET_VERSION");
    EXPECT_TRUE(program != nullptr && version != nullptr);
    version_ = version == nullptr ? "" : version;
    std::filesystem::create_directories(settings_.iet.proc);
    std::filesystem::create_directories(settings_.iet.config);
    const std::string folder = std::filesystem::path(settings_.iet.program).parent_path();
    std::filesystem::create_symlink(program == nullptr ? "" : program, settings_.iet.program);
    EXPECT_TRUE(write_file_durably(folder + "/version", version_, 0600));
    EXPECT_TRUE(write_file_durably(settings_.iet.config + "/initiators.allow", kOthers, 0644));
    if (is_old()) {
      EXPECT_TRUE(write_file_durably(settings_.iet.config + "/initiators.deny", "", 0644));
    }
    act({"stand-in", "start"});
  }
  /// Other people's rules in the same file stay as they are.
  ~IetRig() override {
    const auto rules = read_file(settings_.iet.config + "/initiators.allow");
    EXPECT_EQ(kOthers, rules.value_or(""));
  }

  volume_delegate::TargetSettings settings() const override { return settings_; }
  Result<std::unique_ptr<Session>> log_in(const Credentials& who) override {
    auto sid = stand_in(settings_.iet.program, {"stand-in", "login", who.iqn, who.initiator,
                                                who.user, who.secret, "127.0.0.1"});
    if (!sid) return fail(sid.error());
    return std::make_unique<StandInSession>(settings_.iet.program, *sid);
  }
  bool kill_daemon() override {
    act({"stand-in", "kill"});
    return true;
  }
  void start_daemon() override { act({"stand-in", "start"}); }
  void add_foreign_target(const std::string& iqn) override {
    act({"--op", "new", "--tid=900", "--params", "Name=" + iqn});
  }
  void let_in(const TargetSpec& spec, const std::string& initiator) override {
    const std::string path = settings_.iet.config + "/initiators.allow";
    const auto text = read_file(path);
    EXPECT_TRUE(write_file_durably(
        path, spec.iqn + " " + spec.initiator + "," + initiator + "\n" + text.value_or(""), 0644));
  }
  void swap_device(const TargetSpec& spec, const std::string& device) override {
    const std::string tid = "--tid=" + std::to_string(spec.number);
    act({"--op", "delete", tid, "--lun=1"});
    act({"--op", "new", tid, "--lun=1", "--params", "Path=" + device + ",Type=fileio"});
  }
  std::string cannot(const std::string& ability) const override {
    if (ability == "start its daemon") return "ietd is started by its own service";
    if (ability == "tell initiators apart" && is_old()) {
      return "before 1.4.18, IET's rules know addresses only; the secret has to do";
    }
    if (ability == "be killed" && is_old()) {
      return "before 1.4.18, the kernel keeps the targets of a dead ietd until the module is "
             "unloaded";
    }
    return {};
  }

 private:
  static constexpr const char* kOthers = "# Others\niqn.2003-01.org.example:disk 192.0.2.0/24\n";

  bool is_old() const { return version_.starts_with("0."); }
  void act(std::vector<std::string> words) {
    const auto done = stand_in(settings_.iet.program, std::move(words));
    EXPECT_TRUE(done) << done.error().message;
  }

  volume_delegate::TargetSettings settings_;
  std::string version_;
  const volume_delegate::testing::Listener listener_;
};

}  // namespace

std::unique_ptr<Rig> make_iet_rig(volume_delegate::TargetSettings settings) {
  return std::make_unique<IetRig>(std::move(settings));
}

}  // namespace vbs::conformance
