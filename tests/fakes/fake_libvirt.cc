#include "tests/fakes/fake_libvirt.h"

#include <cstdio>
#include <cstring>

#include "common/json.h"

namespace vbs::fakes {

using vmm_delegate::libvirt::Disk;
using vmm_delegate::libvirt::DiskBus;
using vmm_delegate::libvirt::Domain;
using vmm_delegate::libvirt::Machine;

namespace {

constexpr std::uint64_t kSize = 8 << 20;

/// libvirt's errors belong to the thread.
thread_local virError* last_error = nullptr;

FakeLibvirt& behind(virDomainPtr domain) {
  return *reinterpret_cast<FakeLibvirt*>(domain);
}

std::string parts_of(unsigned flags) {
  std::string text;
  if ((flags & VIR_DOMAIN_AFFECT_LIVE) != 0) text += " live";
  if ((flags & VIR_DOMAIN_AFFECT_CONFIG) != 0) text += " saved";
  return text;
}

std::vector<Machine*> machines(FakeLibvirt& fake, unsigned flags) {
  std::vector<Machine*> all;
  if ((flags & VIR_DOMAIN_AFFECT_LIVE) != 0) all.push_back(&fake.live);
  if ((flags & VIR_DOMAIN_AFFECT_CONFIG) != 0) all.push_back(&fake.saved);
  return all;
}

bool cannot(FakeLibvirt& fake, unsigned flags) {
  if (fake.active || (flags & VIR_DOMAIN_AFFECT_LIVE) == 0) return false;
  fake.refuse(VIR_ERR_OPERATION_INVALID, "domain is not running");
  return true;
}

std::string xml_of(const Machine& machine) {
  std::string xml = "<domain><devices>";
  for (const Disk& disk : machine.disks) xml += disk_xml(disk, DiskBus::scsi);
  for (const auto& [index, virtio] : machine.scsi_controllers) {
    xml += vmm_delegate::libvirt::controller_xml(index);
  }
  return xml + "</devices></domain>";
}

}  // namespace

struct FakeLibvirt::Functions {
  static void reset() { last_error = nullptr; }
  static virErrorPtr error() { return last_error; }
  static int free(virDomainPtr) { return 0; }
  static int is_active(virDomainPtr domain) { return behind(domain).active ? 1 : 0; }
  static int uuid(virDomainPtr, char* text) {
    std::snprintf(text, VIR_UUID_STRING_BUFLEN, "%s", "00000000-0000-4000-8000-000000000001");
    return 0;
  }
  static int is_persistent(virDomainPtr domain) { return behind(domain).persistent ? 1 : 0; }
  static int state(virDomainPtr, int* state, int*, unsigned) {
    *state = VIR_DOMAIN_RUNNING;
    return 0;
  }
  static char* xml(virDomainPtr domain, unsigned flags) {
    FakeLibvirt& fake = behind(domain);
    const bool is_saved = (flags & VIR_DOMAIN_XML_INACTIVE) != 0 || !fake.active;
    return ::strdup(xml_of(is_saved ? fake.saved : fake.live).c_str());
  }
  static int attach(virDomainPtr domain, const char* xml, unsigned flags) {
    FakeLibvirt& fake = behind(domain);
    fake.done.push_back("attach" + parts_of(flags));
    if (cannot(fake, flags)) return -1;
    const auto given = vmm_delegate::libvirt::parse_machine("<domain><devices>" + std::string(xml) +
                                                            "</devices></domain>");
    for (Machine* machine : machines(fake, flags)) {
      machine->disks.insert(machine->disks.end(), given->disks.begin(), given->disks.end());
      machine->scsi_controllers.insert(given->scsi_controllers.begin(),
                                       given->scsi_controllers.end());
    }
    return 0;
  }
  static int detach(virDomainPtr domain, const char* alias, unsigned flags) {
    FakeLibvirt& fake = behind(domain);
    fake.done.push_back("detach" + parts_of(flags));
    last_error = nullptr;
    if (fake.on_detach) fake.on_detach();
    if (last_error != nullptr || cannot(fake, flags)) return -1;
    for (Machine* machine : machines(fake, flags)) {
      std::erase_if(machine->disks, [&](const Disk& disk) { return disk.alias == alias; });
    }
    return 0;
  }
  static int writes(virDomainPtr domain, const char*, virDomainBlockStatsPtr, std::size_t) {
    FakeLibvirt& fake = behind(domain);
    fake.done.emplace_back("settle");
    last_error = nullptr;
    if (auto act = std::exchange(fake.under_way, nullptr)) act();
    return last_error != nullptr || cannot(fake, VIR_DOMAIN_AFFECT_LIVE) ? -1 : 0;
  }
  static int monitor(virDomainPtr domain, const char* command, char** answer, unsigned) {
    FakeLibvirt& fake = behind(domain);
    if (cannot(fake, VIR_DOMAIN_AFFECT_LIVE)) return -1;
    *answer = ::strdup(fake.ask_qemu(command).c_str());
    return 0;
  }
  static int size(virDomainPtr, const char*, virDomainBlockInfoPtr info, unsigned) {
    info->capacity = kSize;
    return 0;
  }
  static int watch(virConnectPtr, virDomainPtr, int, virConnectDomainEventGenericCallback, void*,
                   virFreeCallback) {
    return -1;  // as a hypervisor that does not tell
  }
};

FakeLibvirt::FakeLibvirt() {
  library_.virResetLastError = Functions::reset;
  library_.virGetLastError = Functions::error;
  library_.virDomainFree = Functions::free;
  library_.virDomainIsActive = Functions::is_active;
  library_.virDomainIsPersistent = Functions::is_persistent;
  library_.virDomainGetUUIDString = Functions::uuid;
  library_.virDomainGetState = Functions::state;
  library_.virDomainGetXMLDesc = Functions::xml;
  library_.virDomainAttachDeviceFlags = Functions::attach;
  library_.virDomainDetachDeviceAlias = Functions::detach;
  library_.virDomainBlockStats = Functions::writes;
  library_.virDomainQemuMonitorCommand = Functions::monitor;
  library_.virDomainGetBlockInfo = Functions::size;
  library_.virConnectDomainEventRegisterAny = Functions::watch;
}

std::string FakeLibvirt::ask_qemu(const std::string& command) {
  const auto question = json::parse(command);
  const auto text = [](const json::Value& value, std::string_view key) {
    const json::Value* member = value.find(key);
    const auto* found = member == nullptr ? nullptr : member->as<std::string>();
    return found == nullptr ? std::string() : *found;
  };
  const std::string name = text(*question, "execute");
  const json::Value& arguments = *question->find("arguments");
  json::Writer out;
  out.begin_object();
  out.key("return");
  out.begin_array();
  if (name == "qom-list") {
    for (const std::string& id : qemu_devices) {
      out.begin_object();
      out.member("name", id);
      out.end_object();
    }
  } else if (name == "query-named-block-nodes") {
    for (const auto& [node, path] : qemu_nodes) {
      out.begin_object();
      out.member("node-name", node);
      out.member("file", path);
      out.end_object();
    }
  } else if (name == "device_del") {
    done.push_back("device_del " + text(arguments, "id"));
    if (!guest_keeps) qemu_devices.erase(text(arguments, "id"));
  } else if (name == "blockdev-del") {
    const std::string node = text(arguments, "node-name");
    const auto user = used_by.find(node);
    if (user != used_by.end() && qemu_nodes.contains(user->second)) {
      return R"({"error": {"class": "GenericError", "desc": "Block device is in use"}})";
    }
    done.push_back("blockdev-del " + node);
    qemu_nodes.erase(node);
  }
  out.end_array();
  out.end_object();
  return out.take();
}

Domain FakeLibvirt::domain() {
  return Domain(library_, nullptr, reinterpret_cast<virDomainPtr>(this));
}

void FakeLibvirt::refuse(int code, std::string text) {
  refusal_ = std::move(text);
  error_ = virError{};
  error_.domain = VIR_FROM_QEMU;
  error_.code = code;
  error_.message = refusal_.data();
  last_error = &error_;
}

}  // namespace vbs::fakes
