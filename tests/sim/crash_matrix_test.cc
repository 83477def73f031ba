// Every workflow, and its undoing, with the death of a process, or of several, at every moment at
// which one may die: the fault points of the front and of the delegates, and before and after every
// call that a delegate makes to a store, a target, a record, a hypervisor or an initiator.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <set>

#include "api/workflow/registry.h"
#include "tests/sim/deaths.h"
#include "tests/sim/setting.h"

namespace vbs::sim {
namespace {

using testing::IsEmpty;

class CrashMatrixTest : public testing::TestWithParam<Scenario> {};

TEST_P(CrashMatrixTest, EverybodyMayDieAtEveryMoment) {
  const InitiatorKind kind = who_logs_in(rotation());
  std::size_t runs = 0;
  std::set<std::string> moments;
  for (const auto& way : ways(GetParam(), kind)) {
    bool reached = true;
    for (std::size_t moment = 0; reached; ++moment) {
      for (const Victims victims : {Victims::who_passes, Victims::all_others, Victims::all}) {
        DeadlyCourse course(GetParam(), way, {{moment, victims}});
        ASSERT_THAT(course.run(), IsEmpty())
            << (moment < course.passed().size() ? course.passed()[moment] : "no death") << ", "
            << static_cast<int>(victims) << ", VBS_ROTATION=" << rotation() << ":\n"
            << course.journal();
        reached = course.deaths() == 1;
        ++runs;
        if (reached) moments.insert(course.passed()[moment]);
      }
    }
  }
  for (const std::string& moment : moments) std::cout << "died: " << moment << "\n";
  std::cout << GetParam().name << ": " << runs << " runs, " << moments.size() << " moments, "
            << to_string(kind) << "\n";
}

INSTANTIATE_TEST_SUITE_P(All, CrashMatrixTest, testing::ValuesIn(scenarios()),
                         [](const auto& param) { return param.param.name; });

TEST(CrashMatrixCoverTest, EveryStepHasItsCase) {
  std::set<std::string> passed;
  for (const Scenario& scenario : scenarios()) {
    for (const auto& way : ways(scenario)) {
      DeadlyCourse course(scenario, way, {}, Counted::fault_points);
      EXPECT_THAT(course.run(), IsEmpty()) << scenario;
      passed.insert(course.passed().begin(), course.passed().end());
    }
  }
  const workflow::Registry registry;
  for (const workflow::Workflow& workflow : registry.all()) {
    for (const std::string& point : workflow::crash_points(workflow))
      EXPECT_TRUE(passed.contains("front at " + point)) << point << " is not passed by any case";
  }
}

}  // namespace
}  // namespace vbs::sim
