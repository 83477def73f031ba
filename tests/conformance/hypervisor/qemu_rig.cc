// QEMUs without an operating system, each with its QMP socket.

#include <signal.h>

#include <map>
#include <optional>

#include "tests/conformance/hypervisor/loop_devices.h"
#include "tests/conformance/hypervisor/qemu_monitor.h"
#include "tests/conformance/hypervisor/rigs.h"
#include "tests/unit/vmm_delegate/machine_support.h"
#include "vmm_delegate/hypervisor/qemu/qmp.h"

namespace vbs::conformance {
namespace {

class QemuRig : public Rig {
 public:
  std::string configuration() const override {
    return "[hypervisor]\ndriver = \"qemu\"\niscsi_timeout = \"1s\"\nfolder = \"" + dir_.path() +
           "\"\n";
  }

  void start(const std::string& vm) override {
    const auto [uuid, made] = uuids_.try_emplace(vm, test::test_id(5000 + made_).str());
    if (made) ++made_;
    std::vector<std::string> more = test::kScsi;
    more.insert(more.end(), {"-uuid", uuid->second});
    more.insert(more.end(),
                {"-blockdev", "null-co,node-name=other,size=1048576", "-device",
                 std::string("scsi-hd,bus=scsi0.0,id=other,drive=other,serial=") + kForeign});
    vms_[vm] = test::start_qemu(dir_.path(), vm, more);
    EXPECT_TRUE(test::eventually([&] { return connect(vm).has_value(); }));
  }
  void cut_power(const std::string& vm) override { vms_.at(vm).kill(); }
  void remove(const std::string& vm) override {
    vms_.erase(vm);
    uuids_.erase(vm);
    std::filesystem::remove(dir_.path(vm + ".qmp"));
  }

  std::vector<ShownDisk> disks(const std::string& vm) override { return qemu_disks(monitor(vm)); }
  bool write(const std::string& vm, const std::string& serial, char byte) override {
    return qemu_write(monitor(vm), serial, byte);
  }
  bool keeps_disks() const override { return false; }
  bool hang(const std::string& vm, bool hung) override {
    vms_.at(vm).signal(hung ? SIGSTOP : SIGCONT);
    return true;
  }

 protected:
  const std::string& folder() { return folder_; }

 private:
  Result<vmm_delegate::Qmp> connect(const std::string& vm) const {
    const Milliseconds patience{20'000};
    return vmm_delegate::Qmp::connect(dir_.path(vm + ".qmp"), {patience, patience});
  }

  Monitor monitor(const std::string& vm) const {
    return [this, vm](const std::string& command) -> Result<json::Value> {
      auto qmp = connect(vm);
      if (!qmp) return fail(qmp.error());
      const auto question = json::parse(command);
      return qmp->execute(*question->find("execute")->as<std::string>(), [&](json::Writer& out) {
        const json::Value* arguments = question->find("arguments");
        if (arguments == nullptr) return;
        for (const auto& [key, value] : *arguments->as<json::Value::Object>()) {
          out.member(key, *value.as<std::string>());
        }
      });
    };
  }

  test::TempDir dir_;
  const std::string folder_ = dir_.path();
  std::map<std::string, test::Child> vms_;
  std::map<std::string, std::string> uuids_;
  unsigned made_ = 0;
};

/// VMs are their own initiators.
class OwnInitiatorRig final : public QemuRig {
 public:
  OwnInitiatorRig() : tgtd_(folder()) {}

  Storage storage(unsigned number, bool read_only, bool there) override {
    if (!there) {
      Storage none{test::device_spec("", test::test_id(1000 + number)).session, ""};
      none.session.portal = test::free_portal();
      return none;
    }
    if (const auto known = served_.find(number); known != served_.end()) return {known->second, ""};
    auto session = tgtd_.serve(number, test::test_id(1000 + number), kInitiator);
    if (read_only) {
      EXPECT_TRUE(tgtd_.make_read_only(number));
    }
    session.read_only = read_only;
    served_[number] = session;
    return {session, ""};
  }
  /// tgtd takes a new size with a new logical unit only.
  void grow(unsigned number, std::uint64_t size_bytes) override {
    const std::string serial = served_.at(number).volume.str();
    const std::string tid = std::to_string(number);
    std::filesystem::resize_file(folder() + "/" + serial, size_bytes);
    EXPECT_TRUE(tgtd_.drop_unit(number));
    EXPECT_TRUE(tgtd_.admin({"--mode", "logicalunit", "--op", "new", "--tid", tid, "--lun", "1",
                             "-b", folder() + "/" + serial, "--bstype", "rdwr"}));
    EXPECT_TRUE(tgtd_.admin({"--mode", "logicalunit", "--op", "update", "--tid", tid, "--lun", "1",
                             "--params", "scsi_sn=" + serial}));
  }
  char first_byte(unsigned number) override {
    char byte = 0;
    std::ifstream(folder() + "/" + served_.at(number).volume.str(), std::ios::binary).get(byte);
    return byte;
  }

 private:
  test::TestTgtd tgtd_;
  std::map<unsigned, wire::SessionSpec> served_;
};

/// VMs get devices of the host.
class HostDeviceRig final : public QemuRig {
 public:
  HostDeviceRig() : devices_(folder()) {}

  Storage storage(unsigned number, bool read_only, bool there) override {
    return devices_.storage(number, read_only, there);
  }
  void grow(unsigned number, std::uint64_t size_bytes) override {
    devices_.grow(number, size_bytes);
  }
  char first_byte(unsigned number) override { return devices_.first_byte(number); }

 private:
  LoopDevices devices_;
};

}  // namespace

std::unique_ptr<Rig> make_qemu_rig() {
  return std::make_unique<OwnInitiatorRig>();
}

std::unique_ptr<Rig> make_qemu_device_rig() {
  return std::make_unique<HostDeviceRig>();
}

}  // namespace vbs::conformance
