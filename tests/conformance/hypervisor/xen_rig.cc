// Real Xen: this program runs in dom0 of the lab's Xen guest. VMs are paravirtual domains with a
// shell on their console (lab-vm), storage is SCSI disks of the kernel's own target (tcm_loop)
// under the names that udev gives to disks of iSCSI sessions.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "common/file.h"
#include "common/process.h"
#include "tests/conformance/hypervisor/loop_devices.h"
#include "tests/conformance/hypervisor/rigs.h"
#include "tests/unit/vmm_delegate/support.h"

namespace vbs::conformance {
namespace {

const std::string kTarget = "/sys/kernel/config/target";
const std::string kByPath = "/dev/disk/by-path/ip-10.9.0.1:3260-iscsi-iqn.2026-01.vbs:";

process::Outcome run(const std::string& text) {
  process::Command command;
  command.argv = {"/bin/bash", "-c", text};
  command.environment = {{"PATH", "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"}};
  command.run_limit = Milliseconds(180'000);
  const auto outcome = process::run(command);
  EXPECT_TRUE(outcome.has_value());
  return outcome ? *outcome : process::Outcome{};
}

std::string must(const std::string& text) {
  const process::Outcome outcome = run(text);
  EXPECT_EQ(outcome.exit_code, 0) << text << ": " << outcome.err;
  return outcome.out;
}

/// A loop device behind a SCSI disk that has a serial number.
class ScsiDisks {
 public:
  explicit ScsiDisks(const std::string& folder) : loops_(folder) {}
  ~ScsiDisks() {
    for (const auto& [number, link] : links_) remove(number, link);
  }

  Storage storage(unsigned number, bool read_only, bool there) {
    Storage storage = loops_.storage(number, read_only, there);
    const std::string loop = storage.host_path;
    storage.host_path = kByPath + test::test_id(number).str() + "-lun-1";
    if (!there || links_.contains(number)) return storage;
    const std::string serial = storage.session.volume.str();
    const std::string n = std::to_string(number);
    must("set -e; cd " + kTarget + "; mkdir -p core/iblock_" + n + "/disk; cd core/iblock_" + n +
         "/disk; echo udev_path=$(readlink -f " + loop + ") >control; echo 1 >enable; echo " +
         serial + " >wwn/vpd_unit_serial; mkdir -p " + tpg(number) + "; cd " + tpg(number) +
         "; echo naa.600140500000" + pad(number) + "f >nexus; mkdir lun/lun_0; ln -s " + kTarget +
         "/core/iblock_" + n + "/disk lun/lun_0/disk");
    const std::string disk =
        must("for _ in {1..100}; do for s in /sys/block/sd*; do if grep -aqs " + serial +
             " $s/device/vpd_pg80; then basename $s; exit 0; fi; done; sleep 0.1; done; exit 1");
    must("mkdir -p /dev/disk/by-path; ln -sfn /dev/" + disk.substr(0, disk.find('\n')) + " '" +
         storage.host_path + "'");
    links_[number] = storage.host_path;
    return storage;
  }
  void grow(unsigned number, std::uint64_t size_bytes) {
    loops_.grow(number, size_bytes);
    must("echo 1 >/sys/block/$(basename $(readlink -f '" + links_.at(number) + "'))/device/rescan");
  }
  char first_byte(unsigned number) const { return loops_.first_byte(number); }

 private:
  static std::string pad(unsigned number) {
    std::string text = std::to_string(number);
    return std::string(3 - text.size(), '0') + text;
  }
  static std::string tpg(unsigned number) {
    return kTarget + "/loopback/naa.600140500000" + pad(number) + "0/tpgt_1";
  }
  static void remove(unsigned number, const std::string& link) {
    must("rm -f '" + link + "'; cd " + tpg(number) +
         "; rm lun/lun_0/disk; rmdir lun/lun_0; echo NULL >nexus; "
         "cd /; rmdir " +
         tpg(number) + " " + tpg(number) + "/..; rmdir " + kTarget + "/core/iblock_" +
         std::to_string(number) + "/disk " + kTarget + "/core/iblock_" + std::to_string(number));
  }

  LoopDevices loops_;
  std::map<unsigned, std::string> links_;
};

class XenRig final : public Rig {
 public:
  XenRig() : disks_(dir_.path()) { must("modprobe -a tcm_loop target_core_iblock loop"); }
  ~XenRig() override {
    for (const std::string& vm : std::set<std::string>(vms_)) remove(vm);
  }

  std::string configuration() const override {
    return "[hypervisor]\ndriver = \"xen\"\ntoolstack = \"xl\"\n";
  }

  void start(const std::string& vm) override {
    run("xl destroy " + vm);  // what is off is kept
    const std::string image = dir_.path(vm + ".img");
    std::ofstream(image) << std::string(1 << 20, '\0');
    must("LAB_VM_MORE='on_poweroff = \"preserve\"\ndisk = [ \"file:" + image +
         ",xvda,w\" ]' lab-vm start xen " + vm);
    vms_.insert(vm);
  }
  void cut_power(const std::string& vm) override {
    run("xl unpause " + vm);  // it goes off by itself
    run("timeout 5 lab-vm run xen " + vm + " 'poweroff -f'");
    EXPECT_TRUE(test::eventually(
        [&] { return run("xl list " + vm + " | grep -q -e '---s--'").exit_code == 0; }));
  }
  void remove(const std::string& vm) override {
    must("xl destroy " + vm);
    vms_.erase(vm);
  }

  Storage storage(unsigned number, bool read_only, bool there) override {
    return disks_.storage(number, read_only, there);
  }
  void grow(unsigned number, std::uint64_t size_bytes) override { disks_.grow(number, size_bytes); }
  char first_byte(unsigned number) override {
    must("sync");
    return disks_.first_byte(number);
  }

  std::vector<ShownDisk> disks(const std::string& vm) override {
    std::istringstream lines(run(kDisksOf + vm).out);
    std::vector<ShownDisk> all;
    std::string device, state, mode, serial, sectors;
    while (lines >> device >> state >> mode >> serial >> sectors) {
      const bool ours = serial != "-";
      all.push_back({ours ? serial : kForeign, mode == "r", std::stoull(sectors) * 512});
    }
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.serial < b.serial; });
    return all;
  }
  bool write(const std::string& vm, const std::string& serial, char byte) override {
    std::istringstream lines(run(kDisksOf + vm).out);
    std::string device, state, mode, its_serial, sectors;
    while (lines >> device >> state >> mode >> its_serial >> sectors) {
      if (its_serial != serial) continue;
      const std::string name = "/dev/xvd" + device.substr(device.size() - 1);
      const std::string text = "head -c 4096 /dev/zero | tr '\\\\0' " + std::string(1, byte) +
                               " | dd of=" + name + " bs=4096 conv=fsync";
      return run("lab-vm run xen " + vm + " \"" + text + "\"").exit_code == 0;
    }
    return false;
  }
  bool keeps_disks() const override { return false; }
  bool has_uuids() const override { return false; }
  bool hang(const std::string&, bool) override { return false; }

 private:
  /// DEVICE STATE MODE SERIAL SECTORS of each disk of a domain, "-" for no serial number.
  static constexpr const char* kDisksOf =
      "disks() { back=/local/domain/0/backend/vbd/$(xl domid $1); "
      "for n in $(xenstore-list $back 2>/dev/null); do read() { xenstore-read $back/$n/$1 "
      "2>/dev/null; }; "
      "m=$(read physical-device); "
      "page=/sys/dev/block/$((0x${m%:*})):$((0x${m#*:}))/device/vpd_pg80; "
      "serial=$(tail -c +5 $page 2>/dev/null | tr -d '\\0'); sectors=$(read sectors); "
      "echo $(read dev) $(read state) $(read mode) ${serial:--} ${sectors:-0}; done; }; disks ";

  test::TempDir dir_;
  ScsiDisks disks_;
  std::set<std::string> vms_;
};

}  // namespace

std::unique_ptr<Rig> make_xen_rig() {
  return std::make_unique<XenRig>();
}

}  // namespace vbs::conformance
