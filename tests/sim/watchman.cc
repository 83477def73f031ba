#include "tests/sim/watchman.h"

#include <algorithm>
#include <map>

namespace vbs::sim {

Watchman::Watchman(World& world) : world_(world) {
  world_.network.set_watch([this] { look(); });
}

Watchman::~Watchman() {
  world_.network.set_watch({});
}

void Watchman::look() {
  auto there = world_.there();
  // One without a device tells a VM that its disk is gone.
  for (const auto& target : world_.volumes.target.targets()) {
    if (target.device.empty()) there.erase("target " + target.iqn);
  }
  look_for_second_writers(there);
  if (!world_.front_runs()) return;
  look_for_the_dead(there);
  look_for_other_vms();
}

void Watchman::look_for_the_dead(const std::set<std::string>& there) {
  const auto wanted = world_.wanted();
  for (const std::string& name : there) {
    if (gone_.contains(name)) report("is back: " + name);
  }
  for (const std::string& name : seen_) {
    if (!there.contains(name) && !wanted.contains(name)) gone_.insert(name);
  }
  seen_.insert(there.begin(), there.end());
}

void Watchman::look_for_second_writers(const std::set<std::string>& there) {
  std::map<std::string, std::vector<wire::DeviceStatus>> users;  // by volume
  for (const char* vm : {"vm1", "vm2"}) {
    const auto view = world_.vmm.hypervisor.look(vm);
    if (!view) continue;
    for (const auto& device : view->devices) {
      // Without a target the device is there, but leads nowhere.
      if (there.contains("target iqn.2026-01.vbs:" + device.attachment.str()))
        users[device.serial].push_back(device);
    }
  }
  for (const auto& [volume, devices] : users) {
    const bool written = std::any_of(devices.begin(), devices.end(),
                                     [](const auto& device) { return !device.read_only; });
    if (written && devices.size() > 1) report("a second VM reaches volume " + volume);
  }
}

void Watchman::look_for_other_vms() {
  const auto rows = world_.attachments();
  for (const std::string vm : {"vm1", "vm2"}) {
    const auto view = world_.vmm.hypervisor.look(vm);
    if (!view) continue;
    for (const auto& device : view->devices) {
      const auto row = std::find_if(rows.begin(), rows.end(), [&](const db::Attachment& a) {
        return a.id == device.attachment && a.vm_uuid && a.vm_uuid != view->status.uuid;
      });
      if (row != rows.end()) report("another " + vm + " shows " + device.attachment.str());
    }
  }
}

void Watchman::report(const std::string& what) {
  if (std::find(findings_.begin(), findings_.end(), what) == findings_.end())
    findings_.push_back(what);
}

}  // namespace vbs::sim
