// What a volume server remembers by itself: export records, tombstones, and the folder of either.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "common/file.h"
#include "tests/fakes/memory_records.h"
#include "tests/unit/volume_delegate/support.h"
#include "volume_delegate/export_records.h"
#include "volume_delegate/state_directory.h"
#include "volume_delegate/tombstones.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::id;
using testing::trouble;

const WallTime kNow = from_millis(1'800'000'000'000);

ExportRecord live_record(unsigned attachment, unsigned volume) {
  ExportRecord record;
  record.attachment = id(attachment);
  record.generation = 4;
  record.number = 7;
  record.spec.volume = id(volume);
  record.spec.initiator = "iqn.2026-01.host:1";
  record.spec.chap_user = "user1";
  record.spec.chap_secret = Secret("secretsecret12");
  record.spec.read_only = true;
  record.spec.generation = 4;
  return record;
}

ExportRecord gone_record(unsigned attachment, WallTime gone_at) {
  ExportRecord record;
  record.attachment = id(attachment);
  record.phase = ExportRecord::Phase::gone;
  record.generation = 9;
  record.gone_at = gone_at;
  return record;
}

std::unique_ptr<ExportRecords> load(RecordFolder& folder) {
  auto records = ExportRecords::load(folder);
  EXPECT_EQ("", trouble(records));
  return std::move(*records);
}

TEST(ExportRecords, SurviveARestartWithEverythingNeededToRebuild) {
  fakes::MemoryRecords folder;
  ASSERT_EQ("", trouble(load(folder)->save(live_record(1, 2))));
  const auto found = load(folder)->find(id(1));
  ASSERT_TRUE(found);
  EXPECT_EQ(ExportRecord::Phase::live, found->phase);
  EXPECT_EQ(4, found->generation);
  EXPECT_EQ(7u, found->number);
  EXPECT_EQ(id(2), found->spec.volume);
  EXPECT_EQ("iqn.2026-01.host:1", found->spec.initiator);
  EXPECT_EQ("user1", found->spec.chap_user);
  EXPECT_EQ("secretsecret12", found->spec.chap_secret.reveal());
  EXPECT_TRUE(found->spec.read_only);
}

TEST(ExportRecords, ForgetTheSecretOfAnExportThatIsGone) {
  fakes::MemoryRecords folder;
  auto records = load(folder);
  ASSERT_EQ("", trouble(records->save(live_record(1, 2))));
  ASSERT_EQ("", trouble(records->save(gone_record(1, kNow))));
  EXPECT_EQ(std::string::npos, folder.read(id(1).str())->find("secret"));
  const auto found = load(folder)->find(id(1));
  ASSERT_TRUE(found);
  EXPECT_EQ(ExportRecord::Phase::gone, found->phase);
  EXPECT_EQ(9, found->generation);
  EXPECT_EQ(kNow, found->gone_at);
}

TEST(ExportRecords, AreFoundByVolumeUntilTheyAreGone) {
  fakes::MemoryRecords folder;
  auto records = load(folder);
  ASSERT_EQ("", trouble(records->save(live_record(1, 50))));
  ASSERT_EQ("", trouble(records->save(live_record(2, 60))));
  ExportRecord removing = live_record(3, 50);
  removing.phase = ExportRecord::Phase::removing;
  ASSERT_EQ("", trouble(records->save(removing)));
  EXPECT_EQ(2u, records->of_volume(id(50)).size());
  EXPECT_EQ(3u, records->present().size());
  ASSERT_EQ("", trouble(records->save(gone_record(1, kNow))));
  EXPECT_EQ(1u, records->of_volume(id(50)).size());
}

TEST(ExportRecords, ArePrunedByAgeAndOnlyWhenGone) {
  fakes::MemoryRecords folder;
  auto records = load(folder);
  ASSERT_EQ("", trouble(records->save(live_record(1, 2))));
  ASSERT_EQ("", trouble(records->save(gone_record(3, kNow - std::chrono::hours(2)))));
  ASSERT_EQ("", trouble(records->save(gone_record(4, kNow))));
  ASSERT_EQ("", trouble(records->prune(kNow - std::chrono::hours(1))));
  const auto reloaded = load(folder);
  for (const ExportRecords* held : {records.get(), reloaded.get()}) {
    EXPECT_TRUE(held->find(id(1)));
    EXPECT_FALSE(held->find(id(3)));
    EXPECT_TRUE(held->find(id(4)));
  }
}

TEST(ExportRecords, NumbersAreNeverHandedOutTwice) {
  fakes::MemoryRecords folder;
  std::set<std::uint32_t> seen;
  for (int start = 0; start < 5; ++start) {
    auto records = load(folder);
    for (int i = 0; i < 70; ++i) {
      const auto number = records->next_number();
      ASSERT_TRUE(number);
      EXPECT_GT(*number, 0u);
      EXPECT_TRUE(seen.insert(*number).second) << *number;
    }
  }
}

TEST(ExportRecords, NumbersGoOnAfterThoseOfRecordsWhenTheCounterIsLost) {
  fakes::MemoryRecords folder;
  ASSERT_EQ("", trouble(load(folder)->save(live_record(1, 2))));
  ASSERT_EQ("", trouble(folder.remove("target-numbers")));
  EXPECT_EQ(8u, load(folder)->next_number().value_or(0));
}

TEST(ExportRecords, NumbersDoNotBeginAgain) {
  fakes::MemoryRecords folder;
  ASSERT_EQ("", trouble(folder.write("target-numbers", R"({"set_aside_until":4294967295})")));
  EXPECT_TRUE(failed_with(ExportRecords::load(folder), ErrorCode::internal, "set_aside_until"));
}

TEST(ExportRecords, TheLastNumbersAreRefusedRatherThanWrittenDownAsDamage) {
  fakes::MemoryRecords folder;
  ASSERT_EQ("", trouble(folder.write("target-numbers", R"({"set_aside_until":4294967167})")));
  EXPECT_TRUE(failed_with(load(folder)->next_number(), ErrorCode::conflict));
  EXPECT_TRUE(ExportRecords::load(folder));
}

TEST(ExportRecords, AFullDiskChangesNothing) {
  fakes::MemoryRecords folder;
  auto records = load(folder);
  folder.set_fault([](const std::string&) { return fail(ErrorCode::insufficient_space, "full"); });
  EXPECT_TRUE(failed_with(records->save(live_record(1, 2)), ErrorCode::insufficient_space));
  EXPECT_TRUE(failed_with(records->next_number(), ErrorCode::insufficient_space));
  EXPECT_FALSE(records->find(id(1)));
}

TEST(ExportRecords, DamageIsNamedAndNotObeyed) {
  for (const char* text : {"", "{}", "{\"phase\":\"live\",\"generation\":1,\"number\":1}",
                           "{\"phase\":\"odd\",\"generation\":1,\"gone_at_ms\":1}",
                           "{\"phase\":\"gone\",\"generation\":1,\"gone_at_ms\":1,\"spec\":{}}",
                           "{\"phase\":\"gone\",\"generation\":\"1\",\"gone_at_ms\":1}"}) {
    fakes::MemoryRecords folder;
    ASSERT_EQ("", trouble(folder.write(id(1).str(), text)));
    EXPECT_TRUE(failed_with(ExportRecords::load(folder), ErrorCode::internal, id(1).str())) << text;
  }
}

TEST(Tombstones, OutliveARestartAndArePrunedByAge) {
  fakes::MemoryRecords folder;
  {
    auto tombstones = Tombstones::load(folder);
    ASSERT_TRUE(tombstones);
    ASSERT_EQ("", trouble((*tombstones)->add(id(1), kNow - std::chrono::hours(2))));
    ASSERT_EQ("", trouble((*tombstones)->add(id(2), kNow)));
    EXPECT_FALSE((*tombstones)->contains(id(3)));
  }
  auto tombstones = Tombstones::load(folder);
  ASSERT_TRUE(tombstones);
  EXPECT_TRUE((*tombstones)->contains(id(1)));
  ASSERT_EQ("", trouble((*tombstones)->prune(kNow - std::chrono::hours(1))));
  EXPECT_FALSE((*tombstones)->contains(id(1)));
  EXPECT_TRUE((*tombstones)->contains(id(2)));
  EXPECT_TRUE(failed_with(folder.read(id(1).str()), ErrorCode::not_found));
}

TEST(Tombstones, DamageIsNamed) {
  fakes::MemoryRecords folder;
  ASSERT_EQ("", trouble(folder.write(id(1).str(), "{\"deleted_at_ms\":\"x\"}")));
  EXPECT_TRUE(failed_with(Tombstones::load(folder), ErrorCode::internal, id(1).str()));
}

TEST(DirectoryRecords, KeepPrivateFiles) {
  const testing::TempDir dir;
  auto folder = DirectoryRecords::open(dir / "exports");
  ASSERT_EQ("", trouble(folder));
  ASSERT_EQ("", trouble(folder->write("one", "text")));
  ASSERT_EQ("", trouble(folder->write("two", "text")));
  ASSERT_EQ("", trouble(folder->remove("two")));
  EXPECT_EQ("", trouble(folder->remove("two")));
  EXPECT_EQ(std::vector<std::string>{"one"}, folder->names().value_or(std::vector<std::string>{}));
  EXPECT_EQ("text", folder->read("one").value_or(""));
  EXPECT_TRUE(failed_with(folder->read("two"), ErrorCode::not_found));
  struct stat status {};
  ASSERT_EQ(0, ::stat((dir / "exports/one.json").c_str(), &status));
  EXPECT_EQ(0600u, status.st_mode & 0777u);
  ASSERT_EQ(0, ::stat((dir / "exports").c_str(), &status));
  EXPECT_EQ(0700u, status.st_mode & 0777u);
}

TEST(DirectoryRecords, ATextCutShortByACrashIsNotARecord) {
  const testing::TempDir dir;
  auto folder = DirectoryRecords::open(dir / "exports");
  ASSERT_EQ("", trouble(folder));
  ASSERT_EQ("", trouble(write_file_durably(
                    dir / "exports/half.json" + std::string(kTemporarySuffix), "{\"pha", 0600)));
  EXPECT_TRUE(folder->names()->empty());
  EXPECT_EQ("", trouble(DirectoryRecords::open(dir / "exports")));
  EXPECT_TRUE(std::filesystem::is_empty(dir / "exports")) << "it may hold a secret";
}

TEST(StateDirectory, IsClosedToOthers) {
  const testing::TempDir dir;
  ASSERT_EQ(0, ::mkdir((dir / "state").c_str(), 0755));
  ASSERT_EQ("", trouble(StateDirectory::take(dir / "state")));
  struct stat status {};
  ASSERT_EQ(0, ::stat((dir / "state").c_str(), &status));
  EXPECT_EQ(0700u, status.st_mode & 0777u);
}

TEST(StateDirectory, BelongsToOneAtATime) {
  const testing::TempDir dir;
  {
    const auto first = StateDirectory::take(dir / "state");
    ASSERT_EQ("", trouble(first));
    EXPECT_TRUE(failed_with(StateDirectory::take(dir / "state"), ErrorCode::conflict, "another"));
  }
  EXPECT_EQ("", trouble(StateDirectory::take(dir / "state")));
}

}  // namespace
}  // namespace vbs::volume_delegate
