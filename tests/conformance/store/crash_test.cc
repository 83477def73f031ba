// SIGKILL in the middle: afterwards there is nothing or the whole object, and the next start goes
// on with what has to go on.

#include "tests/conformance/store/rig.h"

namespace vbs::conformance {
namespace {

class CrashTest : public StoreTest {
 protected:
  /// Every point at which this driver's kind of store passes `points`.
  void kill_at(const std::string& point, const std::vector<std::string>& arguments) {
    close();
    ASSERT_TRUE(killed_at(point, arguments)) << "it did not pass " << point;
    reopen();
    settle();
  }
  /// Points that a copy passes: making is the same for new and for copied volumes.
  std::vector<std::string> making() const {
    if (target().driver == "lvm") {
      return {"volumed.copy.before_act", "volumed.copy.after_create", "volumed.copy.after_act"};
    }
    if (target().driver == "lvm-thin") return {"volumed.copy.before_act", "volumed.copy.after_act"};
    return {"volumed.store.before_rename", "volumed.store.after_rename"};
  }
};

TEST_F(CrashTest, KilledWhileCreating) {
  for (const auto& point : making()) {
    const Uuid id = fresh();
    kill_at(point, {"create", id.str(), std::to_string(kSize)});
    if (has(volume(id))) {
      EXPECT_TRUE(is_zero(id, 0, kSize)) << point;
    } else {
      EXPECT_EQ("", create(id, kSize)) << point << ": and the next order makes it";
    }
    EXPECT_EQ("", remove(volume(id)));
    EXPECT_EQ(0u, reserved()) << point;
  }
}

TEST_F(CrashTest, KilledWhileCopying) {
  const Uuid origin = fresh();
  const Uuid image = fresh();
  ASSERT_EQ("", create(origin, kSize));
  write(origin, 0, 2 * kMiB, 1);
  ASSERT_EQ("", snapshot(image, origin));
  auto points = making();
  points.emplace_back(target().driver == "lvm-thin" ? "volumed.copy.after_create"
                                                    : "volumed.copy.during");
  for (const auto& point : points) {
    const std::uint64_t before = reserved();
    const Uuid id = fresh();
    kill_at(point, {"copy", id.str(), std::to_string(2 * kSize), image.str()});
    if (!has(volume(id))) {
      EXPECT_EQ("", copy(id, 2 * kSize, snapshot_of(image))) << point;
    }
    EXPECT_TRUE(holds(id, 0, 2 * kMiB, 1)) << point;
    EXPECT_TRUE(is_zero(id, kSize, kSize)) << point;
    EXPECT_EQ("", remove(volume(id)));
    EXPECT_EQ(before, reserved()) << point;
  }
}

TEST_F(CrashTest, KilledWhileMakingASnapshot) {
  const Uuid origin = fresh();
  ASSERT_EQ("", create(origin, kSize));
  write(origin, 0, 2 * kMiB, 1);
  const std::string points[] = {
      target().is_lvm() ? "volumed.copy.before_act" : "volumed.store.before_rename",
      target().is_lvm() ? "volumed.copy.after_act" : "volumed.store.after_rename"};
  for (const auto& point : points) {
    const Uuid image = fresh();
    kill_at(point, {"snapshot", image.str(), origin.str()});
    if (!has(snapshot_of(image))) {
      EXPECT_EQ("", snapshot(image, origin)) << point;
    }
    const Uuid restored = fresh();
    EXPECT_EQ("", copy(restored, kSize, snapshot_of(image))) << point;
    EXPECT_TRUE(holds(restored, 0, 2 * kMiB, 1)) << point;
  }
}

TEST_F(CrashTest, KilledWhileRemoving) {
  std::vector<std::string> points{"volumed.store.after_unlink"};
  if (target().driver == "lvm") {
    points = {"volumed.wipe.after_mark", "volumed.wipe.before_act", "volumed.zero.during",
              "volumed.wipe.after_act", "volumed.wipe.after_record"};
  } else if (target().driver == "lvm-thin") {
    points = {"volumed.remove.before_act", "volumed.remove.after_act"};
  }
  for (const auto& point : points) {
    const Uuid id = fresh();
    ASSERT_EQ("", create(id, kSize));
    write(id, 0, 4 * kMiB, 6);
    kill_at(point, {"remove", id.str(), "volume"});
    EXPECT_EQ("", remove(volume(id))) << point;
    EXPECT_EQ(0u, reserved()) << point;
    const Uuid next = fresh();
    ASSERT_EQ("", create(next, 2 * kSize));
    EXPECT_TRUE(is_zero(next, 0, 2 * kSize)) << point;
    EXPECT_EQ("", remove(volume(next)));
  }
}

TEST_F(CrashTest, ADeletionGoesOnByItself) {
  if (target().driver != "lvm") GTEST_SKIP() << "nothing is wiped, so nothing is under way";
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kSize));
  write(id, 0, kSize, 6);
  close();
  ASSERT_TRUE(killed_at("volumed.zero.during", {"remove", id.str(), "volume"}));
  reopen();
  EXPECT_FALSE(has(volume(id)));
  EXPECT_GT(reserved(), 0u) << "its extents are not free before they are wiped";
  settle();
  EXPECT_EQ(0u, reserved()) << "and nobody had to ask again";
}

TEST_F(CrashTest, KilledWhileRemovingASnapshot) {
  const Uuid origin = fresh();
  ASSERT_EQ("", create(origin, kSize));
  std::string point = "volumed.store.after_unlink";
  if (target().driver == "lvm") point = "volumed.wipe.before_act";
  if (target().driver == "lvm-thin") point = "volumed.remove.after_act";
  const Uuid image = fresh();
  ASSERT_EQ("", snapshot(image, origin));
  write(origin, 0, 2 * kMiB, 1);
  kill_at(point, {"remove", image.str(), "snapshot"});
  EXPECT_EQ("", remove(snapshot_of(image)));
  EXPECT_TRUE(holds(origin, 0, 2 * kMiB, 1));
  EXPECT_EQ("", remove(volume(origin)));
  EXPECT_EQ(0u, reserved());
}

TEST_F(CrashTest, KilledWhileGrowing) {
  std::vector<std::string> points{"volumed.grow.before_act", "volumed.grow.after_act"};
  if (target().driver == "lvm") {
    for (const char* more :
         {"volumed.grow.after_create", "volumed.zero.during", "volumed.lvm.in_one_go"}) {
      points.emplace_back(more);
    }
  }
  for (const auto& point : points) {
    const Uuid id = fresh();
    ASSERT_EQ("", create(id, kSize));
    write(id, 0, kMiB, 2);
    kill_at(point, {"grow", id.str(), std::to_string(2 * kSize)});
    const std::uint64_t size = store_->find_volume(id)->size_bytes;
    EXPECT_TRUE(size == kSize || size == 2 * kSize) << point << ": " << size;
    EXPECT_EQ("", grow(id, 2 * kSize)) << point;
    EXPECT_TRUE(holds(id, 0, kMiB, 2)) << point;
    EXPECT_TRUE(is_zero(id, kMiB, 2 * kSize - kMiB)) << point;
    EXPECT_EQ("", remove(volume(id)));
  }
}

}  // namespace
}  // namespace vbs::conformance
