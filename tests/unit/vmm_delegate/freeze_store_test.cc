#include "vmm_delegate/freeze/freeze_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <set>
#include <thread>

#include "tests/unit/vmm_delegate/support.h"

namespace vbs::vmm_delegate {
namespace {

using test::test_id;

class FreezeStoreTest : public testing::Test {
 protected:
  FreezeStoreTest() : store(*FreezeStore::open(dir.path("freezes"))) {}

  FreezeRecord record(unsigned number) {
    FreezeRecord record;
    record.id = test_id(number);
    record.spec = {"vm1", 5'000, true};
    record.expires = MonotonicTime(std::chrono::seconds(77));
    record.freeze_files = true;
    record.stop = true;
    return record;
  }

  test::TempDir dir;
  FreezeStore store;
};

TEST_F(FreezeStoreTest, ReadsBackWhatItWrote) {
  FreezeRecord written = record(1);
  written.complete = true;
  written.consistency = "file-system";
  written.writes = 4711;
  ASSERT_TRUE(store.begin(written));
  const auto read = store.record(written.id);
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->spec.vm, "vm1");
  EXPECT_EQ((*read)->spec.lease_ms, 5'000);
  EXPECT_TRUE((*read)->spec.pause);
  EXPECT_EQ((*read)->expires, written.expires);
  EXPECT_TRUE((*read)->freeze_files);
  EXPECT_TRUE((*read)->stop);
  EXPECT_TRUE((*read)->complete);
  EXPECT_EQ((*read)->consistency, "file-system");
  EXPECT_EQ((*read)->writes, 4711);
}

TEST_F(FreezeStoreTest, OnlyItsOwnerCanReadIt) {
  ASSERT_TRUE(store.begin(record(1)));
  for (const auto& entry : std::filesystem::directory_iterator(dir.path("freezes"))) {
    struct stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 077, 0U) << entry.path();
  }
}

TEST_F(FreezeStoreTest, MovesForwardOnly) {
  const FreezeRecord r = record(1);
  EXPECT_FALSE(store.phase(r.id)->known);
  ASSERT_TRUE(store.begin(r));
  EXPECT_TRUE(store.phase(r.id)->known);
  EXPECT_FALSE(store.phase(r.id)->ending);
  EXPECT_EQ(store.end(r.id, Ending::expired), Ending::expired);
  EXPECT_EQ(store.end(r.id, Ending::thawed), Ending::expired);
  EXPECT_EQ(store.phase(r.id)->ending, Ending::expired);
  EXPECT_FALSE(store.phase(r.id)->done);
  ASSERT_TRUE(store.finish(r.id, Ending::expired));
  ASSERT_TRUE(store.finish(r.id, Ending::expired)) << "again is harmless";
  EXPECT_TRUE(store.phase(r.id)->done);
  EXPECT_EQ(store.end(r.id, Ending::thawed), Ending::expired);
}

TEST_F(FreezeStoreTest, EndingWhatIsUnknownIsAnError) {
  EXPECT_EQ(store.end(test_id(9), Ending::thawed).error().code, ErrorCode::not_found);
}

TEST_F(FreezeStoreTest, ABuriedIdHasEndedWithoutARecord) {
  ASSERT_TRUE(store.bury(test_id(2)));
  EXPECT_TRUE(store.phase(test_id(2))->done);
  EXPECT_EQ(store.phase(test_id(2))->ending, Ending::thawed);
  EXPECT_FALSE(*store.record(test_id(2)));
}

TEST_F(FreezeStoreTest, ForgettingLeavesNothing) {
  ASSERT_TRUE(store.begin(record(1)));
  std::ofstream(store.lock_path(test_id(1))) << "";
  ASSERT_TRUE(store.forget(test_id(1)));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path("freezes")));
  EXPECT_TRUE(store.ids()->empty());
}

TEST_F(FreezeStoreTest, WhatACrashLeftWithoutAPhaseIsRemoved) {
  ASSERT_TRUE(store.save(record(1)));  // died before the phase was written
  std::ofstream(store.lock_path(test_id(2))) << "";
  std::ofstream(store.acting_path(test_id(3))) << "";
  std::ofstream(dir.path("freezes") + "/" + test_id(4).str() + ".json.tmp") << "{";
  ASSERT_TRUE(store.begin(record(5)));
  std::ofstream(store.lock_path(test_id(5))) << "";
  ASSERT_TRUE(store.tidy());
  std::set<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path("freezes"))) {
    left.insert(entry.path().filename());
  }
  const std::string kept = test_id(5).str();
  EXPECT_EQ(left, (std::set<std::string>{kept + ".held", kept + ".json", kept + ".lock"}));
}

TEST_F(FreezeStoreTest, ADamagedRecordIsAnErrorThatNamesTheFile) {
  ASSERT_TRUE(store.begin(record(1)));
  const std::string path = dir.path("freezes") + "/" + test_id(1).str() + ".json";
  std::ofstream(path) << R"({"spec": 7})";
  const auto read = store.record(test_id(1));
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find(path), std::string::npos);
}

// A thaw and the end of a lease at the same moment: both must come to the same word about it.
TEST_F(FreezeStoreTest, TwoEndingsAtOnceAgree) {
  for (unsigned round = 0; round < 200; ++round) {
    const FreezeRecord r = record(round);
    ASSERT_TRUE(store.begin(r));
    std::atomic<int> ready = 0;
    Result<Ending> endings[2];
    const auto race = [&](int side, Ending wanted) {
      for (++ready; ready < 2;) {
      }
      endings[side] = store.end(r.id, wanted);
    };
    std::thread helper(race, 0, Ending::expired);
    race(1, Ending::thawed);
    helper.join();
    ASSERT_TRUE(endings[0] && endings[1]);
    EXPECT_EQ(*endings[0], *endings[1]);
    EXPECT_EQ(store.phase(r.id)->ending, *endings[0]);
  }
}

}  // namespace
}  // namespace vbs::vmm_delegate
