#include "vmm_delegate/freeze/lease_watch.h"

#include <poll.h>

#include <algorithm>

#include "common/fault_point.h"
#include "common/log.h"
#include "vmm_delegate/freeze/freeze_end.h"

namespace vbs::vmm_delegate {
namespace {

/// How soon the end of a freeze is noticed; a look costs a few access(2).
constexpr Milliseconds kLook{50};
constexpr Milliseconds kLongestRetry{2'000};

void sleep_for(Milliseconds duration) {
  ::poll(nullptr, 0, static_cast<int>(duration.count()));
}

/// An id that became unknown was taken back by the delegate, after it had released the VM.
bool is_over(const FreezeStore& store, const Uuid& id) {
  const auto phase = store.phase(id);
  return phase && (!phase->known || phase->done);
}

}  // namespace

void watch_lease(FreezeStore& store, Hypervisor& hypervisor, const FreezeRecord& record,
                 Clock& clock) {
  while (clock.monotonic() < record.expires) {
    if (is_over(store, record.id)) return;
    const auto left = std::chrono::ceil<Milliseconds>(record.expires - clock.monotonic());
    sleep_for(std::clamp(left, Milliseconds(0), kLook));
  }
  for (Milliseconds retry = kLook; !is_over(store, record.id);
       retry = std::min(2 * retry, kLongestRetry)) {
    fault_point("thaw.expire.start");
    const auto ending = end_freeze(store, hypervisor, record.id, Ending::expired);
    if (ending) {
      log::info("the lease ran out",
                {{"freeze", record.id.str()},
                 {"vm", record.spec.vm},
                 {"ending", *ending == Ending::expired ? "expired" : "thawed"}});
      return;
    }
    log::warning(
        "cannot thaw yet",
        {{"freeze", record.id.str()}, {"vm", record.spec.vm}, {"error", describe(ending.error())}});
    sleep_for(retry);
  }
}

}  // namespace vbs::vmm_delegate
