#include "volume_delegate/store/file/file_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/fakes/file_size_limit.h"
#include "tests/unit/volume_delegate/store_support.h"

namespace vbs::volume_delegate {
namespace {

using testing::allocated;
using testing::failed_with;
using testing::file_bytes;
using testing::id;
using testing::trouble;
using testing::write_at;

class FileStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.folder = dir_.path();
    options_.reflink = false;
    open();
  }
  void open() { store_ = testing::open_store(options_); }

  std::string image(unsigned number) const { return store_->device(id(number)); }
  std::string snapshot(unsigned number) const {
    return dir_ / ("snapshots/" + id(number).str() + ".img");
  }
  std::string make_snapshot(unsigned number, unsigned volume) {
    auto copy = store_->prepare_snapshot(id(number), id(volume));
    return copy ? trouble((*copy)->run(control_)) : trouble(copy);
  }
  std::string make_clone(unsigned number, std::uint64_t size, ObjectRef source) {
    auto copy = store_->prepare_volume(id(number), size, source);
    return copy ? trouble((*copy)->run(control_)) : trouble(copy);
  }
  std::uint64_t promised() { return store_->space()->reserved_bytes; }

  testing::TempDir dir_;
  FileStoreOptions options_;
  std::unique_ptr<FileStore> store_;
  CopyControl control_;
};

TEST_F(FileStoreTest, MakesASparsePrivateFile) {
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 32 * kMiB)));
  EXPECT_EQ(dir_ / ("volumes/" + id(1).str() + ".img"), image(1));
  EXPECT_EQ(32 * kMiB, std::filesystem::file_size(image(1)));
  EXPECT_EQ(0u, allocated(image(1)));
  using std::filesystem::perms;
  EXPECT_EQ(perms::owner_read | perms::owner_write,
            std::filesystem::status(image(1)).permissions());
  EXPECT_EQ(perms::owner_all, std::filesystem::status(dir_ / "volumes").permissions());
}

TEST_F(FileStoreTest, FindsWhatItMade) {
  EXPECT_TRUE(failed_with(store_->find_volume(id(1)), ErrorCode::not_found));
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 32 * kMiB)));
  write_at(image(1), 0, std::string(4 * kMiB, 'x'));
  const auto volume = store_->find_volume(id(1));
  ASSERT_TRUE(volume);
  EXPECT_EQ(32 * kMiB, volume->size_bytes);
  EXPECT_EQ(4 * kMiB, volume->allocated_bytes);
  EXPECT_FALSE(volume->source);
  EXPECT_EQ(40, volume->snapshot_estimate_ms);  // 4 MiB at 200 MiB/s, and 20 ms
}

// As by a VM that was off when the copy was asked for, and was started meanwhile.
TEST_F(FileStoreTest, ACopyDuringWhichItsVolumeWasWrittenIsGivenUp) {
  // On XFS or Btrfs the kernel would share the extents by itself, in no time.
  std::string in_memory = "/dev/shm/vbsv-XXXXXX";
  ASSERT_NE(nullptr, ::mkdtemp(in_memory.data()));
  const testing::TempDir folder(in_memory);
  options_.folder = folder.path();
  open();
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 64 * kMiB)));
  write_at(image(1), 0, std::string(64 * kMiB, 'x'));
  std::atomic<bool> writes = true;
  std::atomic<bool> begun = false;
  std::thread writer([&] {
    for (; writes; begun = true) write_at(image(1), 0, "y");
  });
  while (!begun) std::this_thread::yield();
  auto copy = store_->prepare_snapshot(id(2), id(1));
  ASSERT_TRUE(copy);
  const auto done = (*copy)->run(control_);
  writes = false;
  writer.join();
  EXPECT_TRUE(failed_with(done, ErrorCode::conflict, "was written to while it was copied"));
  EXPECT_TRUE(failed_with(store_->find_snapshot(id(2)), ErrorCode::not_found));
  EXPECT_EQ("", make_snapshot(2, 1)) << "nobody writes any more";
}

TEST_F(FileStoreTest, GrowsWithZerosAndKeepsWhatIsThere) {
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 2 * kMiB)));
  write_at(image(1), 2 * kMiB - 4, "last");
  for (int again = 0; again < 2; ++again)
    ASSERT_EQ("", trouble(store_->grow_volume(id(1), 5 * kMiB)));
  const std::string bytes = file_bytes(image(1));
  ASSERT_EQ(5 * kMiB, bytes.size());
  EXPECT_EQ("last", bytes.substr(2 * kMiB - 4, 4));
  EXPECT_EQ(std::string::npos, bytes.find_first_not_of('\0', 2 * kMiB));
  EXPECT_EQ(5 * kMiB, store_->find_volume(id(1))->size_bytes);
  EXPECT_EQ(5 * kMiB, promised());
  open();
  EXPECT_EQ(5 * kMiB, promised());
}

TEST_F(FileStoreTest, NeverShrinks) {
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 4 * kMiB)));
  const auto refused = store_->grow_volume(id(1), 3 * kMiB);
  EXPECT_TRUE(failed_with(refused, ErrorCode::invalid_field, "4194304"));
  EXPECT_EQ("size_bytes", refused.error().field);
  EXPECT_EQ(4 * kMiB, std::filesystem::file_size(image(1)));
  EXPECT_EQ(4 * kMiB, promised());
  EXPECT_TRUE(failed_with(store_->grow_volume(id(2), kMiB), ErrorCode::not_found));
}

TEST_F(FileStoreTest, GrowsNoFurtherThanItsRoom) {
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 4 * kMiB)));
  const std::uint64_t all = store_->space()->capacity_bytes / kMiB * kMiB;
  EXPECT_TRUE(failed_with(store_->grow_volume(id(1), all + kMiB), ErrorCode::insufficient_space));
  EXPECT_EQ(4 * kMiB, std::filesystem::file_size(image(1)));
  EXPECT_EQ(4 * kMiB, promised());
  const fakes::FileSizeLimit small(8 * kMiB);
  EXPECT_TRUE(failed_with(store_->grow_volume(id(1), 16 * kMiB), ErrorCode::insufficient_space));
  EXPECT_EQ(4 * kMiB, promised()) << "the promise was taken back";
  EXPECT_EQ("", trouble(store_->grow_volume(id(1), 8 * kMiB)));
}

TEST_F(FileStoreTest, ASnapshotOfWhatGrewStaysAsItWas) {
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 2 * kMiB)));
  write_at(image(1), 0, "before");
  ASSERT_EQ("", make_snapshot(2, 1));
  ASSERT_EQ("", trouble(store_->grow_volume(id(1), 3 * kMiB)));
  EXPECT_EQ(2 * kMiB, std::filesystem::file_size(snapshot(2)));
  EXPECT_EQ(2 * kMiB, store_->find_snapshot(id(2))->size_bytes);
  EXPECT_EQ("before", file_bytes(snapshot(2)).substr(0, 6));
}

TEST_F(FileStoreTest, NeverReplacesAnImage) {
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 32 * kMiB)));
  write_at(image(1), 0, "precious");
  EXPECT_TRUE(failed_with(store_->create_volume(id(1), kMiB), ErrorCode::already_exists));
  EXPECT_EQ("precious", file_bytes(image(1)).substr(0, 8));
}

TEST_F(FileStoreTest, RemovesAndGivesTheSpaceBack) {
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 32 * kMiB)));
  EXPECT_EQ(32 * kMiB, promised());
  ASSERT_EQ("", trouble(store_->remove_volume(id(1))));
  EXPECT_EQ(0u, promised());
  EXPECT_FALSE(std::filesystem::exists(image(1)));
  EXPECT_EQ("", trouble(store_->remove_volume(id(1))));
}

TEST_F(FileStoreTest, ASnapshotIsItsVolumeAtThatMoment) {
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 8 * kMiB)));
  write_at(image(1), 3 * kMiB, "before");
  ASSERT_EQ("", make_snapshot(2, 1));
  const std::string then = file_bytes(image(1));
  write_at(image(1), 3 * kMiB, "after!");
  EXPECT_EQ(then, file_bytes(snapshot(2)));
  const auto found = store_->find_snapshot(id(2));
  ASSERT_TRUE(found);
  EXPECT_EQ(id(1), found->volume);
  EXPECT_EQ(8 * kMiB, found->size_bytes);
  EXPECT_EQ(16 * kMiB, promised());
}

TEST_F(FileStoreTest, AVolumeFromASnapshotMayBeLarger) {
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 8 * kMiB)));
  write_at(image(1), 0, std::string(8 * kMiB, 'x'));
  ASSERT_EQ("", make_snapshot(2, 1));
  ASSERT_EQ("", make_clone(3, 10 * kMiB, {ObjectKind::snapshot, id(2)}));
  EXPECT_EQ(std::string(8 * kMiB, 'x') + std::string(2 * kMiB, '\0'), file_bytes(image(3)));
  EXPECT_EQ((ObjectRef{ObjectKind::snapshot, id(2)}), store_->find_volume(id(3))->source);
}

TEST_F(FileStoreTest, AVolumeIsNotSmallerThanItsSource) {
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 8 * kMiB)));
  const auto copy = store_->prepare_volume(id(2), 7 * kMiB, {ObjectKind::volume, id(1)});
  EXPECT_TRUE(failed_with(copy, ErrorCode::invalid_field, "size_bytes"));
}

TEST_F(FileStoreTest, ASourceMustBeThere) {
  const auto copy = store_->prepare_snapshot(id(2), id(1));
  EXPECT_TRUE(failed_with(copy, ErrorCode::not_found, id(1).str()));
  EXPECT_EQ("source", copy.error().field);
  EXPECT_EQ(0u, promised());
}

TEST_F(FileStoreTest, ADroppedOrCancelledCopyLeavesNothing) {
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 8 * kMiB)));
  write_at(image(1), 0, std::string(8 * kMiB, 'x'));
  { const auto dropped = store_->prepare_snapshot(id(2), id(1)); }
  control_.cancelled = true;
  auto copy = store_->prepare_snapshot(id(3), id(1));
  ASSERT_TRUE(copy);
  EXPECT_TRUE(failed_with((*copy)->run(control_), ErrorCode::conflict));
  EXPECT_EQ(8 * kMiB, promised()) << "given back before the copy object goes";
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "snapshots"));
}

TEST_F(FileStoreTest, ACopyReadsOnWhenItsSourceIsUnlinked) {
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 8 * kMiB)));
  write_at(image(1), 0, std::string(8 * kMiB, 'x'));
  auto copy = store_->prepare_snapshot(id(2), id(1));
  ASSERT_TRUE(copy);
  ASSERT_EQ("", trouble(store_->remove_volume(id(1))));
  EXPECT_EQ("", trouble((*copy)->run(control_)));
  EXPECT_EQ(std::string(8 * kMiB, 'x'), file_bytes(snapshot(2)));
}

TEST_F(FileStoreTest, ANewlyOpenedStoreKnowsEverything) {
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 8 * kMiB)));
  ASSERT_EQ("", make_snapshot(2, 1));
  ASSERT_EQ("", make_clone(3, 9 * kMiB, {ObjectKind::volume, id(1)}));
  open();
  EXPECT_EQ(25 * kMiB, promised());
  const auto listing = store_->list();
  ASSERT_TRUE(listing);
  ASSERT_EQ(2u, listing->volumes.size());
  ASSERT_EQ(1u, listing->snapshots.size());
  EXPECT_EQ(id(1), listing->snapshots[0].volume);
  EXPECT_TRUE(listing->foreign.empty());
}

TEST_F(FileStoreTest, SweepsWhatACrashLeft) {
  const std::string volume = dir_ / ("volumes/" + id(1).str());
  write_at(volume + ".img.partial", 0, std::string(kMiB, 'x'));
  write_at(volume + ".source", 0, "volume " + id(2).str() + "\n");
  write_at(volume + ".source.tmp", 0, "vol");
  open();
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "volumes"));
  EXPECT_EQ(0u, promised());
}

TEST_F(FileStoreTest, ReportsForeignThingsAndLeavesThemAlone) {
  const std::string with_id = dir_ / ("volumes/" + id(9).str());
  const std::vector<std::string> foreign = {dir_ / "notes.txt", dir_ / "volumes/readme",
                                            with_id + ".img.bak",
                                            dir_ / ("snapshots/" + id(8).str() + ".img")};
  for (const auto& path : foreign) write_at(path, 0, "mine");
  std::filesystem::create_symlink("/etc/passwd", with_id + ".img");
  std::filesystem::create_directory(dir_ / "lost+found");
  open();
  const auto listing = store_->list();
  ASSERT_TRUE(listing);
  EXPECT_TRUE(listing->volumes.empty());
  EXPECT_TRUE(listing->snapshots.empty());
  EXPECT_EQ(foreign.size() + 1, listing->foreign.size());
  for (const auto& path : foreign) EXPECT_EQ("mine", file_bytes(path));
  EXPECT_TRUE(failed_with(store_->find_volume(id(9)), ErrorCode::not_found));
  EXPECT_TRUE(failed_with(store_->create_volume(id(9), kMiB), ErrorCode::already_exists));
}

TEST_F(FileStoreTest, MakesVolumesFromWhatAnOperatorOffers) {
  const std::string offered = dir_ / ("images/" + id(9).str());
  const ObjectRef source{ObjectKind::image, id(9)};
  EXPECT_TRUE(failed_with(store_->source_size(source), ErrorCode::not_found));
  write_at(offered + ".img", 0, std::string(3 * kMiB + 7, 'i'));
  EXPECT_TRUE(failed_with(store_->prepare_volume(id(1), 4 * kMiB, source), ErrorCode::conflict,
                          "chmod a-w"));
  std::filesystem::permissions(offered + ".img", std::filesystem::perms::owner_read);
  open();
  const auto listing = store_->list();
  ASSERT_EQ(1u, listing->images.size());
  EXPECT_EQ(id(9), listing->images[0].id);
  EXPECT_EQ("", listing->images[0].name);
  EXPECT_EQ(3 * kMiB + 7, listing->images[0].size_bytes);
  EXPECT_EQ(0u, promised()) << "it is not of VBS";

  EXPECT_TRUE(failed_with(store_->prepare_volume(id(1), 3 * kMiB, source), ErrorCode::invalid_field,
                          "size_bytes"));
  ASSERT_EQ("", make_clone(1, 4 * kMiB, source));
  const std::string bytes = file_bytes(image(1));
  EXPECT_EQ(std::string(3 * kMiB + 7, 'i') + std::string(kMiB - 7, '\0'), bytes);
  write_at(image(1), 0, "other");
  EXPECT_EQ(std::string(3 * kMiB + 7, 'i'), file_bytes(offered + ".img"));
  open();
  EXPECT_EQ(source, store_->find_volume(id(1))->source);
  EXPECT_EQ("", trouble(store_->remove_volume(id(1))));
  EXPECT_EQ(1u, store_->list()->images.size());
}

TEST_F(FileStoreTest, TakesTheNameOfAnImageFromTheFileBesideIt) {
  const std::string offered = dir_ / ("images/" + id(9).str());
  write_at(offered + ".img", 0, "i");
  write_at(offered + ".name", 0, "debian 12\n");
  write_at(dir_ / ("images/" + id(8).str() + ".name"), 0, "of nothing\n");
  auto listing = store_->list();
  ASSERT_EQ(1u, listing->images.size());
  EXPECT_EQ("debian 12", listing->images[0].name);
  EXPECT_EQ(1u, listing->foreign.size());
  for (const std::string& bad :
       {std::string("a/b\n"), std::string("two\nlines\n"), std::string(200, 'n')}) {
    std::filesystem::remove(offered + ".name");
    write_at(offered + ".name", 0, bad);
    listing = store_->list();
    EXPECT_TRUE(listing->images.empty()) << bad;
    EXPECT_EQ(3u, listing->foreign.size()) << bad;
  }
}

TEST_F(FileStoreTest, NoticesWhatOthersRemovedOrBroughtBack) {
  ASSERT_EQ("", trouble(store_->create_volume(id(1), 8 * kMiB)));
  ASSERT_EQ("", trouble(store_->create_volume(id(2), 4 * kMiB)));
  std::filesystem::rename(image(1), dir_ / "away");
  ASSERT_TRUE(store_->list());
  EXPECT_EQ(4 * kMiB, promised());
  std::filesystem::rename(dir_ / "away", image(1));
  ASSERT_TRUE(store_->list());
  EXPECT_EQ(12 * kMiB, promised());
}

TEST_F(FileStoreTest, PromisesLessThanTheFileSystemHas) {
  const auto space = store_->space();
  ASSERT_TRUE(space);
  EXPECT_LT(space->capacity_bytes, std::filesystem::space(dir_.path()).available);
  EXPECT_TRUE(failed_with(store_->create_volume(id(1), space->capacity_bytes + kMiB),
                          ErrorCode::insufficient_space, "no room for"));
}

TEST_F(FileStoreTest, RefusesAFolderThatIsNotThere) {
  options_.folder = dir_ / "missing";
  EXPECT_TRUE(failed_with(FileStore::open(options_), ErrorCode::internal, "missing"));
}

}  // namespace
}  // namespace vbs::volume_delegate
