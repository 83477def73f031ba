#include "tests/fakes/fake_lease_helper.h"

namespace vbs::fakes {

using vmm_delegate::Ending;

namespace {

constexpr Milliseconds kRetry{2'000};

}  // namespace

FakeLeaseHelper::FakeLeaseHelper(vmm_delegate::FreezeStore store,
                                 vmm_delegate::Hypervisor& hypervisor, Clock& clock)
    : store_(std::move(store)), hypervisor_(hypervisor), clock_(clock) {}

int FakeLeaseHelper::look() {
  const std::lock_guard lock(mutex_);
  int failed = 0;
  for (auto helper = armed_.begin(); helper != armed_.end();) {
    const auto phase = store_.phase(*helper);
    const auto record = store_.record(*helper);
    bool over = phase && (!phase->known || phase->done);
    if (!over && record && *record && clock_.monotonic() >= (*record)->expires) {
      over = end_freeze(store_, hypervisor_, *helper, Ending::expired).has_value();
      if (!over) ++failed;
    }
    helper = over ? armed_.erase(helper) : std::next(helper);
  }
  if (failed > 0 && alarm_) alarm_(kRetry);
  return failed;
}

void FakeLeaseHelper::kill(const Uuid& freeze) {
  const std::lock_guard lock(mutex_);
  armed_.erase(freeze);
}

Result<void> FakeLeaseHelper::arm(const Uuid& freeze) {
  const std::lock_guard lock(mutex_);
  const auto record = store_.record(freeze);
  const bool first = armed_.insert(freeze).second;
  if (first && alarm_ && record && *record) {
    alarm_(std::chrono::ceil<Milliseconds>((*record)->expires - clock_.monotonic()));
  }
  return {};
}

bool FakeLeaseHelper::armed(const Uuid& freeze) {
  const std::lock_guard lock(mutex_);
  return armed_.contains(freeze);
}

}  // namespace vbs::fakes
