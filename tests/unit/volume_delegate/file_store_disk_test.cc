// FileStore on small file systems of its own: full disks, shared extents, many at once.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/volume_delegate/store_support.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::file_bytes;
using testing::id;
using testing::SmallFileSystem;
using testing::trouble;
using testing::write_at;

class FileStoreDiskTest : public ::testing::Test {
 protected:
  void mount(const std::string& type, std::uint64_t size) {
    std::string why_not;
    disk_ = SmallFileSystem::mount(type, size, why_not);
    if (!disk_) GTEST_SKIP() << why_not;
    options_.folder = disk_->path();
    store_ = testing::open_store(options_);
  }
  void TearDown() override { store_.reset(); }

  /// Somebody else fills the file system to the last block.
  void fill_disk() const {
    const FileDescriptor fd(
        ::open((disk_->path() + "/filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string chunk(64 * kKiB, 'f');
    while (::write(fd.get(), chunk.data(), chunk.size()) > 0) {
    }
    ::fsync(fd.get());
  }
  void free_disk() const { ASSERT_EQ(0, ::unlink((disk_->path() + "/filler").c_str())); }
  std::string images(const std::string& kind) const { return disk_->path() + "/" + kind; }

  std::unique_ptr<SmallFileSystem> disk_;
  FileStoreOptions options_;
  std::unique_ptr<FileStore> store_;
  CopyControl control_;
};

TEST_F(FileStoreDiskTest, ACopyThatFillsTheDiskLeavesNothingAndMayBeTriedAgain) {
  mount("ext4", 64 * kMiB);
  if (IsSkipped()) return;
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 16 * kMiB)));
  write_at(store_->device(id(1)), 0, std::string(16 * kMiB, 'x'));
  auto copy = store_->prepare_snapshot(id(2), id(1));
  ASSERT_EQ("", trouble(copy));
  fill_disk();
  EXPECT_TRUE(failed_with((*copy)->run(control_), ErrorCode::insufficient_space));
  EXPECT_TRUE(std::filesystem::is_empty(images("snapshots")));
  EXPECT_EQ(16 * kMiB, store_->space()->reserved_bytes);
  EXPECT_TRUE(failed_with(store_->prepare_snapshot(id(2), id(1)), ErrorCode::insufficient_space,
                          "other users"));
  free_disk();
  auto again = store_->prepare_snapshot(id(2), id(1));
  ASSERT_EQ("", trouble(again));
  EXPECT_EQ("", trouble((*again)->run(control_)));
}

TEST_F(FileStoreDiskTest, AFullDiskRefusesNewVolumesAndStillDeletes) {
  mount("ext4", 64 * kMiB);
  if (IsSkipped()) return;
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 8 * kMiB)));
  write_at(store_->device(id(1)), 0, std::string(8 * kMiB, 'x'));
  fill_disk();
  EXPECT_TRUE(failed_with(store_->create_volume(id(2), kMiB), ErrorCode::insufficient_space));
  EXPECT_EQ("", trouble(store_->remove_volume(id(1))));
  EXPECT_EQ("", trouble(store_->create_volume(id(2), kMiB))) << "the space is back";
}

TEST_F(FileStoreDiskTest, SixteenAtOnceNeverExceedTheDisk) {
  mount("ext4", 128 * kMiB);
  if (IsSkipped()) return;
  const std::uint64_t capacity = store_->space()->capacity_bytes;
  std::atomic<unsigned> made{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 4; ++i) {
        if (store_->create_volume(id(t * 16 + i), 5 * kMiB)) ++made;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(capacity / (5 * kMiB), made);
  // The promise is good: every volume can be filled to its last byte.
  const auto listing = store_->list();
  ASSERT_TRUE(listing);
  for (const auto& volume : listing->volumes) {
    write_at(store_->device(volume.id), 0, std::string(volume.size_bytes, 'x'));
  }
}

class ReflinkTest : public FileStoreDiskTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(ReflinkTest, CopiesAtOnceAndShareExtents) {
  mount(GetParam(), 512 * kMiB);
  if (IsSkipped()) return;
  ASSERT_TRUE(store_->reflink());
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 64 * kMiB)));
  const std::string bytes(64 * kMiB, 'x');
  write_at(store_->device(id(1)), 0, bytes);
  EXPECT_EQ(0, store_->find_volume(id(1))->snapshot_estimate_ms);

  const auto free_before = std::filesystem::space(disk_->path()).available;
  auto snapshot = store_->prepare_snapshot(id(2), id(1));
  ASSERT_EQ("", trouble(snapshot));
  EXPECT_TRUE((*snapshot)->at_once());
  ASSERT_EQ("", trouble((*snapshot)->run(control_)));
  auto clone = store_->prepare_volume(id(3), 65 * kMiB, {ObjectKind::snapshot, id(2)});
  ASSERT_EQ("", trouble(clone));
  ASSERT_EQ("", trouble((*clone)->run(control_)));
  const auto free_after = std::filesystem::space(disk_->path()).available;
  EXPECT_LT(free_before - free_after, 16 * kMiB) << "128 MiB were copied";

  write_at(store_->device(id(1)), 0, "changed");
  EXPECT_EQ(bytes, file_bytes(images("snapshots") + "/" + id(2).str() + ".img"));
  EXPECT_EQ(bytes + std::string(kMiB, '\0'), file_bytes(store_->device(id(3))));
}

TEST_P(ReflinkTest, SharedExtentsArePromisedInFull) {
  mount(GetParam(), 512 * kMiB);
  if (IsSkipped()) return;
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 64 * kMiB)));
  write_at(store_->device(id(1)), 0, std::string(64 * kMiB, 'x'));
  unsigned number = 2;
  Result<void> made;
  while (made) {
    auto copy = store_->prepare_snapshot(id(number++), id(1));
    made = copy ? (*copy)->run(control_) : fail(copy.error());
  }
  EXPECT_TRUE(failed_with(made, ErrorCode::insufficient_space));
  const auto space = store_->space();
  EXPECT_LE(space->reserved_bytes, space->capacity_bytes);
  store_ = testing::open_store(options_);
  EXPECT_LE(store_->space()->reserved_bytes, store_->space()->capacity_bytes)
      << "a restart must not take shared extents for free ones, nor the other way round";
}

TEST_P(ReflinkTest, CanBeForbidden) {
  options_.reflink = false;
  mount(GetParam(), 512 * kMiB);
  if (IsSkipped()) return;
  EXPECT_FALSE(store_->reflink());
}

INSTANTIATE_TEST_SUITE_P(FileSystems, ReflinkTest, ::testing::Values("xfs", "btrfs"));

TEST_F(FileStoreDiskTest, ExtFourSharesNothing) {
  mount("ext4", 64 * kMiB);
  if (IsSkipped()) return;
  EXPECT_FALSE(store_->reflink());
}

}  // namespace
}  // namespace vbs::volume_delegate
