#include "vmm_delegate/hypervisor/libvirt/libvirt_library.h"

#include <dlfcn.h>
#include <pthread.h>

#include <chrono>
#include <mutex>
#include <thread>

namespace vbs::vmm_delegate::libvirt {
namespace {

constexpr const char* kNames[] = {"libvirt.so.0", "libvirt-qemu.so.0"};
constexpr std::chrono::milliseconds kPauseAfterError{100};

/// Errors are taken from each call, and not printed by libvirt as well.
void keep_silent(void*, virErrorPtr) {}

/// libvirt's connections live on this loop: it answers keep-alive questions and delivers events. It
/// is never stopped, because libvirt cannot unregister it.
void run_events(const Library& library) {
  std::thread events([&library] {
    while (true) {
      if (library.virEventRunDefaultImpl() < 0) std::this_thread::sleep_for(kPauseAfterError);
    }
  });
  ::pthread_setname_np(events.native_handle(), "vmmd-libvirt");
  events.detach();
}

Result<void> look_up(Library& library) {
  void* handles[2] = {};
  for (int i = 0; i < 2; ++i) {
    handles[i] = ::dlopen(kNames[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handles[i] == nullptr) {
      return fail(ErrorCode::node_unavailable,
                  std::string("libvirt cannot be loaded; install the package libvirt0 (") +
                      ::dlerror() + ")");
    }
  }
  const char* missing = nullptr;
  const auto find = [&](const char* name) {
    void* found = ::dlsym(handles[0], name);
    if (found == nullptr) found = ::dlsym(handles[1], name);
    if (found == nullptr) missing = name;
    return found;
  };
#define VBS_LIBVIRT_FIND(name) library.name = reinterpret_cast<decltype(&::name)>(find(#name));
  VBS_LIBVIRT_FUNCTIONS(VBS_LIBVIRT_FIND)
#undef VBS_LIBVIRT_FIND
  if (missing == nullptr) return {};
  return fail(ErrorCode::node_unavailable,
              std::string("this libvirt is too old: it has no ") + missing);
}

Result<const Library*> try_to_load() {
  static Library library;
  if (auto found = look_up(library); !found) return fail(found.error());
  if (library.virInitialize() < 0 || library.virEventRegisterDefaultImpl() < 0) {
    return fail(ErrorCode::node_unavailable, "libvirt cannot be initialised");
  }
  library.virSetErrorFunc(nullptr, keep_silent);
  run_events(library);
  return &library;
}

}  // namespace

Result<const Library*> Library::load() {
  static std::mutex mutex;
  static const Library* loaded = nullptr;
  const std::lock_guard lock(mutex);
  if (loaded != nullptr) return loaded;
  // Tried again after a failure: the package may have been installed since.
  const auto now = try_to_load();
  if (now) loaded = *now;
  return now;
}

}  // namespace vbs::vmm_delegate::libvirt
