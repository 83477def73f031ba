#include "tests/sim/chaos.h"

#include <sqlite3.h>

namespace vbs::sim {

namespace {

constexpr std::uint64_t kErrorOnceIn = 50;
constexpr std::uint64_t kDeathOnceIn = 150;
constexpr std::int64_t kLongestPartitionMs = 40'000;
constexpr Milliseconds kTenYears{10LL * 365 * 24 * 3'600'000};

/// Broken, or slow, and before the call also full, or just not now.
Error trouble(const Moment& moment, fakes::SimRandom& chance) {
  static const std::vector<Error> kinds = {
      {ErrorCode::internal, "Input/output error", {}, {}, {}},
      {ErrorCode::timeout, "the command did not end in time", {}, {}, {}},
      {ErrorCode::overloaded, "not now", {}, {}, {}},
      {ErrorCode::insufficient_space, "No space left on device", {}, {}, {}}};
  const bool done = moment.kind == Moment::Kind::after_call;
  return kinds[chance.below(done ? 2 : moment.takes_room() ? 4 : 3)];
}

std::string any_of(const std::set<std::string>& names, const std::string& kind,
                   fakes::SimRandom& chance) {
  std::vector<std::string> found;
  for (const std::string& name : names) {
    if (name.starts_with(kind)) found.push_back(name.substr(kind.size()));
  }
  return found.empty() ? "" : found[chance.below(found.size())];
}

}  // namespace

Chaos::Chaos(World& world)
    : world_(world),
      chance_(world.chance),
      links_(draw("links", 2)),
      partitions_(draw("partitions", 3)),
      errors_(draw("errors", 3)),
      meddling_(draw("meddling", 3)),
      front_deaths_(draw("front-deaths", 2)),
      delegate_deaths_(draw("delegate-deaths", 3)),
      clock_jumps_(draw("clock-jumps", 4)),
      full_disk_(draw("full-disk", 4)),
      stuck_tools_(draw("stuck-tools", 4)) {
  fakes::LinkFaults faults;
  if (links_) faults = {20, 40, 40, 80, 40, 80, 0};
  if (stuck_tools_) faults.slow = 15;
  world.network.set_faults(faults);
  world.moments.set_observer([this](const Moment& moment) { return pass(moment); });
  if (full_disk_) FaultyDisk::set_trouble([this](FaultyDisk::Call call) { return fill(call); });
}

bool Chaos::draw(const char* kind, std::uint64_t once_in) {
  if (!chance_.once_in(once_in)) return false;
  kinds_ += std::string(kinds_.empty() ? "" : " ") + kind;
  return true;
}

std::string Chaos::describe() const {
  return kinds_.empty() ? "nothing goes wrong" : kinds_;
}

std::optional<Error> Chaos::pass(const Moment& moment) {
  const bool mortal = moment.process == Process::front ? front_deaths_ : delegate_deaths_;
  if (mortal && chance_.once_in(kDeathOnceIn)) throw Death();
  const bool call = moment.kind != Moment::Kind::fault_point;
  if (call && errors_ && chance_.once_in(kErrorOnceIn)) return trouble(moment, chance_);
  return std::nullopt;
}

/// It is full for a while, or a write is lost.
int Chaos::fill(FaultyDisk::Call call) {
  if (world_.time.now() < full_until_) return SQLITE_FULL;
  if (call == FaultyDisk::Call::sync) return chance_.once_in(100) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
  if (!chance_.once_in(300)) return SQLITE_OK;
  full_until_ = world_.time.now() + Milliseconds(static_cast<std::int64_t>(chance_.below(5'000)));
  return SQLITE_FULL;
}

void Chaos::step() {
  if (front_deaths_ && chance_.once_in(6)) {
    world_.kill_front();
    world_.start_front();
  }
  if (delegate_deaths_ && chance_.once_in(6)) {
    chance_.once_in(2) ? world_.volumes.restart() : world_.vmm.restart();
  }
  if (delegate_deaths_ && chance_.once_in(12)) {
    world_.volumes.target.kill_daemon();
    foreign_.clear();  // went with it
  }
  if (partitions_ && chance_.once_in(6)) cut_off(chance_.once_in(2) ? "vs1" : "hv1");
  if (clock_jumps_ && chance_.once_in(6)) {
    world_.clock.move_wall(chance_.once_in(2) ? kTenYears : -kTenYears);
  }
  if (meddling_ && chance_.once_in(3)) meddle();
}

void Chaos::cut_off(const std::string& node) {
  world_.network.set_down(node, true);
  const Milliseconds back(static_cast<std::int64_t>(chance_.below(kLongestPartitionMs)));
  world_.time.add(back, [this, node] { world_.network.set_down(node, false); });
}

void Chaos::meddle() {
  const auto there = world_.there();
  switch (chance_.below(5)) {
    case 0: {
      const std::string device = any_of(there, "device ", chance_);  // "vm1 <attachment>"
      if (device.empty()) return;
      (void)world_.vmm.hypervisor.detach(device.substr(0, 3), *Uuid::parse(device.substr(4)));
      return;
    }
    case 1:
      return world_.volumes.target.delete_target(
          any_of(there, "target iqn.2026", chance_).insert(0, "iqn.2026"));
    case 2:
      return world_.volumes.target.drop_rules(
          any_of(there, "target iqn.2026", chance_).insert(0, "iqn.2026"));
    case 3:
      // Destroyed, and another of its name made.
      return world_.vmm.hypervisor.add_vm("vm1", true);
    default: {
      const std::string iqn = "iqn.1999-01.example:" + std::to_string(++last_foreign_);
      world_.volumes.target.add_foreign_target(iqn, 1000 + last_foreign_);
      foreign_.push_back("target " + iqn);
    }
  }
}

void Chaos::end() {
  world_.network.set_faults({});
  for (const char* node : {"vs1", "hv1"}) world_.network.set_down(node, false);
  world_.moments.set_observer({});
  FaultyDisk::set_trouble({});
}

}  // namespace vbs::sim
