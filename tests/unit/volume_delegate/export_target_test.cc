// What an export makes of the moods of a target daemon, and of the sizes that it shows.

#include <gtest/gtest.h>

#include <chrono>

#include "tests/unit/volume_delegate/export_support.h"

namespace vbs::volume_delegate {
namespace {

using testing::id;

class ExportSizeTest : public testing::ExportTest {
 protected:
  void SetUp() override {
    ExportTest::SetUp();
    target_.set_device_size(
        [this](const std::string&) { return store_.find_volume(id(1))->size_bytes; });
    ASSERT_EQ("200", said(put(export_of(7), order({}))));
  }
  http::Response show(std::uint64_t mib, int generation = 4) {
    return put(export_of(7) + "/size", R"({"size_bytes":)" + std::to_string(mib * kMiB) +
                                           R"(,"generation":)" + std::to_string(generation) + "}");
  }
  void grow(std::uint64_t mib) { ASSERT_EQ("200", said(put(volume(1) + "/size", blank(mib)))); }
};

TEST_F(ExportSizeTest, ShowsInitiatorsWhatGrew) {
  EXPECT_TRUE(log_in(7));
  grow(20);
  EXPECT_EQ(10 * kMiB, status(get(export_of(7))).size_bytes);
  for (int again = 0; again < 2; ++again) EXPECT_EQ(20 * kMiB, status(show(20)).size_bytes);
  EXPECT_EQ(1u, status(get(export_of(7))).sessions.size()) << "who is logged in stays so";
}

TEST_F(ExportSizeTest, ATargetThatIsNotServedIsMadeAnew) {
  grow(20);
  target_.delete_target(iqn(7));
  const auto shown = status(show(20));
  EXPECT_TRUE(shown.active);
  EXPECT_EQ(20 * kMiB, shown.size_bytes);
}

TEST_F(ExportSizeTest, RefusesWhatIsNotSo) {
  EXPECT_EQ("409 conflict", said(show(20))) << "the volume has another size";
  EXPECT_EQ("409 stale-generation", said(show(10, 1)));
  EXPECT_EQ("400 invalid-field", said(show(10, 0)));
  EXPECT_EQ("204", remove(7, 9));
  EXPECT_EQ("404 not-found", said(show(10, 10)));
  EXPECT_EQ("404 not-found",
            said(put(export_of(8) + "/size", R"({"size_bytes":10485760,"generation":2})")));
}

TEST_F(ExportSizeTest, ADaemonThatFailsIsNotTakenForOneThatShowsIt) {
  grow(20);
  fail_call("refresh_size", ErrorCode::timeout);
  EXPECT_EQ("504 timeout", said(show(20)));
  target_.set_fault({});
  EXPECT_EQ("200", said(show(20)));
  grow(30);
  target_.set_device_size([](const std::string&) { return 20 * kMiB; });
  EXPECT_EQ("504 timeout", said(show(30))) << "it accepts, and shows the old size";
}

// A logical volume of LVM has whole extents.
TEST_F(ExportSizeTest, ADeviceMayBeLargerThanItsVolume) {
  grow(22);
  target_.set_device_size([](const std::string&) { return 24 * kMiB; });
  EXPECT_EQ(24 * kMiB, status(show(22)).size_bytes);
}

// Nothing grows under such a target while it is there, so that what it shows is right.
TEST_F(ExportSizeTest, WhereNothingGrowsLiveThereIsNothingToShow) {
  target_.set_grows_live(false);
  EXPECT_TRUE(log_in(7));
  fail_call("refresh_size", ErrorCode::internal);
  EXPECT_EQ("200", said(show(10)));
}

class ExportTargetTest : public testing::ExportTest {};

// Orders about a device that hangs are told so; nobody takes it for a target without sessions.
TEST_F(ExportTargetTest, ATargetThatIsNotToldOfIsNotTakenForEmpty) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  ASSERT_TRUE(log_in(7));
  target_.hide_target(iqn(7), true);
  EXPECT_EQ("504 timeout", said(get(export_of(7))));
  EXPECT_EQ("504 timeout", remove(7, 3));
  EXPECT_EQ("200", said(get("/v1/inventory"))) << "others are told of";
  target_.hide_target(iqn(7), false);
  EXPECT_TRUE(target_.has_session(iqn(7)));
}

// The order that is at work on it may wait for a device, and this looks after all.
TEST_F(ExportTargetTest, TendingWaitsForNoOrder) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  target_.set_fault([this](const std::string& call) -> Result<void> {
    if (call != "remove") return {};
    target_.set_fault(nullptr);
    const auto begin = std::chrono::steady_clock::now();
    let_time_pass();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, IdLocks::kPatience / 2);
    return {};
  });
  EXPECT_EQ("204", remove(7, 3));
}

// A changed prefix must not make a second target while somebody is logged in to the first.
TEST_F(ExportTargetTest, AnExportKeepsItsName) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  ASSERT_TRUE(log_in(7));
  iqn_prefix_ = "iqn.2027-01.other";
  restart();
  EXPECT_EQ(iqn(7), status(get(export_of(7))).iqn);
  EXPECT_TRUE(status(get(export_of(7))).active);
  EXPECT_EQ(iqn(7), status(put(export_of(7), order({.generation = 3}))).iqn);
  EXPECT_EQ(1u, target_.list()->size());
  EXPECT_EQ("204", remove(7, 4, true));
  EXPECT_TRUE(target_.list()->empty());
  EXPECT_EQ("iqn.2027-01.other:" + id(7).str(),
            status(put(export_of(7), order({.generation = 5}))).iqn);
}

TEST_F(ExportTargetTest, ARecordOfAnOlderVersionHasTheNameOfThePrefix) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  std::string text = export_folder_.read(id(7).str()).value_or("");
  const std::string name = "\"iqn\":\"" + iqn(7) + "\",";
  ASSERT_NE(std::string::npos, text.find(name));
  text.erase(text.find(name), name.size());
  ASSERT_TRUE(export_folder_.write(id(7).str(), text));
  restart();
  EXPECT_EQ(iqn(7), status(get(export_of(7))).iqn);
  EXPECT_TRUE(status(get(export_of(7))).active);
  EXPECT_EQ("204", remove(7, 3));
  EXPECT_TRUE(target_.list()->empty());
}

}  // namespace
}  // namespace vbs::volume_delegate
