#include "volume_delegate/store/file/sparse_copy.h"

#include <gtest/gtest.h>

#include "tests/unit/volume_delegate/store_support.h"

namespace vbs::volume_delegate {
namespace {

using testing::allocated;
using testing::failed_with;
using testing::file_bytes;
using testing::trouble;
using testing::write_at;

class SparseCopyTest : public ::testing::Test {
 protected:
  Result<void> copy(std::uint64_t size) {
    const FileDescriptor from(::open(from_.c_str(), O_RDONLY | O_CLOEXEC));
    const FileDescriptor to(::open(to_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_EQ(0, ::ftruncate(to.get(), static_cast<off_t>(size)));
    auto done = copy_sparse(from.get(), to.get(), size, control_);
    EXPECT_EQ(0, ::fsync(to.get()));  // ext4 allocates late
    return done;
  }
  void make_source(std::uint64_t size) {
    write_at(from_, 0, "");
    ASSERT_EQ(0, ::truncate(from_.c_str(), static_cast<off_t>(size)));
  }

  testing::TempDir dir_;
  const std::string from_ = dir_ / "from";
  const std::string to_ = dir_ / "to";
  CopyControl control_;
};

TEST_F(SparseCopyTest, CopiesNothingOfAHole) {
  make_source(64 * kMiB);
  ASSERT_EQ("", trouble(copy(64 * kMiB)));
  EXPECT_EQ(64 * kMiB, control_.copied_bytes);
  EXPECT_EQ(0u, allocated(to_));
  EXPECT_EQ(64 * kMiB, std::filesystem::file_size(to_));
}

TEST_F(SparseCopyTest, KeepsDataAndHoles) {
  make_source(64 * kMiB);
  write_at(from_, 0, std::string(4096, 'a'));
  write_at(from_, 20 * kMiB, std::string(3 * kMiB, 'b'));
  write_at(from_, 64 * kMiB - 4096, std::string(4096, 'c'));
  ASSERT_EQ("", trouble(copy(64 * kMiB)));
  EXPECT_EQ(file_bytes(from_), file_bytes(to_));
  EXPECT_EQ(allocated(from_), allocated(to_));
}

TEST_F(SparseCopyTest, CopiesExtentsLargerThanOneStep) {
  make_source(40 * kMiB);
  std::string bytes;
  for (unsigned i = 0; bytes.size() < 40 * kMiB; ++i) bytes += std::to_string(i);
  bytes.resize(40 * kMiB);
  write_at(from_, 0, bytes);
  ASSERT_EQ("", trouble(copy(40 * kMiB)));
  EXPECT_EQ(bytes, file_bytes(to_));
}

TEST_F(SparseCopyTest, CopiesOnlyTheSizeAskedFor) {
  make_source(2 * kMiB);
  write_at(from_, 0, std::string(2 * kMiB, 'x'));
  ASSERT_EQ("", trouble(copy(kMiB)));
  EXPECT_EQ(std::string(kMiB, 'x'), file_bytes(to_));
}

TEST_F(SparseCopyTest, StopsWhenCancelled) {
  make_source(kMiB);
  write_at(from_, 0, std::string(kMiB, 'x'));
  control_.cancelled = true;
  EXPECT_TRUE(failed_with(copy(kMiB), ErrorCode::conflict, "cancelled"));
  EXPECT_EQ(0u, control_.copied_bytes);
}

TEST_F(SparseCopyTest, SaysThatTheDiskIsFull) {
  std::string why_not;
  const auto small = testing::SmallFileSystem::mount("ext4", 32 * kMiB, why_not);
  if (!small) GTEST_SKIP() << why_not;
  const FileDescriptor from(
      ::open((small->path() + "/from").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const FileDescriptor to(
      ::open((small->path() + "/to").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const std::string bytes(16 * kMiB, 'x');
  ASSERT_EQ(static_cast<ssize_t>(bytes.size()), ::write(from.get(), bytes.data(), bytes.size()));
  ASSERT_EQ(0, ::ftruncate(to.get(), 16 * kMiB));
  const auto copied = copy_sparse(from.get(), to.get(), 16 * kMiB, control_);
  EXPECT_TRUE(failed_with(copied, ErrorCode::insufficient_space, "No space left"));
}

TEST_F(SparseCopyTest, ProbeLeavesNothingBehind) {
  ASSERT_EQ("", trouble(can_share_extents(dir_.path())));
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

}  // namespace
}  // namespace vbs::volume_delegate
