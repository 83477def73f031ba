// The stand-in for a Xen host, tests/fakes/xen_host, under xl or xm.

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "common/config.h"
#include "common/process.h"
#include "tests/conformance/hypervisor/rigs.h"
#include "tests/unit/vmm_delegate/machine_support.h"
#include "vmm_delegate/hypervisor/xen/xen.h"

namespace vbs::conformance {
namespace {

constexpr const char* kPython = "/usr/bin/python3";
constexpr const char* kHost = VBS_SOURCE_DIR "/tests/fakes/xen_host";
constexpr const char* kPatience = "0.3";
constexpr const char* kSizeText = "8388608";

class XenHostRig final : public Rig {
 public:
  explicit XenHostRig(std::string toolstack)
      : toolstack_(std::move(toolstack)),
        host_({kPython, "-I", "-B", kHost, "serve", dir_.path(), kPatience}, {}, dir_.path("log")) {
    const std::string ready = dir_.path("ready");
    EXPECT_TRUE(test::eventually([&] { return ::access(ready.c_str(), F_OK) == 0; }));
  }

  std::string configuration() const override {
    return "[xen-host]\nfolder = \"" + dir_.path() + "\"\ntoolstack = \"" + toolstack_ + "\"\n";
  }

  void start(const std::string& vm) override {
    if (crashed_.erase(vm) > 0) order({"destroy", vm});
    order({"create", vm});
    const std::string disk = "/dev/vg/" + vm;
    if (devices_.insert(disk).second) order({"device", disk, kForeign, "1048576"});
    order({"plug", vm, disk, "xvda", "w"});
    EXPECT_TRUE(test::eventually([&] { return disks(vm).size() == 1; }));
  }
  /// xl knows no VM that is off, but one that has crashed and is kept.
  void cut_power(const std::string& vm) override {
    if (toolstack_ == "xm") {
      order({"shut-down", vm});
      return;
    }
    order({"set", vm, "crashed", "1"});
    crashed_.insert(vm);
  }
  void remove(const std::string& vm) override { order({"destroy", vm}); }

  Storage storage(unsigned number, bool read_only, bool there) override {
    Storage storage;
    storage.session = test::device_spec("", test::test_id(1000 + number)).session;
    storage.session.read_only = read_only;
    storage.host_path = path_of(number);
    if (there && devices_.insert(storage.host_path).second) {
      order({"device", storage.host_path, storage.session.volume.str(), kSizeText});
    }
    return storage;
  }
  void grow(unsigned number, std::uint64_t size_bytes) override {
    order({"resize", path_of(number), std::to_string(size_bytes)});
  }
  char first_byte(unsigned number) override {
    const std::string path = path_of(number);
    char byte = 0;
    std::ifstream(dir_.path("images") + path.substr(path.rfind('/')), std::ios::binary).get(byte);
    return byte;
  }

  std::vector<ShownDisk> disks(const std::string& vm) override {
    std::vector<ShownDisk> all;
    std::istringstream lines(order({"disks", vm}));
    ShownDisk disk;
    for (std::string mode; lines >> disk.serial >> mode >> disk.size_bytes;) {
      disk.read_only = mode == "r";
      all.push_back(disk);
    }
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.serial < b.serial; });
    return all;
  }
  bool write(const std::string& vm, const std::string& serial, char byte) override {
    return order({"write", vm, serial, std::string(1, byte)}) == "4096";
  }
  bool keeps_disks() const override { return false; }
  bool has_uuids() const override { return false; }
  bool hang(const std::string&, bool) override { return false; }

 private:
  static std::string path_of(unsigned number) {
    return "/dev/disk/by-path/ip-10.9.0.1:3260-iscsi-iqn.2026-01.vbs:" +
           test::test_id(number).str() + "-lun-1";
  }
  std::string order(const std::vector<std::string>& words) {
    process::Command command;
    command.argv = {kPython, "-I", "-B", kHost, "call", dir_.path()};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    const auto outcome = process::run(command);
    EXPECT_TRUE(outcome && outcome->exit_code == 0) << words[0] << ": " << outcome->err;
    return outcome ? outcome->out : "";
  }

  const std::string toolstack_;
  test::TempDir dir_;
  test::Child host_;
  std::set<std::string> devices_;
  std::set<std::string> crashed_;
};

}  // namespace

std::unique_ptr<Rig> make_xen_host_rig(const std::string& toolstack) {
  return std::make_unique<XenHostRig>(toolstack);
}

std::unique_ptr<vmm_delegate::Hypervisor> make_xen_host_driver(const std::string& configuration) {
  auto table = config::Table::parse(configuration);
  if (!table || !configuration.starts_with("[xen-host]")) return nullptr;
  config::Table host = table->table("xen-host");
  const std::string folder = host.string("folder");
  vmm_delegate::XenOptions options;
  options.toolstack = host.string("toolstack");
  options.program = folder + "/" + options.toolstack;
  options.xenstore = folder + "/xenstored.socket";
  options.sysfs = folder + "/sys";
  return std::make_unique<vmm_delegate::XenHypervisor>(std::move(options));
}

}  // namespace vbs::conformance
