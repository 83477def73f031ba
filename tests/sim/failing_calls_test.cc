// Every workflow, with each of its outside calls failing in turn, in every way a call can fail,
// once or for minutes: it ends in success or is undone, and nothing is left of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <iostream>

#include "tests/sim/course.h"
#include "tests/sim/faulty_disk.h"
#include "tests/sim/setting.h"

namespace vbs::sim {
namespace {

using testing::IsEmpty;

/// Longer than any deadline of what is asked for here.
constexpr Milliseconds kTrouble{150'000};
/// Remedies that failed meanwhile are tried again after a pause that doubles each time.
constexpr Milliseconds kMended{240'000};

/// How a call of a delegate to the outside fails.
struct Failure {
  const char* name;
  Moment::Kind kind;  ///< where: nothing is done, or all of it
  ErrorCode code;

  bool fits(const Moment& moment) const {
    if (moment.kind != kind) return false;
    return code != ErrorCode::insufficient_space || moment.takes_room();
  }
};

const std::vector<Failure> kFailures = {
    {"error", Moment::Kind::before_call, ErrorCode::internal},
    {"no space", Moment::Kind::before_call, ErrorCode::insufficient_space},
    {"time-out, not done", Moment::Kind::before_call, ErrorCode::timeout},
    {"time-out, but done", Moment::Kind::after_call, ErrorCode::timeout},
    {"done, and an answer that cannot be read", Moment::Kind::after_call, ErrorCode::internal},
};

/// What becomes of a call of the front to a delegate.
struct LinkFailure {
  const char* name;
  fakes::Fate fate;
};

const std::vector<LinkFailure> kLinkFailures = {
    {"refused", {.refused = true}},
    {"request lost", {.request_lost = true}},
    {"answer lost", {.answer_lost = true}},
    {"late", {.late = true}},
    {"doubled", {.doubled = true}},
    {"answer spoiled", {.spoiled = true}},
    {"doubled and late", {.late = true, .doubled = true}},
    {"slow", {.slow = true}},
};

struct Setup {
  Scenario scenario;
  bool for_good;
  InitiatorKind kind;
};

std::ostream& operator<<(std::ostream& out, const Setup& setup) {
  return out << setup.scenario;
}

/// Where it makes a difference, hosts log in, and VMs do. Trouble that stays costs most of the
/// time: there they take turns.
std::vector<Setup> setups() {
  std::vector<Setup> all;
  for (const Scenario& scenario : scenarios()) {
    all.push_back({scenario, false, InitiatorKind::of_host});
    if (scenario.attached) all.push_back({scenario, false, InitiatorKind::of_vms});
    all.push_back({scenario, true, who_logs_in(scenario.attached ? rotation() : 0)});
  }
  return all;
}

class FailingCallsTest : public testing::TestWithParam<Setup> {
 protected:
  void TearDown() override {
    std::cout << to_string(kind()) << ", VBS_ROTATION=" << rotation() << "\n";
  }
  const Scenario& scenario() const { return GetParam().scenario; }
  InitiatorKind kind() const { return GetParam().kind; }
  bool for_good() const { return GetParam().for_good; }

  /// To the end of the trouble, and of what came of it.
  std::vector<std::string> end(Course& course, bool no_trouble) {
    if (for_good() && !no_trouble)
      course.world.time.run_for(kTrouble);
    else
      (void)course.run_to_the_end();
    course.world.moments.set_observer({});
    course.world.network.set_fate({});
    FaultyDisk::set_trouble({});
    if (for_good()) course.world.time.run_for(kMended);
    if (!course.run_to_the_end()) return {"stuck: " + course.world.live_operation()};
    return course.aftermath();
  }
};

TEST_P(FailingCallsTest, OfADelegateToTheOutside) {
  for (const Failure& failure : kFailures) {
    std::size_t all = 1;  // from the first run on, which has no failure
    for (std::size_t chosen = 0; chosen <= all; ++chosen) {
      Course course(scenario(), 7, kind());
      std::size_t calls = 0;
      std::string failing;
      course.world.moments.set_observer([&](const Moment& moment) -> std::optional<Error> {
        if (!failure.fits(moment)) return std::nullopt;
        if (++calls == chosen) failing = moment.name;
        const bool now = for_good() ? moment.name == failing : calls == chosen;
        if (!now) return std::nullopt;
        return Error{failure.code, failure.name, {}, {}, {}};
      });
      ASSERT_THAT(end(course, chosen == 0), IsEmpty()) << failing << ": " << failure.name << ":\n"
                                                       << course.world.journal();
      if (chosen == 0) all = calls;
    }
    std::cout << failure.name << ": " << all << " calls\n";
  }
}

TEST_P(FailingCallsTest, OfTheFrontToADelegate) {
  for (const LinkFailure& failure : kLinkFailures) {
    std::size_t all = 1;
    for (std::size_t chosen = 0; chosen <= all; ++chosen) {
      Course course(scenario(), 7, kind());
      std::size_t calls = 0;
      course.world.network.set_fate([&](const api::DelegateCall&) {
        ++calls;
        const bool now = chosen != 0 && (calls == chosen || (for_good() && calls > chosen));
        return now ? failure.fate : fakes::Fate{};
      });
      ASSERT_THAT(end(course, chosen == 0), IsEmpty())
          << "call " << chosen << ": " << failure.name << ":\n"
          << course.world.journal();
      if (chosen == 0) all = calls;
    }
    std::cout << failure.name << ": " << all << " calls\n";
  }
}

TEST_P(FailingCallsTest, OfTheFrontToItsDisk) {
  for (const int code : {SQLITE_FULL, SQLITE_IOERR_FSYNC}) {
    std::size_t all = 1;
    for (std::size_t chosen = 0; chosen <= all; ++chosen) {
      Course course(scenario(), 7, kind());
      std::size_t commits = 1;  // the present one; each ends with a sync
      FaultyDisk::set_trouble([&](FaultyDisk::Call call) {
        const bool ends = call == FaultyDisk::Call::sync;
        const bool fails = commits == chosen || (for_good() && chosen != 0 && commits > chosen);
        if (ends || (fails && code == SQLITE_FULL)) ++commits;
        return fails && (code == SQLITE_FULL || ends) ? code : SQLITE_OK;
      });
      ASSERT_THAT(end(course, chosen == 0), IsEmpty())
          << "commit " << chosen << ": " << code << ":\n"
          << course.world.journal();
      if (chosen == 0) all = commits - 1;
    }
    std::cout << code << ": " << all << " commits\n";
  }
}

std::string test_name(const testing::TestParamInfo<Setup>& info) {
  const auto& [scenario, for_good, kind] = info.param;
  if (for_good) return scenario.name + "ForGood";
  return scenario.name + (kind == InitiatorKind::of_vms ? "OfVmsOnce" : "Once");
}

INSTANTIATE_TEST_SUITE_P(All, FailingCallsTest, testing::ValuesIn(setups()), test_name);

}  // namespace
}  // namespace vbs::sim
