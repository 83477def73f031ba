#pragma once

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "common/error.h"

namespace vbs::vmm_delegate::libvirt {

/// Of libvirt.so.0 and, the last two, libvirt-qemu.so.0.
#define VBS_LIBVIRT_FUNCTIONS(X)        \
  X(virInitialize)                      \
  X(virSetErrorFunc)                    \
  X(virGetLastError)                    \
  X(virResetLastError)                  \
  X(virEventRegisterDefaultImpl)        \
  X(virEventRunDefaultImpl)             \
  X(virConnectOpen)                     \
  X(virConnectClose)                    \
  X(virConnectIsAlive)                  \
  X(virConnectSetKeepAlive)             \
  X(virConnectListAllDomains)           \
  X(virConnectDomainEventRegisterAny)   \
  X(virConnectDomainEventDeregisterAny) \
  X(virDomainLookupByName)              \
  X(virDomainFree)                      \
  X(virDomainGetName)                   \
  X(virDomainGetUUIDString)             \
  X(virDomainGetState)                  \
  X(virDomainIsActive)                  \
  X(virDomainIsPersistent)              \
  X(virDomainGetXMLDesc)                \
  X(virDomainAttachDeviceFlags)         \
  X(virDomainDetachDeviceFlags)         \
  X(virDomainDetachDeviceAlias)         \
  X(virDomainSuspend)                   \
  X(virDomainResume)                    \
  X(virDomainBlockStats)                \
  X(virDomainGetBlockInfo)              \
  X(virDomainBlockResize)               \
  X(virDomainFSFreeze)                  \
  X(virDomainFSThaw)                    \
  X(virDomainQemuAgentCommand)          \
  X(virDomainQemuMonitorCommand)

/// libvirt's C API as found in the shared library. It is loaded by the first who asks: the library
/// and what it needs cost 15 MB of memory, which a node without libvirt does not pay.
struct Library {
#define VBS_LIBVIRT_MEMBER(name) decltype(&::name) name = nullptr;
  VBS_LIBVIRT_FUNCTIONS(VBS_LIBVIRT_MEMBER)
#undef VBS_LIBVIRT_MEMBER

  /// The same object each time, with libvirt's event loop running on a thread of its own. An error
  /// names the missing package. Thread-safe.
  static Result<const Library*> load();
};

}  // namespace vbs::vmm_delegate::libvirt
