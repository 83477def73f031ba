// Random work in worlds where calls are lost, late, doubled and spoiled, services and links die,
// disks are full, clocks are set and people meddle, each from one seed. When it ends, rows and
// world must come to agree.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/random_run.h"
#include "tests/sim/setting.h"

namespace vbs::sim {
namespace {

/// So that several processors share the work; of VBS_SIM_SEEDS seeds, 5,000 if it is not set, from
/// VBS_SIM_FIRST_SEED on.
constexpr std::uint64_t kShards = 8;

class FaultsTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(FaultsTest, RowsAndWorldAgreeInTheEnd) {
  const std::uint64_t first = setting("VBS_SIM_FIRST_SEED", 1);
  const std::uint64_t end = first + setting("VBS_SIM_SEEDS", 5'000);
  std::set<std::string> succeeded;
  for (std::uint64_t seed = first + GetParam(); seed < end; seed += kShards) {
    RandomRun run(seed);
    ASSERT_THAT(run.findings(), testing::IsEmpty())
        << "VBS_SIM_FIRST_SEED=" << seed << " VBS_SIM_SEEDS=1 repeats it: " << run.story();
    const std::string journal = run.world().journal();
    for (const std::string kind : {"create-volume", "modify-volume", "attach-volume",
                                   "detach-volume", "create-snapshot", "delete-volume"}) {
      if (journal.find(kind + " succeeded") != std::string::npos) succeeded.insert(kind);
    }
  }
  if (end - first >= 1'000) {
    EXPECT_EQ(succeeded.size(), 6u) << "the faults let nothing through";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, FaultsTest, testing::Range<std::uint64_t>(0, kShards));

TEST(RepetitionTest, OfASeedIsTheSameRun) {
  for (std::uint64_t seed : {3, 11, 12, 13, 14, 15, 16, 17, 18, 19}) {
    RandomRun first(seed);
    RandomRun second(seed);
    EXPECT_FALSE(first.world().journal().empty());
    EXPECT_EQ(first.story(), second.story());
    EXPECT_EQ(first.world().network.arrived(), second.world().network.arrived());
    EXPECT_THAT(first.world().dump(), testing::Contains(testing::StartsWith("operations ")));
    EXPECT_THAT(second.world().dump(), testing::ElementsAreArray(first.world().dump()));
  }
  EXPECT_NE(RandomRun(3).story(), RandomRun(4).story());
}

}  // namespace
}  // namespace vbs::sim
