#include "tests/sim/moments.h"

#include <set>
#include <utility>

#include "common/fault_point.h"

namespace vbs::sim {

namespace {

/// Of the world in which a process runs just now.
Moments* g_moments = nullptr;

}  // namespace

std::string_view to_string(Process process) {
  switch (process) {
    case Process::front:
      return "front";
    case Process::volume_delegate:
      return "volume delegate";
    case Process::vmm_delegate:
      return "VMM delegate";
    case Process::nobody:
      return "nobody";
  }
  return "";
}

std::string Moment::str() const {
  const std::string where = kind == Kind::before_call  ? " before "
                            : kind == Kind::after_call ? " after "
                                                       : " at ";
  return std::string(to_string(process)) + where + std::string(name);
}

bool Moment::takes_room() const {
  static const std::set<std::string_view> calls = {"records.write",        "store.prepare_empty",
                                                   "store.prepare_volume", "store.prepare_snapshot",
                                                   "store.copy",           "store.grow_volume"};
  return calls.contains(name);
}

bool Moments::run_as(Process process, const std::function<void()>& work) {
  struct Running {
    Moments* const moments_before;
    Moments& moments;
    const Process process_before;
    Running(Moments& running, Process now)
        : moments_before(std::exchange(g_moments, &running)),
          moments(running),
          process_before(std::exchange(running.running_, now)) {}
    ~Running() {
      moments.running_ = process_before;
      g_moments = moments_before;
    }
  };
  const Running running(*this, process);
  try {
    work();
    return true;
  } catch (const Death&) {
    return false;
  }
}

std::optional<Error> Moments::pass(Moment::Kind kind, std::string_view name) {
  if (!observer_ || running_ == Process::nobody) return std::nullopt;
  return observer_({kind, running_, name});
}

}  // namespace vbs::sim

// These take the place of the product's own, which know one process only.
namespace vbs {

bool fault_points_armed() {
  return sim::g_moments != nullptr;
}

void fault_point(std::string_view name) {
  if (sim::g_moments != nullptr) (void)sim::g_moments->pass(sim::Moment::Kind::fault_point, name);
}

}  // namespace vbs
