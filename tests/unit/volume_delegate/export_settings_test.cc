#include "volume_delegate/export_settings.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_target_driver.h"
#include "tests/fakes/memory_records.h"
#include "tests/unit/volume_delegate/support.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::id;
using testing::trouble;

class Renamed final : public fakes::FakeTargetDriver {
 public:
  std::string name() const override { return "other"; }
};

class ExportSettingsTest : public ::testing::Test {
 protected:
  Result<void> check(const TargetDriver& target, const std::string& prefix = "iqn.2026-01.vbs") {
    return check_exports_keep_their_target(folder_, target, prefix, *exports_);
  }
  void save(ExportRecord::Phase phase) {
    ExportRecord record;
    record.attachment = id(7);
    record.phase = phase;
    ASSERT_EQ("", trouble(exports_->save(record)));
  }

  fakes::MemoryRecords folder_;
  std::unique_ptr<ExportRecords> exports_ = std::move(*ExportRecords::load(folder_));
  const fakes::FakeTargetDriver target_;
  const fakes::FakeTargetDriver elsewhere_{"127.0.0.1:3261"};
};

TEST_F(ExportSettingsTest, NothingMayChangeUnderAnExport) {
  ASSERT_EQ("", trouble(check(target_)));
  save(ExportRecord::Phase::removing);
  EXPECT_EQ("", trouble(check(target_)));
  EXPECT_TRUE(failed_with(check(elsewhere_), ErrorCode::invalid_field, "127.0.0.1:3260"));
  EXPECT_TRUE(failed_with(check(target_, "iqn.2027-01.x"), ErrorCode::invalid_field, "iqn_prefix"));
  EXPECT_TRUE(failed_with(check(Renamed()), ErrorCode::invalid_field, "target.driver"));
  EXPECT_EQ("", trouble(check(target_))) << "what was refused is not remembered";
}

TEST_F(ExportSettingsTest, WithoutExportsEverythingMay) {
  ASSERT_EQ("", trouble(check(target_)));
  save(ExportRecord::Phase::gone);
  ASSERT_EQ("", trouble(check(elsewhere_, "iqn.2027-01.x")));
  save(ExportRecord::Phase::live);
  EXPECT_EQ("", trouble(check(elsewhere_, "iqn.2027-01.x")));
  EXPECT_TRUE(failed_with(check(target_, "iqn.2027-01.x"), ErrorCode::invalid_field, "portal"));
}

TEST_F(ExportSettingsTest, ExportsOfAnOlderVersionAreTakenOver) {
  save(ExportRecord::Phase::live);
  ASSERT_EQ("", trouble(check(target_)));
  EXPECT_TRUE(failed_with(check(elsewhere_), ErrorCode::invalid_field, "portal"));
}

TEST_F(ExportSettingsTest, ADamagedRecordIsNotGuessedAt) {
  ASSERT_EQ("", trouble(folder_.write("target-settings", "{\"driver\":7}")));
  EXPECT_TRUE(failed_with(check(target_), ErrorCode::internal, "target-settings"));
}

}  // namespace
}  // namespace vbs::volume_delegate
