// Every workflow, and its undoing, with two deaths: one at each of its fault points, and another at
// each fault point of what comes after the first.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "tests/sim/deaths.h"
#include "tests/sim/setting.h"

namespace vbs::sim {
namespace {

using testing::IsEmpty;

class CrashPairsTest : public testing::TestWithParam<Scenario> {};

/// One of every VBS_SIM_PAIRS_STEP pairs is run, and another one with the next VBS_ROTATION. When
/// all have been run, it is no longer the host that logs in but VMs, or the other way round.
TEST_P(CrashPairsTest, OneMayDieAgainWhileTheFirstDeathIsMended) {
  const std::uint64_t step = setting("VBS_SIM_PAIRS_STEP", 10);
  const std::uint64_t turn = rotation();
  const std::string repeat =
      "VBS_ROTATION=" + std::to_string(turn) + " VBS_SIM_PAIRS_STEP=" + std::to_string(step);
  const InitiatorKind kind = who_logs_in(turn / step);
  std::size_t pairs = 0;
  std::size_t runs = 0;
  for (const auto& way : ways(GetParam(), kind)) {
    DeadlyCourse alive(GetParam(), way, {}, Counted::fault_points);
    ASSERT_THAT(alive.run(), IsEmpty());
    for (std::size_t first = 0; first < alive.passed().size(); ++first) {
      DeadlyCourse once(GetParam(), way, {{first}}, Counted::fault_points);
      ASSERT_THAT(once.run(), IsEmpty());
      for (std::size_t second = first + 1; second < once.passed().size(); ++second) {
        if ((pairs++ + turn) % step != 0) continue;
        DeadlyCourse course(GetParam(), way, {{first}, {second}}, Counted::fault_points);
        ASSERT_THAT(course.run(), IsEmpty()) << repeat << " repeats " << once.passed()[first]
                                             << ", then " << once.passed()[second] << ":\n"
                                             << course.journal();
        ASSERT_EQ(course.deaths(), 2u) << repeat;
        ++runs;
      }
    }
  }
  std::cout << GetParam().name << ": " << runs << " of " << pairs << " pairs, " << to_string(kind)
            << ", " << repeat << "\n";
}

INSTANTIATE_TEST_SUITE_P(All, CrashPairsTest, testing::ValuesIn(scenarios()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace vbs::sim
