#include <gtest/gtest.h>

#include "tests/unit/volume_delegate/server_support.h"

namespace vbs::volume_delegate {
namespace {

using testing::id;

class VolumeServiceTest : public testing::ServerTest {
 protected:
  void fail_copies(ErrorCode code) {
    store_.set_fault([code](const std::string& call, const ObjectRef&) -> Result<void> {
      if (call == "copy") return fail(code, "the copy stopped");
      return {};
    });
  }
  static wire::VolumeStatus status(const http::Response& response) {
    return read<wire::VolumeStatus>(response);
  }
};

TEST_F(VolumeServiceTest, MakesShowsAndDeletes) {
  EXPECT_EQ("404 not-found", said(get(volume(1))));
  const auto made = status(put(volume(1), blank(10)));
  EXPECT_EQ(id(1), made.id);
  EXPECT_EQ(10 * kMiB, made.size_bytes);
  EXPECT_EQ("ready", made.state);
  EXPECT_EQ("200", said(get(volume(1))));
  EXPECT_EQ("204", said(del(volume(1))));
  EXPECT_EQ("404 not-found", said(get(volume(1))));
}

TEST_F(VolumeServiceTest, TheSameOrderAgainIsHarmless) {
  for (int again = 0; again < 3; ++again) EXPECT_EQ("200", said(put(volume(1), blank(10))));
  EXPECT_EQ(10 * kMiB, store_.space()->reserved_bytes);
  for (int again = 0; again < 3; ++again) EXPECT_EQ("204", said(del(volume(1))));
}

TEST_F(VolumeServiceTest, AnotherBodyIsAConflict) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  EXPECT_EQ("409 conflict", said(put(volume(1), blank(11))));
  EXPECT_EQ("200", said(put(volume(2), blank(10))));
  EXPECT_EQ("409 conflict", said(put(volume(1), copy_of("volume", 2, 10))));
  EXPECT_EQ("202", said(put(volume(3), copy_of("volume", 2, 10))));
  EXPECT_EQ("409 conflict", said(put(volume(3), copy_of("volume", 1, 10)))) << "while copying";
  run_copies();
  EXPECT_EQ("409 conflict", said(put(volume(3), copy_of("volume", 1, 10)))) << "when ready";
  EXPECT_EQ("409 conflict", said(put(volume(3), blank(10))));
  EXPECT_EQ("200", said(put(volume(3), copy_of("volume", 2, 10))));
}

TEST_F(VolumeServiceTest, Grows) {
  const std::string size = volume(1) + "/size";
  EXPECT_EQ("404 not-found", said(put(size, blank(20))));
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  for (int again = 0; again < 2; ++again) {
    const auto grown = status(put(size, blank(20)));
    EXPECT_EQ(id(1), grown.id);
    EXPECT_EQ(20 * kMiB, grown.size_bytes);
    EXPECT_EQ("ready", grown.state);
  }
  EXPECT_EQ(20 * kMiB, store_.space()->reserved_bytes);
  EXPECT_EQ("409 conflict", said(put(volume(1), blank(10)))) << "a late order to make it";
  EXPECT_EQ("507 insufficient-space", said(put(size, blank(1001))));
  EXPECT_EQ(20 * kMiB, status(get(volume(1))).size_bytes);
}

TEST_F(VolumeServiceTest, DoesNotShrink) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  const auto refused = put(volume(1) + "/size", blank(9));
  EXPECT_EQ("400 invalid-field", said(refused));
  EXPECT_EQ("size_bytes", http::error_of(refused).field);
  EXPECT_EQ("400 invalid-field", said(put(volume(1) + "/size", R"({"size_bytes":1})")));
  EXPECT_EQ("400 invalid-field", said(put(volume(1) + "/size", "{}")));
  EXPECT_EQ(10 * kMiB, status(get(volume(1))).size_bytes);
}

TEST_F(VolumeServiceTest, WhatIsGoneOrBeingCopiedDoesNotGrow) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  EXPECT_EQ("202", said(put(volume(2), copy_of("volume", 1, 10))));
  EXPECT_EQ("409 conflict", said(put(volume(1) + "/size", blank(20)))) << "it is being read";
  EXPECT_EQ("409 conflict", said(put(volume(2) + "/size", blank(20)))) << "it is being made";
  run_copies();
  EXPECT_EQ("200", said(put(volume(1) + "/size", blank(20))));
  EXPECT_EQ("200", said(put(volume(2) + "/size", blank(20))));
  EXPECT_EQ("204", said(del(volume(1))));
  EXPECT_EQ("409 stale-generation", said(put(volume(1) + "/size", blank(30))));
}

TEST_F(VolumeServiceTest, GrowsUnderAnExportOnlyWhereTheTargetCanShowIt) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  target_.set_grows_live(false);
  EXPECT_FALSE(read<wire::NodeStatus>(get("/v1/node")).grows_attached);
  const auto refused = put(volume(1) + "/size", blank(20));
  EXPECT_EQ("409 conflict", said(refused));
  EXPECT_NE(std::string::npos, refused.body.find(id(7).str()));
  EXPECT_EQ(10 * kMiB, status(get(volume(1))).size_bytes);
  EXPECT_EQ("200", said(put(volume(1) + "/size", blank(10)))) << "nothing grows";
  target_.set_grows_live(true);
  EXPECT_TRUE(read<wire::NodeStatus>(get("/v1/node")).grows_attached);
  EXPECT_EQ("200", said(put(volume(1) + "/size", blank(20))));
}

TEST_F(VolumeServiceTest, ALateOrderDoesNotBringADeletedVolumeBack) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  EXPECT_EQ("204", said(del(volume(1))));
  EXPECT_EQ("409 stale-generation", said(put(volume(1), blank(10))));
  restart();
  EXPECT_EQ("409 stale-generation", said(put(volume(1), blank(10))));
}

TEST_F(VolumeServiceTest, DeletingWhatNeverWasBuriesItToo) {
  EXPECT_EQ("204", said(del(volume(1))));
  EXPECT_EQ("409 stale-generation", said(put(volume(1), blank(10))));
}

TEST_F(VolumeServiceTest, TombstonesAreForgottenAfterAWeek) {
  EXPECT_EQ("204", said(del(volume(1))));
  clock_.advance(std::chrono::hours(24 * 6));
  server_->tend();
  EXPECT_EQ("409 stale-generation", said(put(volume(1), blank(10))));
  clock_.advance(std::chrono::hours(24 * 2));
  server_->tend();
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
}

TEST_F(VolumeServiceTest, BadRequestsNameTheField) {
  const struct {
    std::string body, field;
  } cases[] = {
      {"{}", "size_bytes"},
      {"{\"size_bytes\":1}", "size_bytes"},
      {"{\"size_bytes\":\"1M\"}", "size_bytes"},
      {"{\"size_bytes\":1048576,\"source_kind\":\"disk\",\"source\":\"" + id(1).str() + "\"}",
       "source_kind"},
      {"{\"size_bytes\":1048576,\"source_kind\":\"volume\"}", "source"},
  };
  for (const auto& bad : cases) {
    const auto response = put(volume(1), bad.body);
    EXPECT_EQ("400 invalid-field", said(response)) << bad.body;
    EXPECT_EQ(bad.field, http::error_of(response).field) << bad.body;
  }
  EXPECT_EQ("400 invalid-request", said(put(volume(1), "{")));
  EXPECT_EQ("400 invalid-field", said(put("/v1/volumes/one", blank(1))));
  EXPECT_EQ("400 invalid-field", said(get("/v1/volumes/00000000-0000-0000-0000-000000000000")));
}

TEST_F(VolumeServiceTest, NoRoomIsSaid) {
  EXPECT_EQ("507 insufficient-space", said(put(volume(1), blank(1001))));
  EXPECT_EQ("404 not-found", said(get(volume(1))));
}

TEST_F(VolumeServiceTest, ACopyIsShownUntilItIsReady) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  const auto begun = put(volume(2), copy_of("volume", 1, 12));
  EXPECT_EQ("202", said(begun));
  EXPECT_EQ("copying", status(begun).state);
  EXPECT_EQ(12 * kMiB, status(begun).size_bytes);
  EXPECT_EQ("202", said(put(volume(2), copy_of("volume", 1, 12))));
  EXPECT_EQ("202", said(get(volume(2))));
  EXPECT_EQ(1u, copies_.size()) << "one order, one copy";
  run_copies();
  EXPECT_EQ("ready", status(get(volume(2))).state);
}

TEST_F(VolumeServiceTest, SourcesAreChecked) {
  const auto missing = put(volume(2), copy_of("snapshot", 1, 10));
  EXPECT_EQ("404 not-found", said(missing));
  EXPECT_EQ("source", http::error_of(missing).field);
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  EXPECT_EQ("400 invalid-field", said(put(volume(2), copy_of("volume", 1, 9))));
  EXPECT_EQ("202", said(put(volume(3), copy_of("volume", 1, 10))));
  EXPECT_EQ("409 conflict", said(put(volume(4), copy_of("volume", 3, 10)))) << "3 is not complete";
}

TEST_F(VolumeServiceTest, ASourceStaysWhileItIsRead) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  EXPECT_EQ("202", said(put(volume(2), copy_of("volume", 1, 10))));
  EXPECT_EQ("409 conflict", said(del(volume(1))));
  run_copies();
  EXPECT_EQ("204", said(del(volume(1))));
  EXPECT_EQ("200", said(get(volume(2))));
}

TEST_F(VolumeServiceTest, AFailedCopyIsToldOnceAndThenTriedAgain) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  fail_copies(ErrorCode::insufficient_space);
  EXPECT_EQ("202", said(put(volume(2), copy_of("volume", 1, 10))));
  run_copies();
  EXPECT_EQ("507 insufficient-space", said(get(volume(2))));
  EXPECT_EQ("507 insufficient-space", said(put(volume(2), copy_of("volume", 1, 10))));
  EXPECT_EQ("404 not-found", said(get(volume(2))));
  store_.set_fault(nullptr);
  EXPECT_EQ("202", said(put(volume(2), copy_of("volume", 1, 10))));
  run_copies();
  EXPECT_EQ("200", said(get(volume(2))));
}

TEST_F(VolumeServiceTest, AFailedCopyCanBeDeleted) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  fail_copies(ErrorCode::internal);
  EXPECT_EQ("202", said(put(volume(2), copy_of("volume", 1, 10))));
  run_copies();
  EXPECT_EQ("204", said(del(volume(2))));
  EXPECT_EQ("404 not-found", said(get(volume(2))));
}

TEST_F(VolumeServiceTest, DeletingACopyStopsItFirst) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  EXPECT_EQ("202", said(put(volume(2), copy_of("volume", 1, 10))));
  store_.set_fault([&](const std::string& call, const ObjectRef&) -> Result<void> {
    if (call != "copy") return {};
    EXPECT_EQ("202", said(del(volume(2))));
    EXPECT_EQ("202", said(del(volume(2))));
    EXPECT_EQ("409 conflict", said(put(volume(2), copy_of("volume", 1, 10)))) << "it is decided";
    return fail(ErrorCode::conflict, "the copy was cancelled");
  });
  run_copies();
  EXPECT_EQ("204", said(del(volume(2))));
  EXPECT_EQ("404 not-found", said(get(volume(2))));
  EXPECT_EQ(10 * kMiB, store_.space()->reserved_bytes);
}

TEST_F(VolumeServiceTest, DeletingACopyThatWaitsNeedsNoWaiting) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  EXPECT_EQ("202", said(put(volume(2), copy_of("volume", 1, 10))));
  EXPECT_EQ("204", said(del(volume(2))));
  EXPECT_EQ(10 * kMiB, store_.space()->reserved_bytes);
  EXPECT_EQ("204", said(del(volume(1)))) << "nobody reads it";
  run_copies();
  EXPECT_EQ("404 not-found", said(get(volume(2))));
}

TEST_F(VolumeServiceTest, AGrowthThatTakesTimeIsShown) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  store_.set_growing(true);
  const auto begun = put(volume(1) + "/size", blank(20));
  EXPECT_EQ("202", said(begun));
  EXPECT_EQ("growing", status(begun).state);
  EXPECT_EQ(20 * kMiB, status(begun).size_bytes);
  EXPECT_EQ(10 * kMiB + 1024, status(begun).copied_bytes);
  EXPECT_EQ("200", said(get(volume(1)))) << "it can be used, in its old size";
  EXPECT_EQ(10 * kMiB, status(get(volume(1))).size_bytes);
  store_.set_growing(false);
  EXPECT_EQ("200", said(put(volume(1) + "/size", blank(20))));
}

TEST_F(VolumeServiceTest, AnInterruptedCopyBeginsAgainWithTheNextOrder) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  EXPECT_EQ("202", said(put(volume(2), copy_of("volume", 1, 10))));
  restart();
  EXPECT_EQ("404 not-found", said(get(volume(2))));
  EXPECT_EQ("202", said(put(volume(2), copy_of("volume", 1, 10))));
  run_copies();
  EXPECT_EQ("200", said(put(volume(2), copy_of("volume", 1, 10))));
}

TEST_F(VolumeServiceTest, AnExportedVolumeIsNotDeleted) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  const auto refused = del(volume(1));
  EXPECT_EQ("409 conflict", said(refused));
  EXPECT_NE(std::string::npos, http::error_of(refused).message.find(id(7).str()));
  EXPECT_EQ("204", said(del(export_of(7) + "?generation=3")));
  EXPECT_EQ("204", said(del(volume(1))));
}

TEST_F(VolumeServiceTest, ADeletionThatCouldNotBeRecordedIsFinishedByTheNext) {
  EXPECT_EQ("200", said(put(volume(1), blank(10))));
  tombstone_folder_.set_fault(
      [](const std::string&) { return fail(ErrorCode::insufficient_space, "disk full"); });
  EXPECT_EQ("507 insufficient-space", said(del(volume(1))));
  tombstone_folder_.set_fault(nullptr);
  EXPECT_EQ("204", said(del(volume(1))));
  EXPECT_EQ("409 stale-generation", said(put(volume(1), blank(10))));
}

}  // namespace
}  // namespace vbs::volume_delegate
