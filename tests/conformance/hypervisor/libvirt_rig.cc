// Domains of a libvirtd, without an operating system; see with-libvirtd.

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "common/process.h"
#include "tests/conformance/hypervisor/loop_devices.h"
#include "tests/conformance/hypervisor/qemu_monitor.h"
#include "tests/conformance/hypervisor/rigs.h"
#include "tests/unit/common/support.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt_xml.h"

namespace vbs::conformance {
namespace {

constexpr const char* kUri = "qemu:///system";

process::Outcome virsh(std::vector<std::string> arguments) {
  process::Command command;
  command.argv = {"/usr/bin/virsh", "-q", "-c", kUri};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.run_limit = Milliseconds(120'000);  // the first start asks QEMU what it can do
  const auto outcome = process::run(command);
  EXPECT_TRUE(outcome.has_value());
  return outcome ? *outcome : process::Outcome{};
}

/// It has no SCSI controller, so that the driver has to bring one.
std::string domain_xml(const std::string& vm, const std::string& image) {
  return "<domain type='qemu'><name>" + vm + R"(</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os>
<features><acpi/></features><on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file=')" +
         image + R"('/><target dev='vda' bus='virtio'/><serial>)" + Rig::kForeign +
         R"(</serial></disk>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<controller type='usb' model='none'/><memballoon model='none'/></devices></domain>)";
}

class LibvirtRig final : public Rig {
 public:
  LibvirtRig() : devices_(dir_.path()) {}
  ~LibvirtRig() override {
    for (const std::string& vm : std::set<std::string>(vms_)) remove(vm);
  }

  std::string configuration() const override {
    return std::string("[hypervisor]\ndriver = \"libvirt\"\nuri = \"") + kUri + "\"\n";
  }

  void start(const std::string& vm) override {
    if (vms_.insert(vm).second) {
      const std::string image = dir_.path(vm + ".img");
      std::ofstream(image) << std::string(1 << 20, '\0');
      std::ofstream(dir_.path(vm + ".xml")) << domain_xml(vm, image);
      expect({"define", dir_.path(vm + ".xml")});
    }
    expect({"start", vm});
  }
  void cut_power(const std::string& vm) override { expect({"destroy", vm}); }
  void remove(const std::string& vm) override {
    hang(vm, false);
    virsh({"destroy", vm});  // it may be off
    expect({"undefine", vm});
    vms_.erase(vm);
  }

  Storage storage(unsigned number, bool read_only, bool there) override {
    return devices_.storage(number, read_only, there);
  }
  void grow(unsigned number, std::uint64_t size_bytes) override {
    devices_.grow(number, size_bytes);
  }
  char first_byte(unsigned number) override { return devices_.first_byte(number); }

  std::vector<ShownDisk> disks(const std::string& vm) override { return qemu_disks(monitor(vm)); }
  bool write(const std::string& vm, const std::string& serial, char byte) override {
    return qemu_write(monitor(vm), serial, byte);
  }
  bool keeps_disks() const override { return true; }
  bool leave_half(const std::string& vm, const Uuid& attachment, const Storage& storage) override {
    const Monitor qemu = monitor(vm);
    EXPECT_TRUE(qemu(R"({"execute": "blockdev-add", "arguments": {"driver": "host_device",
        "node-name": "libvirt-99-storage", "filename": ")" +
                     storage.host_path + R"("}})"));
    EXPECT_TRUE(qemu(R"({"execute": "blockdev-add", "arguments": {"driver": "raw",
        "node-name": "libvirt-99-format", "file": "libvirt-99-storage"}})"));
    // Where libvirt puts nothing.
    const std::string bus = "half" + std::to_string(halves_);
    EXPECT_TRUE(qemu(R"({"execute": "device_add", "arguments": {"driver": "virtio-scsi-pci",
        "id": ")" + bus +
                     R"(", "addr": "1)" + static_cast<char>('e' - halves_++) + R"("}})"));
    EXPECT_TRUE(qemu(R"({"execute": "device_add", "arguments": {"driver": "scsi-hd", "bus": ")" +
                     bus + R"(.0",
        "drive": "libvirt-99-format", "id": ")" +
                     vmm_delegate::libvirt::alias_of(attachment) + R"("}})"));
    return kill_daemon();
  }
  bool has_open(const std::string& vm, const Storage& storage) override {
    const auto nodes =
        virsh({"qemu-monitor-command", vm, R"({"execute": "query-named-block-nodes"})"});
    return nodes.out.find(storage.host_path) != std::string::npos;
  }
  bool hang(const std::string& vm, bool hung) override {
    int pid = 0;
    std::ifstream("/run/libvirt/qemu/" + vm + ".pid") >> pid;
    if (pid > 0) ::kill(pid, hung ? SIGSTOP : SIGCONT);
    return true;
  }

 private:
  static int daemon() {
    const char* file = std::getenv("VBS_LIBVIRTD_PIDFILE");
    int pid = 0;
    std::ifstream(file == nullptr ? "" : file) >> pid;
    return pid;
  }
  /// with-libvirtd starts another.
  static bool kill_daemon() {
    const int old = daemon();
    if (old <= 0 || ::kill(old, SIGKILL) != 0) return false;
    return test::eventually([&] { return daemon() > 0 && daemon() != old; }) &&
           test::eventually([] { return virsh({"list"}).exit_code == 0; });
  }
  static void expect(const std::vector<std::string>& arguments) {
    const auto outcome = virsh(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  }

  static Monitor monitor(const std::string& vm) {
    return [vm](const std::string& command) -> Result<json::Value> {
      const auto outcome = virsh({"qemu-monitor-command", vm, command});
      const auto answer = json::parse(outcome.out);
      const json::Value* value = answer ? answer->find("return") : nullptr;
      if (value == nullptr) return fail(ErrorCode::internal, outcome.err + outcome.out);
      return *value;
    };
  }

  test::TempDir dir_;
  LoopDevices devices_;
  int halves_ = 0;
  std::set<std::string> vms_;
};

}  // namespace

std::unique_ptr<Rig> make_libvirt_rig() {
  return std::make_unique<LibvirtRig>();
}

}  // namespace vbs::conformance
