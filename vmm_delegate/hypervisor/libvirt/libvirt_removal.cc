// RemovalWatch: libvirt's event that a device has left, for whoever waits for it.

#include <condition_variable>

#include "vmm_delegate/hypervisor/libvirt/libvirt_session.h"

namespace vbs::vmm_delegate::libvirt {

struct RemovalWatch::Shared {
  std::string alias;
  std::mutex mutex;
  std::condition_variable changed;
  bool gone = false;

  /// On libvirt's event loop.
  static void removed(virConnectPtr, virDomainPtr, const char* alias, void* opaque) {
    Shared& shared = **static_cast<std::shared_ptr<Shared>*>(opaque);
    if (alias == nullptr || shared.alias != alias) return;
    const std::lock_guard lock(shared.mutex);
    shared.gone = true;
    shared.changed.notify_all();
  }
  static void drop(void* opaque) { delete static_cast<std::shared_ptr<Shared>*>(opaque); }
};

RemovalWatch::RemovalWatch(const Library& library, virConnectPtr connection, virDomainPtr domain,
                           std::string alias)
    : library_(library), connection_(connection), shared_(std::make_shared<Shared>()) {
  shared_->alias = std::move(alias);
  // libvirt drops it when it is done with the callback, which may be later than this object.
  auto* opaque = new std::shared_ptr<Shared>(shared_);
  callback_ = library_.virConnectDomainEventRegisterAny(
      connection, domain, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
      VIR_DOMAIN_EVENT_CALLBACK(Shared::removed), opaque, Shared::drop);
  if (callback_ < 0) Shared::drop(opaque);
}

RemovalWatch::~RemovalWatch() {
  if (callback_ >= 0) library_.virConnectDomainEventDeregisterAny(connection_, callback_);
}

void RemovalWatch::wait(Milliseconds limit) {
  if (callback_ < 0) return;
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait_for(lock, limit, [&] { return shared_->gone; });
}

}  // namespace vbs::vmm_delegate::libvirt
