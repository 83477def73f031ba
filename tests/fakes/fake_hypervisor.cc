#include "tests/fakes/fake_hypervisor.h"

#include <fmt/format.h>

#include <algorithm>

#include "vmm_delegate/hypervisor/vm_words.h"

namespace vbs::fakes {

using vmm_delegate::Detachment;
using vmm_delegate::FileFreeze;
using vmm_delegate::GuestDisk;
using vmm_delegate::GuestTalk;
using vmm_delegate::GuestView;
using vmm_delegate::Visit;
using vmm_delegate::VmView;

void FakeHypervisor::add_vm(const std::string& name, bool agent, const std::optional<Uuid>& uuid) {
  const std::lock_guard lock(mutex_);
  Machine machine;
  machine.agent = agent;
  machine.uuid = uuid ? uuid : Uuid::parse(fmt::format("00000000-0000-4000-8000-{:012}", ++made_));
  machines_.insert_or_assign(name, std::move(machine));
}

void FakeHypervisor::remove_vm(const std::string& name) {
  const std::lock_guard lock(mutex_);
  machines_.erase(name);
}

void FakeHypervisor::rename_vm(const std::string& name, const std::string& other) {
  const std::lock_guard lock(mutex_);
  auto machine = machines_.extract(name);
  machine.key() = other;
  for (auto& [attachment, device] : machine.mapped().devices) device.vm = other;
  machines_.insert(std::move(machine));
}

void FakeHypervisor::set_state(const std::string& name, const std::string& state) {
  const std::lock_guard lock(mutex_);
  Machine& machine = machines_.at(name);
  if (state == "off") {
    Machine after;
    after.uuid = machine.uuid;
    after.agent = machine.agent;
    after.persistent = machine.persistent;
    if (machine.persistent) after.devices = std::move(machine.devices);
    for (auto& [attachment, device] : after.devices) device.state = "detaching";
    machine = std::move(after);
  }
  machine.state = state;
}

void FakeHypervisor::set_agent(const std::string& name, bool agent) {
  const std::lock_guard lock(mutex_);
  machines_.at(name).agent = agent;
}

void FakeHypervisor::define(const std::string& vm, bool persistent) {
  const std::lock_guard lock(mutex_);
  machines_.at(vm).persistent = persistent;
}

void FakeHypervisor::mount(const std::string& vm, const std::string& serial,
                           const std::string& mountpoint) {
  const std::lock_guard lock(mutex_);
  machines_.at(vm).mounts[serial].push_back(mountpoint);
}

void FakeHypervisor::unmount(const std::string& vm, const std::string& serial) {
  const std::lock_guard lock(mutex_);
  machines_.at(vm).mounts.erase(serial);
}

void FakeHypervisor::hold_devices(const std::string& vm, bool hold) {
  const std::lock_guard lock(mutex_);
  machines_.at(vm).holds_devices = hold;
}

void FakeHypervisor::keep_in_guest(const std::string& vm, bool keep) {
  const std::lock_guard lock(mutex_);
  machines_[vm].guest_is_slow = keep;
}

void FakeHypervisor::write(const std::string& vm) {
  const std::lock_guard lock(mutex_);
  ++machines_.at(vm).writes;
}

void FakeHypervisor::freeze_inside(const std::string& vm) {
  const std::lock_guard lock(mutex_);
  machines_.at(vm).files_frozen = true;
}

void FakeHypervisor::set_fault(Fault fault) {
  const std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
}

void FakeHypervisor::set_disk_size(DiskSize size) {
  const std::lock_guard lock(mutex_);
  disk_size_ = std::move(size);
}

void FakeHypervisor::let_readers_grow(bool grow) {
  const std::lock_guard lock(mutex_);
  readers_grow_ = grow;
}

std::string FakeHypervisor::last_path() const {
  const std::lock_guard lock(mutex_);
  return last_path_;
}

std::string FakeHypervisor::state(const std::string& vm) const {
  const std::lock_guard lock(mutex_);
  return machines_.at(vm).state;
}

bool FakeHypervisor::files_frozen(const std::string& vm) const {
  const std::lock_guard lock(mutex_);
  return machines_.at(vm).files_frozen;
}

bool FakeHypervisor::uses(const Uuid& attachment) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(machines_.begin(), machines_.end(), [&](const auto& entry) {
    return entry.second.state != "off" && entry.second.devices.contains(attachment);
  });
}

std::vector<std::string> FakeHypervisor::effects() const {
  const std::lock_guard lock(mutex_);
  return effects_;
}

Result<FakeHypervisor::Machine*> FakeHypervisor::find(const std::string& name) {
  const auto found = machines_.find(name);
  if (found == machines_.end()) {
    return fail(ErrorCode::not_found, "there is no VM '" + name + "'");
  }
  if (found->second.state == "unknown") {
    return fail(ErrorCode::timeout, "VM '" + name + "' does not answer");
  }
  return &found->second;
}

Result<FakeHypervisor::Machine*> FakeHypervisor::find_on(const std::string& name) {
  auto machine = find(name);
  if (!machine && machine.error().code == ErrorCode::not_found) return nullptr;
  if (machine && (*machine)->state == "off") return nullptr;
  return machine;
}

Result<void> FakeHypervisor::fault(std::string_view call, bool after) const {
  if (!fault_) return {};
  auto error = fault_(call, after);
  if (error) return fail(*std::move(error));
  return {};
}

wire::VmStatus FakeHypervisor::status_of(const std::string& name, const Machine& machine) const {
  return {name, machine.state, machine.agent && machine.state != "off", machine.uuid};
}

Result<std::vector<wire::VmStatus>> FakeHypervisor::vms() {
  const std::lock_guard lock(mutex_);
  std::vector<wire::VmStatus> all;
  for (const auto& [name, machine] : machines_) all.push_back(status_of(name, machine));
  return all;
}

Result<wire::VmStatus> FakeHypervisor::vm(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto machine = find(name);
  if (!machine) return fail(machine.error());
  return status_of(name, **machine);
}

Result<VmView> FakeHypervisor::look(const std::string& vm) {
  const std::lock_guard lock(mutex_);
  const auto machine = find(vm);
  if (!machine) return fail(machine.error());
  VmView view{status_of(vm, **machine), {}};
  for (const auto& [attachment, device] : (*machine)->devices) view.devices.push_back(device);
  return view;
}

Result<wire::DeviceStatus> FakeHypervisor::attach(const Uuid& attachment,
                                                  const wire::DeviceSpec& spec,
                                                  const std::string& host_path) {
  const std::lock_guard lock(mutex_);
  last_path_ = host_path;
  const auto machine = find(spec.vm);
  if (!machine) return fail(machine.error());
  if ((*machine)->state == "off") return fail(ErrorCode::conflict, "VM '" + spec.vm + "' is off");
  if (auto same = vmm_delegate::check_same_vm((*machine)->uuid, spec); !same) {
    return fail(vmm_delegate::in_vm(spec.vm, same.error()));
  }
  if (auto ok = fault("attach", false); !ok) return fail(ok.error());
  const auto shown = (*machine)->devices.find(attachment);
  if (shown != (*machine)->devices.end()) {
    const bool same = shown->second.state == "attached" &&
                      shown->second.serial == spec.session.volume.str() &&
                      shown->second.read_only == spec.session.read_only;
    if (same) return shown->second;
    return fail(ErrorCode::operation_in_progress, "the VM shows another device");
  }
  wire::DeviceStatus status;
  status.attachment = attachment;
  status.vm = spec.vm;
  status.serial = spec.session.volume.str();
  status.state = "attached";
  status.read_only = spec.session.read_only;
  status.grows = readers_grow_ || !status.read_only;
  if (disk_size_) status.size_bytes = disk_size_(spec.session.volume);
  (*machine)->devices[attachment] = status;
  effects_.push_back("attach " + spec.vm + " " + attachment.str());
  if (auto ok = fault("attach", true); !ok) return fail(ok.error());
  return status;
}

Result<Detachment> FakeHypervisor::detach(const std::string& vm, const Uuid& attachment) {
  const std::lock_guard lock(mutex_);
  const auto machine = find(vm);
  if (!machine && machine.error().code == ErrorCode::not_found) return Detachment{};
  if (!machine) return fail(machine.error());
  if (auto ok = fault("detach", false); !ok) return fail(ok.error());
  const auto shown = (*machine)->devices.find(attachment);
  if (shown == (*machine)->devices.end()) return Detachment{};
  if ((*machine)->holds_devices) {
    shown->second.state = "detaching";
    return Detachment{"VM '" + vm + "' has requests under way on the device"};
  }
  (*machine)->mounts.erase(shown->second.serial);
  if ((*machine)->guest_is_slow) (*machine)->seen_in_guest.insert(*shown);
  (*machine)->devices.erase(shown);
  effects_.push_back("detach " + vm + " " + attachment.str());
  if (auto ok = fault("detach", true); !ok) return fail(ok.error());
  return Detachment{};
}

Result<void> FakeHypervisor::resize(const std::string& vm, const Uuid& attachment,
                                    std::uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  const auto machine = find(vm);
  if (!machine) return fail(machine.error());
  if ((*machine)->state == "off") return {};
  if (auto ok = fault("resize", false); !ok) return ok;
  const auto shown = (*machine)->devices.find(attachment);
  if (shown == (*machine)->devices.end()) {
    return fail(ErrorCode::not_found, "VM '" + vm + "' shows nothing of this attachment");
  }
  if (shown->second.size_bytes == size_bytes) return {};
  if (!shown->second.grows) return fail(ErrorCode::conflict, "a reader does not grow");
  if (disk_size_ && disk_size_(*Uuid::parse(shown->second.serial)) != size_bytes) {
    return fail(ErrorCode::node_unavailable, "the storage of VM '" + vm + "' has another size");
  }
  shown->second.size_bytes = size_bytes;
  effects_.push_back("resize " + vm + " " + attachment.str());
  return fault("resize", true);
}

Result<GuestView> FakeHypervisor::guest_view(const std::string& vm, const std::string& serial) {
  const std::lock_guard lock(mutex_);
  const auto machine = find_on(vm);
  if (!machine) return fail(machine.error());
  if (*machine == nullptr || !(*machine)->agent) return GuestView{};
  if ((*machine)->state != "running") return fail(ErrorCode::conflict, "VM '" + vm + "' is paused");
  if ((*machine)->files_frozen) return fail(ErrorCode::conflict, "the guest is frozen");
  GuestView view{true, std::nullopt};
  char letter = 'a';
  auto seen = (*machine)->devices;
  seen.insert((*machine)->seen_in_guest.begin(), (*machine)->seen_in_guest.end());
  for (const auto& [attachment, device] : seen) {
    if (device.serial == serial) {
      view.disk = GuestDisk{std::string("/dev/sd") + letter, (*machine)->mounts[serial]};
    }
    ++letter;
  }
  return view;
}

Result<Visit> FakeHypervisor::visit(const std::string& vm) {
  class Talk final : public GuestTalk {
   public:
    Talk(FakeHypervisor& owner, std::string vm) : owner_(owner), vm_(std::move(vm)) {}
    Result<GuestView> look(std::string_view serial) override {
      return owner_.guest_view(vm_, std::string(serial));
    }
    Result<GuestView> look_at_mounts(std::string_view serial) override { return look(serial); }
    Result<GuestView> wait_until(bool, std::string_view serial, Milliseconds) override {
      return look(serial);
    }

   private:
    FakeHypervisor& owner_;
    const std::string vm_;
  };
  auto view = look(vm);
  if (!view) return fail(view.error());
  return Visit{*std::move(view), std::make_unique<Talk>(*this, vm)};
}

bool FakeHypervisor::agent_answers(const std::string& vm) {
  const std::lock_guard lock(mutex_);
  const auto machine = find_on(vm);
  return machine && *machine != nullptr && (*machine)->agent && (*machine)->state == "running";
}

Result<bool> FakeHypervisor::pause(const std::string& vm) {
  const std::lock_guard lock(mutex_);
  const auto machine = find(vm);
  if (!machine) return fail(machine.error());
  if ((*machine)->state == "off") return fail(ErrorCode::conflict, "VM '" + vm + "' is off");
  if (auto ok = fault("pause", false); !ok) return fail(ok.error());
  if ((*machine)->state == "paused") return false;
  (*machine)->state = "paused";
  effects_.push_back("pause " + vm);
  if (auto ok = fault("pause", true); !ok) return fail(ok.error());
  return true;
}

Result<std::int64_t> FakeHypervisor::writes(const std::string& vm) {
  const std::lock_guard lock(mutex_);
  const auto machine = find(vm);
  if (!machine) return fail(machine.error());
  if ((*machine)->state == "off") return fail(ErrorCode::conflict, "VM '" + vm + "' is off");
  return (*machine)->writes;
}

Result<void> FakeHypervisor::resume(const std::string& vm) {
  const std::lock_guard lock(mutex_);
  const auto machine = find_on(vm);
  if (!machine) return fail(machine.error());
  if (auto ok = fault("resume", false); !ok) return ok;
  if (*machine == nullptr || (*machine)->state == "running") return {};
  (*machine)->state = "running";
  effects_.push_back("resume " + vm);
  return fault("resume", true);
}

Result<FileFreeze> FakeHypervisor::freeze_files(const std::string& vm) {
  const std::lock_guard lock(mutex_);
  const auto machine = find(vm);
  if (!machine) return fail(machine.error());
  if (!(*machine)->agent || (*machine)->state != "running") {
    return fail(ErrorCode::timeout, "the guest agent does not answer");
  }
  if (auto ok = fault("freeze_files", false); !ok) return fail(ok.error());
  if ((*machine)->files_frozen) return FileFreeze::was_frozen;
  (*machine)->files_frozen = true;
  effects_.push_back("freeze_files " + vm);
  if (auto ok = fault("freeze_files", true); !ok) return fail(ok.error());
  return FileFreeze::frozen;
}

Result<void> FakeHypervisor::thaw_files(const std::string& vm) {
  const std::lock_guard lock(mutex_);
  const auto machine = find_on(vm);
  if (!machine) return fail(machine.error());
  if (*machine == nullptr) return {};
  if (!(*machine)->agent || (*machine)->state != "running") {
    return fail(ErrorCode::timeout, "the guest agent does not answer");
  }
  if (auto ok = fault("thaw_files", false); !ok) return ok;
  if (!(*machine)->files_frozen) return {};
  (*machine)->files_frozen = false;
  effects_.push_back("thaw_files " + vm);
  return fault("thaw_files", true);
}

}  // namespace vbs::fakes
