#include <gtest/gtest.h>

#include "tests/unit/volume_delegate/server_support.h"

namespace vbs::volume_delegate {
namespace {

using testing::id;

class SnapshotServiceTest : public testing::ServerTest {
 protected:
  void SetUp() override { ASSERT_EQ("200", said(put(volume(1), blank(10)))); }
  static wire::SnapshotStatus status(const http::Response& response) {
    return read<wire::SnapshotStatus>(response);
  }
};

TEST_F(SnapshotServiceTest, MakesShowsAndDeletes) {
  EXPECT_EQ("404 not-found", said(get(snapshot(2))));
  const auto begun = put(snapshot(2), of_volume(1));
  EXPECT_EQ("202", said(begun));
  EXPECT_EQ("copying", status(begun).state);
  run_copies();
  const auto made = status(get(snapshot(2)));
  EXPECT_EQ("ready", made.state);
  EXPECT_EQ(id(1), made.volume);
  EXPECT_EQ(10 * kMiB, made.size_bytes);
  EXPECT_EQ("200", said(put(snapshot(2), of_volume(1))));
  EXPECT_EQ("204", said(del(snapshot(2))));
  EXPECT_EQ("204", said(del(snapshot(2))));
  EXPECT_EQ("409 stale-generation", said(put(snapshot(2), of_volume(1))));
}

TEST_F(SnapshotServiceTest, OneThatAGuestMayWaitForIsUrgent) {
  EXPECT_EQ("202", said(put(snapshot(2), of_volume(1))));
  EXPECT_EQ(Urgency::usual, urgency_) << "nobody uses the volume";
  EXPECT_EQ("202", said(put(volume(3), copy_of("volume", 1, 10))));
  EXPECT_EQ(Urgency::usual, urgency_);
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  EXPECT_EQ("202", said(put(snapshot(4), of_volume(1))));
  EXPECT_EQ(Urgency::guest_waits, urgency_);
}

TEST_F(SnapshotServiceTest, ALostOneIsShownAndCanOnlyBeDeleted) {
  EXPECT_EQ("202", said(put(snapshot(2), of_volume(1))));
  run_copies();
  store_.spoil(id(2));
  const auto shown = get(snapshot(2));
  EXPECT_EQ("200", said(shown)) << "nobody waits for it to change";
  EXPECT_EQ("lost", status(shown).state);
  EXPECT_EQ("lost", server_->inventory()->snapshots.front().state);
  EXPECT_EQ("409 conflict", said(put(snapshot(2), of_volume(1))));
  EXPECT_EQ("204", said(del(snapshot(2))));
}

TEST_F(SnapshotServiceTest, ADeletionIsAskedForUntilItIsWiped) {
  EXPECT_EQ("202", said(put(snapshot(2), of_volume(1))));
  run_copies();
  store_.set_wiping(true);
  const auto begun = del(snapshot(2));
  EXPECT_EQ("202", said(begun));
  EXPECT_EQ("deleting", status(begun).state);
  const auto of_a_volume = del(volume(1));
  EXPECT_EQ("202", said(of_a_volume));
  EXPECT_EQ("deleting", read<wire::VolumeStatus>(of_a_volume).state);
  store_.set_wiping(false);
  EXPECT_EQ("204", said(del(snapshot(2))));
  EXPECT_EQ("204", said(del(volume(1))));
  EXPECT_EQ("409 stale-generation", said(put(snapshot(2), of_volume(1))));
}

TEST_F(SnapshotServiceTest, OutlivesItsVolume) {
  EXPECT_EQ("202", said(put(snapshot(2), of_volume(1))));
  run_copies();
  EXPECT_EQ("204", said(del(volume(1))));
  EXPECT_EQ(id(1), status(get(snapshot(2))).volume);
  EXPECT_EQ("202", said(put(volume(3), copy_of("snapshot", 2, 10))));
  EXPECT_EQ("409 conflict", said(del(snapshot(2)))) << "it is being read";
  run_copies();
  EXPECT_EQ("204", said(del(snapshot(2))));
}

TEST_F(SnapshotServiceTest, AnotherVolumeIsAConflict) {
  EXPECT_EQ("200", said(put(volume(3), blank(10))));
  EXPECT_EQ("202", said(put(snapshot(2), of_volume(1))));
  EXPECT_EQ("409 conflict", said(put(snapshot(2), of_volume(3))));
  run_copies();
  EXPECT_EQ("409 conflict", said(put(snapshot(2), of_volume(3))));
}

TEST_F(SnapshotServiceTest, AVolumeMustBeThereAndComplete) {
  const auto missing = put(snapshot(2), of_volume(9));
  EXPECT_EQ("404 not-found", said(missing));
  EXPECT_EQ("volume", http::error_of(missing).field);
  EXPECT_EQ("202", said(put(volume(3), copy_of("volume", 1, 10))));
  EXPECT_EQ("409 conflict", said(put(snapshot(2), of_volume(3))));
}

TEST_F(SnapshotServiceTest, AFailureIsToldOnce) {
  store_.set_fault([](const std::string& call, const ObjectRef&) -> Result<void> {
    if (call == "copy") return fail(ErrorCode::insufficient_space, "the copy stopped");
    return {};
  });
  EXPECT_EQ("202", said(put(snapshot(2), of_volume(1))));
  run_copies();
  EXPECT_EQ("507 insufficient-space", said(get(snapshot(2))));
  EXPECT_EQ("507 insufficient-space", said(put(snapshot(2), of_volume(1))));
  EXPECT_EQ("404 not-found", said(get(snapshot(2))));
}

TEST_F(SnapshotServiceTest, DeletingStopsACopy) {
  EXPECT_EQ("202", said(put(snapshot(2), of_volume(1))));
  store_.set_fault([&](const std::string& call, const ObjectRef&) -> Result<void> {
    if (call != "copy") return {};
    EXPECT_EQ("202", said(del(snapshot(2))));
    EXPECT_EQ("409 conflict", said(put(snapshot(2), of_volume(1))));
    return {};
  });
  run_copies();
  EXPECT_EQ("204", said(del(snapshot(2))));
  EXPECT_EQ("409 stale-generation", said(put(snapshot(2), of_volume(1))));
}

TEST_F(SnapshotServiceTest, BadBodiesNameTheField) {
  EXPECT_EQ("volume", http::error_of(put(snapshot(2), "{}")).field);
  EXPECT_EQ("volume", http::error_of(put(snapshot(2), "{\"volume\":\"x\"}")).field);
}

}  // namespace
}  // namespace vbs::volume_delegate
