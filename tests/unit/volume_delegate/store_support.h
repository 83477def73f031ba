#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>

#include "common/file.h"
#include "common/process.h"
#include "common/units.h"
#include "tests/unit/volume_delegate/support.h"
#include "volume_delegate/store/file/file_store.h"

namespace vbs::volume_delegate::testing {

inline std::string file_bytes(const std::string& path) {
  const auto text = read_file(path, 1 << 30);
  EXPECT_EQ("", trouble(text));
  return text.value_or("");
}

inline void write_at(const std::string& path, std::uint64_t offset, const std::string& bytes) {
  const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_TRUE(fd) << path;
  ASSERT_EQ(static_cast<ssize_t>(bytes.size()),
            ::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)));
  ASSERT_EQ(0, ::fsync(fd.get()));
}

inline std::uint64_t allocated(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(0, ::stat(path.c_str(), &status)) << path;
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

/// Runs a program of the system; what it said if it failed.
inline std::string run_tool(const std::string& name, std::vector<std::string> arguments) {
  const auto program = process::find_program(name, name);
  if (!program) return program.error().message;
  process::Command command;
  command.argv = {*program};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  const auto outcome = process::run(command);
  if (!outcome) return outcome.error().message;
  return outcome->exit_code == 0 ? "" : name + ": " + outcome->err;
}

/// A small file system of its own on a loop device; needs root.
class SmallFileSystem {
 public:
  /// `type`: "ext4", "xfs", "btrfs". nullptr with the reason in `why_not`.
  static std::unique_ptr<SmallFileSystem> mount(const std::string& type, std::uint64_t size,
                                                std::string& why_not) {
    if (::geteuid() != 0) {
      why_not = "mounting needs root";
      return nullptr;
    }
    std::unique_ptr<SmallFileSystem> self(new SmallFileSystem);
    const std::string image = self->dir_ / "image";
    const std::string quiet = type == "ext4" ? "-qF" : "-q";
    if (auto ok = write_file_durably(image, "", 0600); !ok) why_not = describe(ok.error());
    if (::truncate(image.c_str(), static_cast<off_t>(size)) != 0) why_not = "truncate";
    if (why_not.empty()) why_not = run_tool("mkfs." + type, {quiet, image});
    if (::mkdir(self->path().c_str(), 0700) != 0) why_not = "mkdir";
    if (why_not.empty()) why_not = run_tool("mount", {"-o", "loop", image, self->path()});
    self->mounted_ = why_not.empty();
    return self->mounted_ ? std::move(self) : nullptr;
  }
  ~SmallFileSystem() {
    if (!mounted_) return;
    EXPECT_EQ("", run_tool("umount", {path()}));
  }
  std::string path() const { return dir_ / "mount"; }

 private:
  SmallFileSystem() = default;
  TempDir dir_;
  bool mounted_ = false;
};

inline std::unique_ptr<FileStore> open_store(const FileStoreOptions& options) {
  auto store = FileStore::open(options);
  EXPECT_EQ("", trouble(store));
  return store ? std::move(*store) : nullptr;
}

}  // namespace vbs::volume_delegate::testing
