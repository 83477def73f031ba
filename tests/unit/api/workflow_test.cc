#include <gtest/gtest.h>

#include <set>

#include "api/workflow/registry.h"

namespace vbs::workflow {
namespace {

http::Response with_status(unsigned status) {
  return {status, "", "application/json", {}};
}

TEST(JudgeTest, ReadsTheStatus) {
  EXPECT_EQ(judge_by_status(with_status(200)).kind, Verdict::Kind::done);
  EXPECT_EQ(judge_by_status(with_status(204)).kind, Verdict::Kind::done);
  EXPECT_EQ(judge_by_status(with_status(202)).kind, Verdict::Kind::wait);
  EXPECT_EQ(judge_by_status(http::problem({ErrorCode::conflict, "", "", "", ""})).kind,
            Verdict::Kind::refused);
  EXPECT_EQ(judge_by_status(http::problem({ErrorCode::overloaded, "", "", "", ""})).kind,
            Verdict::Kind::retry);
}

TEST(JudgeTest, MissingAndBrokenAnswersAreNeverTakenForFailure) {
  const Answer timed_out = fail(ErrorCode::timeout, "no answer");
  EXPECT_EQ(judge_by_status(timed_out).kind, Verdict::Kind::retry);
  EXPECT_EQ(judge_by_status(http::Response{500, "<html>", "text/html", {}}).kind,
            Verdict::Kind::retry);
}

TEST(RegistryTest, HoldsWellFormedWorkflows) {
  std::set<std::string_view> kinds;
  const Registry registry;
  for (const Workflow& workflow : registry.all()) kinds.insert(workflow.kind);
  EXPECT_EQ(kinds.size(), 9u);
  for (const Workflow& workflow : registry.all()) {
    SCOPED_TRACE(workflow.kind);
    std::set<std::string_view> names;
    for (const Step& step : workflow.steps) {
      names.insert(step.name);
      EXPECT_EQ(step.place == Place::database, step.make.call == nullptr) << step.name;
      EXPECT_TRUE(step.make.call || step.make.record || step.undo.record) << step.name;
    }
    EXPECT_EQ(names.size(), workflow.steps.size());
    EXPECT_GT(workflow.deadline.count(), 0);
  }
}

TEST(RegistryTest, UndoingASnapshotBeginsWithTheThaw) {
  const Workflow workflow = create_snapshot({});
  const auto index_of = [&](std::string_view name) {
    for (std::size_t i = 0; i < workflow.steps.size(); ++i) {
      if (workflow.steps[i].name == name) return static_cast<int>(i);
    }
    return -1;
  };
  EXPECT_EQ(first_to_undo(workflow, index_of("copy")), index_of("thaw"));
  EXPECT_EQ(first_to_undo(attach_volume({}), 2), 2);
}

TEST(CrashPointsTest, CoverEveryStepThatCalls) {
  const auto points = crash_points(attach_volume({}));
  const std::set<std::string> names(points.begin(), points.end());
  EXPECT_EQ(names.size(), points.size());
  for (const char* name :
       {"attach-volume.intent.before-commit", "attach-volume.reserve.after-commit",
        "attach-volume.export.before-act", "attach-volume.log-in.after-act",
        "attach-volume.block-attach.after-commit", "attach-volume.block-attach.undo-before-act",
        "attach-volume.export.undo-after-commit"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  EXPECT_FALSE(names.contains("attach-volume.record.before-act"));
  EXPECT_FALSE(names.contains("attach-volume.reserve.undo-before-act"));
}

}  // namespace
}  // namespace vbs::workflow
