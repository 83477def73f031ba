// Bugs that this program has on purpose, by the patches in this folder. Random worlds must find
// each of them within the seeds that are run on every change: else their silence about the real
// program would say little.

#include "tests/planted/planted.h"

#include <gtest/gtest.h>

#include <iostream>
#include <iterator>

#include "tests/sim/random_run.h"

namespace vbs::sim {
namespace {

constexpr std::uint64_t kSeeds = 5'000;
constexpr const char* kBugs[] = {VBS_PLANTED_BUGS};
static_assert(std::size(kBugs) >= 10, "a patch is missing in tests/planted");

class PlantedTest : public testing::TestWithParam<const char*> {
 protected:
  void TearDown() override { plant(""); }
};

TEST_P(PlantedTest, IsFound) {
  plant(GetParam());
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RandomRun run(seed);
    if (run.findings().empty()) continue;
    std::cout << GetParam() << ": found by seed " << seed << ": " << run.findings().front() << "\n";
    return;
  }
  FAIL() << "not found by " << kSeeds << " seeds";
}

std::string test_name(const testing::TestParamInfo<const char*>& info) {
  std::string name(info.param);
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Bugs, PlantedTest, testing::ValuesIn(kBugs), test_name);

TEST(NothingPlantedTest, IsFoundWhereThereIsNothing) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    ASSERT_TRUE(RandomRun(seed).findings().empty()) << seed;
  }
}

}  // namespace
}  // namespace vbs::sim
