#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/unit/vmm_delegate/machine_support.h"
#include "vmm_delegate/hypervisor/xen/xen.h"

namespace vbs::vmm_delegate {

/// The stand-in for a Xen host, tests/fakes/xen_host, with the driver in front of it.
class XenFixture : public testing::Test {
 protected:
  void SetUp() override {
    host_ = test::Child({kPython, "-I", "-B", kHost, "serve", dir.path(), patience}, {},
                        dir.path("log"));
    ASSERT_TRUE(test::eventually([&] { return ::access(dir.path("ready").c_str(), F_OK) == 0; }))
        << read_file(dir.path("log")).value_or("");
    options.xenstore = dir.path("xenstored.socket");
    options.sysfs = dir.path("sys");
    options.busy = Milliseconds(20'000);
    options.xenstore_limit = Milliseconds(20'000);
    options.let_go = Milliseconds(200);
    use(options.toolstack);
    order({"create", "vm1"});
    add_device(id, volume.str());
  }

  void use(const std::string& toolstack) {
    options.toolstack = toolstack;
    options.program = dir.path(toolstack);
  }
  XenHypervisor hypervisor() { return XenHypervisor(options); }

  /// One of the orders that tests/fakes/xen_host/__main__.py lists.
  std::string order(const std::vector<std::string>& words) {
    process::Command command;
    command.argv = {kPython, "-I", "-B", kHost, "call", dir.path()};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    const auto outcome = process::run(command);
    EXPECT_TRUE(outcome && outcome->exit_code == 0) << words[0] << ": " << outcome->err;
    return outcome ? outcome->out : "";
  }

  static std::string path_of(const Uuid& attachment) {
    return "/dev/disk/by-path/ip-10.9.0.1:3260-iscsi-iqn.2026-01.vbs:" + attachment.str() +
           "-lun-1";
  }
  void add_device(const Uuid& attachment, const std::string& serial) {
    order({"device", path_of(attachment), serial, "33554432"});
  }
  wire::DeviceSpec spec(const std::string& device = "/dev/sdb") const {
    wire::DeviceSpec spec = test::device_spec("vm1", volume);
    spec.device = device;
    return spec;
  }
  /// What the VM holds, read with a driver of its own.
  std::vector<wire::DeviceStatus> held() {
    auto view = hypervisor().look("vm1");
    EXPECT_TRUE(view) << view.error().message;
    return view->devices;
  }
  /// The words of the runs that changed something.
  std::vector<std::string> changes() {
    std::vector<std::string> all;
    std::istringstream calls(order({"calls"}));
    for (std::string call; std::getline(calls, call);) {
      if (!call.ends_with(" list")) all.push_back(call);
    }
    return all;
  }

  static constexpr const char* kPython = "/usr/bin/python3";
  static constexpr const char* kHost = VBS_SOURCE_DIR "/tests/fakes/xen_host";
  std::string patience = "0.3";  ///< of the tools with a guest, in seconds
  test::TempDir dir;
  XenOptions options;
  const Uuid id = test::test_id(1);
  const Uuid volume = test::test_id(1001);

 private:
  test::Child host_;
};

}  // namespace vbs::vmm_delegate
