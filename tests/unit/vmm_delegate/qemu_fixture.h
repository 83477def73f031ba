#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/vmm_delegate/machine_support.h"
#include "vmm_delegate/hypervisor/qemu/qemu.h"
#include "vmm_delegate/initiator/iscsi_login.h"

namespace vbs::vmm_delegate {

/// Real QEMUs without an operating system and a real tgtd.
class QemuFixture : public testing::Test {
 protected:
  void SetUp() override {
    const std::string missing = test::missing_program();
    if (!missing.empty()) GTEST_SKIP() << missing << " is not installed";
    tgtd = std::make_unique<test::TestTgtd>(dir.path());
    options.folder = dir.path();
    options.plug.initiator = kInitiator;
    options.plug.iscsi_timeout_s = 1;
    options.qmp.greeting = Milliseconds(20'000);
    options.qmp.exchange = Milliseconds(20'000);
    options.busy = Milliseconds(60'000);
    options.probe = [](const std::string& portal, const std::string& target) {
      return probe_target(kInitiator, portal, target, Milliseconds(1'000));
    };
  }

  QemuHypervisor hypervisor() { return QemuHypervisor(options); }

  void start(const std::string& name, const std::vector<std::string>& more = test::kScsi) {
    vms[name] = test::start_qemu(dir.path(), name, more);
    ASSERT_TRUE(test::eventually([&] { return look(name).has_value(); })) << name;
  }

  /// Asks QEMU itself, past the code under test's bookkeeping.
  Result<std::map<Uuid, qemu::Held>> look(const std::string& name) {
    auto qmp = connect(name);
    if (!qmp) return fail(qmp.error());
    return qemu::look(*qmp);
  }
  Result<Qmp> connect(const std::string& name) {
    return Qmp::connect(dir.path(name + ".qmp"), options.qmp);
  }

  wire::DeviceSpec spec(unsigned number, const std::string& vm = "vm1") {
    wire::DeviceSpec spec = test::device_spec(vm, test::test_id(1000 + number));
    spec.session = tgtd->serve(number, spec.session.volume, kInitiator);
    return spec;
  }

  static constexpr const char* kInitiator = "iqn.2026-01.vbs:node-test";
  test::TempDir dir;
  std::unique_ptr<test::TestTgtd> tgtd;
  std::map<std::string, test::Child> vms;
  QemuOptions options;
  const Uuid id = test::test_id(1);
};

}  // namespace vbs::vmm_delegate
