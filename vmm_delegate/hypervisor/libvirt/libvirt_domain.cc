// Domain: what is asked of one of libvirt's domains.

#include <cstdlib>

#include "vmm_delegate/hypervisor/libvirt/libvirt_error.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt_session.h"

namespace vbs::vmm_delegate::libvirt {
namespace {

struct FreeText {
  void operator()(char* text) const { std::free(text); }
};
using Text = std::unique_ptr<char, FreeText>;

Power power_of(int state) {
  switch (state) {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
    case VIR_DOMAIN_SHUTDOWN:  // on its way there
      return Power::running;
    case VIR_DOMAIN_PAUSED:
    case VIR_DOMAIN_PMSUSPENDED:
    case VIR_DOMAIN_CRASHED:  // kept for whoever wants to look at it
      return Power::paused;
    default:
      return Power::unknown;
  }
}

}  // namespace

Domain::Domain(const Library& library, virConnectPtr connection, virDomainPtr domain)
    : library_(library), connection_(connection), domain_(domain, Free{&library}) {}

Result<void> Domain::done(int answer, const char* what) const {
  if (answer >= 0) return {};
  return fail(last_error(library_, what));
}

Result<Power> Domain::power() const {
  library_.virResetLastError();
  int state = VIR_DOMAIN_NOSTATE;
  const int active = library_.virDomainIsActive(domain_.get());
  if (active == 0) return Power::off;
  if (active < 0 || library_.virDomainGetState(domain_.get(), &state, nullptr, 0) < 0) {
    return fail(last_error(library_, "tell the domain's state"));
  }
  // It was active a moment ago.
  return state == VIR_DOMAIN_SHUTOFF ? Power::off : power_of(state);
}

Result<bool> Domain::is_persistent() const {
  const int persistent = library_.virDomainIsPersistent(domain_.get());
  if (auto told = done(persistent, "tell whether the domain is defined"); !told) {
    return fail(told.error());
  }
  return persistent == 1;
}

std::optional<Uuid> Domain::uuid() const {
  char text[VIR_UUID_STRING_BUFLEN] = {};
  if (library_.virDomainGetUUIDString(domain_.get(), text) < 0) return std::nullopt;
  return Uuid::parse(text);
}

Result<std::string> Domain::xml(Definition definition) const {
  const unsigned flags = definition == Definition::saved ? unsigned{VIR_DOMAIN_XML_INACTIVE} : 0;
  const Text text(library_.virDomainGetXMLDesc(domain_.get(), flags));
  if (!text) return fail(last_error(library_, "describe the domain"));
  return std::string(text.get());
}

std::unique_ptr<RemovalWatch> Domain::watch_removal(std::string alias) const {
  return std::make_unique<RemovalWatch>(library_, connection_, domain_.get(), std::move(alias));
}

Result<void> Domain::attach(const std::string& xml, unsigned flags) const {
  return done(library_.virDomainAttachDeviceFlags(domain_.get(), xml.c_str(), flags),
              "attach the device");
}

Result<void> Domain::detach(const std::string& alias, const std::string& xml,
                            unsigned flags) const {
  constexpr const char* kWhat = "detach the device";
  const int asked = library_.virDomainDetachDeviceAlias(domain_.get(), alias.c_str(), flags);
  if (asked >= 0) return {};
  const virError* error = library_.virGetLastError();
  if (error == nullptr || error->code != VIR_ERR_NO_SUPPORT) {
    return fail(last_error(library_, kWhat));
  }
  return done(library_.virDomainDetachDeviceFlags(domain_.get(), xml.c_str(), flags), kWhat);
}

Result<void> Domain::suspend() const {
  return done(library_.virDomainSuspend(domain_.get()), "pause the domain");
}

Result<void> Domain::resume() const {
  return done(library_.virDomainResume(domain_.get()), "let the domain run");
}

Result<std::int64_t> Domain::writes() const {
  virDomainBlockStatsStruct stats{};
  // No disk's name stands for all of them together.
  const int told = library_.virDomainBlockStats(domain_.get(), "", &stats, sizeof(stats));
  if (auto good = done(told, "count the domain's writes"); !good) return fail(good.error());
  return std::int64_t{stats.wr_req};
}

std::uint64_t Domain::size(const std::string& target) const {
  virDomainBlockInfo info{};
  if (library_.virDomainGetBlockInfo(domain_.get(), target.c_str(), &info, 0) < 0) return 0;
  return info.capacity;
}

Result<void> Domain::resize(const std::string& target, std::uint64_t size_bytes) const {
  const int resized = library_.virDomainBlockResize(domain_.get(), target.c_str(), size_bytes,
                                                    VIR_DOMAIN_BLOCK_RESIZE_BYTES);
  if (resized >= 0) return {};
  const virError* why = library_.virGetLastError();
  // Xen's back end looks at its device's size with each request.
  if (why != nullptr && why->code == VIR_ERR_NO_SUPPORT) return {};
  return fail(to_error(why, "resize the disk"));
}

Result<std::string> Domain::ask_agent(const std::string& command, Milliseconds limit) const {
  const auto seconds = static_cast<int>(std::chrono::ceil<std::chrono::seconds>(limit).count());
  const Text answer(library_.virDomainQemuAgentCommand(domain_.get(), command.c_str(), seconds, 0));
  if (!answer) return fail(last_error(library_, "ask the guest's agent"));
  return std::string(answer.get());
}

Result<std::string> Domain::ask_monitor(const std::string& command) const {
  char* raw = nullptr;
  const int asked = library_.virDomainQemuMonitorCommand(domain_.get(), command.c_str(), &raw,
                                                         VIR_DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT);
  const Text answer(raw);
  if (auto good = done(asked, "ask QEMU"); !good) return fail(good.error());
  return std::string(answer ? answer.get() : "");
}

Result<void> Domain::freeze() const {
  return done(library_.virDomainFSFreeze(domain_.get(), nullptr, 0, 0),
              "freeze the guest's file systems");
}

Result<void> Domain::thaw() const {
  return done(library_.virDomainFSThaw(domain_.get(), nullptr, 0, 0),
              "thaw the guest's file systems");
}

}  // namespace vbs::vmm_delegate::libvirt
