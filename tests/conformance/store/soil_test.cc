// A volume group whose free extents hold somebody's bytes: zeroing at create would hide a wipe that
// was forgotten, and a wipe a zeroing that was, so each is looked at by itself.

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "common/file.h"
#include "tests/conformance/store/rig.h"

namespace vbs::conformance {
namespace {

/// As LVM takes the first free extents, nothing of a test lies beyond.
constexpr std::uint64_t kSoil = 128 * kMiB;

class SoilTest : public StoreTest {
 protected:
  void SetUp() override {
    if (target().driver != "lvm")
      GTEST_SKIP() << "no driver but lvm takes extents that were others'";
    StoreTest::SetUp();
  }
  void TearDown() override {
    if (target().driver == "lvm") StoreTest::TearDown();
  }
  /// Somebody else's LV over the first free extents, for as long as `use` takes.
  void with_first_extents(const std::function<void(const std::string& device)>& use) {
    const std::string lv = target().group + "/soil";
    ASSERT_TRUE(tool("lvcreate", {"--yes", "-Wn", "-Zn", "-L" + std::to_string(kSoil) + "b", "-n",
                                  "soil", "--", target().group}));
    use("/dev/" + lv);
    ASSERT_TRUE(tool("lvremove", {"--force", "--", lv}));
  }
  void soil() {
    with_first_extents([](const std::string& device) {
      const std::string bytes(kMiB, 'o');
      const FileDescriptor fd(::open(device.c_str(), O_WRONLY | O_CLOEXEC));
      for (std::uint64_t at = 0; at < kSoil; at += kMiB) {
        ASSERT_EQ(static_cast<ssize_t>(kMiB),
                  ::pwrite(fd.get(), bytes.data(), kMiB, static_cast<off_t>(at)));
      }
      ASSERT_EQ(0, ::fsync(fd.get()));
    });
  }
  /// How many MiB of the first free extents have something in them that is not 'o'.
  unsigned others_among_free() {
    unsigned others = 0;
    with_first_extents([&](const std::string& device) {
      std::string bytes(kMiB, '\0');
      const std::string soiled(kMiB, 'o');
      const std::string zeros(kMiB, '\0');
      const FileDescriptor fd(::open(device.c_str(), O_RDONLY | O_CLOEXEC));
      for (std::uint64_t at = 0; at < kSoil; at += kMiB) {
        EXPECT_EQ(static_cast<ssize_t>(kMiB),
                  ::pread(fd.get(), bytes.data(), kMiB, static_cast<off_t>(at)));
        if (bytes != soiled && bytes != zeros) ++others;
      }
    });
    return others;
  }
  /// Whether anything but zeros shows behind `offset` now.
  bool shows_something(const Uuid& id, std::uint64_t offset) {
    const FileDescriptor fd(::open(store_->device(id).c_str(), O_RDONLY | O_CLOEXEC));
    const off_t end = fd ? ::lseek(fd.get(), 0, SEEK_END) : -1;
    std::string bytes(64 * kKiB, '\0');
    const std::string zeros(bytes.size(), '\0');
    for (off_t at = static_cast<off_t>(offset); at < end; at += static_cast<off_t>(bytes.size())) {
      ::posix_fadvise(fd.get(), at, static_cast<off_t>(bytes.size()), POSIX_FADV_DONTNEED);
      const ssize_t got = ::pread(fd.get(), bytes.data(), bytes.size(), at);
      if (got == static_cast<ssize_t>(bytes.size()) && bytes != zeros) return true;
    }
    return false;
  }
};

TEST_F(SoilTest, ANewVolumeIsZerosOnExtentsThatWereSomebodys) {
  soil();
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kSize));
  EXPECT_TRUE(is_zero(id, 0, kSize));
}

TEST_F(SoilTest, NothingIsSeenOfExtentsThatAVolumeInUseGets) {
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kSize));
  write(id, 0, kMiB, 2);
  soil();
  // As a guest has it, whose target shows every new size at once.
  const FileDescriptor user(::open(store_->device(id).c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(user);
  std::atomic<bool> done{false};
  std::atomic<bool> seen{false};
  std::thread guest([&] {
    while (!done) seen = seen || shows_something(id, kSize);
  });
  const auto grown = grow(id, 3 * kSize);
  done = true;
  guest.join();
  ASSERT_EQ("", grown);
  EXPECT_FALSE(seen) << "somebody's bytes showed for a moment";
  EXPECT_EQ(static_cast<off_t>(3 * kSize), ::lseek(user.get(), 0, SEEK_END));
  EXPECT_TRUE(holds(id, 0, kMiB, 2));
  EXPECT_TRUE(is_zero(id, kSize, 2 * kSize));
}

TEST_F(SoilTest, NothingOfWhatIsRemovedIsLeftInFreeExtents) {
  soil();
  const Uuid id = fresh();
  const Uuid image = fresh();
  const Uuid copied = fresh();
  ASSERT_EQ("", create(id, kSize));
  for (std::uint64_t at = 0; at < kSize; at += 4 * kMiB) write(id, at, 4 * kMiB, 8);
  ASSERT_EQ("", snapshot(image, id));
  write(id, 0, 4 * kMiB, 9);
  ASSERT_EQ("", copy(copied, kSize, snapshot_of(image)));
  ASSERT_EQ("", remove(volume(copied)));
  ASSERT_EQ("", remove(snapshot_of(image)));
  ASSERT_EQ("", remove(volume(id)));
  settle();
  EXPECT_EQ(0u, others_among_free());
}

TEST_F(SoilTest, AGrowthThatIsKilledShowsNothingEither) {
  for (const char* point : {"volumed.grow.after_create", "volumed.grow.before_act",
                            "volumed.lvm.in_one_go", "volumed.grow.after_act"}) {
    soil();
    const Uuid id = fresh();
    ASSERT_EQ("", create(id, kSize));
    soil();
    close();
    ASSERT_TRUE(killed_at(point, {"grow", id.str(), std::to_string(2 * kSize)})) << point;
    reopen();
    EXPECT_FALSE(shows_something(id, 0)) << point;
    settle();
    EXPECT_EQ("", grow(id, 2 * kSize)) << point;
    EXPECT_TRUE(is_zero(id, 0, 2 * kSize)) << point;
    EXPECT_EQ("", remove(volume(id)));
  }
}

TEST_F(SoilTest, ADeletedVolumeTakesTheRoomOfItsGrowthWithIt) {
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kSize));
  close();
  ASSERT_TRUE(
      killed_at("volumed.grow.after_create", {"grow", id.str(), std::to_string(2 * kSize)}));
  reopen();
  EXPECT_GE(reserved(), 2 * kSize) << "what was allocated is counted";
  EXPECT_TRUE(store_->list()->foreign.empty());
  EXPECT_EQ("", remove(volume(id)));
  settle();
  EXPECT_EQ(0u, reserved());
}

}  // namespace
}  // namespace vbs::conformance
