#include "common/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "child.h"
#include "support.h"

namespace vbs {
namespace {

namespace fs = std::filesystem;

std::size_t entries(const std::string& directory) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

TEST(File, WritesAndReadsBack) {
  const test::TempDir dir;
  const std::string path = dir.path("state");
  const std::string text("a\0b\xFF\n", 5);
  ASSERT_TRUE(write_file_durably(path, text, 0600));
  EXPECT_EQ(read_file(path).value(), text);
  EXPECT_EQ(entries(dir.path()), 1U);
}

TEST(File, ReplacesWithTheNewTextAndMode) {
  const test::TempDir dir;
  const std::string path = dir.path("state");
  ASSERT_TRUE(write_file_durably(path, "a long old text", 0600));
  ASSERT_TRUE(write_file_durably(path, "new", 0644));
  EXPECT_EQ(read_file(path).value(), "new");
  EXPECT_EQ(test::mode_of(path), 0644U);
}

TEST(File, TheModeDoesNotDependOnTheUmask) {
  const test::TempDir dir;
  const mode_t old = ::umask(0077);
  const auto written = write_file_durably(dir.path("state"), "x", 0664);
  ::umask(old);
  ASSERT_TRUE(written);
  EXPECT_EQ(test::mode_of(dir.path("state")), 0664U);
}

TEST(File, ALeftoverOfACrashIsReplaced) {
  const test::TempDir dir;
  const std::string path = dir.path("state");
  std::ofstream(path + std::string(kTemporarySuffix)) << "half a text that was never renamed";
  ASSERT_TRUE(write_file_durably(path, "new", 0600));
  EXPECT_EQ(read_file(path).value(), "new");
  EXPECT_EQ(test::mode_of(path), 0600U);
  EXPECT_EQ(entries(dir.path()), 1U);
}

TEST(File, ALinkInTheWayIsNotFollowed) {
  const test::TempDir dir;
  std::ofstream(dir.path("victim")) << "untouched";
  fs::create_symlink(dir.path("victim"), dir.path("state") + std::string(kTemporarySuffix));
  ASSERT_TRUE(write_file_durably(dir.path("state"), "new", 0600));
  EXPECT_EQ(test::slurp(dir.path("victim")), "untouched");
  EXPECT_FALSE(fs::is_symlink(dir.path("state")));
}

TEST(File, FailuresNameTheFile) {
  const auto absent = write_file_durably("/nonexistent/state", "x", 0600);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().message, "cannot write /nonexistent/state: No such file or directory");

  const test::TempDir dir;
  fs::create_directory(dir.path("state"));
  const auto directory = write_file_durably(dir.path("state"), "x", 0600);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, ErrorCode::internal);
  EXPECT_EQ(entries(dir.path()), 1U);
}

TEST(File, ReadLimits) {
  const test::TempDir dir;
  const std::string path = dir.path("large");
  const std::string text(200'000, 'x');
  ASSERT_TRUE(write_file_durably(path, text, 0600));
  EXPECT_EQ(read_file(path, text.size()).value(), text);
  const auto limited = read_file(path, text.size() - 1);
  ASSERT_FALSE(limited);
  EXPECT_EQ(limited.error().code, ErrorCode::request_too_large);
  EXPECT_EQ(limited.error().message, path + " is larger than 199999 bytes");
  EXPECT_EQ(read_file("/dev/zero").error().code, ErrorCode::request_too_large);
}

TEST(File, ReadFailures) {
  const test::TempDir dir;
  EXPECT_EQ(read_file(dir.path("absent")).error().code, ErrorCode::not_found);
  EXPECT_EQ(read_file(dir.path()).error().code, ErrorCode::internal);
}

TEST(File, RemoveIsDoneOnceAndAgain) {
  const test::TempDir dir;
  const std::string path = dir.path("state");
  ASSERT_TRUE(write_file_durably(path, "x", 0600));
  EXPECT_TRUE(remove_file_durably(path));
  EXPECT_FALSE(fs::exists(path));
  EXPECT_TRUE(remove_file_durably(path));
  EXPECT_FALSE(remove_file_durably(dir.path()));
}

TEST(File, SyncDirectory) {
  const test::TempDir dir;
  EXPECT_TRUE(sync_directory(dir.path()));
  EXPECT_EQ(sync_directory(dir.path("absent")).error().code, ErrorCode::not_found);
}

TEST(File, PathsWithoutADirectoryAreHere) {
  const test::TempDir dir;
  const int status = test::run_in_child([&] {
    if (::chdir(dir.path().c_str()) != 0) return 1;
    return write_file_durably("state", "x", 0600) && remove_file_durably("state") ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
}

constexpr int kNoMounts = 77;

// A file system of 64 KiB, in a mount namespace that goes with the process.
bool mount_small(const std::string& directory) {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("vbs-test", directory.c_str(), "tmpfs", 0, "size=64k") == 0;
}

TEST(File, AFullDiskKeepsTheOldText) {
  const test::TempDir dir;
  const int status = test::run_in_child([&] {
    if (!mount_small(dir.path())) return kNoMounts;
    const std::string path = dir.path("state");
    if (!write_file_durably(path, "old", 0600)) return 1;
    const auto written = write_file_durably(path, std::string(1 << 20, 'x'), 0600);
    if (written || written.error().code != ErrorCode::insufficient_space) return 2;
    if (read_file(path).value_or("") != "old") return 3;
    return entries(dir.path()) == 1 ? 0 : 4;
  });
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNoMounts) GTEST_SKIP() << "may not mount a small file system here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(FileDescriptor, OwnsItsDescriptor) {
  const auto is_open = [](int fd) { return ::fcntl(fd, F_GETFD) >= 0; };
  FileDescriptor one(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = one.get();
  ASSERT_TRUE(one);
  FileDescriptor two(std::move(one));
  EXPECT_FALSE(one);
  EXPECT_EQ(two.get(), number);
  two = FileDescriptor();
  EXPECT_FALSE(is_open(number));

  FileDescriptor three(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int released = three.release();
  EXPECT_FALSE(three);
  EXPECT_TRUE(is_open(released));
  { const FileDescriptor again(released); }
  EXPECT_FALSE(is_open(released));
}

}  // namespace
}  // namespace vbs
