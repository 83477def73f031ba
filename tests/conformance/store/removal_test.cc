// How things go: wholly, once, and nobody else's.

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "common/file.h"
#include "tests/conformance/store/rig.h"

namespace vbs::conformance {
namespace {

TEST_F(StoreTest, RemovingWhatIsAbsentSucceeds) {
  EXPECT_EQ("", remove(volume(fresh())));
  EXPECT_EQ("", remove(snapshot_of(fresh())));
}

TEST_F(StoreTest, RemovingTwiceSucceeds) {
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kSize));
  ASSERT_EQ("", trouble(store_->remove_volume(id)));
  EXPECT_FALSE(has(volume(id))) << "nobody may use it from here on";
  EXPECT_EQ(ErrorCode::not_found, code_of(store_->find_volume(id)));
  EXPECT_EQ("", remove(volume(id)));
  EXPECT_EQ("", remove(volume(id)));
}

TEST_F(StoreTest, OldBytesOfAVolumeNeverShowAgain) {
  const auto space = store_->space();
  ASSERT_EQ("", trouble(space));
  for (unsigned round = 0; round < 3; ++round) {
    const Uuid old = fresh();
    ASSERT_EQ("", create(old, 4 * kSize));
    ASSERT_TRUE(is_zero(old, 0, 4 * kSize)) << "in round " << round;
    for (std::uint64_t at = 0; at < 4 * kSize; at += 4 * kMiB) write(old, at, 4 * kMiB, 7);
    ASSERT_EQ("", remove(volume(old)));
  }
  const Uuid next = fresh();
  ASSERT_EQ("", create(next, 6 * kSize));
  EXPECT_TRUE(is_zero(next, 0, 6 * kSize));
}

TEST_F(StoreTest, OldBytesOfASnapshotNeverShowAgain) {
  const Uuid id = fresh();
  const Uuid image = fresh();
  ASSERT_EQ("", create(id, kSize));
  for (std::uint64_t at = 0; at < kSize; at += 4 * kMiB) write(id, at, 4 * kMiB, 8);
  ASSERT_EQ("", snapshot(image, id));
  write(id, 0, 4 * kMiB, 9);
  ASSERT_EQ("", remove(snapshot_of(image)));
  ASSERT_EQ("", remove(volume(id)));
  const Uuid next = fresh();
  ASSERT_EQ("", create(next, 4 * kSize));
  EXPECT_TRUE(is_zero(next, 0, 4 * kSize));
}

TEST_F(StoreTest, OldBytesNeverShowInWhatGrows) {
  const Uuid stays = fresh();
  const Uuid old = fresh();
  ASSERT_EQ("", create(stays, kSize));
  ASSERT_EQ("", create(old, 2 * kSize));
  for (std::uint64_t at = 0; at < 2 * kSize; at += 4 * kMiB) write(old, at, 4 * kMiB, 7);
  ASSERT_EQ("", remove(volume(old)));
  ASSERT_EQ("", grow(stays, 3 * kSize));
  EXPECT_TRUE(is_zero(stays, 0, 3 * kSize));
}

TEST_F(StoreTest, WhatIsInUseIsNotRemoved) {
  if (!target().is_lvm()) {
    GTEST_SKIP() << "a file can be unlinked while it is open; the delegate asks its exports first";
  }
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kSize));
  write(id, 0, kMiB, 4);
  {
    const FileDescriptor user(::open(store_->device(id).c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(user);
    auto refused = store_->remove_volume(id);
    ASSERT_EQ(ErrorCode::conflict, code_of(refused));
    EXPECT_NE(std::string::npos, refused.error().message.find("in use"));
    EXPECT_TRUE(has(volume(id))) << "and it is as usable as before";
  }
  EXPECT_TRUE(holds(id, 0, kMiB, 4));
  EXPECT_EQ("", remove(volume(id)));
}

/// Something in the store's place that it did not make.
class ForeignTest : public StoreTest {
 protected:
  void TearDown() override {
    if (target().is_lvm()) {
      tool("lvremove", {"--force", "--", target().group + "/" + name_});
    } else {
      std::filesystem::remove(path());
    }
    StoreTest::TearDown();
  }
  std::string path() const {
    return target().is_lvm() ? "/dev/" + target().group + "/" + name_
                             : target().folder + "/volumes/" + name_;
  }
  /// With some bytes in it.
  void make(const std::string& name) {
    name_ = name;
    if (target().is_lvm()) {
      ASSERT_TRUE(tool("lvcreate", {"--yes", "-Wn", "-L8M", "-n", name, "--", target().group}));
    }
    const FileDescriptor fd(::open(path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_TRUE(fd);
    ASSERT_EQ(8, ::pwrite(fd.get(), "not ours", 8, 0));
    ASSERT_EQ(0, ::fsync(fd.get()));
  }
  std::string bytes() const {
    std::string text(8, '\0');
    const FileDescriptor fd(::open(path().c_str(), O_RDONLY | O_CLOEXEC));
    return fd && ::pread(fd.get(), text.data(), 8, 0) == 8 ? text : "gone";
  }

  std::string name_;
};

TEST_F(ForeignTest, WhatIsNotOfTheStoreIsShownAndNeverTouched) {
  make("somebodys");
  auto listing = store_->list();
  ASSERT_EQ("", trouble(listing));
  const auto shown = std::any_of(listing->foreign.begin(), listing->foreign.end(), [](auto& name) {
    return name.find("somebodys") != std::string::npos;
  });
  EXPECT_TRUE(shown);
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kSize));
  ASSERT_EQ("", remove(volume(id)));
  reopen();
  settle();
  EXPECT_EQ("not ours", bytes());
}

TEST_F(ForeignTest, AForeignThingUnderAnObjectsNameIsNotTakenForIt) {
  const Uuid id = fresh();
  make(target().is_lvm() ? "vbs-" + id.str() : id.str() + ".img");
  if (!target().is_lvm()) {
    GTEST_SKIP() << "in a folder of its own, a file with an object's name is that object";
  }
  EXPECT_EQ(ErrorCode::not_found, code_of(store_->find_volume(id)));
  EXPECT_EQ(ErrorCode::already_exists, code_of(store_->prepare_empty(id, kSize)));
  EXPECT_EQ("", remove(volume(id)));
  EXPECT_EQ("not ours", bytes());
}

}  // namespace
}  // namespace vbs::conformance
