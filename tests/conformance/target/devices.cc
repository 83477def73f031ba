#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "common/file.h"
#include "common/process.h"
#include "tests/conformance/target/rig.h"

namespace vbs::conformance {
namespace {

constexpr std::size_t kWritten = 1 << 20;
constexpr Milliseconds kLimit{120'000};  // of an LVM command, in a busy emulated machine

void run(std::vector<std::string> argv) {
  const auto program = process::find_program(argv.front(), "lvm2");
  ASSERT_TRUE(program) << argv.front();
  argv.front() = *program;
  process::Command command;
  command.argv = std::move(argv);
  command.run_limit = kLimit;
  const auto ended = process::run(command);
  ASSERT_TRUE(ended);
  EXPECT_EQ(0, ended->exit_code) << command.argv.front() << ": " << ended->err;
}

/// Making a logical volume takes longer than most cases, so they are used again; what a case may
/// have written is near the beginning. All go at the end of the program.
std::set<std::string>& kept_volumes() {
  static std::set<std::string> volumes;
  return volumes;
}

class RemoveVolumes final : public ::testing::Environment {
 public:
  void TearDown() override {
    for (const auto& path : kept_volumes()) run({"lvremove", "--yes", "--force", "--", path});
  }
};
const ::testing::Environment* const kRemoveVolumes =
    ::testing::AddGlobalTestEnvironment(new RemoveVolumes);

/// Processes and descriptors come and go meanwhile.
std::vector<std::filesystem::path> entries(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  std::error_code gone;
  for (std::filesystem::directory_iterator at(folder, gone), end; !gone && at != end;
       at.increment(gone)) {
    out.push_back(at->path());
  }
  return out;
}

bool is_open_somewhere(const std::string& path) {
  for (const auto& process : entries("/proc")) {
    for (const auto& descriptor : entries(process / "fd")) {
      std::error_code gone;
      if (std::filesystem::read_symlink(descriptor, gone) == path) return true;
    }
  }
  return false;
}

void wipe(const std::string& path) {
  const std::string zeros(kWritten, '\0');
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(static_cast<ssize_t>(zeros.size()),
            ::pwrite(file.get(), zeros.data(), zeros.size(), 0));
  EXPECT_EQ(0, ::fsync(file.get()));
}

}  // namespace

Devices::Devices(std::string folder) : folder_(std::move(folder)) {
  const char* group = std::getenv("VBS_CONFORMANCE_GROUP");
  if (group != nullptr) group_ = group;
}

Devices::~Devices() {
  for (const auto& path : grown_) {
    run({"lvremove", "--yes", "--force", "--", path});
    kept_volumes().erase(path);
  }
}

std::string Devices::make(const std::string& name) {
  if (are_blocks()) {
    const std::string volume = "conformance-" + name;
    const std::string path = "/dev/" + group_ + "/" + volume;
    if (kept_volumes().insert(path).second) {
      run({"lvcreate", "--yes", "--wipesignatures", "n", "--zero", "y", "--size",
           std::to_string(kSize) + "b", "--name", volume, group_});
    }
    wipe(path);
    return path;
  }
  const std::string path = folder_ + "/" + name;
  EXPECT_TRUE(write_file_durably(path, "", 0600));
  EXPECT_EQ(0, ::truncate(path.c_str(), static_cast<off_t>(kSize)));
  return path;
}

void Devices::grow(const std::string& path, std::uint64_t size) {
  if (are_blocks()) {
    run({"lvextend", "--size", std::to_string(size) + "b", "--", path});
    grown_.push_back(path);
  } else {
    EXPECT_EQ(0, ::truncate(path.c_str(), static_cast<off_t>(size)));
  }
}

/// Past the page cache for a block device: what the device has, not what somebody still holds.
std::string Devices::bytes(const std::string& path, std::uint64_t offset, std::size_t size) const {
  constexpr std::size_t kAlignment = 4096;
  const std::size_t whole = (size + kAlignment - 1) / kAlignment * kAlignment;
  const std::unique_ptr<char, decltype(&std::free)> buffer(
      static_cast<char*>(std::aligned_alloc(kAlignment, whole)), &std::free);
  const int direct = are_blocks() ? O_DIRECT : 0;
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | direct));
  const ssize_t got = ::pread(file.get(), buffer.get(), whole, static_cast<off_t>(offset));
  EXPECT_GE(got, static_cast<ssize_t>(size));
  return std::string(buffer.get(), size);
}

bool Devices::is_free(const std::string& path) const {
  if (!are_blocks()) return !is_open_somewhere(path);
  const auto program = process::find_program("lvs", "lvm2");
  EXPECT_TRUE(program);
  process::Command command;
  command.argv = {program.value_or(""), "--noheadings", "--options", "lv_device_open", "--", path};
  command.run_limit = kLimit;
  const auto ended = process::run(command);
  EXPECT_TRUE(ended && ended->exit_code == 0);
  return ended && ended->out.find("open") == std::string::npos;
}

}  // namespace vbs::conformance
