#include "vmm_delegate/hypervisor/libvirt/libvirt_xml.h"

#include <algorithm>
#include <array>
#include <pugixml.hpp>
#include <sstream>

#include "vmm_delegate/hypervisor/scsi_address.h"

namespace vbs::vmm_delegate::libvirt {
namespace {

constexpr std::string_view kAlias = "ua-vbs-";
constexpr std::string_view kAgentChannel = "org.qemu.guest_agent.0";

struct BusNames {
  std::string_view word;
  std::string_view target;  ///< how disks are named
};
constexpr std::array kBuses{BusNames{"scsi", "sd"}, BusNames{"virtio", "vd"},
                            BusNames{"xen", "xvd"}};

const BusNames& names_of(DiskBus bus) {
  return kBuses[static_cast<std::size_t>(bus)];
}

Disk read_disk(const pugi::xml_node& node) {
  Disk disk;
  disk.alias = node.child("alias").attribute("name").value();
  const pugi::xml_node source = node.child("source");
  disk.source = source.attribute("dev").value();
  if (disk.source.empty()) disk.source = source.attribute("file").value();
  disk.target = node.child("target").attribute("dev").value();
  disk.serial = node.child_value("serial");
  disk.read_only = static_cast<bool>(node.child("readonly"));
  const pugi::xml_node address = node.child("address");
  if (std::string_view(address.attribute("type").value()) == "drive") {
    disk.place =
        ScsiPlace{address.attribute("controller").as_uint(), address.attribute("target").as_uint(),
                  address.attribute("unit").as_uint()};
  }
  return disk;
}

bool is_virtio(std::string_view model) {
  return model == "virtio-scsi" || model.starts_with("virtio-");
}

/// "sdb" -> "b"; "" for what is no disk's name.
std::string_view letters_of(std::string_view device) {
  device.remove_prefix(std::min(device.rfind('/') + 1, device.size()));
  for (const std::string_view prefix : {"xvd", "sd", "vd"}) {
    if (device.starts_with(prefix)) return device.substr(prefix.size());
  }
  return "";
}

/// "z" -> "aa", as the kernel counts disks.
std::string next_letters(std::string letters) {
  for (std::size_t i = letters.size(); i-- > 0;) {
    if (letters[i] != 'z') {
      ++letters[i];
      return letters;
    }
    letters[i] = 'a';
  }
  return "a" + letters;
}

std::string print(const pugi::xml_document& document) {
  std::ostringstream out;
  document.save(out, "", pugi::format_raw | pugi::format_no_declaration);
  return out.str();
}

}  // namespace

std::optional<DiskBus> disk_bus(std::string_view word) {
  const auto* found = std::find_if(kBuses.begin(), kBuses.end(),
                                   [&](const BusNames& bus) { return bus.word == word; });
  if (found == kBuses.end()) return std::nullopt;
  return static_cast<DiskBus>(found - kBuses.begin());
}

std::string alias_of(const Uuid& attachment) {
  return std::string(kAlias) + attachment.str();
}

std::optional<Uuid> attachment_of_alias(std::string_view alias) {
  if (!alias.starts_with(kAlias)) return std::nullopt;
  return Uuid::parse(alias.substr(kAlias.size()));
}

std::optional<Uuid> Disk::attachment() const {
  return attachment_of_alias(alias);
}

const Disk* Machine::find(const Uuid& attachment) const {
  const auto found = std::find_if(disks.begin(), disks.end(), [&](const Disk& disk) {
    return disk.attachment() == attachment;
  });
  return found == disks.end() ? nullptr : &*found;
}

std::optional<unsigned> Machine::virtio_scsi() const {
  for (const auto& [index, virtio] : scsi_controllers) {
    if (virtio) return index;
  }
  return std::nullopt;
}

std::set<std::string> Machine::targets() const {
  std::set<std::string> all;
  for (const Disk& disk : disks) all.insert(disk.target);
  return all;
}

Result<Machine> parse_machine(std::string_view xml) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(xml.data(), xml.size());
  const pugi::xml_node domain = document.child("domain");
  if (!parsed || !domain) {
    return fail(ErrorCode::internal,
                std::string("libvirt's domain XML is not understood: ") + parsed.description());
  }
  Machine machine;
  const pugi::xml_node devices = domain.child("devices");
  for (const pugi::xml_node& disk : devices.children("disk")) {
    machine.disks.push_back(read_disk(disk));
  }
  for (const pugi::xml_node& controller : devices.children("controller")) {
    if (std::string_view(controller.attribute("type").value()) != "scsi") continue;
    machine.scsi_controllers[controller.attribute("index").as_uint()] =
        is_virtio(controller.attribute("model").value());
  }
  for (const pugi::xml_node& channel : devices.children("channel")) {
    const pugi::xml_node target = channel.child("target");
    if (target.attribute("name").value() != kAgentChannel) continue;
    machine.agent = std::string_view(target.attribute("state").value()) == "connected";
  }
  return machine;
}

ScsiPlace free_place(const Uuid& attachment, unsigned controller,
                     const std::vector<const Machine*>& machines) {
  std::set<ScsiPlace> taken;
  for (const Machine* machine : machines) {
    for (const Disk& disk : machine->disks) {
      if (disk.place) taken.insert(*disk.place);
    }
  }
  for (unsigned attempt = 0;; ++attempt) {
    const auto address = scsi_address(attachment, attempt);
    const ScsiPlace place{controller, address.target, address.unit};
    // There are more places than a domain can have disks.
    if (!taken.contains(place)) return place;
  }
}

std::string free_target(std::string_view device, DiskBus bus,
                        const std::vector<const Machine*>& machines) {
  std::set<std::string> taken;
  for (const Machine* machine : machines) taken.merge(machine->targets());
  std::string letters(letters_of(device));
  if (letters.empty()) letters = "b";
  while (true) {
    std::string target = std::string(names_of(bus).target) + letters;
    if (!taken.contains(target)) return target;
    letters = next_letters(std::move(letters));
  }
}

std::string disk_xml(const Disk& disk, DiskBus bus) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("disk");
  root.append_attribute("type") = "block";
  root.append_attribute("device") = "disk";
  pugi::xml_node driver = root.append_child("driver");
  driver.append_attribute("name") = bus == DiskBus::xen ? "phy" : "qemu";
  if (bus != DiskBus::xen) {
    driver.append_attribute("type") = "raw";
    driver.append_attribute("cache") = "none";
    driver.append_attribute("io") = "native";
    driver.append_attribute("discard") = "unmap";
  }
  pugi::xml_node source = root.append_child("source");
  source.append_attribute("dev") = disk.source.c_str();
  // A VM that is started before its volume is back on this host starts without it.
  source.append_attribute("startupPolicy") = "optional";
  pugi::xml_node target = root.append_child("target");
  target.append_attribute("dev") = disk.target.c_str();
  target.append_attribute("bus") = std::string(names_of(bus).word).c_str();
  if (disk.read_only) root.append_child("readonly");
  root.append_child("serial").text() = disk.serial.c_str();
  root.append_child("alias").append_attribute("name") = disk.alias.c_str();
  if (disk.place) {
    pugi::xml_node address = root.append_child("address");
    address.append_attribute("type") = "drive";
    address.append_attribute("controller") = disk.place->controller;
    address.append_attribute("bus") = 0;
    address.append_attribute("target") = disk.place->target;
    address.append_attribute("unit") = disk.place->unit;
  }
  return print(document);
}

std::string controller_xml(unsigned index) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("controller");
  root.append_attribute("type") = "scsi";
  root.append_attribute("index") = index;
  root.append_attribute("model") = "virtio-scsi";
  return print(document);
}

}  // namespace vbs::vmm_delegate::libvirt
