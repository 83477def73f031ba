#include "tests/sim/deaths.h"

namespace vbs::sim {

namespace {

constexpr std::uint64_t kSeed = 7;
/// The front passes its last moments after it has written that the operation is over.
constexpr Milliseconds kAfterTheEnd{20};

}  // namespace

DeadlyCourse::DeadlyCourse(const Scenario& scenario, Way way, std::vector<PlannedDeath> plan,
                           Counted counted)
    : way_(way), plan_(std::move(plan)), counted_(counted), course_(scenario, kSeed, way.kind) {
  World& world = course_.world;
  world.moments.set_observer([this](const Moment& moment) -> std::optional<Error> {
    pass(moment);
    return std::nullopt;
  });
  world.network.set_fate([this](const api::DelegateCall& call) { return fate_of(call); });
}

void DeadlyCourse::pass(const Moment& moment) {
  if (counted_ == Counted::fault_points && moment.kind != Moment::Kind::fault_point) return;
  // Until the reconciler begins it, delegates only do what they do all the time.
  const bool begun = !course_.by_itself || !passed_.empty() || moment.process == Process::front;
  if (!begun) return;
  const std::size_t number = passed_.size();
  passed_.push_back(moment.str());
  if (deaths_ == plan_.size() || plan_[deaths_].moment != number) return;
  die(moment.process, plan_[deaths_++].victims);
}

void DeadlyCourse::die(Process who_passes, Victims victims) {
  for (const Process process : {Process::front, Process::volume_delegate, Process::vmm_delegate}) {
    if (process == who_passes || victims == Victims::who_passes) continue;
    course_.world.time.add(Milliseconds(0), [this, process] { course_.world.die(process); });
  }
  if (victims != Victims::all_others) throw Death();
}

fakes::Fate DeadlyCourse::fate_of(const api::DelegateCall& call) {
  fakes::Fate fate;
  if (call.method == http::Method::get) return fate;
  ++orders_;
  if (way_.direction == Direction::forward || orders_ != way_.last_order) return fate;
  fate.refused = true;
  World& world = course_.world;
  const std::string operation = world.live_operation();
  world.send(http::Method::post, "/v1/operations/" + operation + "/cancel");
  return fate;
}

std::vector<std::string> DeadlyCourse::run() {
  const bool ended = course_.run_to_the_end();
  course_.world.time.run_for(kAfterTheEnd);
  course_.world.moments.set_observer({});
  course_.world.network.set_fate({});
  if (!ended) return {"stuck: " + course_.world.live_operation()};
  return course_.aftermath();
}

std::vector<DeadlyCourse::Way> ways(const Scenario& scenario, InitiatorKind kind) {
  using Direction = DeadlyCourse::Direction;
  const DeadlyCourse::Way way{Direction::forward, 0, kind};
  DeadlyCourse forward(scenario, way, {});
  (void)forward.run();
  return {way, {Direction::undoing, forward.orders(), kind}};
}

}  // namespace vbs::sim
