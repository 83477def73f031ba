#include "tests/sim/course.h"

namespace vbs::sim {

namespace {

/// Late orders are refused, and what a lost call left is seen and mended.
constexpr Milliseconds kTwoSweeps{45'000};
constexpr Milliseconds kLongest{3'600'000};
/// What the front still has to do after it has written that an operation is over.
constexpr Milliseconds kSettled{20};
constexpr const char* kKey = "course";

}  // namespace

InitiatorKind who_logs_in(std::uint64_t turn) {
  return turn % 2 == 0 ? InitiatorKind::of_host : InitiatorKind::of_vms;
}

Course::Course(const Scenario& scenario, std::uint64_t seed, InitiatorKind kind)
    : world(seed, kind), watchman_(world) {
  request_ = scenario.prepare(world);
  world.time.run_for(kSettled);
  there_before = world.there();
  operations_before_ = world.rows("operations");
  front_starts_before_ = world.front_starts();
  by_itself = request_.path.empty();
  if (!by_itself) answer = ask();
}

std::shared_ptr<World::Answer> Course::ask() {
  return world.send(request_.method, request_.path, request_.body, kKey);
}

bool Course::has_begun() {
  return world.front_runs() && world.rows("operations") > operations_before_;
}

bool Course::over() {
  if (!world.at_rest()) return false;
  if (by_itself) return has_begun();
  return answer->response || world.front_starts() != front_starts_before_;
}

bool Course::pass(int events) {
  for (int i = 0; i < events; ++i) {
    world.time.run_next();
    if (over()) return false;
  }
  return true;
}

std::string Course::operation() {
  if (by_itself) return world.live_operation();
  return answer->response ? answer->member("operation", "id") : "";
}

bool Course::run_to_the_end() {
  return world.time.run_until([this] { return over(); }, kLongest);
}

std::vector<std::string> Course::aftermath() {
  std::vector<std::string> found;
  const auto rests = [this] { return world.at_rest(); };
  if (!world.time.run_until(rests, kLongest)) found.push_back("stuck: " + world.live_operation());
  if (!by_itself) ask_again(found);
  world.time.run_for(kTwoSweeps);
  if (!world.time.run_until(rests, kLongest)) found.push_back("stuck again");
  for (const std::string& wrong : world.disagreements()) found.push_back(wrong);
  watchman_.look();
  for (const std::string& wrong : watchman_.findings()) found.push_back(wrong);
  return found;
}

/// What was promised is still true, and what was asked for twice is done once.
void Course::ask_again(std::vector<std::string>& found) {
  const std::string promised = operation();
  const auto again = ask();
  const auto answered = [&] { return again->response.has_value(); };
  if (!world.time.run_until(answered, Milliseconds(60'000))) {
    found.push_back("no answer to who asks again");
    return;
  }
  // One that was undone is named in the problem that is answered then.
  const std::string& told = again->response->body;
  if (!promised.empty() && told.find(promised) == std::string::npos)
    found.push_back("operation " + promised + " was promised, and now there is " + told);
  if (!world.settle()) found.push_back("stuck after who asked again");
}

}  // namespace vbs::sim
